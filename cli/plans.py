"""`hinomi plan`, `show`, `approve`, `reject`, `run`, `verify`, `rollback`, `status`: changes, and taking them back."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, UNKNOWNS, HomeOption, open_desk

if TYPE_CHECKING:
    from model.plan import Plan
    from pipeline.desk import Desk
    from pipeline.work import Bench
    from remediation.approval import Standing
    from store.home import Home

app = typer.Typer()
orders_app = typer.Typer(help="What may be mended without asking each time (an option).", no_args_is_help=True)
app.add_typer(orders_app, name="orders")
changes_app = typer.Typer(help="Stop all changes at once, and let them go on.", no_args_is_help=True)
app.add_typer(changes_app, name="changes")

TenantName = Annotated[str, typer.Argument(help="a tenant's id")]
PlanId = Annotated[str, typer.Argument(help="a plan's id")]
LanguageOption = Annotated[Literal["en", "ja"], typer.Option(help="language of texts")]
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
    from pipeline.clock import SystemClock
    from pipeline.plans import Wanted, make_plan

    desk = open_desk(home)
    spec = desk.file("plans.propose", tenant)
    wanted = Wanted(playbook, requested_by, tuple(resource or ()), most, live)
    made = make_plan(desk.tenant("plans.propose", tenant), spec, wanted, desk.actor, SystemClock())
    _print(desk, made, language, format)


@app.command()
def show(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
    language: LanguageOption = "en",
    format: FormatOption = "text",
) -> None:
    """Show a plan with its values, calls and inverse calls, and how far it is."""
    from pipeline.plans import read_plan

    desk = open_desk(home)
    _print(desk, read_plan(desk.tenant("plans.read", tenant), plan), language, format)


@app.command()
def approve(
    tenant: TenantName,
    plan: PlanId,
    hash_: Annotated[str, typer.Option("--hash", help="the hash of the plan that you have seen (12 digits or all 64)")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Approve a plan; your word is bound to its hash."""
    _vote(open_desk(home), tenant, plan, hash_, "")


@app.command()
def reject(
    tenant: TenantName,
    plan: PlanId,
    reason: Annotated[str, typer.Option(help="why not")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Reject a plan; it cannot be carried out any more."""
    _vote(open_desk(home), tenant, plan, "", reason)


@app.command()
def run(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Carry out an approved plan, or go on with one that was broken off. Exit 3: something did not come out well."""
    from pipeline.changes import start
    from pipeline.clock import SystemClock
    from pipeline.loop import hands_of
    from pipeline.work import change_now

    desk = open_desk(home)
    spec = desk.file("plans.run", tenant)
    with _bench(desk, "plans.run", tenant, plan) as bench:
        start(hands_of(bench.home, spec, bench.house, SystemClock()), plan, desk.actor.name)
        done = change_now(bench, tenant, desk.actor)
    if done.state == "failed":
        print(f"hinomi: {done.outcome}", file=sys.stderr)
    raise typer.Exit(_print_status(desk, tenant, plan))


@app.command()
def verify(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Look once more whether what a plan has changed is as wanted. Exit 3: something is not."""
    from pipeline.changes import verify_again
    from pipeline.clock import SystemClock
    from pipeline.loop import hands_of
    from pipeline.turn import take_turn

    desk = open_desk(home)
    spec = desk.file("plans.run", tenant)
    with _bench(desk, "plans.run", tenant, plan) as bench:
        hands = hands_of(bench.home, spec, bench.house, SystemClock())
        verify_again(hands, plan, take_turn(bench.home, f"verify:{tenant}", hands.now, desk.actor.name))
    raise typer.Exit(_print_status(desk, tenant, plan))


@app.command()
def rollback(
    tenant: TenantName,
    plan: PlanId,
    home: HomeOption = DEFAULT_HOME,
    resource: Chosen = None,
    language: LanguageOption = "en",
    format: FormatOption = "text",
) -> None:
    """Make the plan that takes a plan back on what is there now; like any plan it is approved, then carried out."""
    from pipeline.changes import make_undo
    from pipeline.clock import SystemClock
    from pipeline.loop import hands_of

    desk = open_desk(home)
    spec = desk.file("plans.propose", tenant)
    with _bench(desk, "plans.propose", tenant, plan) as bench:
        hands = hands_of(bench.home, spec, bench.house, SystemClock())
        made = make_undo(hands, plan, desk.actor, tuple(resource or ()))
    _print(desk, made, language, format)


@app.command()
def status(
    tenant: TenantName,
    plan: Annotated[str, typer.Argument(help="a plan's id; without one, all plans")] = "",
    home: HomeOption = DEFAULT_HOME,
    last: Annotated[int, typer.Option(min=1, max=1000, help="how many plans, newest first")] = 20,
) -> None:
    """Show how far a plan is, each resource and each call; or list the plans. Exit 3: not everything came out well."""
    from cli.plan_views import print_plans
    from pipeline.clock import SystemClock
    from remediation.approval import stand

    desk = open_desk(home)
    if plan:
        raise typer.Exit(_print_status(desk, tenant, plan))
    now = SystemClock().now()
    with desk.tenant("plans.read", tenant).read() as reader:
        found = reader.plans.newest(last)
        orders = reader.plans.orders()
        standings = [stand(one, reader.plans.votes(one.id), now, orders) for one in found]
        rows = [(one, stands, reader.plans.progress(one.id)) for one, stands in zip(found, standings, strict=True)]
    print_plans(rows)


@orders_app.command()
def grant(
    tenant: TenantName,
    playbook: Annotated[str, typer.Argument(help="a playbook's id")],
    reason: Annotated[str, typer.Option(help="why nobody has to be asked")],
    expires: Annotated[datetime, typer.Option(formats=["%Y-%m-%d"], help="its last day (Asia/Tokyo)")],
    scope: Annotated[str, typer.Option(help="only in this account, subscription, project or cluster")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Let a playbook mend what one person could approve, after each scan, until a day."""
    from model.canonical import instant
    from model.order import Order
    from pipeline.clock import SystemClock
    from pipeline.exceptions import expiry
    from pipeline.plans import grant as record

    clock, desk = SystemClock(), open_desk(home)
    spec, store = desk.file("plans.approve", tenant), desk.tenant("plans.approve", tenant)
    at = instant(clock.now())
    made = record(store, spec, Order("", playbook, scope, desk.actor.name, reason, at, expiry(expires.date(), clock)))
    print(f"{made.id}: {playbook} holds until {expires.date()}")


@orders_app.command()
def withdraw(
    tenant: TenantName,
    order: Annotated[str, typer.Argument(help="an order's id")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """End a standing order before its day."""
    from pipeline.clock import SystemClock
    from pipeline.plans import withdraw as end

    desk = open_desk(home)
    end(desk.tenant("plans.approve", tenant), order, desk.actor, SystemClock())
    print(f"{order} has ended")


@orders_app.command("list")
def list_(tenant: TenantName, home: HomeOption = DEFAULT_HOME) -> None:
    """List standing orders, also those that have ended."""
    from cli.plan_views import print_orders

    with open_desk(home).tenant("plans.read", tenant).read() as reader:
        print_orders(reader.plans.orders())


@changes_app.command()
def halt(
    reason: Annotated[str, typer.Option(help="why")],
    tenant: Annotated[str, typer.Argument(help="a tenant's id; without one, of all tenants")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Stop all changes from the next call on (the kill switch)."""
    from pipeline.clock import SystemClock
    from pipeline.plans import halt as stop

    desk = open_desk(home)
    stop(_service(desk, tenant), tenant, reason, desk.actor, SystemClock())
    print(f"changes of {tenant or 'all tenants'} are stopped; `hinomi changes resume {tenant}` lets them go on")


@changes_app.command()
def resume(
    tenant: Annotated[str, typer.Argument(help="a tenant's id; without one, of all tenants")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Let changes go on that were stopped."""
    from pipeline.clock import SystemClock
    from pipeline.plans import lift_halt

    desk = open_desk(home)
    lift_halt(_service(desk, tenant), tenant, desk.actor, SystemClock())
    print(f"changes of {tenant or 'all tenants'} go on")


def _service(desk: "Desk", tenant: str) -> "Home":
    """Return all stores: for one tenant of the actor's, or for all of them."""
    if not tenant:
        return desk.whole("changes.halt")
    desk.allow("changes.halt", tenant)
    return desk.service("changes.halt")


def _vote(desk: "Desk", tenant: str, plan: str, hash_: str, reason: str) -> None:
    from model.canonical import instant
    from model.fault import Refused
    from model.plan import Vote
    from pipeline.clock import SystemClock
    from pipeline.plans import read_plan, vote

    clock, store = SystemClock(), desk.tenant("plans.approve", tenant)
    seen = read_plan(store, plan)
    if not reason and (len(hash_) < _SHORT_HASH or not seen.hash.startswith(hash_)):
        raise Refused(
            f"the plan {plan} has another hash than {hash_!r}; look at it again: `hinomi show {tenant} {plan}`"
        )
    ballot = Vote(plan, seen.hash, desk.actor.name, desk.side, not reason, instant(clock.now()), reason)
    stands = vote(store, ballot, clock)
    print(f"plan {plan} is {stands.state}" + (f"; {_missing(stands)}" if stands.state == "proposed" else ""))


_SHORT_HASH = 12


def _missing(stands: "Standing") -> str:
    wanted = [
        f"{stands.missing} more approvals" if stands.missing else "",
        "the customer's" if stands.customer_missing else "",
    ]
    return "it needs " + " and ".join(part for part in wanted if part)


@contextmanager
def _bench(desk: "Desk", action: str, tenant: str, plan: str) -> "Iterator[Bench]":
    """Yield a worker's bench that knows the policies of this plan, of those under way, and of what people are told."""
    import httpx

    from catalog.folder import config_folder
    from notifier.message import Ways
    from pipeline.assembly import assemble_named
    from pipeline.clock import SystemClock
    from pipeline.jobs import Worker, name_of
    from pipeline.logs import quiet
    from pipeline.plans import playbook_of
    from pipeline.secrets import secret
    from pipeline.work import Bench

    quiet()  # people read what is printed, not the log
    clock = SystemClock()
    with desk.tenant(action, tenant).read() as reader:
        ids = {news.finding.policy for news in reader.untold()}
        used = reader.plans.playbooks({plan, *reader.plans.underway()})
        ids |= {closed for playbook in used for closed in playbook_of(playbook).closes}
    with httpx.Client(timeout=10.0) as http:
        ways = Ways(http, sys.stdout, secret, clock.now)
        yield Bench(desk.service(action), assemble_named(config_folder(), ids), ways, Worker(name_of(0), clock))


def _print(desk: "Desk", made: "Plan", language: Literal["en", "ja"], format: str) -> None:
    from pipeline.clock import SystemClock
    from remediation.approval import stand

    with desk.tenant("plans.read", made.tenant).read() as reader:
        stands = stand(made, reader.plans.votes(made.id), SystemClock().now(), reader.plans.orders())
    if format == "json":
        from model.canonical import encode

        sys.stdout.write(encode({"hash": made.hash, "standing": stands, "plan": made}).decode() + "\n")
    elif format == "html":
        from reports.plan_page import render

        sys.stdout.write(render(made, stands.state, language))
    else:
        from cli.plan_views import print_plan

        print_plan(made, stands, language)


def _print_status(desk: "Desk", tenant: str, plan: str) -> int:
    """Print how far a plan is; return the exit status."""
    from cli.plan_views import print_progress
    from pipeline.plans import read_plan

    store = desk.tenant("plans.read", tenant)
    one = read_plan(store, plan)
    with store.read() as reader:
        progress, journal = reader.plans.progress(plan), reader.plans.journal(plan)
    return 0 if print_progress(one, progress, journal) else UNKNOWNS
