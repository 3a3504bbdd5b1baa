"""`hinomi contract`: what is on record of contracts, and what follows from it by the terms of service."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, HomeOption, open_authorizer

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

    with open_authorizer(home).tenant("tenants.read", tenant).read() as reader:
        records = reader.contract.all()
    said = summary(records, parse_instant(end_of(on.date())) if on else SystemClock().now())
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
    from catalog.terms import load_notices
    from model.fault import Refused
    from model.person import HOST
    from pipeline.clock import SystemClock
    from pipeline.tenants.contracts import add_record, evidence_of, kind_of, load_record

    clock, authorizer = SystemClock(), open_authorizer(home)
    found = load_record(file, clock, load_notices(config_folder()).ways)
    store = authorizer.tenant(_ACTIONS.get(kind_of(found.what), "contract.record"), tenant)
    if authorizer.actor.name == HOST.name:
        raise Refused("a record is made by somebody who has signed in (`hinomi login`)")
    made = add_record(store, found, evidence_of(evidence) if evidence else None, clock, authorizer.actor.name)
    print(f"{tenant}: record {made.number}, effective from {made.effective}")


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
