"""What it takes to find the last days of terms from all start days of 40 years, beside python-dateutil's arithmetic.

That takes the month's end for a corresponding day that there is not: 29 February ends a day early by it.
"""

import time
from collections.abc import Callable
from datetime import date, timedelta
from statistics import median

from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]

from contract.dates import last_day

_ROUNDS = 15
_FIRST, _END = date(2000, 1, 1), date(2040, 1, 1)


def main() -> None:
    """Print milliseconds of processor time, medians of rounds in turn, and their ratio."""
    starts = [_FIRST + timedelta(days=number) for number in range((_END - _FIRST).days)]
    year = relativedelta(years=1, days=-1)
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(_ROUNDS):
        ours.append(_milliseconds(lambda: [last_day(start) for start in starts]))
        theirs.append(_milliseconds(lambda: [start + year for start in starts]))
    different = sum(last_day(start) != start + year for start in starts)
    print(f"{len(starts):,} last days: {median(ours):.1f} ms; python-dateutil {median(theirs):.1f} ms", end="")
    print(f", ratio {median(theirs) / median(ours):.1f}; {different} differ")


def _milliseconds(do: Callable[[], object]) -> float:
    began = time.process_time()
    do()
    return (time.process_time() - began) * 1_000


if __name__ == "__main__":
    main()
