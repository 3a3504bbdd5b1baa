"""One worker's job, from taking it up to its outcome."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from catalog.folder import config_folder
from model.fault import Refused
from model.job import Job, JobState
from pipeline.assembly import Catalog, as_shipped, assemble_named
from pipeline.changing.carrying_out import finish, obey, underway
from pipeline.changing.plans import playbook_of
from pipeline.intake.upkeep import tidy
from pipeline.logs import logger
from pipeline.notifying.notify import Notified, notify
from pipeline.notifying.reminding import Office, remind
from pipeline.policies.own_policies import catalog_of
from pipeline.scanning.scan import Summary, scan
from pipeline.serving.jobs import (
    MOST_ATTEMPTS,
    JobStopped,
    JobWorker,
    claim,
    fence_of,
    give_back,
    holding,
    name_of,
    new_job,
    queue,
    settle,
    withdraw,
)
from pipeline.tenants.applied import applied_tenant, filed_tenant
from pipeline.tenants.gate import bought
from pipeline.world import Task, World
from store.database import StoreFault
from store.tenant import Fenced, TenantStore

_LOG = logger()
_AGAIN = timedelta(hours=1)


class JobResult(Struct, frozen=True):
    """What came of a job; only a scan has a summary.

    `records_fault` says what is wrong with the records of the tenant or of the service: scans and notifications go on,
    decisions do not.
    """

    state: JobState
    outcome: str
    summary: Summary | None = None
    notified: Notified | None = None
    records_fault: str = ""


def work(world: World, job: Job, stop: threading.Event) -> JobResult:
    """Do a job that was claimed, and write down how it ended. Every failure becomes a named outcome.

    Once `stop` is set, the job is given up between two steps and queued again; `world` is what a process has of it.
    """
    worker = JobWorker(job.holder, world.clock)
    log = _LOG.bind(job=job.id, kind=job.kind, tenant=job.tenant, holder=job.holder, attempt=job.attempts)
    log.info("job started")
    try:
        with holding(world.home, job, worker, stop) as go_on:
            done = _do(world, job, go_on)
    except Exception as problem:  # noqa: BLE001 - a defect ends this job, not the service
        done = _failed(job, problem)
    if done.state == "queued":
        held = give_back(world.home, job, worker, as_attempt=not stop.is_set())
    else:
        held = settle(world.home, job, worker, done.state, done.outcome)
    log.info("job ended", state=done.state if held else "taken over", outcome=done.outcome)
    return done


@contextmanager
def claimed_now(world: World, wanted: Job) -> Iterator[Job]:
    """Queue and claim the job that is wanted: it is done at once, in this process.

    The world has the home. Raises `Refused` where something else is done for the tenant now.
    """
    worker = JobWorker(name_of(0), world.clock)
    asked = queue(world.home, wanted, world.clock)
    job = claim(world.home, worker, only=asked.id)
    if job is None:
        withdraw(world.home, asked, worker)
        tenant = wanted.tenant
        raise Refused(f"a scan or a change of {tenant} is under way; `hinomi scans {tenant}` shows who holds it")
    try:
        yield job
    except KeyboardInterrupt:
        settle(world.home, job, worker, "failed", "interrupted by whoever started it")
        raise


def _do(world: World, job: Job, go_on: Callable[[], None]) -> JobResult:
    """Do what a job of its kind consists of, in this order; whoever was not notified before is notified then."""
    if job.kind == "due":
        segments = world.segments(job.tenant) if world.segments else None
        tidy(world.home.tenant(job.tenant), segments, world.clock.now(), job.asked_by)
        return _remind(world, job)
    tenant, store = applied_tenant(world.home, job.tenant, world.clock.now()), world.home.tenant(job.tenant)
    plans = [job.plan] if job.plan else []
    catalog = as_shipped(config_folder()) if job.kind == "scan" else catalog_for_changes(store, plans)
    task = Task(tenant, store, catalog, job.asked_by, job.slot, fence_of(job), go_on)
    summary = None
    if job.kind == "scan":
        with catalog_of(catalog, bought(store, world.clock.now()), store, go_on) as judging:
            summary = scan(world, replace(task, catalog=judging))
        _obey(world, task)
    elif job.kind == "change":
        finish(world, task, plans)
    notified = notify(world, task)
    fault, outcome = store.late_fault() or world.home.service.fault(), _outcome(summary, notified)
    for problem in (f"the records do not hold: {fault}" if fault else "", store.damage()):
        if problem:
            _LOG.error("something is wrong with what is stored", tenant=job.tenant, problem=problem)
            outcome = f"{outcome}; {problem}"
    return JobResult("done", outcome, summary, notified, fault)


def _remind(world: World, job: Job) -> JobResult:
    """Remind the provider's people of what the contract asks of them; what did not arrive is tried again in an hour."""
    store, name = world.home.tenant(job.tenant), filed_tenant(world.home, job.tenant).name
    said = remind(world, Office(job.tenant, name, store, job.asked_by, fence_of(job)))
    if said.problems:
        again = world.clock.now() + _AGAIN
        with world.home.service.observe(world.now, job.holder) as session:
            session.jobs.add(new_job("due", job.tenant, again, job.asked_by))
    outcome = "; ".join((f"{said.due} reminders due, {said.sent} sent", *said.problems))
    return JobResult("done", outcome)


def _failed(job: Job, problem: Exception) -> JobResult:
    """Return the outcome of a job that broke off: queued where it may go better next time, else failed."""
    match problem:
        case JobStopped():
            return JobResult("queued", str(problem))
        case Fenced():
            return JobResult("failed", str(problem))
        case StoreFault():  # it may come back; the log of a service says more, and a command's user reads the outcome
            _LOG.info("the store cannot be used", job=job.id, exc_info=problem)
            return JobResult("failed" if job.attempts >= MOST_ATTEMPTS else "queued", "the store could not be used")
        case Refused():
            return JobResult("failed", "; ".join(map(str, problem.faults)))
    _LOG.error("a defect of the program", job=job.id, exc_info=problem)
    return JobResult("failed", f"a defect of the program ({type(problem).__name__}); the log has more")


def catalog_for_changes(store: TenantStore, plans: Sequence[str]) -> Catalog:
    """Return the catalog of what changing by these plans and notifying need: all else takes seconds to load.

    That are the policies that the plans close, and those of what people have yet to be notified of.
    """
    with store.read() as reader:
        ids = {news.finding.policy for news in reader.unnotified()}
        used = reader.plans.playbooks(plans)
        ids |= {closed for playbook in used for closed in playbook_of(playbook).closes}
    return assemble_named(config_folder(), ids)


def _obey(world: World, task: Task) -> None:
    """Do after a scan what standing orders ask for; what keeps changes from being made does not invalidate the scan."""
    try:
        finish(world, task, [*underway(task), *obey(world, task)])
    except (Fenced, StoreFault, JobStopped):
        raise
    except Refused as refused:
        _LOG.warning("changes were not carried out", tenant=task.tenant.tenant, reason=str(refused))


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
    counts = ", ".join(f"{number} {what}" for number, what in parts)
    return f"{counts}; {notified.waits}" if notified.waits else counts
