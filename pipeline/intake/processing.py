"""Whose logs are processed next: read by turns in one thread, chunk by chunk, and written by others, batch by batch.

What is within a customer's committed rate is green and comes before anything that is yellow (intake/marking.py,
intake/turns.py). Of one customer, pieces in which a critical event may be come first; up to a tenth of the rate they
are green even where the rest of it is used up. A customer whose store is held up holds up nobody else.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from intake.marking import Bucket, at_rate, full, spent, there
from intake.turns import MOST_SECONDS, Colour, Turns
from pipeline.intake.abandoning import abandon
from pipeline.intake.taking import Incoming, Intake, Line
from pipeline.logs import logger
from pipeline.sealing import Damaged
from pipeline.tenants.gate import NotEntitled
from store.database import StoreFault

_LOG = logger()
# A chunk has at most so many records; one that waits for others' green ones is small.
_MOST: dict[Colour, int] = {"green": 100, "yellow": 10}
_CRITICAL_PART = 0.1
# After what went wrong it is tried again in so many seconds.
_STORE_SECONDS, _CONTRACT_SECONDS, _DEFECT_SECONDS = 1.0, 5.0, 30.0
# As it is before anything is known, and over how many busy seconds it is taken.
_FIRST_PACE, _PACE_SECONDS = 10_000.0, 10.0
_Kind = Literal["critical", "ordinary"]


class Backlog:
    """What waits of one source of a customer: pieces with critical events in them, or the others.

    It is `queued` while it waits for a turn, `busy` while a batch of it is written, and `is_broken` where that is the
    last that could be read of a damaged piece.
    """

    def __init__(self, customer: "_Customer", intake: Intake, kind: _Kind) -> None:
        self.customer = customer
        self.intake = intake
        self.is_critical = kind == "critical"
        self.queued = self.busy = self.is_broken = False
        self.resting_until = 0.0
        self.pieces: deque[Incoming] = deque()
        self._begun: list[Incoming] = []
        self._line: Line | None = None

    @property
    def line(self) -> Line:
        """Return the line in which the pieces are taken in."""
        if self._line is None:
            self._line = Line(self.intake, self._coming())
        return self._line

    @property
    def is_empty(self) -> bool:
        """Return whether nothing waits."""
        return self._line is None and not self.pieces

    def next_line(self) -> None:
        """Go on in a new line, with the pieces that have come."""
        self._line = None

    def begin_again(self, seconds: float) -> None:
        """Begin again, after some seconds, with what is not written yet."""
        self.pieces.extendleft(reversed(self._begun))
        self._begun, self._line, self.is_broken = [], None, False
        self.resting_until = time.monotonic() + seconds

    def give_up_first(self) -> Incoming:
        """Return the first piece that is not written, which is left out from now on."""
        self.begin_again(0)
        return self.pieces.popleft()

    def _coming(self) -> Iterator[Incoming]:
        while self.pieces:
            incoming = self.pieces.popleft()
            self._begun.append(incoming)
            yield replace(incoming, done=self._end(incoming))

    def _end(self, incoming: Incoming) -> Callable[[], None]:
        def done() -> None:
            self._begun.remove(incoming)
            incoming.done()

        return done


class _Customer:
    """A tenant with its committed rate, of which a part is for what is critical."""

    def __init__(self, name: str, rate: float, now: float) -> None:
        """The committed rate is in records a second."""
        self.name = name
        self.backlogs: dict[tuple[str, str, bool], Backlog] = {}
        self._bucket = full(rate, now)
        self._critical = full(rate * _CRITICAL_PART, now)

    def commit(self, rate: float, now: float) -> None:
        """Go by another committed rate from now on (records a second)."""
        self._bucket = at_rate(self._bucket, rate, now)
        self._critical = at_rate(self._critical, rate * _CRITICAL_PART, now)

    def green(self, backlog: Backlog, now: float) -> int:
        """Return how many records of a backlog are within the rate now."""
        return there(self._bucket, now) + (there(self._critical, now) if backlog.is_critical else 0)

    def spend(self, backlog: Backlog, records: int, now: float) -> None:
        """Count records that were green."""
        own = min(records, there(self._critical, now)) if backlog.is_critical else 0
        self._critical = _spent(self._critical, own, now)
        self._bucket = _spent(self._bucket, records - own, now)


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


class Written(Struct, frozen=True):
    """A batch that was written, or why it was not; it took so long of the processor."""

    backlog: Backlog
    seconds: float
    problem: Exception | None = None


class Processor:
    """What waits of all customers, and its processing."""

    def __init__(self, writers: Executor) -> None:
        """`writers` are the threads that write."""
        self._writers = writers
        self._rates: dict[str, float] = {}
        self._customers: dict[str, _Customer] = {}
        self._turns: Turns[Backlog] = Turns(self._rates)
        self._yellow: set[str] = set()  # whose chunks may turn green
        self._resting: list[Backlog] = []
        self._written: deque[Written] = deque()
        self._writing = 0
        self._pace = _Pace()
        self.wake = threading.Event()

    @property
    def capacity(self) -> float:
        """Return how many records a second can be processed, as it was lately."""
        return self._pace.a_second

    def commit(self, customer: str, rate: float) -> None:
        """Let a customer's committed rate be so many records a second from now on."""
        self._rates[customer] = rate
        now = time.monotonic()
        if customer in self._customers:
            self._customers[customer].commit(rate, now)
        else:
            self._customers[customer] = _Customer(customer, rate, now)

    def rate(self, customer: str) -> float:
        """Return a customer's committed rate in records a second."""
        return self._rates[customer]

    def add(self, intake: Intake, incoming: Incoming, *, critical: bool) -> None:
        """Let a piece wait, of a customer whose rate is known."""
        backlogs = self._customers[intake.tenant].backlogs
        key = (intake.source.id, intake.cause, critical)
        if key not in backlogs:
            kind: _Kind = "critical" if critical else "ordinary"
            backlogs[key] = Backlog(self._customers[intake.tenant], intake, kind)
        backlogs[key].pieces.append(incoming)
        backlogs[key].intake = intake
        self._go_on(backlogs[key])

    def turn(self) -> bool:
        """Process the chunk whose turn it is; False where none waits."""
        self._settle()
        turn = self._turns.next()
        if turn is None:
            return False
        backlog = turn.chunk
        backlog.queued = False
        if backlog.busy:
            self._turns.took(turn, 0.0)
            return True
        began, problem = time.perf_counter(), None
        most = _MOST[turn.colour]
        if turn.colour == "green":
            most = max(1, min(most, backlog.customer.green(backlog, time.monotonic())))
        try:
            records = backlog.line.read(most, MOST_SECONDS)
        except Exception as caught:  # noqa: BLE001 - what is wrong with one customer's logs ends nobody's
            records, problem = 0, caught
        if turn.colour == "green":
            backlog.customer.spend(backlog, records, time.monotonic())
        took = time.perf_counter() - began
        self._pace.note(records, took)
        self._turns.took(turn, took)
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
        for name in list(self._yellow):
            self._ripen(name, now)
        for backlog in self._waiting():
            if backlog.queued and not backlog.busy and backlog.line.is_due:
                self._write(backlog)

    @property
    def is_idle(self) -> bool:
        """Return whether nothing waits and nothing is written; what rests waits still."""
        return not self._writing and all(backlog.is_empty for backlog in self._waiting())

    def settle_all(self, seconds: float) -> None:
        """Wait until what is being written is written, for so long at most."""
        until = time.monotonic() + seconds
        while self._writing and time.monotonic() < until:
            self.wake.wait(0.05)
            self.wake.clear()
            while self._written:
                self._written.popleft()
                self._writing -= 1

    def _waiting(self) -> Iterator[Backlog]:
        return (
            backlog
            for customer in self._customers.values()
            for backlog in customer.backlogs.values()
            if not backlog.is_empty
        )

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
            self._queue(backlog)

    def _queue(self, backlog: Backlog) -> None:
        customer = backlog.customer
        colour: Colour = "green" if customer.green(backlog, time.monotonic()) else "yellow"
        if colour == "yellow":
            self._yellow.add(customer.name)
        backlog.queued = True
        self._turns.add(customer.name, colour, backlog, first=backlog.is_critical)

    def _ripen(self, name: str, now: float) -> None:
        backlog = self._turns.withdraw(name, "yellow")
        if backlog is None:
            self._yellow.discard(name)
            return
        colour: Colour = "green" if backlog.customer.green(backlog, now) else "yellow"
        self._turns.add(name, colour, backlog, first=True)

    def _write(self, backlog: Backlog) -> None:
        backlog.busy = True
        self._writing += 1
        future = self._writers.submit(_written, backlog)
        future.add_done_callback(self._note)

    def _note(self, future: Future[Written]) -> None:
        self._written.append(future.result())
        self.wake.set()

    def _settle(self) -> None:
        while self._written:
            done = self._written.popleft()
            done.backlog.busy = False
            self._writing -= 1
            self._pace.note(0, done.seconds)
            self._turns.charge(done.backlog.customer.name, "green", done.seconds)
            if done.problem:
                self._failed(done.backlog, done.problem)
                continue
            if done.backlog.is_broken:
                done.backlog.begin_again(0)
            self._go_on(done.backlog)

    def _failed(self, backlog: Backlog, problem: Exception) -> None:
        """Begin again with what could not be read or written, later; what never can be is given up."""
        log = _LOG.bind(tenant=backlog.customer.name, source=backlog.intake.source.id)
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
            case _:
                log.error("a defect of the program", exc_info=problem)
                pause = _DEFECT_SECONDS
        backlog.begin_again(pause)
        self._resting.append(backlog)

    def _give_up(self, backlog: Backlog) -> None:
        """Write what was read of a damaged piece; once nothing was, set the rest of it aside."""
        if backlog.line.has_read:
            backlog.is_broken = True
            self._write(backlog)
            return
        incoming = backlog.give_up_first()
        try:
            abandon(backlog.intake, incoming)
        except StoreFault:
            backlog.pieces.appendleft(incoming)
            backlog.begin_again(_STORE_SECONDS)
            self._resting.append(backlog)
        else:
            self._go_on(backlog)


def _spent(bucket: Bucket, records: int, now: float) -> Bucket:
    return spent(bucket, records, now) if records else bucket


def _written(backlog: Backlog) -> Written:
    """Write a backlog's batch; whatever keeps it from being written is told, for the next one may be."""
    began, problem = time.thread_time(), None
    try:
        backlog.line.write()
    except Exception as caught:  # noqa: BLE001 - what is wrong with one customer's store ends nobody's logs
        problem = caught
    return Written(backlog, time.thread_time() - began, problem)
