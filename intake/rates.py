"""The committed rate of customers with whom none is agreed: what nearly all of their first minutes stayed within."""

from collections.abc import Sequence
from datetime import timedelta

# From so long after a customer was heard first; until it is known, each has an equal part of half the capacity.
FIRST = timedelta(days=14)
# Records a minute: who is hardly heard at first is not taken for a flood at the first login.
LEAST = 60
_PROVISIONAL_PART = 0.5


def observed(heard: Sequence[int], minutes: int) -> int:
    """Return the 99th percentile of the records of so many minutes, by nearest rank, but the least at least.

    `heard` are the records of those minutes in which any came. The nearest rank is a number that really came.
    """
    rank = -(-minutes * 99 // 100)  # the smallest whole number that is not less
    silent = max(0, minutes - len(heard))
    return LEAST if rank <= silent else max(LEAST, sorted(heard)[rank - silent - 1])


def provisional(capacity: float, customers: int) -> float:
    """Return the committed rate of one of so many customers until theirs is known, in the unit of the capacity."""
    return capacity * _PROVISIONAL_PART / max(1, customers)
