"""`hinomi tenants`: which tenants there are, and what their files say."""

import json
import sys
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, HomeOption, LanguageOption, TenantName, TextOrJsonl, open_authorizer

if TYPE_CHECKING:
    from pipeline.tenants.views import TenantView

app = typer.Typer()
tenants_app = typer.Typer(help="Which tenants there are, and what their files say.", no_args_is_help=True)
app.add_typer(tenants_app, name="tenants")


@tenants_app.command("list")
def list_(language: LanguageOption = "en", format: TextOrJsonl = "text", home: HomeOption = DEFAULT_HOME) -> None:
    """List the tenants, each with where its contract is in its life, and what it has."""
    import msgspec

    from cli.tables import print_rows
    from contract.showing import phase_text
    from model.fault import Refused
    from pipeline.clock import SystemClock
    from pipeline.tenants.applied import book_of
    from pipeline.tenants.views import view_of

    authorizer, now, rows = open_authorizer(home), SystemClock().now(), []
    for tenant in authorizer.tenants():
        try:
            shown = view_of(authorizer.file("tenants.read", tenant))
            phase = book_of(authorizer.tenant("tenants.read", tenant)).term(now).phase
        except Refused as refused:  # one that cannot be read hides no other
            print(f"hinomi: {tenant}: {refused}", file=sys.stderr)
            continue
        if format == "jsonl":
            found = msgspec.to_builtins(shown) | {"state": phase}
            sys.stdout.write(json.dumps(found, ensure_ascii=False) + "\n")
        places = [*shown.accounts, *shown.organizations]
        cells = (tenant, shown.name.of(language), phase_text(phase).of(language), shown.start, shown.last_day)
        rows.append((*cells, str(len(places)), ", ".join(shown.options)))
    if format == "text":
        print_rows(("tenant", "name", "contract", "start", "last day", "places", "options"), rows)


@tenants_app.command()
def show(
    tenant: TenantName,
    language: LanguageOption = "en",
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="what to print")] = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show a tenant: its name, places and schedule, and its contract as it is on record."""
    import msgspec

    from cli.tables import print_rows
    from pipeline.tenants.views import view_of

    shown = view_of(open_authorizer(home).file("tenants.read", tenant))
    if format == "json":
        print(json.dumps(msgspec.to_builtins(shown), ensure_ascii=False))
        return
    suspended = [f"{one.first_day} to {one.last_day or '…'}: {one.reason}" for one in shown.suspended]
    print_rows(
        ("key", "value"),
        [
            ("tenant", shown.tenant),
            ("name", shown.name.of(language)),
            ("accounts", ", ".join(shown.accounts)),
            ("organizations", ", ".join(shown.organizations)),
            ("schedule", f"{shown.cron} (Asia/Tokyo)"),
            ("contract", _term(shown)),
            ("options", ", ".join(shown.options)),
            ("suspended", "; ".join(suspended)),
        ],
    )


def _term(shown: "TenantView") -> str:
    if not shown.start:
        return "none on record"
    return f"{shown.start} to {shown.last_day or '…, renewed year by year'}"


@tenants_app.command()
def editions(tenant: TenantName, format: TextOrJsonl = "text", home: HomeOption = DEFAULT_HOME) -> None:
    """List the editions of a tenant's file: who applied which when, and what it changed."""

    from cli.tables import print_lines, print_rows
    from contract.days import day_of
    from model.canonical import parse_instant
    from pipeline.tenants.views import edition_views

    authorizer = open_authorizer(home)
    authorizer.allow("tenants.read", tenant)
    found = list(edition_views(authorizer.service("tenants.read"), tenant))
    if format == "jsonl":
        print_lines(found)
        return
    rows = []
    for one in found:
        day = day_of(parse_instant(one.applied_at)).isoformat()
        rows.append((str(one.number), day, one.person, one.sha256[:12], ", ".join(one.changed)))
    print_rows(("edition", "applied", "by", "SHA-256", "changed"), rows)
