"""What one customer's flood of logs costs the others, in virtual time with service times as measured.

50 customers, each of whom asks for a hundredth of a core; one (or three) of them offers 100 times as much for five
minutes, or records that are 100 times as dear. Beside: first come first served, a plain round robin by chunks, and a
token bucket that drops what is beyond the committed rate.
"""

import random
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator
from typing import Protocol

from bench.log_reading import seconds_a_record
from intake.marking import full, mark
from intake.turns import MOST_SECONDS, Colour, Turn, Turns

_CUSTOMERS, _MINUTES, _TIMES, _BATCH, _YELLOW = 50, 5, 100, 50, 10
_LOAD = 0.5  # of the core, by all in calm times
_SECONDS = _MINUTES * 60.0


class _Chunk:
    """Records that came at a moment: how many, and what one of them takes."""

    __slots__ = ("at", "each", "records")

    def __init__(self, at: float, records: int, each: float) -> None:
        self.at, self.records, self.each = at, records, each


class _Schedule(Protocol):
    """Who is next, and how long a chunk is processed at the longest, in seconds."""

    longest: float

    def offer(self, customer: str, chunk: _Chunk) -> None: ...
    def next(self) -> tuple[str, _Chunk] | None: ...
    def took(self, seconds: float, rest: _Chunk | None) -> None: ...


class _Ours:
    """The real scheduler: within the committed rate green, beyond it yellow in small chunks."""

    longest = MOST_SECONDS

    def __init__(self, customers: list[str], rate: float) -> None:
        self._buckets = {name: full(rate, 0.0) for name in customers}
        self._turns: Turns[_Chunk] = Turns(dict.fromkeys(customers, rate))
        self._turn: Turn[_Chunk] | None = None

    def offer(self, customer: str, chunk: _Chunk) -> None:
        green, self._buckets[customer] = mark(self._buckets[customer], chunk.records, chunk.at)
        if green:
            self._add(customer, "green", _Chunk(chunk.at, green, chunk.each))
        for start in range(green, chunk.records, _YELLOW):
            self._add(customer, "yellow", _Chunk(chunk.at, min(_YELLOW, chunk.records - start), chunk.each))

    def _add(self, customer: str, colour: Colour, chunk: _Chunk) -> None:
        self._turns.add(customer, colour, chunk)

    def next(self) -> tuple[str, _Chunk] | None:
        self._turn = self._turns.next()
        return (self._turn.customer, self._turn.chunk) if self._turn else None

    def took(self, seconds: float, rest: _Chunk | None) -> None:
        assert self._turn
        self._turns.took(self._turn, seconds, rest)


class _FirstCome:
    longest = _SECONDS

    def __init__(self, _customers: list[str], _rate: float) -> None:
        self._waiting: deque[tuple[str, _Chunk]] = deque()

    def offer(self, customer: str, chunk: _Chunk) -> None:
        self._waiting.append((customer, chunk))

    def next(self) -> tuple[str, _Chunk] | None:
        return self._waiting.popleft() if self._waiting else None

    def took(self, seconds: float, rest: _Chunk | None) -> None: ...


class _RoundRobin:
    longest = _SECONDS

    def __init__(self, customers: list[str], _rate: float) -> None:
        self._waiting: dict[str, deque[_Chunk]] = {name: deque() for name in customers}
        self._turns: deque[str] = deque()

    def offer(self, customer: str, chunk: _Chunk) -> None:
        if not self._waiting[customer]:
            self._turns.append(customer)
        self._waiting[customer].append(chunk)

    def next(self) -> tuple[str, _Chunk] | None:
        if not self._turns:
            return None
        name = self._turns.popleft()
        chunk = self._waiting[name].popleft()
        if self._waiting[name]:
            self._turns.append(name)
        return name, chunk

    def took(self, seconds: float, rest: _Chunk | None) -> None: ...


class _Dropping(_FirstCome):
    """What is within the committed rate, first come first served; the rest is lost."""

    def __init__(self, customers: list[str], rate: float) -> None:
        super().__init__(customers, rate)
        self._buckets = {name: full(rate, 0.0) for name in customers}

    def offer(self, customer: str, chunk: _Chunk) -> None:
        green, self._buckets[customer] = mark(self._buckets[customer], chunk.records, chunk.at)
        if green:
            super().offer(customer, _Chunk(chunk.at, green, chunk.each))


class _Seen:
    """What came out of a run: how long the others' records waited, and how much of whose was processed."""

    def __init__(self) -> None:
        self.waits: list[tuple[float, int]] = []
        self.offered: Counter[str] = Counter()
        self.processed: Counter[str] = Counter()
        self.busy: defaultdict[str, float] = defaultdict(float)

    def p99(self) -> float:
        """Return the waiting time that one of a hundred of the others' records exceeds."""
        self.waits.sort()
        left = sum(records for _, records in self.waits) * 0.99
        for wait, records in self.waits:
            left -= records
            if left <= 0:
                return wait
        return 0.0


def _coming(name: str, rate: float, each: float, seed: str) -> Iterator[tuple[float, str, float]]:
    """Yield when batches of a customer come, at random, `rate` a second; each record takes so long."""
    chosen, at = random.Random(seed), 0.0  # noqa: S311 - arrivals
    while (at := at + chosen.expovariate(rate)) < _SECONDS:
        yield at, name, each


def _run(make: Callable[[list[str], float], _Schedule], each: float, flooders: int, times: float, dearer: int) -> _Seen:
    names = [f"tenant-{number:02}" for number in range(_CUSTOMERS)]
    rate = _LOAD / _CUSTOMERS / (each * _BATCH)  # batches a second of one customer
    loud = set(names[:flooders])
    coming = []
    for name in names:
        factor, cost = (times, each * dearer) if name in loud else (1, each)
        coming += list(_coming(name, rate * factor, cost, name))
    coming.sort(reverse=True)
    schedule, seen, now = make(names, 2 * rate * _BATCH), _Seen(), 0.0
    for _, name, _ in coming:
        seen.offered[name] += _BATCH
    while now < _SECONDS:
        while coming and coming[-1][0] <= now:
            at, name, cost = coming.pop()
            schedule.offer(name, _Chunk(at, _BATCH, cost))
        found = schedule.next()
        if found is None:
            if not coming:
                break
            now = coming[-1][0]
            continue
        name, chunk = found
        done = min(max(1, int(schedule.longest / chunk.each)), chunk.records)
        took = done * chunk.each
        rest = _Chunk(chunk.at, chunk.records - done, chunk.each) if done < chunk.records else None
        if name not in loud:
            seen.waits.append((now - chunk.at, done))
        now += took
        schedule.took(took, rest)
        seen.processed[name] += done
        seen.busy[name] += took
    return seen


def main() -> None:
    """Print the others' 99th percentile of waiting, calm and beside a flood, by our scheduler and by others."""
    each = seconds_a_record()
    print(f"{each * 1e6:.1f} µs a record as measured; {_CUSTOMERS} customers, {_MINUTES} minutes")
    makes: dict[str, Callable[[list[str], float], _Schedule]] = {
        "ours": _Ours,
        "first come": _FirstCome,
        "round robin": _RoundRobin,
        "token bucket, rest dropped": _Dropping,
    }
    for name, make in makes.items():
        calm = _run(make, each, 0, 1, 1).p99()
        for what, flooders, times, dearer in (("one", 1, _TIMES, 1), ("three", 3, _TIMES, 1), ("dear", 1, 0.1, _TIMES)):
            began = time.process_time()
            seen = _run(make, each, flooders, times, dearer)
            loud = {f"tenant-{number:02}" for number in range(flooders)}
            others = [one for one in seen.offered if one not in loud]
            lost = 1 - sum(seen.processed[one] for one in others) / sum(seen.offered[one] for one in others)
            spare = sum(seen.busy[one] for one in loud) / (_SECONDS - sum(seen.busy[one] for one in others))
            print(
                f"{name:27} {what:6} others' p99 {seen.p99() * 1000:9.2f} ms, calm {calm * 1000:6.2f} ms: "
                f"× {seen.p99() / calm:8.2f}; not processed of theirs {lost:6.2%}; "
                f"of what they leave the loud have {spare:4.0%} ({time.process_time() - began:.0f} s)"
            )


if __name__ == "__main__":
    main()
