"""Article 11's stages over calm days and floods, beside two simpler rules: whom each suspends, and whom it misses.

Calm days: 0.85 times the committed rate, 5 times for 40 minutes a day, 10 times for 30 minutes on a third of the days,
the larger where they meet; once a stop of ours of two hours, after which what is caught up with is nobody's rate.
Floods: one of fifty tenants, from its 71st minute on; capacity is twice what is committed.
"""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from contract.suspension import StageChange
from intake.rates import observed
from pipeline.intake.simulation import Records, SimulationSettings, changes

DAY, TENANTS, COMMITTED = 1440, 50, 100.0
_NAMES = [f"t{number:02}" for number in range(TENANTS)]
_STOP_MINUTES = 120
_FIRST_DAYS = 14


def calm(days: int, seed: int) -> Iterator[Records]:
    """Yield the minutes of so many calm days of fifty tenants."""
    chosen = random.Random(seed)  # noqa: S311 - volumes are no secrets
    stop = chosen.randrange(days) * DAY + chosen.randrange(DAY - _STOP_MINUTES)
    for day in range(days):
        busy = {name: chosen.randrange(DAY - 40) for name in _NAMES}
        burst = {name: chosen.randrange(DAY - 30) if chosen.random() < 1 / 3 else -DAY for name in _NAMES}
        for minute in range(DAY):
            if stop <= day * DAY + minute < stop + _STOP_MINUTES:
                yield {}
                continue
            yield {
                name: COMMITTED * max(0.85, 5 * (0 <= minute - busy[name] < 40), 10 * (0 <= minute - burst[name] < 30))
                for name in _NAMES
            }


def flood(times: float, minutes: int = 180, quiet: int = 0) -> list[Records]:
    """Return 70 calm minutes, and as many of a flood by the first tenant, of which one in so many is quiet."""
    usual = dict.fromkeys(_NAMES, 0.8 * COMMITTED)
    loud = usual | {_NAMES[0]: times * COMMITTED}
    return [*[usual] * 70, *(usual if quiet and n % quiet == quiet - 1 else loud for n in range(minutes))]


def settings(committed: float = COMMITTED, **more: float) -> SimulationSettings:
    """Return what fifty tenants of a committed rate go by, with twice the capacity of what is committed at first."""
    capacity = 2 * COMMITTED * TENANTS
    return SimulationSettings(dict.fromkeys(_NAMES, committed), capacity, **more)  # type: ignore[arg-type]


# A flood, what there is, and whether all are affected by it.
FLOODS: tuple[tuple[str, list[Records], dict[str, float], bool], ...] = (
    ("10 x, disk left", flood(10), {}, False),
    ("100 x, disk left", flood(100), {}, False),
    ("100 x, disk of 90 minutes, no bound of the spool", flood(100), {"disk": 90 * 10_000, "spool": 1e9}, True),
    ("the same, one minute in 12 quiet", flood(100, 80, 12), {"disk": 90 * 10_000, "spool": 1e9}, True),
    ("1,000 x, pushed", flood(1_000), {}, True),
    ("the same, one minute in 12 quiet", flood(1_000, 80, 12), {}, True),
)


def consecutive(minutes: Sequence[Records]) -> set[str]:
    """Return whom a rule suspends that wants more than three times the rate for 60 minutes on end."""
    return _on_end(minutes, lambda records, _: records > 3 * COMMITTED)


def bucket(minutes: Sequence[Records]) -> set[str]:
    """Return whom a rule suspends that wants a token bucket of five minutes to be empty for 60 minutes on end."""
    tokens = dict.fromkeys(_NAMES, 5 * COMMITTED)

    def is_empty(records: float, name: str) -> bool:
        tokens[name] = max(0.0, min(5 * COMMITTED, tokens[name] + COMMITTED) - records)
        return not tokens[name]

    return _on_end(minutes, is_empty)


def _on_end(minutes: Sequence[Records], holds: Callable[[float, str], bool]) -> set[str]:
    runs, found = dict.fromkeys(_NAMES, 0), set[str]()
    for records in minutes:
        for name in _NAMES:
            runs[name] = runs[name] + 1 if holds(records.get(name, 0.0), name) else 0
            if runs[name] == 60:
                found.add(name)
    return found


def rate_of(name: str, minutes: Sequence[Records]) -> int:
    """Return the committed rate that is observed of a tenant's first minutes."""
    heard = [int(one[name]) for one in minutes if one.get(name)]
    return observed(heard, len(minutes))


def main(days: int = 200) -> None:
    """Print who is suspended, and in which minute of a flood."""
    began = time.process_time()
    found = list(changes(calm(days, 1), settings()))
    print(f"{days * TENANTS:,} calm tenant-days, {time.process_time() - began:.0f} s: {_suspended(found)} suspensions")
    first = list(islice(calm(days, 1), _FIRST_DAYS * DAY))
    rates = [rate_of(name, first) for name in _NAMES]
    found = list(changes(calm(days, 1), settings(float(min(rates)))))
    floods = sum(one.after == "watch" for one in found)
    print(f"by the least observed rate ({min(rates)}): {_suspended(found)} suspensions, {floods} floods notified of")
    some = list(calm(20, 2))
    print(
        f"of 1,000 calm tenant-days others suspend: {len(consecutive(some))} (60 on end), {len(bucket(some))} (bucket)"
    )
    for what, minutes, more, is_affecting in FLOODS:
        last = [one for one in changes(minutes, settings(**more)) if one.tenant == _NAMES[0]][-1]
        others = " ".join(str(bool(rule(minutes))) for rule in (consecutive, bucket))
        became = f"{last.after} {last.minute - 70} minutes after the onset"
        print(f"{what}: {became}; all affected: {is_affecting}; others suspend: {others}")


def _suspended(found: Sequence[StageChange]) -> int:
    return sum(one.after == "suspended" for one in found)


if __name__ == "__main__":
    main()
