"""Who does what next: jobs are queued once, held by one worker at a time, and end with an outcome."""

import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from contract import schedule
from model.canonical import digest, instant
from model.clock import Clock
from model.contract_action import Action
from model.fault import Refused
from model.job import Job, JobKind, JobState
from model.person import SCHEDULE
from model.tenant import Schedule, Tenant
from pipeline.logs import logger
from pipeline.tenants.applied import applied_tenants
from pipeline.tenants.gate import ask, decided
from store.home import Home
from store.rows import Fence

_LOG = logger()
# What the schedule asks for goes under these actions of the gate.
_UNDER: dict[JobKind, Action] = {"scan": "look", "due": "notice"}
_REMINDERS = Schedule("0 9 * * *")
HELD_FOR = timedelta(seconds=60)
MOST_ATTEMPTS = 3


class JobStopped(Refused):
    """The worker was asked to stop; its job is queued again."""


class JobWorker(Struct, frozen=True):
    """Who works, and for how long a job is theirs before they have to say so again."""

    name: str
    clock: Clock
    held_for: timedelta = HELD_FOR

    @property
    def now(self) -> str:
        """Return the present moment."""
        return instant(self.clock.now())

    @property
    def until(self) -> str:
        """Return until when a job is held that is taken now."""
        return instant(self.clock.now() + self.held_for)


def name_of(number: int) -> str:
    """Return a worker's name: the machine, the process, a number within it."""
    return f"{socket.gethostname()}:{os.getpid()}:{number}"


def new_job(kind: JobKind, tenant: str, slot: datetime, asked_by: str, due: datetime | None = None) -> Job:
    """Return a tenant's job of a kind; the same slot is the same job, whoever asks for it (`asked_by`).

    It is due at the slot, unless a later moment is named.
    """
    at = instant(slot)
    return Job(digest(kind, tenant, at), kind, tenant, at, asked_by, "queued", instant(due or slot))


def change_job(tenant: str, plan: str, at: datetime, asked_by: str) -> Job:
    """Return the job that carries out a tenant's plan, as somebody asked (`asked_by`) at the moment `at`."""
    job = new_job("change", tenant, at, asked_by)
    return replace(job, id=digest(job.id, plan), plan=plan)


def queue_scheduled(home: Home, clock: Clock) -> int:
    """Queue the newest slot of each tenant within its term; return how many were new."""
    now, added = clock.now(), 0
    wanted = []
    tenants, broken = applied_tenants(home)
    for name in broken:
        _LOG.error("a tenant's file is of another version of the program; apply it anew", tenant=name)
    for tenant, since in tenants:
        slot = schedule.newest_slot(tenant.schedule, now)
        if slot >= since:  # a tenant is not scanned for slots before its first day here
            delay = schedule.delay(tenant.tenant, slot, tenant.schedule)
            wanted.append(new_job("scan", tenant.tenant, slot, SCHEDULE, slot + delay))
    wanted += list(_reminders(tenants, now))
    if wanted := [job for job in _unknown(home, wanted) if _may_be_queued(home, job, now)]:
        with home.service.observe(instant(now), SCHEDULE) as session:
            added = sum(session.jobs.add(job) for job in wanted)
    return added


def _reminders(tenants: Sequence[tuple[Tenant, datetime]], now: datetime) -> Iterator[Job]:
    """Yield a job a day for each tenant, by which people are reminded of what its contract asks for."""
    slot = schedule.newest_slot(_REMINDERS, now)
    for tenant, since in tenants:
        if slot > since:  # nobody is reminded in the hour in which a tenant comes
            yield new_job("due", tenant.tenant, slot, SCHEDULE)


def _may_be_queued(home: Home, job: Job, now: datetime) -> bool:
    """Return whether the contract allows a job of the schedule now: asked where there is something to queue alone."""
    try:
        return decided(home.tenant(job.tenant), _UNDER[job.kind], now).allowed
    except Refused as refused:
        _LOG.error("a job is not queued", kind=job.kind, tenant=job.tenant, problem=str(refused))
        return False


def queue(home: Home, job: Job, clock: Clock) -> Job:
    """Queue a job that somebody asked for, and record who, at the clock's time, in the home's service store.

    Raises `NotEntitled` for a scan that the contract does not allow now; of a change its plan says what it is.
    """
    if job.kind == "scan":
        ask(home.tenant(job.tenant), job.tenant, "look", clock.now())
    with home.service.observe(instant(clock.now()), job.asked_by) as session:
        if session.jobs.add(job):
            session.record(f"{job.kind}.asked", job.tenant, job=job.id)
    return job


def claim(home: Home, worker: JobWorker, only: str = "") -> Job | None:
    """Return a job of the home that is the worker's from now on: the one due longest.

    With `only`, a job's id, it is that one or none. A tenant has one job at a time. A job whose holder fell silent is
    taken over with a higher lease number, which fences the former holder off; after three silent holders it has failed.
    """
    with home.service.observe(worker.now, worker.name) as session:
        jobs = list(session.jobs.open())
        busy = {job.tenant for job in jobs if job.state == "running" and job.held_until > worker.now}
        for job in jobs:
            if (only and job.id != only) or job.tenant in busy or job.due_at > worker.now:
                continue
            if job.attempts >= MOST_ATTEMPTS:
                session.jobs.put(_ended(job, "failed", "the worker died each time", worker.now))
                continue
            fence = session.jobs.take(lease_of(job), job.id)
            taken = replace(
                job,
                state="running",
                attempts=job.attempts + 1,
                holder=worker.name,
                number=fence.number,
                held_until=worker.until,
                started_at=worker.now,
            )
            session.jobs.put(taken)
            return taken
    return None


@contextmanager
def holding(home: Home, job: Job, worker: JobWorker, stop: threading.Event) -> Iterator[Callable[[], None]]:
    """Hold a job of the home while the worker is at it, and say so again in time.

    Yield what is called between two steps: it raises `JobStopped` once `stop` is set, and `Refused` where somebody else
    has taken the job over. The tenant's store keeps whoever lost a job from writing even where they do not notice (the
    fence).
    """
    lost, over = threading.Event(), threading.Event()

    def renew() -> None:
        try:
            held_until = worker.clock.now() + worker.held_for
            while not over.wait(worker.held_for.total_seconds() / 4):
                try:
                    if not _renew(home, job, worker):
                        return
                    held_until = worker.clock.now() + worker.held_for
                except Refused:  # a store that is away for a moment is asked again
                    if worker.clock.now() >= held_until:
                        return
        finally:  # also where a defect ends it: who does not say so again holds nothing for long
            lost.set()

    def go_on() -> None:
        if stop.is_set():
            raise JobStopped("the worker was asked to stop; the job is queued again")
        if lost.is_set():
            raise Refused("somebody else has taken the job over")

    keeper = threading.Thread(target=renew, name="keeper", daemon=True)
    keeper.start()
    try:
        yield go_on
    finally:
        over.set()
        keeper.join()


def settle(home: Home, job: Job, worker: JobWorker, state: JobState, outcome: str) -> bool:
    """Write to the home how a worker's job ended, its state and outcome; False where it is somebody else's by now."""
    return _put_held(home, worker, _ended(job, state, outcome, worker.now))


def give_back(home: Home, job: Job, worker: JobWorker, *, as_attempt: bool) -> bool:
    """Queue a worker's job again in the home; False where it is somebody else's by now.

    A stop that was asked for is no attempt (`as_attempt` False).
    """
    attempts = job.attempts if as_attempt else job.attempts - 1
    return _put_held(home, worker, replace(job, state="queued", holder="", held_until="", attempts=attempts))


def withdraw(home: Home, job: Job, worker: JobWorker) -> None:
    """End a job of the home that nobody has begun, in the name of the worker that queued it."""
    with home.service.observe(worker.now, worker.name) as session:
        now = session.jobs.one(job.id)
        if now and now.state == "queued":
            session.jobs.put(_ended(now, "failed", "withdrawn: another one was under way", worker.now))


def lease_of(job: Job) -> str:
    """Return the name under which a tenant's store knows the workers of such jobs."""
    return f"{job.kind}:{job.tenant}"


def fence_of(job: Job) -> Fence:
    """Return what keeps a job's former holders from writing."""
    return Fence(lease_of(job), job.number)


def _renew(home: Home, job: Job, worker: JobWorker) -> bool:
    return _put_held(home, worker, replace(job, held_until=worker.until))


def _put_held(home: Home, worker: JobWorker, job: Job) -> bool:
    """Write what becomes of a job, unless somebody else holds it by now: their lease number is higher."""
    with home.service.observe(worker.now, worker.name) as session:
        now = session.jobs.one(job.id)
        if now is None or (now.state, now.number) != ("running", job.number):
            return False
        session.jobs.put(job)
        return True


def _ended(job: Job, state: JobState, outcome: str, at: str) -> Job:
    return replace(job, state=state, outcome=outcome, finished_at=at, held_until="")


def _unknown(home: Home, jobs: list[Job]) -> list[Job]:
    """Return those that are not there yet, without taking the store for writing."""
    with home.service.read() as session:
        return [job for job in jobs if session.jobs.one(job.id) is None]
