"""What one customer's flood of logs costs the others, in virtual time with service times as measured.

50 customers, who together ask for half of a core; one (or three) of them offers 100 times as much for five minutes, or
records that are 100 times as dear. Whose turn it is, how much is read at once and what a customer is charged says the
schedule that the intake process goes by (intake/schedule.py). Beside: first come first served, a plain round robin by
pieces, and a token bucket that drops what is beyond the committed rate.

One core reads and writes: up to four batches are written at once, each of which gets as much of the core as what is
read. A piece has waited once it is written; how long until it was read is printed, too.
"""

import gzip
import random
import tempfile
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from heapq import heappop, heappush
from pathlib import Path
from statistics import median
from typing import Protocol

from msgspec import Struct

from bench.log_home import door, home_of, intake_of, lines
from bench.log_reading import seconds_a_record
from intake.batches import LONGEST
from intake.marking import full, spent, there
from intake.schedule import LogSchedule, ReadTurn
from intake.turns import MOST_SECONDS, Colour, Turn
from intake.writes import MOST_RECORDS, BatchQueue
from pipeline.intake.taking import LogLine

_CUSTOMERS, _MINUTES, _TIMES, _PIECE = 50, 5, 100, 500
_LOAD = 0.5  # of the core, by all in calm times
_SECONDS = _MINUTES * 60.0
_WRITERS, _SLICE, _SWEEP = 4, 0.0005, 0.01


class Costs(Struct, frozen=True):
    """What a record takes to read, a batch to write, and each record of it: seconds."""

    read: float
    batch: float
    write: float

    def of(self, records: int) -> float:
        """Return what so many records in a batch take."""
        return self.batch + records * (self.read + self.write)

    def times(self, factor: float) -> "Costs":
        """Return the costs of records that are so many times as dear."""
        return Costs(self.read * factor, self.batch, self.write * factor)


class _Backlog:
    """What waits of a customer: pieces (when they came, records left), and the batch that is read or written."""

    is_critical = False

    def __init__(self, customer: str, costs: Costs) -> None:
        self.customer, self.costs = customer, costs
        self.pieces: deque[tuple[float, int]] = deque()
        self.batch: list[tuple[float, int]] = []  # when what is read came, how many records
        self.since = 0.0
        self.queued = self.busy = False
        self.colour: Colour = "green"

    def read(self, most: int) -> int:
        """Read up to so many records; return how many."""
        left = most
        while left and self.pieces:
            at, records = self.pieces.popleft()
            some = min(left, records)
            self.batch.append((at, some))
            left -= some
            if some < records:
                self.pieces.appendleft((at, records - some))
        return most - left

    def is_due(self, now: float) -> bool:
        """Return whether the batch is to be written now (as `pipeline.intake.taking.LogLine`)."""
        full_ = sum(records for _, records in self.batch) >= MOST_RECORDS
        late = now - self.since >= LONGEST.total_seconds()
        return bool(self.batch) and (not self.pieces or full_ or late)


class _Rule(Protocol):
    """Whose backlog is read next, and up to how many records, as `LogSchedule` says it; `longest` is in seconds."""

    longest: float

    def admits(self, customer: str, records: int, now: float, /) -> int: ...
    def wait(self, backlog: _Backlog, now: float, /) -> None: ...
    def next(self, now: float, /) -> ReadTurn[_Backlog] | None: ...
    def took(self, grant: ReadTurn[_Backlog], records: int, seconds: float, now: float) -> None: ...
    def charge(self, customer: str, seconds: float) -> None: ...
    def ripen(self, now: float) -> None: ...


class _Ours(LogSchedule[_Backlog]):
    """The real one."""

    longest = MOST_SECONDS

    def __init__(self, customers: list[str], rate: float) -> None:
        super().__init__()
        for name in customers:
            self.commit(name, rate, 0.0)

    def admits(self, _customer: str, records: int, _now: float) -> int:
        return records


class _Simple:
    """A rule that charges nobody; the backlogs wait by when their oldest piece came."""

    longest = _SECONDS

    def __init__(self, customers: list[str], rate: float) -> None:
        self._waiting: list[tuple[float, int, _Backlog]] = []
        self._number = 0
        self._buckets = {name: full(rate, 0.0) for name in customers}

    def admits(self, _customer: str, records: int, _now: float) -> int:
        return records

    def place(self, backlog: _Backlog, /) -> float:
        return backlog.pieces[0][0]

    def wait(self, backlog: _Backlog, _now: float) -> None:
        self._number += 1
        heappush(self._waiting, (self.place(backlog), self._number, backlog))

    def next(self, _now: float) -> ReadTurn[_Backlog] | None:
        if not self._waiting:
            return None
        backlog = heappop(self._waiting)[2]
        return ReadTurn(Turn(backlog.customer, "green", backlog), backlog.pieces[0][1])

    def took(self, grant: ReadTurn[_Backlog], records: int, seconds: float, now: float) -> None: ...
    def charge(self, customer: str, seconds: float) -> None: ...
    def ripen(self, now: float) -> None: ...


class _RoundRobin(_Simple):
    def place(self, _backlog: _Backlog, /) -> float:
        return self._number


class _Dropping(_Simple):
    """What is within the committed rate, first come first served; the rest is lost."""

    def admits(self, customer: str, records: int, now: float) -> int:
        bucket = self._buckets[customer]
        green = min(records, there(bucket, now))
        self._buckets[customer] = spent(bucket, green, now)
        return green


class _Seen:
    """What came out of a run: how long the others' records waited, and how much of whose was processed."""

    def __init__(self) -> None:
        self.read: list[tuple[float, int]] = []
        self.written: list[tuple[float, int]] = []
        self.offered: Counter[str] = Counter()
        self.processed: Counter[str] = Counter()
        self.busy: defaultdict[str, float] = defaultdict(float)


def _p99(waits: list[tuple[float, int]]) -> float:
    """Return the waiting time that one of a hundred records exceeds."""
    left = sum(records for _, records in waits) * 0.99
    for wait, records in sorted(waits):
        left -= records
        if left <= 0:
            return wait
    return 0.0


class _Write(Struct):
    backlog: _Backlog
    colour: Colour
    left: float
    took: float


class _Core:
    """One core in virtual time, which does what `pipeline.intake.processing` does, by a rule."""

    def __init__(self, rule: _Rule, quiet: frozenset[str]) -> None:
        self._rule, self._quiet = rule, quiet
        self._due: BatchQueue[_Backlog] = BatchQueue()
        self._writes: deque[_Write] = deque()  # there is a thread for the first few
        self._swept = 0.0
        self._backlogs: list[_Backlog] = []
        self.now = 0.0
        self.seen = _Seen()

    def offer(self, backlog: _Backlog, at: float, records: int) -> None:
        self.seen.offered[backlog.customer] += records
        if admitted := self._rule.admits(backlog.customer, records, at):
            backlog.pieces.append((at, admitted))
            self._go_on(backlog)

    def step(self) -> bool:
        """Read a chunk, and give as much time to each batch that is written; False where there is nothing to do."""
        if self.now - self._swept >= _SWEEP:
            self._swept = self.now
            self._rule.ripen(self.now)
        began = self.now
        grant = self._rule.next(self.now)
        for backlog, colour in self._due.begun(green_waits=grant is not None and grant.turn.colour == "green"):
            took = backlog.costs.batch + backlog.costs.write * sum(records for _, records in backlog.batch)
            self._writes.append(_Write(backlog, colour, took, took))
        if grant:
            self._read(grant)
        if not self._writes:
            return bool(grant)
        slice_ = self.now - began or _SLICE
        for write in [self._writes[place] for place in range(min(_WRITERS, len(self._writes)))]:
            self._go_on_writing(write, min(slice_, _SLICE))
        return True

    def _read(self, grant: ReadTurn[_Backlog]) -> None:
        backlog, began = grant.backlog, self.now
        backlog.queued, backlog.colour = False, grant.turn.colour
        if not backlog.batch:
            backlog.since = self.now
        within = max(1, int(self._rule.longest / backlog.costs.read))
        records = backlog.read(min(grant.most, within))
        took = records * backlog.costs.read
        self._spend(backlog, took)
        self._rule.took(grant, records, took, self.now)
        if backlog.customer in self._quiet:
            self.seen.read += [(self.now - at, some) for at, some in backlog.batch[-1:]]
        assert self.now >= began
        self._go_on(backlog)

    def _go_on(self, backlog: _Backlog) -> None:
        if backlog.queued or backlog.busy:
            return
        if backlog.is_due(self.now):
            backlog.busy = True
            self._due.due(backlog, backlog.colour)
        elif backlog.pieces:
            backlog.queued = True
            self._rule.wait(backlog, self.now)

    def _go_on_writing(self, write: _Write, seconds: float) -> None:
        spent = min(write.left, seconds)
        write.left -= spent
        self._spend(write.backlog, spent)
        if write.left > 0:
            return
        self._writes.remove(write)
        self._due.ended(write.colour)
        backlog = write.backlog
        backlog.busy = False
        self._rule.charge(backlog.customer, write.took)
        self.seen.processed[backlog.customer] += sum(records for _, records in backlog.batch)
        if backlog.customer in self._quiet:
            self.seen.written += [(self.now - at, records) for at, records in backlog.batch]
        backlog.batch = []
        self._go_on(backlog)

    def _spend(self, backlog: _Backlog, seconds: float) -> None:
        self.now += seconds
        self.seen.busy[backlog.customer] += seconds


def _coming(backlog: _Backlog, rate: float) -> Iterator[tuple[float, str, _Backlog]]:
    """Yield when pieces of a customer come, at random, `rate` a second."""
    chosen, at = random.Random(backlog.customer), 0.0  # noqa: S311 - arrivals
    while (at := at + chosen.expovariate(rate)) < _SECONDS:
        yield at, backlog.customer, backlog


class Load(Struct, frozen=True):
    """How many customers are loud, and how many times as much they offer, and as dear."""

    name: str
    loud: int
    times: float
    dearer: int = 1


def _run(make: Callable[[list[str], float], _Rule], costs: Costs, load: Load) -> _Seen:
    names = [f"tenant-{number:02}" for number in range(_CUSTOMERS)]
    rate = _LOAD / _CUSTOMERS / costs.of(_PIECE)  # pieces a second of one customer
    coming = list[tuple[float, str, _Backlog]]()
    for number, name in enumerate(names):
        is_loud = number < load.loud
        backlog = _Backlog(name, costs.times(load.dearer if is_loud else 1))
        coming += _coming(backlog, rate * (load.times if is_loud else 1))
    coming.sort(reverse=True)
    core = _Core(make(names, 2 * rate * _PIECE), frozenset(names[load.loud :]))
    while core.now < _SECONDS:
        while coming and coming[-1][0] <= core.now:
            at, _, backlog = coming.pop()
            core.offer(backlog, at, _PIECE)
        if not core.step():
            if not coming:
                break
            core.now = coming[-1][0]
    return core.seen


def measured() -> Costs:
    """Return the costs as measured: processor time, medians."""
    times: dict[int, list[float]] = {100: [], 2_100: []}
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "home"
        home_of(folder, ["bench"], 60_000)
        door_ = door(folder, "bench")
        intake = intake_of(folder, "bench")
        with door_.store.held():
            for number in range(9):
                some = [line for part in range(3) for line in lines(3 * number + part)]
                for size, taken in times.items():
                    body = gzip.compress(b"\n".join(some[:size] if size < 1_000 else some[-size:]), 1)
                    line = LogLine(intake, [door_.waiting(body, size, len(body))])
                    while not line.is_read:
                        line.read(size)
                    began = time.thread_time()
                    line.write()
                    taken.append(time.thread_time() - began)
    small, large = (median(taken) for taken in times.values())
    write = (large - small) / 2_000
    return Costs(seconds_a_record(), max(0.0, small - 100 * write), write)


def main() -> None:
    """Print the others' 99th percentile of waiting, calm and beside a flood, by our schedule and by other rules."""
    costs = measured()
    print(
        f"as measured: {costs.read * 1e6:.1f} µs to read a record, {costs.batch * 1e3:.1f} ms to write a batch and "
        f"{costs.write * 1e6:.1f} µs a record of it; {_CUSTOMERS} customers, {_MINUTES} minutes, {_PIECE} in a piece"
    )
    makes: dict[str, Callable[[list[str], float], _Rule]] = {
        "ours": _Ours,
        "first come": _Simple,
        "round robin": _RoundRobin,
        "token bucket, rest dropped": _Dropping,
    }
    loads = Load("one", 1, _TIMES), Load("three", 3, _TIMES), Load("dear", 1, 0.1, _TIMES)
    for name, make in makes.items():
        calm = _run(make, costs, Load("calm", 0, 1))
        for load in loads:
            began = time.process_time()
            seen = _run(make, costs, load)
            loud = {f"tenant-{number:02}" for number in range(load.loud)}
            others = [one for one in seen.offered if one not in loud]
            left = 1 - sum(seen.processed[one] for one in others) / sum(seen.offered[one] for one in others)
            spare = sum(seen.busy[one] for one in loud) / (_SECONDS - sum(seen.busy[one] for one in others))
            got = sum(seen.processed[one] for one in loud) / max(1, sum(seen.offered[one] for one in loud))
            written, read = (_p99(seen.written), _p99(calm.written)), (_p99(seen.read), _p99(calm.read))
            print(
                f"{name:27} {load.name:6} others' p99 until written {written[0] * 1e3:9.1f} ms, calm "
                f"{written[1] * 1e3:6.1f} ms: × {written[0] / written[1]:8.2f} (until read × {read[0] / read[1]:.2f}); "
                f"at the end {left:6.2%} of theirs waits; of what they leave the loud have {spare:4.0%}, {got:4.0%} of "
                f"theirs is processed ({time.process_time() - began:.0f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
