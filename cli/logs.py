"""`hinomi logs`: monitoring logs of customers, and how much of them came in."""

import json
import sys
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.context import (
    DEFAULT_HOME,
    UNKNOWNS,
    HomeOption,
    LanguageOption,
    TenantName,
    TextOrJson,
    TextOrJsonl,
    open_authorizer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from model.log_volume import Aside, What

app = typer.Typer()
logs_app = typer.Typer(help="Monitoring logs of customers, and how much of them came in.", no_args_is_help=True)
app.add_typer(logs_app, name="logs")

_MOST_NAMED = 10
SourceOption = Annotated[str, typer.Option(help="whose logs they are, as `hinomi logs sources` lists them")]
Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="only from this day on (Asia/Tokyo)")]


@logs_app.command()
def sources(
    tenant: TenantName,
    language: LanguageOption = "en",
    format: TextOrJsonl = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """List the sources of logs that can be taken in, each with when it was heard last."""

    from cli.tables import print_lines, print_rows
    from pipeline.intake.sources import sources
    from pipeline.intake.volume import heard

    rows = heard(open_authorizer(home).tenant("volume.read", tenant), sources())
    if format == "jsonl":
        print_lines(rows)
        return
    cells = [(row.source, row.name.of(language), _for_people(row.last_heard)) for row in rows]
    print_rows(("source", "name", "heard last (Japan time)"), cells)


@logs_app.command()
def take(
    tenant: TenantName,
    paths: Annotated[list[Path], typer.Argument(help="files, or folders of files; .gz too")],
    source: SourceOption,
    format: TextOrJson = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Take files of logs in; what came in before is a repeat. Exit 3: records were set aside."""
    from intake.own import own_of
    from pipeline.clock import SystemClock
    from pipeline.intake.files import files_in, opened
    from pipeline.intake.sources import source_called
    from pipeline.intake.taking import Intake, take
    from pipeline.log_segments import Segments

    authorizer, clock, counted = open_authorizer(home), SystemClock(), Counter["What"]()
    store = authorizer.tenant("logs.take", tenant)
    known = source_called(source)
    own = own_of(authorizer.file("logs.take", tenant))
    segments, person = Segments(home, tenant), authorizer.actor.name
    intake = Intake(tenant, store, segments, known, clock, person, "back-fill", own)
    for path in files_in(paths):
        with opened(path, known.id, clock) as incoming:
            counted.update(take(intake, incoming))
        with store.read() as reader:
            _print_asides(path, reader.logs.asides(known.id, incoming.piece.id, _MOST_NAMED))
    _print_counted(counted, format)
    raise typer.Exit(UNKNOWNS if counted["malformed"] else 0)


@logs_app.command()
def volume(
    tenant: TenantName,
    since: Since = None,
    format: TextOrJson = "text",
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Show how much came in of each source, and what became of it: each record is in exactly one column."""
    import msgspec

    from cli.tables import print_rows
    from pipeline.clock import SystemClock
    from pipeline.intake.volume import volume_in

    store, now = open_authorizer(home).tenant("volume.read", tenant), SystemClock().now()
    found = volume_in(tenant, store, now, since.date() if since else None)
    if format == "json":
        print(json.dumps(msgspec.to_builtins(found), ensure_ascii=False))
        return
    names = ("offered", "processed", "waiting", "malformed", "duplicate", "too_late", "refused", "expired", "bytes")
    rows = [(name.replace("_", " "), *(f"{getattr(one, name):,}" for one in found.sources)) for name in names]
    print_rows(("", *(one.source for one in found.sources)), rows)
    rate = found.committed_per_minute
    print(f"committed rate: {f'{rate:,} records a minute' if rate else 'an equal part, until 14 days are known'}")
    for one in found.sources:
        if one.reasons:
            said = ", ".join(f"{number:,} {reason}" for reason, number in sorted(one.reasons.items()))
            print(f"set aside of {one.source}: {said}")


@logs_app.command("read")
def read_(
    tenant: TenantName,
    source: SourceOption,
    since: Annotated[str, typer.Option(help="events from this moment on, as 2026-06-01T00:00:00Z")],
    until: Annotated[str, typer.Option(help="events before this moment")],
    purpose: Annotated[str, typer.Option(help="what they are read for; it is recorded, with who reads them")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Print the events of some time that are kept, a line each; who reads them, and for what, is recorded."""
    from pipeline.clock import SystemClock
    from pipeline.intake.reading import Wanted, kept, moment
    from pipeline.intake.sources import source_called
    from pipeline.log_segments import Segments

    authorizer, now = open_authorizer(home), SystemClock().now()
    store = authorizer.tenant("logs.read", tenant)
    known = source_called(source)
    wanted = Wanted(known, moment(since), moment(until), authorizer.actor.name, purpose, now)
    for event in kept(store, Segments(home, tenant), wanted):
        sys.stdout.buffer.write(event + b"\n")


def _for_people(slot: str) -> str:
    from model.canonical import parse_instant
    from model.clock import in_japan

    return in_japan(parse_instant(slot)) if slot else "never"


def _print_asides(path: Path, found: "Sequence[Aside]") -> None:
    from model.text import printable

    for one in found:
        where = one.first if one.records == 1 else f"{one.first} to {one.last}"
        print(f"hinomi: {printable(str(path))}:{where}: {one.reason}; set aside", file=sys.stderr)
    if len(found) == _MOST_NAMED:
        print(f"hinomi: {printable(str(path))}: perhaps more; `hinomi logs volume` counts all", file=sys.stderr)


def _print_counted(counted: "Counter[What]", format: str) -> None:
    if format == "json":
        print(json.dumps(dict(sorted(counted.items()))))
        return
    said = [f"{number:,} {what}" for what, number in counted.items() if what != "accepted"]
    print(", ".join(said) or "nothing came in")
