"""Whose logs are processed next: read by turns in one thread, chunk by chunk, and written by others, batch by batch.

Whose turn it is says the schedule (intake/schedule.py). A customer whose store is held up holds up nobody else.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future

from msgspec import Struct

from intake.schedule import LogSchedule
from intake.turns import MOST_SECONDS, Colour
from intake.writes import BatchQueue
from model.fault import Refused
from pipeline.intake.abandoning import abandon
from pipeline.intake.backlog import Backlog
from pipeline.intake.measuring import Meter
from pipeline.intake.taking import Incoming, Intake
from pipeline.logs import logger
from pipeline.sealing import Damaged
from pipeline.tenants.gate import NotEntitled
from store.database import StoreFault

_LOG = logger()
# After what went wrong it is tried again in so many seconds.
_STORE_SECONDS, _CONTRACT_SECONDS, _DEFECT_SECONDS = 1.0, 5.0, 30.0
# As it is before anything is known, and over how many busy seconds it is taken.
_FIRST_PACE, _PACE_SECONDS = 10_000.0, 10.0


class _Pace:
    """How many records a second are processed, as it was lately."""

    def __init__(self) -> None:
        self._records, self._seconds = _FIRST_PACE * _PACE_SECONDS, _PACE_SECONDS

    def note(self, records: int, seconds: float) -> None:
        """Count records that took so long."""
        self._records += records
        self._seconds += seconds
        if self._seconds > 2 * _PACE_SECONDS:
            self._records, self._seconds = self._records / 2, self._seconds / 2

    @property
    def a_second(self) -> float:
        """Return the records a second."""
        return self._records / self._seconds


class BatchWritten(Struct, frozen=True):
    """A batch that was written, or why it was not; it took so long of the processor.

    `waited` says since when its records had waited, and how many they are; `kept` is how many bytes of it are on disk.
    """

    backlog: Backlog
    colour: Colour
    seconds: float
    problem: Exception | None = None
    waited: Sequence[tuple[str, int]] = ()
    kept: int = 0


class Processor:
    """What waits of all customers, and its processing."""

    def __init__(self, writers: Executor) -> None:
        """`writers` are the threads that write."""
        self._writers = writers
        self._schedule: LogSchedule[Backlog] = LogSchedule()
        self._backlogs: dict[tuple[str, str, str, bool], Backlog] = {}
        self._resting: list[Backlog] = []
        self._written: deque[BatchWritten] = deque()
        self._writes: BatchQueue[Backlog] = BatchQueue()
        self._pace = _Pace()
        self.meter = Meter()
        self.wake = threading.Event()

    @property
    def capacity(self) -> float:
        """Return how many records a second can be processed, as it was lately."""
        return self._pace.a_second

    def commit(self, customer: str, rate: float) -> None:
        """Let a customer's committed rate be so many records a second from now on."""
        self._schedule.commit(customer, rate, time.monotonic())

    def hold_back(self, customer: str, *, is_limited: bool) -> None:
        """Let what a customer sends beyond the rate be read only where nothing of anybody's waits, or no longer."""
        self._schedule.hold_back(customer, is_limited=is_limited)

    def rate(self, customer: str) -> float:
        """Return a customer's committed rate in records a second."""
        return self._schedule.rate(customer)

    def add(self, intake: Intake, incoming: Incoming, *, critical: bool) -> None:
        """Let an incoming piece of an intake wait, of a customer whose rate is known; critical ones come first."""
        key = (intake.tenant, intake.source.id, intake.cause, critical)
        if key not in self._backlogs:
            self._backlogs[key] = Backlog(intake, is_critical=critical)
        backlog = self._backlogs[key]
        backlog.pieces.append(incoming)
        backlog.intake = intake
        self._go_on(backlog)

    def turn(self) -> bool:
        """Process the chunk whose turn it is; False where none waits."""
        self._settle()
        grant = self._schedule.next(time.monotonic())
        self._begin_writing(green_waits=grant is not None and grant.turn.colour == "green")
        if grant is None:
            return False
        backlog = grant.backlog
        backlog.queued = False
        if backlog.busy:
            self._schedule.took(grant, 0, 0.0, time.monotonic())
            return True
        backlog.colour = grant.turn.colour
        began, records, problem = time.perf_counter(), 0, None
        try:
            records = backlog.line.read(grant.most, MOST_SECONDS)
        except Exception as caught:  # noqa: BLE001 - what is wrong with one customer's logs ends nobody's
            problem = caught
        took = time.perf_counter() - began
        self._pace.note(records, took)
        self._schedule.took(grant, records, took, time.monotonic())
        if problem:
            self._failed(backlog, problem)
        else:
            self._go_on(backlog)
        return True

    def sweep(self) -> None:
        """Let rest who rests no more, ripen what is within the rate by now, write what has waited for a second."""
        now = time.monotonic()
        rested = [backlog for backlog in self._resting if backlog.resting_until <= now]
        self._resting = [backlog for backlog in self._resting if backlog.resting_until > now]
        for backlog in rested:
            self._go_on(backlog)
        self._schedule.ripen(now)
        for backlog in self._waiting():
            if backlog.queued and not backlog.busy and backlog.line.is_due:
                self._write(backlog)

    @property
    def is_idle(self) -> bool:
        """Return whether nothing waits and nothing is written; what rests waits still."""
        return not self._writes.under_way and not any(self._waiting())

    def settle_all(self, seconds: float) -> None:
        """Wait until what is being written is written, for so long at most."""
        until = time.monotonic() + seconds
        while self._writes.under_way and time.monotonic() < until:
            self.wake.wait(0.05)
            self.wake.clear()
            while self._written:
                self._writes.ended(self._written.popleft().colour)

    def _waiting(self) -> Iterator[Backlog]:
        return (backlog for backlog in self._backlogs.values() if not backlog.is_empty)

    def _go_on(self, backlog: Backlog) -> None:
        """Do what comes next for a backlog: write, read, or nothing."""
        if backlog.queued or backlog.busy or backlog.is_empty or backlog.resting_until > time.monotonic():
            return
        if backlog.line.is_due:
            self._write(backlog)
        elif backlog.line.is_read:
            backlog.next_line()
            self._go_on(backlog)
        else:
            backlog.queued = True
            self._schedule.wait(backlog, time.monotonic())

    def _write(self, backlog: Backlog) -> None:
        backlog.busy = True
        self._writes.due(backlog, backlog.colour)

    def _begin_writing(self, *, green_waits: bool) -> None:
        for backlog, colour in self._writes.begun(green_waits=green_waits, now=time.monotonic()):
            self._writers.submit(_written, backlog, colour).add_done_callback(self._note)

    def _note(self, future: Future[BatchWritten]) -> None:
        self._written.append(future.result())
        self.wake.set()

    def _settle(self) -> None:
        while self._written:
            done = self._written.popleft()
            done.backlog.busy = False
            self._writes.ended(done.colour)
            self._pace.note(0, done.seconds)
            self._schedule.charge(done.backlog.customer, done.seconds)
            if done.problem:
                self._failed(done.backlog, done.problem)
                continue
            self.meter.note(done.backlog.intake, done.waited, done.kept)
            if done.backlog.is_broken:
                done.backlog.begin_again(0)
            self._go_on(done.backlog)

    def _failed(self, backlog: Backlog, problem: Exception) -> None:
        """Begin again with what could not be read or written, later; what never can be is given up."""
        log = _LOG.bind(tenant=backlog.customer, source=backlog.intake.source.id)
        match problem:
            case Damaged():
                log.error("a piece of logs cannot be read any more", problem=str(problem))
                self._give_up(backlog)
                return
            case NotEntitled():
                pause = _CONTRACT_SECONDS
            case StoreFault():
                log.warning("a batch of logs could not be written", problem=str(problem))
                pause = _STORE_SECONDS
            case Refused():
                log.error("logs cannot be processed", problem=str(problem))
                if self._writes_first(backlog):
                    return
                backlog.put_last_behind()
                pause = _STORE_SECONDS if len(backlog.pieces) > 1 else _DEFECT_SECONDS
            case _:
                log.error("a defect of the program", exc_info=problem)
                pause = _DEFECT_SECONDS
        backlog.begin_again(pause)
        self._resting.append(backlog)

    def _give_up(self, backlog: Backlog) -> None:
        """Write what was read of a damaged piece; once nothing was, set the rest of it aside."""
        if self._writes_first(backlog):
            return
        incoming = backlog.give_up_last()
        try:
            abandon(backlog.intake, incoming)
        except Exception as problem:  # noqa: BLE001 - it is tried again, whatever it was
            _LOG.warning("a damaged piece could not be set aside", tenant=backlog.customer, problem=str(problem))
            backlog.pieces.appendleft(incoming)
            backlog.begin_again(_STORE_SECONDS)
            self._resting.append(backlog)
        else:
            self._go_on(backlog)

    def _writes_first(self, backlog: Backlog) -> bool:
        """Write what was read before a piece that cannot be read (any further); False where nothing was."""
        if not backlog.line.has_read:
            return False
        backlog.is_broken = True
        self._write(backlog)
        return True


def _written(backlog: Backlog, colour: Colour) -> BatchWritten:
    """Write a backlog's batch; what keeps it from being written is returned, for the next one may be."""
    began, problem, line = time.thread_time(), None, backlog.line
    waited, kept = line.waited_since, line.kept_bytes
    try:
        line.write()
    except Exception as caught:  # noqa: BLE001 - what is wrong with one customer's store ends nobody's logs
        problem = caught
    return BatchWritten(backlog, colour, time.thread_time() - began, problem, waited, line.kept_bytes - kept)
