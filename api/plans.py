"""The API's routes to plans of changes: to make, read, approve and start them. What changes anything is a worker's."""

from collections import Counter
from typing import Annotated

from fastapi import APIRouter, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from api import answers
from api.answers import Json, Page, PlanRow, PlanView, answering, cursor_of
from api.dependencies import TEXT, Authorized, Cursor, Form, Id, Limit, OfService, Service, TenantId
from model.canonical import instant, parse_instant
from model.fault import Refused
from model.job import Job
from model.plan import Plan, Vote
from model.text import Language
from pipeline.changing.permits import Permits
from pipeline.changing.plans import Wanted, make_plan, read_plan
from pipeline.changing.requesters import requester_called
from pipeline.serving.jobs import change_job, queue
from pipeline.tenants.provided import provider_name
from remediation.approval import Circumstances, Standing, stand
from reports.plan_page import render
from store.reader import Reader
from store.tenant import TenantStore

router = APIRouter(prefix="/v1/tenants/{tenant}/plans")
_Word = Annotated[str, Field(max_length=400, pattern=TEXT)]


class WantedPlan(Form):
    """What a plan is asked for; no resources named = all whose findings the playbook closes."""

    playbook: _Word
    requested_by: _Word = ""
    resources: Annotated[tuple[_Word, ...], Field(max_length=500)] = ()
    most: Annotated[int, Field(ge=0, le=100_000)] = 0
    live: bool = False


class Ballot(Form):
    """A person's word on the plan that they have seen, which its hash names; whoever rejects it says why."""

    hash: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
    approve: bool
    reason: Annotated[str, Field(max_length=2000, pattern=TEXT)] = ""


@router.get("", **answering(Page[PlanRow]))
def plans(
    tenant: TenantId, authorizer: Authorized, service: OfService, cursor: Cursor = "", limit: Limit = 100
) -> Response:
    """List plans, newest first."""
    after = answers.key_of(cursor, 2)
    store = authorizer.tenant("plans.read", tenant)
    with store.read() as reader:
        under = _permits(store, tenant, service).circumstances(reader)
        found = reader.plans.newest(limit, (after[0], after[1]) if after else None)
        rows = [_row(reader, plan, under) for plan in found]
        last = cursor_of(rows[-1].created_at, rows[-1].id) if len(rows) == limit else ""
        return Json(Page(rows, last, reader.damaged))


@router.post("", **answering(PlanView, 201))
def propose(tenant: TenantId, form: WantedPlan, authorizer: Authorized, service: OfService) -> Response:
    """Make a plan for open findings; nothing is changed, and no cloud is asked."""
    spec, store = authorizer.file("plans.propose", tenant), authorizer.tenant("plans.propose", tenant)
    requester = requester_called(service.home, form.requested_by)
    wanted = Wanted(form.playbook, requester, form.resources, form.most, form.live)
    plan = make_plan(store, spec, wanted, authorizer.actor, service.clock)
    return Json(_view(store, plan, service), status_code=201)


@router.get("/{plan}", **answering(PlanView))
def plan(tenant: TenantId, plan: Id, authorizer: Authorized, service: OfService) -> Response:
    """Show a plan with its values, calls and inverse calls, its hash, where it stands and how far it is."""
    store = authorizer.tenant("plans.read", tenant)
    return Json(_view(store, read_plan(store, plan), service))


@router.get("/{plan}/page", response_class=HTMLResponse)
def page(tenant: TenantId, plan: Id, authorizer: Authorized, service: OfService, language: Language = "ja") -> Response:
    """Show a plan as a page for people."""
    store = authorizer.tenant("plans.read", tenant)
    found = read_plan(store, plan)
    provider = provider_name(store, parse_instant(found.created_at), service.installation.service_providers)
    shown = render(found, _permits(store, tenant, service).standing(found).state, provider, language)
    return HTMLResponse(shown, headers={"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'"})


@router.post("/{plan}/votes", **answering(Standing, 201))
def cast(tenant: TenantId, plan: Id, form: Ballot, authorizer: Authorized, service: OfService) -> Response:
    """Approve or reject a plan; one's word is bound to the hash of the plan that one has seen."""
    store = authorizer.tenant("plans.approve", tenant)
    found = read_plan(store, plan)
    if form.approve == bool(form.reason):
        raise Refused("a reason is given by whoever rejects a plan, and by nobody else")
    at = instant(service.clock.now())
    word = Vote(found.id, form.hash, authorizer.actor.name, authorizer.side, form.approve, at, form.reason)
    return Json(_permits(store, tenant, service).vote(word), status_code=201)


@router.delete("/{plan}/votes", **answering(Standing))
def withdraw(tenant: TenantId, plan: Id, authorizer: Authorized, service: OfService) -> Response:
    """Withdraw one's own vote on a plan; that is possible until the first change of it is sent."""
    permits = _permits(authorizer.tenant("plans.approve", tenant), tenant, service)
    return Json(permits.withdraw_vote(plan, authorizer.actor.name))


@router.get("/{plan}/runs", **answering(Page[Job]))
def runs(tenant: TenantId, plan: Id, authorizer: Authorized, service: OfService) -> Response:
    """List the newest jobs that carried out a plan, and how each ended: one page."""
    made = read_plan(authorizer.tenant("plans.read", tenant), plan).created_at
    with service.home.service.read() as session:
        jobs = session.jobs.of("change", tenant, None, answers.LARGEST_PAGE)
    return Json(Page([answers.without_holder(job) for job in jobs if job.plan in (plan, "") and job.slot >= made]))


@router.post("/{plan}/runs", **answering(Job, 202))
def run(tenant: TenantId, plan: Id, authorizer: Authorized, service: OfService) -> Response:
    """Have an approved plan carried out, or gone on with, as soon as a worker is free."""
    store = authorizer.tenant("plans.run", tenant)
    _permits(store, tenant, service).check(plan)
    wanted = change_job(tenant, plan, service.clock.now(), authorizer.actor.name)
    return Json(answers.without_holder(queue(service.home, wanted, service.clock)), status_code=202)


def _row(reader: Reader, plan: Plan, under: Circumstances) -> PlanRow:
    states: Counter[str] = Counter(step.state for step in reader.plans.progress(plan.id).values())
    return PlanRow(
        id=plan.id,
        hash=plan.hash,
        playbook=plan.playbook,
        undoes=plan.undoes,
        author=plan.author,
        requester=plan.requester,
        created_at=plan.created_at,
        resources=len(plan.steps),
        standing=stand(plan, reader.plans.votes(plan.id), reader.plans.orders(), under),
        states=dict(states),
    )


def _view(store: TenantStore, plan: Plan, service: Service) -> PlanView:
    with store.read() as reader:
        progress, calls = [*reader.plans.progress(plan.id).values()], reader.plans.journal(plan.id)
    stands = _permits(store, plan.tenant, service).standing(plan)
    return PlanView(plan.hash, stands, plan, progress, calls)


def _permits(store: TenantStore, tenant: str, service: Service) -> Permits:
    return Permits(service.home, store, tenant, service.clock)
