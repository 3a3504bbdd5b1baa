"""`hinomi assets`: what is known of a tenant's resources, and the tags of our own records."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, HomeOption, TenantName, open_authorizer
from cli.parameters import choice, command, parameter
from pipeline.providers.registry import PROVIDERS

app = typer.Typer()
assets_app = typer.Typer(help="A tenant's resources.", no_args_is_help=True)
app.add_typer(assets_app, name="assets")

Resource = Annotated[str, typer.Argument(help="a resource's full id or name")]
Tag = Annotated[str, typer.Argument(help="key=value")]
Day = Annotated[
    datetime | None, typer.Option("--on", formats=["%Y-%m-%d"], help="as of the end of this day (Asia/Tokyo)")
]


@assets_app.command("list")
def list_(
    tenant: TenantName,
    kind: Annotated[str, typer.Option(help="only this kind, such as aws.s3.bucket")] = "",
    account: Annotated[
        str, typer.Option("--account", "--scope", help="only in this account, subscription or project")
    ] = "",
    region: Annotated[str, typer.Option(help="only in this region or location")] = "",
    tag: Annotated[str, typer.Option(help="only with this tag, key=value: ours, or the resource's own")] = "",
    text: Annotated[str, typer.Option(help="only where the name or id has this text, in whatever case")] = "",
    on: Day = None,
    format: Annotated[Literal["table", "jsonl"], typer.Option(help="what to print")] = "table",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """List resources as they were last seen, or as of the end of a past day."""
    import msgspec
    from rich.console import Console

    from cli.tables import nothing_known, plain_table
    from contract.days import as_of
    from model.text import printable
    from pipeline.clock import SystemClock
    from store.rows import Selection

    where = {name: value for name, value in (("kind", kind), ("scope", account), ("region", region)) if value}
    at = as_of(on and on.date(), SystemClock().now())
    wanted = Selection(where, limit=1_000_000, at=at, text=text, tag=tag)
    with open_authorizer(home).tenant("assets.read", tenant).read() as reader:
        rows, run = reader.assets(wanted), reader.last_run(wanted.at)
    if format == "jsonl":
        for row in rows:
            sys.stdout.write(msgspec.json.encode(row).decode() + "\n")
        return
    if not rows and run is None:
        print(f"{nothing_known(wanted.at).capitalize()}.")
        return
    table = plain_table("kind", "name", "account", "region", "since")
    for row in sorted(rows, key=lambda row: (row.kind, row.name, row.region)):
        table.add_row(row.kind, printable(row.name), row.scope, row.region, row.valid_from[:10])
    Console(highlight=False, markup=False).print(table)


def _parse(files: list[Path], provider: str) -> None:
    import msgspec

    from pipeline.providers.provider import provider_of
    from pipeline.providers.recordings import parse

    for file, outcome in parse(files, provider_of(provider, PROVIDERS)):
        line = {"file": str(file)} | msgspec.to_builtins(outcome)
        sys.stdout.write(msgspec.json.encode(line).decode() + "\n")


_PARSE_HELP = "Put recorded replies through the parsers; a JSON line each resource: asset, unknown-type or malformed."
_Files = Annotated[list[Path], typer.Argument(help="recorded exchanges: JSON with method, url, status, response")]
_RECORDED = choice([one.name for one in PROVIDERS if one.recordings], "whose they are", "--provider")
assets_app.command("parse")(
    command(_parse, _PARSE_HELP, [parameter("files", _Files), parameter("provider", _RECORDED)])
)


@assets_app.command()
def show(tenant: TenantName, resource: Resource, on: Day = None, home: HomeOption = DEFAULT_HOME) -> None:
    """Print what is known of a resource, as JSON lines: one for each record of it."""
    import msgspec

    from contract.days import as_of
    from model.fault import Refused
    from pipeline.clock import SystemClock

    with open_authorizer(home).tenant("assets.read", tenant).read() as reader:
        at, tags = as_of(on and on.date(), SystemClock().now()), reader.asset_tags()
        states = [state for uid in reader.uids_of(resource) if (state := reader.asset(uid, at))]
        if not states:
            when = f" on {on.date()}" if on else ""
            raise Refused(f"no resource is called {resource!r}{when}; see `hinomi assets list {tenant}`")
        for state in states:
            known = msgspec.to_builtins(state) | {"tags": sorted(tags.get(state.uid, ()))}
            sys.stdout.write(msgspec.json.encode(known).decode() + "\n")


@assets_app.command()
def tag(tenant: TenantName, resource: Resource, tag: Tag, home: HomeOption = DEFAULT_HOME) -> None:
    """Put a tag of ours on the record of a resource; exceptions may name it."""
    _tag(tenant, resource, tag, home, there=True)


@assets_app.command()
def untag(tenant: TenantName, resource: Resource, tag: Tag, home: HomeOption = DEFAULT_HOME) -> None:
    """Take a tag of ours off the record of a resource."""
    _tag(tenant, resource, tag, home, there=False)


def _tag(tenant: str, resource: str, tag: str, home: HomeOption, *, there: bool) -> None:
    from pipeline.clock import SystemClock
    from pipeline.tenants import exceptions

    authorizer = open_authorizer(home)
    store = authorizer.tenant("exceptions.grant", tenant)
    changed = exceptions.tag(store, resource, tag, authorizer.actor.name, SystemClock(), there=there)
    print(f"{resource}: {tag} {'is on' if there else 'is off'}; {changed} findings are changed by that.")
