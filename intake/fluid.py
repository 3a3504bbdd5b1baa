"""Logs of all customers as fluids, minute by minute: what is taken, refused, served and left by the scheduler's rule.

Numbers may be fractions; amounts below `NONE` are none. What a customer's stage lets in is settled elsewhere
(contract/suspension.py).
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Mapping

from msgspec import Struct

from contract.suspension import Minute, TenantMinute, TenantStage
from intake.fairness import Demand, shares

NONE = 1e-9
_COVERED = 0.99


class Plant(Struct, frozen=True):
    """What there is to process logs with: records a minute of `capacity`, records of disk, committed records a minute.

    The disk is None without limit. So many minutes of the committed rate may wait (`spool`), and be saved up
    (`bucket`). Refusing a record costs `refusal` of processing one; of each that was processed, `keep` stays on disk.
    """

    committed: Mapping[str, float]
    capacity: float
    disk: float | None = None
    spool: float = 1440
    bucket: float = 5
    refusal: float = 0.05
    keep: float = 1


class _Flow:
    """One customer's logs: what is saved up of the rate, and what waits, by the minute in which it came."""

    def __init__(self, tokens: float) -> None:
        self.tokens = tokens
        self.waiting: deque[tuple[int, float]] = deque()

    @property
    def backlog(self) -> float:
        """Return how much waits."""
        return sum(amount for _, amount in self.waiting)

    def serve(self, amount: float) -> Iterator[tuple[int, float]]:
        """Yield what is served, the oldest first, by the minute in which it came."""
        while amount > NONE and self.waiting:
            came, there = self.waiting.popleft()
            served = min(there, amount)
            amount -= served
            if there - served > NONE:
                self.waiting.appendleft((came, there - served))
            yield came, served


class _Taken(Struct, frozen=True):
    """What came of a customer in a minute."""

    records: float
    green: float
    yellow: float
    refused: float
    is_dry: bool


class Fluid:
    """The logs of all customers."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._free = plant.disk
        self._flows = {name: _Flow(plant.bucket * rate) for name, rate in plant.committed.items()}

    def minute(self, number: int, records: Mapping[str, float], state: Mapping[str, TenantStage]) -> Minute:
        """Let records come in a minute (its number), by customer, with the stages as they are in the `state`.

        Return what is measured of it.
        """
        plant, before = self._plant, {name: flow.backlog for name, flow in self._flows.items()}
        new = TenantStage()
        taken = {name: self._take(name, number, records.get(name, 0.0), state.get(name, new)) for name in self._flows}
        capacity = max(0.0, plant.capacity - plant.refusal * sum(one.refused for one in taken.values()))
        demands = {name: Demand(plant.committed[name], one.green, one.yellow) for name, one in taken.items()}
        found = shares(capacity, demands)
        ages = {name: _ages(number, flow.serve(found[name].whole)) for name, flow in self._flows.items()}
        after = {name: flow.backlog for name, flow in self._flows.items()}
        growth = {name: after[name] - before[name] + plant.keep * sum(ages[name].values()) for name in self._flows}
        if self._free is not None:
            self._free -= sum(growth.values())
        late = _others_p99(ages) if any(after.values()) else dict.fromkeys(ages, 0)
        tenants = {
            name: TenantMinute(
                one.records,
                plant.committed[name],
                one.is_dry,
                one.refused,
                growth[name],
                after[name],
                60.0 * late[name],
            )
            for name, one in taken.items()
        }
        return Minute(number, tenants, plant.capacity, self._free)

    def _take(self, name: str, number: int, records: float, standing: TenantStage) -> _Taken:
        """Take in what the stage lets in, and what there is room for."""
        flow, rate = self._flows[name], self._plant.committed[name]
        flow.tokens = min(self._plant.bucket * rate, flow.tokens + rate)
        taken = records
        if standing.stage in ("suspended", "probing"):
            taken = min(records, rate * standing.share)
        green = min(taken, flow.tokens)
        flow.tokens -= green
        rest, backlog = taken - green, flow.backlog
        refused = max(0.0, rest - max(0.0, self._plant.spool * rate - backlog))
        if taken - refused > NONE:
            flow.waiting.append((number, taken - refused))
        return _Taken(records, green, backlog + rest - refused, refused, flow.tokens < NONE and rest > NONE)


def _ages(number: int, served: Iterator[tuple[int, float]]) -> dict[int, float]:
    """Return how much was served in a minute, by how many minutes ago it came."""
    found: defaultdict[int, float] = defaultdict(float)
    for came, amount in served:
        found[number - came] += amount
    return found


def _others_p99(ages: Mapping[str, Mapping[int, float]]) -> dict[str, int]:
    """Return for each customer the least age that covers 99 % of what was served of the others, 0 where nothing was."""
    total: defaultdict[int, float] = defaultdict(float)
    for one in ages.values():
        for age, amount in one.items():
            total[age] += amount
    ordered = sorted(total)
    return {name: _p99([(age, total[age] - own.get(age, 0.0)) for age in ordered]) for name, own in ages.items()}


def _p99(amounts: list[tuple[int, float]]) -> int:
    whole, covered = sum(amount for _, amount in amounts), 0.0
    if whole <= NONE:
        return 0
    for age, amount in amounts:
        covered += amount
        if covered >= _COVERED * whole - NONE:
            return age
    return amounts[-1][0]
