"""`hinomi suspension`: Article 11, from the flood to the suspension."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import (
    DEFAULT_HOME,
    HomeOption,
    LanguageOption,
    TenantName,
    TextOrJson,
    TextOrJsonl,
    open_authorizer,
    write_page,
)

if TYPE_CHECKING:
    from pipeline.suspending.listing import SuspensionView

app = typer.Typer()
suspension_app = typer.Typer(help="Suspension because of massive logs (Article 11).", no_args_is_help=True)
app.add_typer(suspension_app, name="suspension")


@suspension_app.command()
def simulate(
    volume: Annotated[Path, typer.Argument(help="CSV: minute,tenant,records,bytes[,cause], from minute 0 on")],
    settings: Annotated[Path, typer.Option(help="JSON: committed, capacity and what else the stages go by")],
) -> None:
    """Show how stages would change with these volumes: a line of JSON for each change."""
    from pipeline.intake.simulation import changes, settings_in, volumes_in

    wanted = settings_in(settings)
    for one in changes(volumes_in(volume, list(wanted.committed)), wanted):
        said = {
            "minute": one.minute,
            "tenant": one.tenant,
            "from": one.before,
            "to": one.after,
            "reason": one.reason,
        }
        print(json.dumps(said, ensure_ascii=False))


Reason = Annotated[str, typer.Option(help="why; it stands on record")]


@suspension_app.command("list")
def list_(tenant: TenantName, format: TextOrJsonl = "text", home: HomeOption = DEFAULT_HOME) -> None:
    """List the suspensions of a tenant's logs, and what was proposed, the newest first."""
    from cli.tables import print_lines, print_rows
    from pipeline.clock import SystemClock
    from pipeline.suspending.reading import suspensions

    found = suspensions(tenant, open_authorizer(home).tenant("contract.read", tenant), SystemClock().now())
    if format == "jsonl":
        print_lines(found.suspensions)
        return
    most = found.admission.records_per_minute
    let_in = "" if most is None else f", {most:,} records a minute are let in"
    print(f"{tenant}: {found.admission.stage}{let_in} (times are Japan's)")
    if found.suspensions:
        header = ("case", "state", "reason", "scope", "since", "until")
        print_rows(header, [_row(one) for one in found.suspensions])


def _row(one: "SuspensionView") -> tuple[str, ...]:
    return one.id, one.state, one.reason, one.scope or "", _moment(one.since), _moment(one.until)


def _moment(text: str) -> str:
    from contract.days import begins
    from model.clock import in_japan

    return in_japan(begins(text)) if text else ""


@suspension_app.command()
def show(
    tenant: TenantName,
    case: Annotated[str, typer.Argument(help="a case's id")],
    page: Annotated[Path | None, typer.Option(help="write the evidence as one HTML page to this file")] = None,
    language: LanguageOption = "en",
    format: TextOrJson = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show a suspension, or the proposal of one: what it rests on, who judged, who was notified, what was missed."""
    import msgspec

    from contract.suspension_texts import change_text
    from model.canonical import instant
    from pipeline.clock import SystemClock
    from pipeline.installation import settings
    from pipeline.suspending.reading import PageWanted
    from pipeline.suspending.reading import case as case_of
    from pipeline.suspending.reading import page as page_of
    from pipeline.tenants.provided import provider_name

    authorizer, now = open_authorizer(home), SystemClock().now()
    store = authorizer.tenant("contract.read", tenant)
    found = case_of(store, case, now)
    if page:
        provider = provider_name(store, now, settings(home).service_providers)
        wanted = PageWanted(language, authorizer.actor.name, instant(now))
        write_page(page, page_of(store, found, provider, wanted))
        print(f"The evidence is {page}.")
    elif format == "json":
        print(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
    else:
        print(change_text(found.case.outcome, found.case).of(language))
        for judged in found.story.judgements:
            print(f"{_moment(judged.at)} {judged.person}: {judged.decision} {judged.reason}".rstrip())
        for notice in found.story.notices:
            print(f"{notice.to}, {notice.channel}: {notice.state} {_moment(notice.sent_at)}")
        for gap in found.story.gaps:
            missed = "an unknown number of" if gap.bytes is None else f"{gap.bytes:,}"
            print(f"{gap.source}: {missed} bytes were not taken in; {gap.filled:,} records were filled back")
        print(f"state: {found.view.state}")


@suspension_app.command()
def confirm(
    tenant: TenantName,
    reason: Reason,
    case: Annotated[str, typer.Option(help="the proposal's id; without it the newest one")] = "",
    scope: Annotated[
        Literal["logs", "service"], typer.Option(help="what stops: the taking in of logs, or the service")
    ] = "logs",
    hours: Annotated[int, typer.Option(help="for how long; without it as it is set")] = 0,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Suspend a tenant as it was proposed, in its window; by a lead who has signed in."""
    from pipeline.clock import SystemClock
    from pipeline.suspending.judging import Confirmation
    from pipeline.suspending.judging import confirm as judge

    made = judge(open_authorizer(home), tenant, Confirmation(reason, scope, hours, case), SystemClock())
    print(f"{tenant}: suspended by record {made.number}; fees go on as agreed")


@suspension_app.command()
def lift(tenant: TenantName, reason: Reason, home: HomeOption = DEFAULT_HOME) -> None:
    """End what suspends a tenant now; by a lead who has signed in."""
    from pipeline.clock import SystemClock
    from pipeline.suspending.judging import lift as judge

    for made in judge(open_authorizer(home), tenant, reason, SystemClock()):
        print(f"{tenant}: lifted by record {made.number}")


@suspension_app.command()
def criteria(
    tenant: TenantName,
    language: LanguageOption = "en",
    format: TextOrJson = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say by what a tenant's logs would be suspended: the same for all, but by conditions of the contract."""
    import msgspec

    from contract.suspension_criteria import shown
    from pipeline.clock import SystemClock
    from pipeline.tenants.applied import book_of
    from pipeline.tenants.log_rates import criteria_of

    now = SystemClock().now()
    store = open_authorizer(home).tenant("contract.read", tenant)
    found = criteria_of(tenant, store, now)
    if format == "json":
        print(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
        return
    for line in shown(found, book_of(store), now):
        print(line.of(language))
