"""`hinomi exceptions`: what is known and accepted for a time."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from cli.context import DEFAULT_HOME, HomeOption, TenantName, open_authorizer

app = typer.Typer()
exceptions_app = typer.Typer(help="Findings that are known and accepted for a time.", no_args_is_help=True)
app.add_typer(exceptions_app, name="exceptions")

Day = Annotated[
    datetime, typer.Option("--expires", formats=["%Y-%m-%d"], help="its last day (Asia/Tokyo); at most 366 days off")
]


@exceptions_app.command()
def add(
    tenant: TenantName,
    reason: Annotated[str, typer.Option(help="why it is accepted")],
    expires: Day,
    policy: Annotated[str, typer.Option(help="only findings of this policy")] = "",
    account: Annotated[str, typer.Option(help="only in this account")] = "",
    region: Annotated[str, typer.Option(help="only in this region")] = "",
    resource: Annotated[
        str, typer.Option(help="only at this resource: its full id or its name, * for any characters")
    ] = "",
    tag: Annotated[str, typer.Option(help="only where our own record has this tag (key=value)")] = "",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Grant an exception; what it is meant for is suppressed at once, until its last day."""
    from catalog.folder import config_folder
    from model.canonical import instant
    from model.suppression import Suppression
    from pipeline.clock import SystemClock
    from pipeline.policies.texts import shipped, texts
    from pipeline.tenants.exceptions import expiry, grant, named

    clock, authorizer = SystemClock(), open_authorizer(home)
    store = authorizer.tenant("exceptions.grant", tenant)
    wanted = Suppression(
        id="",
        reason=reason,
        author=authorizer.actor.name,
        created_at=instant(clock.now()),
        expires_at=expiry(expires.date(), clock),
        policy=policy,
        scope=account,
        region=region,
        resource=resource,
        tag=tag,
    )
    with store.read() as reader:
        known = texts(shipped(config_folder()), reader)
    made = named(wanted, known)
    print(
        f"{made.id}: {grant(store, [made], authorizer.actor.name, clock)} findings "
        f"are suppressed until {expires.date()}."
    )


@exceptions_app.command("list")
def list_(
    tenant: TenantName,
    home: HomeOption = DEFAULT_HOME,
    all_: Annotated[bool, typer.Option("--all", help="also those that ended")] = False,
) -> None:
    """List exceptions, those that end first foremost."""
    from rich.console import Console

    from cli.tables import plain_table
    from model.canonical import instant
    from model.text import printable
    from pipeline.clock import SystemClock

    with open_authorizer(home).tenant("exceptions.read", tenant).read() as reader:
        found = reader.suppressions("" if all_ else instant(SystemClock().now()))
    table = plain_table("id", "until", "policy", "where", "resource", "tag", "author", "reason")
    for s in found:
        ends = f"withdrawn {s.withdrawn_at[:10]}" if s.withdrawn_at else s.expires_at[:10]
        cells = (s.id, ends, s.policy, f"{s.scope} {s.region}".strip(), s.resource, s.tag, s.author, s.reason)
        table.add_row(*(printable(cell) for cell in cells))
    Console(highlight=False, markup=False).print(table)


@exceptions_app.command()
def withdraw(
    tenant: TenantName,
    exception: Annotated[str, typer.Argument(help="an id, as `hinomi exceptions list` shows it")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """End an exception before its day; what it suppressed is reopened."""
    from pipeline.clock import SystemClock
    from pipeline.tenants import exceptions

    authorizer = open_authorizer(home)
    store = authorizer.tenant("exceptions.grant", tenant)
    print(f"{exceptions.withdraw(store, exception, authorizer.actor.name, SystemClock())} findings are reopened.")


@exceptions_app.command("import")
def import_(
    tenant: TenantName,
    file: Annotated[Path, typer.Argument(help="a mute list of Prowler's (YAML)")],
    expires: Day,
    reason: Annotated[str, typer.Option(help="why, where the list gives no description")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Take over a mute list of Prowler's; what cannot be said in ours is left out, by name."""
    from catalog import policies
    from catalog.folder import config_folder
    from model.canonical import instant
    from pipeline.clock import SystemClock
    from pipeline.tenants.exceptions import expiry, grant, named
    from pipeline.tenants.mute_lists import Grant, load

    clock, authorizer = SystemClock(), open_authorizer(home)
    store = authorizer.tenant("exceptions.grant", tenant)
    known = policies.load(config_folder() / "policies")
    terms = Grant(authorizer.actor.name, reason, instant(clock.now()), expiry(expires.date(), clock))
    found, left = load(file, known, terms)
    number = grant(store, [named(one, {policy.id for policy in known}) for one in found], authorizer.actor.name, clock)
    print(f"{len(found)} exceptions; {number} findings are suppressed until {expires.date()}; {len(left)} left out.")
    for fault in left:
        print(f"hinomi: {fault}", file=sys.stderr)
