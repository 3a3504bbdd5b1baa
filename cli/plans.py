"""`hinomi plan`, `show`, `approve`, `reject`, `run`, `verify`, `rollback`, `status`: changes, and rolling them back."""

import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, UNKNOWNS, HomeOption, LanguageOption, TenantName, open_authorizer, open_world

if TYPE_CHECKING:
    from model.plan import Plan
    from model.text import Text
    from pipeline.access.authorization import Authorizer
    from pipeline.changing.permits import Permits
    from remediation.approval import Standing

app = typer.Typer()

PlanId = Annotated[str, typer.Argument(help="a plan's id")]
FormatOption = Annotated[Literal["text", "json", "html"], typer.Option(help="what to print")]
Chosen = Annotated[
    list[str] | None, typer.Option("--resource", help="only this one: its id, its name or a finding's id")
]


@app.command()
def plan(
    tenant: TenantName,
    playbook: Annotated[str, typer.Argument(help="a playbook's id; `hinomi catalog list` shows them")],
    home: HomeOption = DEFAULT_HOME,
    resource: Chosen = None,
    requested_by: Annotated[str, typer.Option(help="the person it is made for, who cannot approve it either")] = "",
    most: Annotated[int, typer.Option(min=0, help="more resources at once than usual; two persons approve then")] = 0,
    live: Annotated[bool, typer.Option("--live", help="change also what infrastructure code owns")] = False,
    language: LanguageOption = "en",
    format: FormatOption = "text",
) -> None:
    """Make a plan for the open findings that a playbook closes; nothing is changed, and no cloud is asked."""
    from pipeline.changing.plans import Wanted, make_plan
    from pipeline.changing.requesters import requester_called
    from pipeline.clock import SystemClock

    authorizer = open_authorizer(home)
    spec = authorizer.file("plans.propose", tenant)
    requester = requester_called(authorizer.service("plans.propose"), requested_by)
    wanted = Wanted(playbook, requester, tuple(resource or ()), most, live)
    made = make_plan(authorizer.tenant("plans.propose", tenant), spec, wanted, authorizer.actor, SystemClock())
    _print(authorizer, home, made, language, format)


@app.command()
def show(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
    language: LanguageOption = "en",
    format: FormatOption = "text",
) -> None:
    """Show a plan with its values, calls and inverse calls, and how far it is."""
    from pipeline.changing.plans import read_plan

    authorizer = open_authorizer(home)
    _print(authorizer, home, read_plan(authorizer.tenant("plans.read", tenant), plan), language, format)


@app.command()
def approve(
    tenant: TenantName,
    plan: PlanId,
    hash_: Annotated[str, typer.Option("--hash", help="the hash of the plan that you have seen (12 digits or all 64)")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Approve a plan; your word is bound to its hash."""
    _vote(open_authorizer(home), tenant, plan, hash_, "")


@app.command()
def reject(
    tenant: TenantName,
    plan: PlanId,
    reason: Annotated[str, typer.Option(help="why not")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Reject a plan; it cannot be carried out any more."""
    _vote(open_authorizer(home), tenant, plan, "", reason)


@app.command()
def withdraw(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Withdraw your vote on a plan; that is possible until the first change of it is sent."""
    authorizer = open_authorizer(home)
    stands = _permits(authorizer, "plans.approve", tenant).withdraw_vote(plan, authorizer.actor.name)
    print(f"plan {plan} is {stands.state}" + (f"; {_missing(stands)}" if stands.state == "proposed" else ""))


@app.command()
def run(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Carry out an approved plan, or go on with one that was broken off. Exit 3: something did not come out well."""
    from pipeline.serving.jobs import change_job
    from pipeline.serving.work import claimed_now, work

    authorizer = open_authorizer(home)
    permits = _permits(authorizer, "plans.run", tenant)
    permits.check(plan)
    wanted = change_job(tenant, plan, permits.clock.now(), authorizer.actor.name)
    with open_world(home, authorizer, "plans.run") as world, claimed_now(world, wanted) as job:
        done = work(world, job, threading.Event())
    if done.state == "failed":
        print(f"hinomi: {done.outcome}", file=sys.stderr)
    raise typer.Exit(_print_status(authorizer, tenant, plan))


@app.command()
def verify(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Look once more whether what a plan has changed is as wanted. Exit 3: something is not."""
    from pipeline.changing.carrying_out import verify_again
    from pipeline.serving.work import catalog_for_changes
    from pipeline.world import take_task

    authorizer = open_authorizer(home)
    spec = authorizer.file("plans.run", tenant)
    catalog = catalog_for_changes(authorizer.tenant("plans.run", tenant), [plan])
    with open_world(home, authorizer, "plans.run") as world:
        verify_again(world, take_task(world, "verify", spec, catalog, authorizer.actor.name), plan)
    raise typer.Exit(_print_status(authorizer, tenant, plan))


@app.command()
def rollback(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
    resource: Chosen = None,
    language: LanguageOption = "en",
    format: FormatOption = "text",
) -> None:
    """Make the plan that rolls a plan back, on what is there now; like any plan it is approved, then carried out."""
    from pipeline.changing.carrying_out import make_rollback

    authorizer = open_authorizer(home)
    spec, chosen = authorizer.file("plans.propose", tenant), tuple(resource or ())
    with open_world(home, authorizer, "plans.propose") as world:
        made = make_rollback(world, spec, plan, authorizer.actor, chosen)
    _print(authorizer, home, made, language, format)


@app.command()
def status(
    tenant: TenantName,
    plan: Annotated[str, typer.Argument(help="a plan's id; without one, all plans")] = "",
    home: HomeOption = DEFAULT_HOME,
    last: Annotated[int, typer.Option(min=1, max=1000, help="how many plans, newest first")] = 20,
) -> None:
    """Show how far a plan is, each resource and each call; or list the plans. Exit 3: not everything came out well."""
    from cli.plan_views import print_plans
    from remediation.approval import stand

    authorizer = open_authorizer(home)
    if plan:
        raise typer.Exit(_print_status(authorizer, tenant, plan))
    permits = _permits(authorizer, "plans.read", tenant)
    with permits.store.read() as reader:
        under = permits.circumstances(reader)
        found = reader.plans.newest(last)
        orders = reader.plans.orders()
        standings = [stand(one, reader.plans.votes(one.id), orders, under) for one in found]
        rows = [(one, stands, reader.plans.progress(one.id)) for one, stands in zip(found, standings, strict=True)]
    print_plans(rows)


def _vote(authorizer: "Authorizer", tenant: str, plan: str, hash_: str, reason: str) -> None:
    from model.canonical import instant
    from model.fault import Refused
    from model.plan import Vote
    from pipeline.changing.plans import read_plan

    permits = _permits(authorizer, "plans.approve", tenant)
    seen = read_plan(permits.store, plan)
    if not reason and (len(hash_) < _SHORT_HASH or not seen.hash.startswith(hash_)):
        raise Refused(
            f"the plan {plan} has another hash than {hash_!r}; look at it again: `hinomi show {tenant} {plan}`"
        )
    ballot = Vote(
        plan, seen.hash, authorizer.actor.name, authorizer.side, not reason, instant(permits.clock.now()), reason
    )
    stands = permits.vote(ballot)
    print(f"plan {plan} is {stands.state}" + (f"; {_missing(stands)}" if stands.state == "proposed" else ""))


_SHORT_HASH = 12


def _missing(stands: "Standing") -> str:
    wanted = [
        f"{stands.missing} more approvals" if stands.missing else "",
        "the customer's" if stands.customer_missing else "",
    ]
    return "it needs " + " and ".join(part for part in wanted if part)


def _permits(authorizer: "Authorizer", action: str, tenant: str) -> "Permits":
    from pipeline.changing.permits import Permits
    from pipeline.clock import SystemClock

    return Permits(authorizer.service(action), authorizer.tenant(action, tenant), tenant, SystemClock())


def _print(authorizer: "Authorizer", home: Path, made: "Plan", language: Literal["en", "ja"], format: str) -> None:
    stands = _permits(authorizer, "plans.read", made.tenant).standing(made)
    if format == "json":
        from model.canonical import encode

        sys.stdout.write(encode({"hash": made.hash, "standing": stands, "plan": made}).decode() + "\n")
    elif format == "html":
        from reports.plan_page import render

        sys.stdout.write(render(made, stands.state, _provider(authorizer, home, made), language))
    else:
        from cli.plan_views import print_plan

        print_plan(made, stands, language)


def _provider(authorizer: "Authorizer", home: Path, made: "Plan") -> "Text | None":
    """Return the name of the provider that the contract was with when a plan was made."""
    from model.canonical import parse_instant
    from pipeline.installation import settings
    from pipeline.tenants.provided import provider_name

    store = authorizer.tenant("plans.read", made.tenant)
    return provider_name(store, parse_instant(made.created_at), settings(home).service_providers)


def _print_status(authorizer: "Authorizer", tenant: str, plan: str) -> int:
    """Print how far a plan is; return the exit status."""
    from cli.plan_views import print_progress
    from pipeline.changing.plans import read_plan

    store = authorizer.tenant("plans.read", tenant)
    one = read_plan(store, plan)
    with store.read() as reader:
        progress, journal = reader.plans.progress(plan), reader.plans.journal(plan)
    return 0 if print_progress(one, progress, journal) else UNKNOWNS
