"""What marking takes: a batch of 50 records, and a whole turn of the schedule, in which it is a part."""

import time
from collections.abc import Callable
from statistics import median

from intake.marking import full, spent, there
from intake.schedule import LogSchedule

_LIMIT_US = 3.0
_ROUNDS, _TIMES, _BATCH, _CUSTOMERS = 15, 20_000, 50, 50


class _Backlog:
    is_critical = False

    def __init__(self, customer: str) -> None:
        self.customer = customer


def main() -> None:
    """Print microseconds of processor time, medians of rounds and their spread, against the limit."""
    found = {"within the rate": _marking(100_000.0), "beyond it": _marking(10.0)}
    for what, times in found.items():
        print(f"a batch of {_BATCH} marked, {what}: {_us(times)} µs; limit {_LIMIT_US} µs")
    worst = max(median(times) for times in found.values())
    print(
        f"{worst / _LIMIT_US:.2f} times the limit; a turn of {_CUSTOMERS} customers, marking included: {_us(_turns())}"
    )


def _us(times: list[float]) -> str:
    return f"{median(times):.2f} ({min(times):.2f} to {max(times):.2f})"


def _marking(rate: float) -> list[float]:
    def batches() -> None:
        bucket = full(rate, 0.0)
        for number in range(_TIMES):
            now = number * 0.001
            bucket = spent(bucket, min(_BATCH, there(bucket, now)), now)

    return _timed(batches)


def _turns() -> list[float]:
    def turns() -> None:
        schedule: LogSchedule[_Backlog] = LogSchedule()
        for number in range(_CUSTOMERS):
            schedule.commit(f"tenant-{number}", 10_000.0, 0.0)
            schedule.wait(_Backlog(f"tenant-{number}"), 0.0)
        for number in range(_TIMES):
            now = number * 0.0005
            grant = schedule.next(now)
            assert grant
            schedule.took(grant, grant.most, 0.0005, now)
            schedule.wait(grant.backlog, now)

    return _timed(turns)


def _timed(do: Callable[[], None]) -> list[float]:
    found = list[float]()
    for _ in range(_ROUNDS):
        began = time.process_time()
        do()
        found.append((time.process_time() - began) / _TIMES * 1e6)
    return found


if __name__ == "__main__":
    main()
