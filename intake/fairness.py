"""Who gets how much of the time there is for processing logs: weighted max-min, what is within the agreed rate first.

The rule itself, which the scheduler (intake/turns.py) follows chunk by chunk. Weighted max-min fairness: nobody can get
more but by taking from somebody who has, for their weight, no more (Bertsekas and Gallager, Data Networks, 6.5.2).
"""

from collections.abc import Mapping
from itertools import accumulate

from msgspec import Struct


class Demand(Struct, frozen=True):
    """What one customer's logs ask for, in seconds of processing: within the committed rate (green), beyond (yellow).

    The weight is the committed rate.
    """

    weight: float
    green: float = 0
    yellow: float = 0


class Share(Struct, frozen=True):
    """What one customer's logs get, in seconds of processing."""

    green: float
    yellow: float

    @property
    def whole(self) -> float:
        """Return both together."""
        return self.green + self.yellow


def shares(capacity: float, demands: Mapping[str, Demand]) -> dict[str, Share]:
    """Return what each customer gets of so many seconds: all that is green comes before anything that is yellow."""
    green = _max_min(capacity, {name: (one.weight, one.green) for name, one in demands.items()})
    left = capacity - sum(green.values())
    yellow = _max_min(left, {name: (one.weight, one.yellow) for name, one in demands.items()})
    return {name: Share(green[name], yellow[name]) for name in demands}


def _max_min(capacity: float, wanted: Mapping[str, tuple[float, float]]) -> dict[str, float]:
    """Return the weighted max-min shares by progressive filling: whoever wants least for their weight is served first.

    `wanted` are weights and demands.
    """
    by_level = sorted(wanted, key=lambda name: wanted[name][1] / wanted[name][0])
    # The weights of whoever is not served yet, added up from the last one on: subtracted, small ones would be lost.
    rest = [*accumulate(wanted[name][0] for name in reversed(by_level))]
    left, found = capacity, dict[str, float]()
    for name, weights in zip(by_level, reversed(rest), strict=True):
        weight, demand = wanted[name]
        found[name] = min(demand, max(left, 0.0) * weight / weights)
        left -= found[name]
    return found
