"""`hinomi contract`: what is on record of contracts, and what follows from it by the terms of service."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer

if TYPE_CHECKING:
    from catalog.terms import SettingsForm
    from model.contract_record import What

app = typer.Typer()
contract_app = typer.Typer(help="What is on record of contracts, and what follows from it.", no_args_is_help=True)
app.add_typer(contract_app, name="contract")

TenantName = Annotated[str, typer.Argument(help="a tenant's id")]
# Who may record what: judging is another thing than recording, and so is accepting.
_ACTIONS = {"acceptance": "contract.accept", "suspension": "contract.judge", "judgement": "contract.judge"}


@contract_app.command()
def show(
    tenant: TenantName,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="at the end of this day (Asia/Tokyo), not now")
    ] = None,
    language: Annotated[Literal["en", "ja"], typer.Option(help="language of texts")] = "en",
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="what to print")] = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say what holds of a tenant's contract: its term, notice, invoice, menu, each with the clause."""
    import msgspec

    from contract.days import end_of
    from contract.showing import lines, summary
    from model.canonical import parse_instant
    from pipeline.clock import SystemClock
    from pipeline.installation import settings
    from pipeline.tenants.applied import contract_records

    records = contract_records(open_authorizer(home).tenant("tenants.read", tenant))
    at = parse_instant(end_of(on.date())) if on else SystemClock().now()
    said = summary(records, at, settings(home).service_providers)
    if format == "json":
        found = {name: one for name, one in msgspec.to_builtins(said).items() if one is not None}
        print(json.dumps({"tenant": tenant} | found, ensure_ascii=False))
        return
    for line in lines(tenant, said):
        print(line.of(language))


@contract_app.command()
def record(
    tenant: TenantName,
    file: Annotated[Path, typer.Argument(help="one record (YAML): order, acceptance, item, licence, notice, …")],
    evidence: Annotated[Path | None, typer.Option(help="the document that it rests on; its SHA-256 is kept")] = None,
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Add one record to a tenant's contract; records are never changed."""
    from catalog.folder import config_folder
    from catalog.terms import load_notices, load_settings
    from model.fault import Refused
    from model.person import HOST
    from pipeline import installation
    from pipeline.clock import SystemClock
    from pipeline.tenants.contracts import add_record, evidence_of, load_record

    clock, authorizer = SystemClock(), open_authorizer(home)
    settings = load_settings(config_folder())
    among = installation.settings(home).service_providers
    found = load_record(file, clock, load_notices(config_folder()).ways, settings, among)
    store = authorizer.tenant(_action(found.what, settings), tenant)
    if authorizer.actor.name == HOST.name:
        raise Refused("a record is made by somebody who has signed in (`hinomi login`)")
    made = add_record(store, found, evidence_of(evidence) if evidence else None, clock, authorizer.actor.name)
    print(f"{tenant}: record {made.number}, effective from {made.effective}")


def _action(what: "What", settings: "SettingsForm") -> str:
    """Return the action of whoever records something; of a condition of one contract the settings say it."""
    from model.contract_record import SettingRecord
    from pipeline.tenants.contracts import kind_of

    if isinstance(what, SettingRecord):
        return settings.settings[what.key].who
    return _ACTIONS.get(kind_of(what), "contract.record")


@contract_app.command()
def explain(
    tenant: TenantName,
    key: Annotated[str, typer.Argument(help="a setting's key, such as licence.grace_days")],
    on: Annotated[
        str, typer.Option(help="at this moment (2026-04-01T00:30:00Z) or the end of this day (Asia/Tokyo), not now")
    ] = "",
    language: Annotated[Literal["en", "ja"], typer.Option(help="language of texts")] = "en",
    format: Annotated[Literal["text", "json"], typer.Option("--format", help="what to print")] = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say what a setting is for a tenant, which layer says so, with the clause, and what that overrides."""
    import msgspec

    from catalog.folder import config_folder
    from catalog.terms import load_settings
    from contract import settings
    from model.canonical import instant
    from pipeline.tenants.applied import contract_records
    from pipeline.tenants.contracts import definitions, filed_value

    authorizer, at, table = open_authorizer(home), _moment(on), load_settings(config_folder())
    records = contract_records(authorizer.tenant("tenants.read", tenant))
    said = settings.explain(key, definitions(table), records, at)
    setting = table.settings[key]
    filed = filed_value(authorizer.file("tenants.read", tenant), setting.file) if setting.file else None
    if format == "json":
        found = {"tenant": tenant, "key": key, "on": instant(at), **msgspec.to_builtins(said)}
        beside = {"file": {"key": setting.file, "value": filed}} if setting.file else {}
        print(json.dumps(found | beside, ensure_ascii=False))
        return
    for line in settings.lines(f"{tenant}, {key}", setting.text, said, filed):
        print(line.of(language))


def _moment(on: str) -> datetime:
    """Return the moment that is written, the end of a day, or now; raises `Refused` for a text that is none of it."""
    from contract.days import end_of
    from model.canonical import parse_instant
    from model.contract_record import is_day, why_no_effect
    from model.fault import Refused
    from pipeline.clock import SystemClock

    if not on:
        return SystemClock().now()
    if problem := why_no_effect(on):
        raise Refused(f"--on: {problem}")
    if is_day(on) or "T" not in on:
        return parse_instant(end_of(date.fromisoformat(on)))
    moment = parse_instant(on)
    end_of(moment.date())  # of no other years than those of this service
    return moment


@contract_app.command()
def dates(
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV in UTF-8: a column start, and midterm_notice_on if there is notice; or a column notice_on"
        ),
    ],
) -> None:
    """Print as CSV the days of contracts: terms, invoices, notice; or of notices alone the earliest last days.

    Days in the file are written YYYY-MM-DD; its other columns are not read.
    """
    from cli.day_sheets import computed

    sys.stdout.write(computed(file))
