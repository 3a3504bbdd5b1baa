"""`hinomi contract`: what is on record of contracts, and what follows from it by the terms of service."""

import json
import sys
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, HomeOption, LanguageOption, TenantName, TextOrJson, TextOrJsonl, open_authorizer

if TYPE_CHECKING:
    from catalog.terms import SettingsForm
    from contract.records import Book
    from model.contract_record import ContractRecord, What
    from store.tenant import TenantStore

app = typer.Typer()
contract_app = typer.Typer(help="What is on record of contracts, and what follows from it.", no_args_is_help=True)
app.add_typer(contract_app, name="contract")

# Who may record what: judging is another thing than recording, and so is accepting.
_ACTIONS = {"acceptance": "contract.accept", "suspension": "contract.judge", "judgement": "contract.judge"}


OnDay = Annotated[
    datetime | None, typer.Option(formats=["%Y-%m-%d"], help="at the end of this day (Asia/Tokyo), not now")
]


@contract_app.command()
def show(
    tenant: TenantName,
    on: OnDay = None,
    language: LanguageOption = "en",
    format: TextOrJson = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say what holds of a tenant's contract: its term, notice, invoice, licence, menu, each with the clause."""
    import msgspec

    from contract.showing import lines, summary
    from pipeline.installation import settings

    said = summary(_book(tenant, home), _end_of(on), settings(home).service_providers)
    if format == "json":
        found = {name: one for name, one in msgspec.to_builtins(said).items() if one is not None}
        print(json.dumps({"tenant": tenant} | found, ensure_ascii=False))
        return
    for line in lines(tenant, said):
        print(line.of(language))


@contract_app.command()
def records(tenant: TenantName, format: TextOrJsonl = "text", home: HomeOption = DEFAULT_HOME) -> None:
    """List what is on record of a tenant's contract: what it says, who recorded it when, on what document."""
    import msgspec

    from cli.tables import print_rows
    from contract.days import day_of
    from model.canonical import parse_instant
    from model.contract_record import kind_of

    book = _book(tenant, home)
    waiting = {one.number for one in book.waiting}
    rows = []
    for one in book.every:
        what = {key: value for key, value in msgspec.to_builtins(one.what).items() if key != "record"}
        says = ", ".join(f"{key}: {value}" for key, value in what.items() if value is not None)
        if format == "jsonl":
            waits = {"waits": one.number in waiting}
            sys.stdout.write(json.dumps(msgspec.to_builtins(one) | waits, ensure_ascii=False) + "\n")
        recorded = day_of(parse_instant(one.recorded_at)).isoformat()
        by = "taken over" if one.taken_over else one.person + (" (waits)" if one.number in waiting else "")
        file = one.evidence.file if one.evidence else ""
        rows.append((str(one.number), kind_of(one.what), says, one.effective, recorded, by, file))
    if format == "text":
        print_rows(("no.", "record", "says", "effective", "recorded", "by", "document"), rows)


@contract_app.command()
def licence(
    tenant: TenantName, on: OnDay = None, format: TextOrJsonl = "text", home: HomeOption = DEFAULT_HOME
) -> None:
    """List the customer's licences of designated products (Article 3), and whether they are valid."""

    from cli.tables import print_lines, print_rows
    from contract.listing import licence_rows

    rows = list(licence_rows(_book(tenant, home), _end_of(on)))
    if format == "jsonl":
        print_lines(rows)
    elif rows:
        cells = [
            (
                str(one.record),
                one.product,
                f"{one.first_day} to {one.last_day}",
                one.state,
                str(one.checked_on),
                one.evidence,
            )
            for one in rows
        ]
        print_rows(("record", "product", "days", "state", "checked on", "document"), cells)
    else:
        print(f"{tenant}: no licence is on record, so whether there is one is unknown (Article 3(1))")


@contract_app.command()
def options(
    tenant: TenantName,
    on: OnDay = None,
    language: LanguageOption = "en",
    format: TextOrJsonl = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """List the items of the menu that governs a day (Article 2), and which of them the contract has."""
    from cli.tables import print_lines, print_rows
    from contract.listing import item_rows

    rows = list(item_rows(_book(tenant, home), _end_of(on)))
    if format == "jsonl":
        print_lines(rows)
        return
    cells = [
        (one.item, one.kind, "yes" if one.has else "no", one.text.of(language), ", ".join(one.capabilities))
        for one in rows
    ]
    print_rows(("item", "kind", "has", "name", "gives"), cells)


def _book(tenant: str, home: Path) -> "Book":
    from pipeline.tenants.applied import book_of

    return book_of(open_authorizer(home).tenant("contract.read", tenant))


def _end_of(on: datetime | None) -> datetime:
    """Return the end of a day, or now."""
    from contract.days import end_of
    from model.canonical import parse_instant
    from pipeline.clock import SystemClock

    return parse_instant(end_of(on.date())) if on else SystemClock().now()


@contract_app.command()
def record(
    tenant: TenantName,
    file: Annotated[Path, typer.Argument(help="one record (YAML): order, acceptance, item, licence, notice, …")],
    evidence: Annotated[Path | None, typer.Option(help="the document that it rests on; its SHA-256 is kept")] = None,
    language: LanguageOption = "en",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Add one record to a tenant's contract; records are never changed.

    What is effective before now needs a second person, and what would have been decided otherwise is listed.
    """
    from catalog.folder import config_folder
    from catalog.terms import load_notices, load_settings
    from model.fault import Refused
    from model.person import HOST
    from pipeline import installation
    from pipeline.clock import SystemClock
    from pipeline.tenants.contracts import Recorder, evidence_of, load_record

    clock, authorizer = SystemClock(), open_authorizer(home)
    settings = load_settings(config_folder())
    among = installation.settings(home).service_providers
    found = load_record(file, load_notices(config_folder()).ways, settings, among)
    store = authorizer.tenant(_action(found.what, settings), tenant)
    if authorizer.actor.name == HOST.name:
        raise Refused("a record is made by somebody who has signed in (`hinomi login`)")
    recorder = Recorder(store, clock, authorizer.actor.name, evidence_of(evidence) if evidence else None)
    made = recorder.add(found)
    print(f"{tenant}: record {made.number}, effective from {made.effective}")
    _print_otherwise(store, made, language)


def _print_otherwise(store: "TenantStore", made: "ContractRecord", language: Literal["en", "ja"]) -> None:
    """Print what would have been decided otherwise by a late record, where it is recorded and where it is confirmed."""
    from contract.differences import lines
    from model.contract_record import JudgementRecord
    from pipeline.tenants.applied import book_of
    from pipeline.tenants.contracts import otherwise

    book = book_of(store)
    number = made.what.of if isinstance(made.what, JudgementRecord) else made.number
    about = next(one for one in book.every if one.number == number)
    if about.late:
        for line in lines(about, otherwise(book, number), waits=about in book.waiting):
            print(line.of(language))


def _action(what: "What", settings: "SettingsForm") -> str:
    """Return the action of whoever records something; of a condition of one contract the settings say it."""
    from model.contract_record import SettingRecord, kind_of

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
    language: LanguageOption = "en",
    format: TextOrJson = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Say what a setting is for a tenant, which layer says so, with the clause, and what that overrides."""
    import msgspec

    from catalog.folder import config_folder
    from catalog.terms import load_settings
    from contract import settings
    from model.canonical import instant
    from pipeline.tenants.applied import book_of
    from pipeline.tenants.contracts import filed_value
    from pipeline.tenants.terms import definitions

    authorizer, at, table = open_authorizer(home), _moment(on), load_settings(config_folder())
    book = book_of(authorizer.tenant("contract.read", tenant))
    said = settings.explain(key, definitions(table), book.records, at)
    setting = table.settings[key]
    filed = filed_value(authorizer.file("contract.read", tenant), setting.file) if setting.file else None
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
