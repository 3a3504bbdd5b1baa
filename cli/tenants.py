"""`hinomi init | apply | scan | findings`: tenants and what is found at them."""

import sys
import threading
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from cli.context import DEFAULT_HOME, UNKNOWNS, HomeOption, open_authorizer, open_world
from model.finding import Category
from reports import formats

if TYPE_CHECKING:
    from model.finding import Finding
    from model.text import Text
    from pipeline.notifying.notify import Notified
    from pipeline.tenants.files import TenantPlan
    from reports.export import Export
    from store.reader import Reader
    from store.rows import Run
    from store.tenant import TenantStore

app = typer.Typer()
_ALL = 10_000_000
_FORMATS = ("table", *formats.types())


@app.command()
def init(home: HomeOption = DEFAULT_HOME) -> None:
    """Make the home, or bring an older one to this version; puts an example of a tenant's file there."""
    from catalog.folder import config_folder
    from pipeline.installation import make

    examples = config_folder() / "example"
    make(home, examples / "installation.yaml")
    example = home / "tenant.example.yaml"
    if not example.exists():
        example.write_bytes((examples / "tenant.yaml").read_bytes())
    print(f"The home is {home}. Next: copy {example}, fill it in, and run `hinomi apply FILE`.")


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(help="a tenant's file (YAML)")],
    home: HomeOption = DEFAULT_HOME,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the plan and stop")] = False,
) -> None:
    """Show what a tenant's file changes, and apply it; applying it again changes nothing."""
    from catalog import policies
    from catalog.folder import config_folder
    from pipeline.clock import SystemClock
    from pipeline.tenants.contracts import evidence_of
    from pipeline.tenants.destinations import check_destinations, judgements
    from pipeline.tenants.files import carry_out, doubts, load_tenant, plan
    from pipeline.world import bounds_in, secrets_in

    authorizer = open_authorizer(home)
    tenant = load_tenant(file, policies.load(config_folder() / "policies"), secrets=secrets_in(home))
    stores = authorizer.applying(tenant.tenant)
    unclear = check_destinations(file, judgements(tenant, secrets_in(home)(tenant), bounds_in(home)(tenant)))
    wanted = plan(stores, tenant)
    for doubt in [*doubts(file, stores, tenant), *unclear]:
        print(f"hinomi: {doubt}", file=sys.stderr)
    _print_plan(wanted)
    if wanted.is_new and not dry_run:
        authorizer.accept_new()
    if wanted.changes and not dry_run:
        edition = carry_out(stores, wanted, SystemClock(), authorizer.actor.name, evidence_of(file))
        print(f"Applied as edition {edition.number}.")


def _print_plan(wanted: "TenantPlan") -> None:
    from pipeline.tenants.files import ABSENT

    name = wanted.tenant.tenant
    if not wanted.changes:
        print(f"{name}: nothing changes.")
        return
    print(f"{name}: {'a new tenant' if wanted.is_new else 'changes'}")
    for change in wanted.changes:
        if change.before is ABSENT:
            print(f"  + {change.path}: {change.after}")
        elif change.after is ABSENT:
            print(f"  - {change.path}: {change.before}")
        else:
            print(f"  ~ {change.path}: {change.before} -> {change.after}")


@app.command()
def scan(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    home: HomeOption = DEFAULT_HOME,
) -> None:
    """Run the whole loop for one tenant: gate, collect, detect, record, notify. Exit 3: some things stay unknown."""
    from cli.tables import print_summary
    from model.fault import Refused
    from pipeline.clock import SystemClock
    from pipeline.serving.jobs import new_job
    from pipeline.serving.work import claimed_now, work
    from pipeline.tenants.coverage import line_beside

    authorizer = open_authorizer(home)
    spec = authorizer.file("scans.start", tenant)
    wanted = new_job("scan", tenant, SystemClock().now(), authorizer.actor.name)
    with open_world(home, authorizer, "scans.start") as world, claimed_now(world, wanted) as job:
        done = work(world, job, threading.Event())
    if done.summary is None or done.notified is None:
        raise Refused(done.outcome)
    covered = line_beside(authorizer.service("scans.start"), tenant, SystemClock().now())
    print_summary(done.summary, spec, covered)
    _print_notified(done.notified)
    if done.records_fault:
        print(f"hinomi: the records do not hold: {done.records_fault}; nothing is decided on it", file=sys.stderr)
    raise typer.Exit(UNKNOWNS if done.summary.gaps or done.summary.verdicts.get("unknown") else 0)


def _print_notified(notified: "Notified") -> None:
    states = ", ".join(f"{number} {state}" for state, number in sorted(notified.deliveries.items())) or "none"
    print(f"{notified.alerts} new alerts; deliveries: {states}")
    for reason, number in notified.dropped.items():
        print(f"not notified ({reason}): {number}")
    for problem in notified.problems:
        print(f"hinomi: {problem}", file=sys.stderr)


@app.command()
def scans(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    home: HomeOption = DEFAULT_HOME,
    last: Annotated[int, typer.Option(min=1, max=1000, help="how many, newest first")] = 20,
) -> None:
    """List a tenant's scans: waiting, under way and done, with what came of them."""
    authorizer = open_authorizer(home)
    authorizer.allow("runs.read", tenant)
    with authorizer.service("runs.read").service.read() as session:
        for job in session.jobs.of("scan", tenant, None, last):
            held = f"{job.holder} until {job.held_until}" if job.state == "running" else job.outcome
            print(f"{job.slot}  {job.state:8}  {job.asked_by}  {held}")


@app.command()
def findings(
    tenant: Annotated[str, typer.Argument(help="a tenant's id")],
    home: HomeOption = DEFAULT_HOME,
    all_: Annotated[bool, typer.Option("--all", help="resolved and suppressed ones too")] = False,
    on: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="as of the end of this day (Asia/Tokyo)")
    ] = None,
    category: Annotated[Category | None, typer.Option(help="only findings of this category")] = None,
    language: Annotated[Literal["en", "ja"], typer.Option(help="language of texts")] = "en",
    format: Annotated[str, typer.Option(help=f"what to print: {', '.join(_FORMATS)}")] = "table",
) -> None:
    """List a tenant's findings, with what could not be looked at beside them (on standard error for programs)."""
    from cli.tables import FindingsContext, nothing_known, print_findings
    from contract.days import as_of
    from model.canonical import instant
    from model.fault import Refused
    from pipeline.clock import SystemClock
    from pipeline.tenants.coverage import line_beside

    if format not in _FORMATS:
        raise Refused(f"there is no format {format!r}; known are {', '.join(_FORMATS)}")
    authorizer, now = open_authorizer(home), SystemClock().now()
    store = authorizer.tenant("findings.read", tenant)
    at = as_of(on and on.date(), now)
    covered = line_beside(authorizer.service("findings.read"), tenant, now, at)
    provider = None if format == "table" else _provider(store, home, at or instant(now))
    with store.read() as reader:
        found, accepted = _selected(reader, all_, at, category)
        run = reader.last_run(at)
        gaps = reader.gaps(run.id) if run else []
        export = None if format == "table" else _export(tenant, language, run, reader, provider)
    suppressed = f"{accepted} more are suppressed by exceptions: hinomi exceptions list {tenant}" if accepted else ""
    if export is None:
        print_findings(found, FindingsContext(run, gaps, covered, at), language)
        if suppressed:
            print(suppressed)
        return
    _write_formatted(format, found, export)
    print(f"coverage: {_read(tenant, run, len(gaps)) if run else nothing_known(at)}", file=sys.stderr)
    print(covered.of(language), file=sys.stderr)
    if suppressed:
        print(suppressed, file=sys.stderr)


def _selected(reader: "Reader", all_: bool, at: str, category: Category | None = None) -> tuple[list["Finding"], int]:
    """Return the findings that are asked for, of one category or all; and how many suppressed ones are left out.

    `at` = as of a past moment.
    """
    from msgspec.structs import replace

    from model.finding import ACTIVE
    from store.rows import Selection

    if not at:
        wanted = frozenset({category}) if category else None
        accepted = 0 if all_ else sum(1 for _ in reader.findings(frozenset({"suppressed"}), categories=wanted))
        return list(reader.findings(None if all_ else ACTIVE, categories=wanted)), accepted
    where = {"category": str(category)} if category else {}
    selection = Selection(where, limit=_ALL, at=at, all_states=all_)
    then = replace(selection, where=where | {"state": "suppressed"}, all_states=False)
    suppressed = [] if all_ else reader.selected_findings(then)
    return reader.selected_findings(selection), len(suppressed)


def _provider(store: "TenantStore", home: Path, at: str) -> "Text | None":
    from model.canonical import parse_instant
    from pipeline.installation import settings
    from pipeline.tenants.provided import provider_name

    return provider_name(store, parse_instant(at), settings(home).service_providers)


def _export(
    tenant: str, language: Literal["en", "ja"], run: "Run | None", reader: "Reader", provider: "Text | None"
) -> "Export":
    from importlib.metadata import version

    from catalog.folder import config_folder
    from pipeline.policies.texts import shipped, texts
    from reports.export import Export

    forms = texts(shipped(config_folder()), reader)
    return Export(tenant, language, forms, run, version("hinomi"), provider)


def _write_formatted(format: str, found: list["Finding"], export: "Export") -> None:
    """Write to standard output in UTF-8, whatever the terminal's encoding: the formats are for programs."""
    sys.stdout.flush()
    for text in formats.writer(format)(found, export):
        sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()


def _read(tenant: str, run: "Run", gaps: int) -> str:
    read = f"{gaps} gaps, which `hinomi findings {tenant}` names" if gaps else "everything was read"
    return f"{read}; last scan {run.finished_at}"
