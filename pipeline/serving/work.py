"""One worker's turn at one job, from taking it up to its outcome."""

import threading
from collections.abc import Sequence

import structlog
from msgspec import Struct

from catalog.folder import config_folder
from model.canonical import instant, parse_instant
from model.fault import Refused
from model.job import Job, JobKind, JobState
from model.person import Actor
from notifier.message import Ways
from pipeline.assembly import Catalog, assemble, assemble_named
from pipeline.changing.carrying_out import carry_on, finish, obey
from pipeline.changing.plans import playbook_of
from pipeline.notifying.notify import Notified
from pipeline.scanning.scan import Summary
from pipeline.serving.jobs import (
    MOST_ATTEMPTS,
    JobStopped,
    JobWorker,
    claim,
    give_back,
    holding,
    new_job,
    queue,
    settle,
    withdraw,
)
from pipeline.serving.loop import Loop
from pipeline.tenants.applied import applied_tenant
from pipeline.turn import Turn
from store.database import StoreFault
from store.home import Home
from store.tenant import Fenced, TenantStore

_LOG = structlog.get_logger()


class JobResult(Struct, frozen=True):
    """What came of a turn; a job of the kind `tell` has no summary."""

    state: JobState
    outcome: str
    summary: Summary | None = None
    notified: Notified | None = None


class Bench(Struct, frozen=True):
    """What a worker works with."""

    home: Home
    ways: Ways
    worker: JobWorker


def work(bench: Bench, job: Job, stop: threading.Event) -> JobResult:
    """Do a job that was claimed, and write down how it ended. Every failure becomes a named outcome.

    The bench is what a worker has of the world; once `stop` is set, the job is given up between two steps and queued
    again.
    """
    log = _LOG.bind(job=job.id, kind=job.kind, tenant=job.tenant, holder=bench.worker.name, attempt=job.attempts)
    log.info("job started")
    done = _done(bench, job, stop)
    if done.state == "queued":
        held = give_back(bench.home, job, bench.worker, as_attempt=not stop.is_set())
    else:
        held = settle(bench.home, job, bench.worker, done.state, done.outcome)
    log.info("job ended", state=done.state if held else "taken over", outcome=done.outcome)
    return done


def scan_now(bench: Bench, tenant: str, actor: Actor) -> JobResult:
    """Scan a tenant in this process, on this bench, as the actor asks.

    Raises `Refused` where something else is done for it now.
    """
    return _now(bench, "scan", tenant, actor)


def change_now(bench: Bench, tenant: str, actor: Actor) -> JobResult:
    """Carry out a tenant's started plans in this process, on this bench, as the actor asks.

    Raises `Refused` where something else is done for it now.
    """
    return _now(bench, "change", tenant, actor)


def _now(bench: Bench, kind: JobKind, tenant: str, actor: Actor) -> JobResult:
    clock = bench.worker.clock
    asked = queue(bench.home, new_job(kind, tenant, clock.now(), actor.name), clock)
    job = claim(bench.home, bench.worker, only=asked.id)
    if job is None:
        withdraw(bench.home, asked, bench.worker)
        raise Refused(f"a scan or a change of {tenant} is under way; `hinomi scans {tenant}` shows who holds it")
    try:
        return work(bench, job, threading.Event())
    except KeyboardInterrupt:
        settle(bench.home, job, bench.worker, "failed", "interrupted by whoever started it")
        raise


def _done(bench: Bench, job: Job, stop: threading.Event) -> JobResult:
    try:
        with holding(bench.home, job, bench.worker, stop) as turn:
            return _work(bench, job, turn)
    except JobStopped as stopped:
        return JobResult("queued", str(stopped))
    except Fenced as fenced:
        return JobResult("failed", str(fenced))
    except StoreFault:  # the store may come back; what it says stays inside
        _LOG.exception("the store cannot be used", job=job.id)
        return JobResult("failed" if job.attempts >= MOST_ATTEMPTS else "queued", "the store could not be used")
    except Refused as refused:
        return JobResult("failed", "; ".join(map(str, refused.faults)))
    except Exception as problem:  # noqa: BLE001 - a defect ends this job, not the service
        _LOG.exception("a defect of the program", job=job.id)
        return JobResult("failed", f"a defect of the program ({type(problem).__name__}); the log has more")


def _work(bench: Bench, job: Job, turn: Turn) -> JobResult:
    tenant, store = applied_tenant(bench.home, job.tenant), bench.home.tenant(job.tenant)
    with store.read() as reader:  # what is started later is another job's: its policies are not known here
        started = reader.plans.underway()
    catalog = assemble(config_folder()) if job.kind == "scan" else catalog_for_changes(store, started)
    loop = Loop(bench.home, tenant, catalog, bench.worker.clock, bench.ways, job.asked_by)
    summary = None
    if job.kind == "scan":
        summary = loop.scan(turn)
        _obey(loop, turn)
    elif job.kind == "change":
        finish(loop.hands, started, turn)
    notified = loop.notify()
    _queue_next_notification(bench, loop.store, job)
    return JobResult("done", _outcome(summary, notified), summary, notified)


def catalog_for_changes(store: TenantStore, plans: Sequence[str]) -> Catalog:
    """Return the catalog of what changing by these plans and notifying need: all else takes seconds to load.

    That are the policies that the plans close, and those of what people have yet to be notified of.
    """
    with store.read() as reader:
        ids = {news.finding.policy for news in reader.unnotified()}
        used = reader.plans.playbooks(plans)
        ids |= {closed for playbook in used for closed in playbook_of(playbook).closes}
    return assemble_named(config_folder(), ids)


def _obey(loop: Loop, turn: Turn) -> None:
    """Do after a scan what standing orders ask for; what keeps changes from being made does not invalidate the scan."""
    try:
        obey(loop.hands)
        carry_on(loop.hands, turn)
    except (Fenced, StoreFault, JobStopped):
        raise
    except Refused as refused:
        _LOG.warning("changes were not carried out", tenant=loop.tenant.tenant, reason=str(refused))


def _queue_next_notification(bench: Bench, store: TenantStore, job: Job) -> None:
    """Queue a job for the deliveries that did not arrive, for when the first of them is due."""
    with store.read() as reader:
        waiting = reader.deliveries("queued")
    if waiting:
        due = parse_instant(min(delivery.due_at for delivery in waiting))
        with bench.home.service.write(instant(bench.worker.clock.now()), bench.worker.name) as session:
            session.jobs.add(new_job("tell", job.tenant, due, job.asked_by))


def _outcome(summary: Summary | None, notified: Notified) -> str:
    parts: Sequence[tuple[int, str]] = [(notified.alerts, "new alerts")]
    if summary:
        verdicts = summary.verdicts
        parts = [
            (summary.assets, "resources"),
            (verdicts.get("fail", 0), "failed"),
            (verdicts.get("unknown", 0), "unknown"),
            (len(summary.gaps), "gaps"),
            *parts,
        ]
    return ", ".join(f"{number} {what}" for number, what in parts)
