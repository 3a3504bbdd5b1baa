"""What was measured of a minute by all processes, put together for the stages, and as it is kept. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import Struct

from contract.suspension import Minute, StageSettings, TenantMinute, TenantStage
from pipeline.intake.measuring import MachineMinute, MachineTenant

_COVERED = 0.99
_CALM_DAYS = 7
_US_OF_A_MINUTE = 60_000_000


class TenantCame(Struct, frozen=True):
    """What came of a tenant in a minute, as its store says, and what it goes by.

    `records` are those that its environment caused, `earlier` those of the minutes before, the newest last; `left_out`
    are those of other causes. `refusing_us` is what refusing took of the processor. `committed` is in records a minute,
    of which so many minutes are saved up at most (`saved_minutes`).
    """

    records: int
    committed: float
    settings: StageSettings
    earlier: tuple[int, ...] = ()
    left_out: Mapping[str, int] = {}
    refused: int = 0
    refusing_us: int = 0
    backlog: int = 0
    saved_minutes: float = 5


class Ages(Struct, frozen=True):
    """How long the records of all tenants waited in calm minutes, by day: records by seconds."""

    days: Mapping[str, Mapping[int, int]] = {}

    def with_minute(self, day: str, ages: Mapping[int, int]) -> "Ages":
        """Return them with a calm minute of a day; only the last days are kept."""
        today = Counter(self.days.get(day, {}))
        today.update(ages)
        kept = sorted({*self.days, day})[-_CALM_DAYS:]
        return Ages({one: today if one == day else self.days[one] for one in kept})

    @property
    def p99(self) -> int:
        """Return the 99th percentile in seconds."""
        whole = Counter[int]()
        for ages in self.days.values():
            whole.update(ages)
        return p99(whole)


class Stages(Struct, frozen=True):
    """The stages of all tenants after a minute, what each has saved up of its rate, and waits in calm minutes."""

    tenants: Mapping[str, TenantStage] = {}
    tokens: Mapping[str, float] = {}
    calm: Ages = Ages()


class MinuteTenant(Struct, frozen=True):
    """What was made of a tenant's minute, as it is kept for the evidence."""

    records: int
    others_p99_s: float = 0
    left_out: Mapping[str, int] = {}
    refused: int = 0
    refusing_percent: float = 0
    backlog: int = 0
    growth: int = 0


class KeptMinute(Struct, frozen=True):
    """A minute (its first moment), for the evidence: the capacity in records, the free bytes, and each tenant."""

    at: str
    capacity: int
    free: int | None
    records: int
    growth: int
    tenants: Mapping[str, MinuteTenant] = {}


def p99(ages: Mapping[int, int]) -> int:
    """Return the least age in seconds that covers 99 % of the records, 0 where there are none."""
    whole, covered = sum(ages.values()), 0
    for age in sorted(ages):
        covered += ages[age]
        if covered >= _COVERED * whole:
            return age
    return 0


def measured(
    number: int, machines: Iterable[MachineMinute], came: Mapping[str, TenantCame], stages: Stages
) -> tuple[Minute, dict[str, float], Counter[int]]:
    """Return a minute by its number as stages go by it, what is saved up after it, and how long all records waited.

    `came` is what came of each tenant, `machines` what each process measured, `stages` how it was before.
    """
    known = list(machines)
    capacity = sum(one.capacity for one in known) or 1.0
    fullest = _fullest(known)
    ages = {name: _ages(name, known) for name in came}
    whole = sum(ages.values(), Counter[int]())
    tokens, tenants = dict[str, float](), dict[str, TenantMinute]()
    for name, one in came.items():
        most = one.saved_minutes * one.committed
        saved = min(most, stages.tokens.get(name, most) + one.committed)
        green = min(float(one.records), saved)
        tokens[name] = saved - green
        others = whole - ages[name]
        tenants[name] = TenantMinute(
            one.records,
            one.committed,
            is_dry=tokens[name] < 1 and one.records > green,
            refused=one.refused,
            growth=(fullest.tenants.get(name) or MachineTenant()).growth if fullest else 0,
            backlog=one.backlog,
            others_p99_s=p99(others),
            refusing=one.refusing_us / _US_OF_A_MINUTE * capacity,
        )
    return Minute(number, tenants, capacity, fullest.free if fullest else None), tokens, whole


def _ages(name: str, machines: Iterable[MachineMinute]) -> Counter[int]:
    found = Counter[int]()
    for one in machines:
        if tenant := one.tenants.get(name):
            found.update(tenant.ages)
    return found


def _fullest(machines: Iterable[MachineMinute]) -> MachineMinute | None:
    """Return the process whose disk is full first at the growth of this minute: each has one of its own."""

    def minutes_left(one: MachineMinute) -> float:
        growth = sum(tenant.growth for tenant in one.tenants.values())
        return one.free / growth if growth > 0 else float("inf")

    return min(machines, key=minutes_left, default=None)


def kept(at: str, minute: Minute, came: Mapping[str, TenantCame]) -> KeptMinute:
    """Return a minute that began `at` a moment as it is kept; tenants of whom nothing came are left out."""
    tenants = {
        name: MinuteTenant(
            round(one.records),
            one.others_p99_s,
            came[name].left_out,
            round(one.refused),
            round(100 * (one.refusing or 0) / minute.capacity, 2),
            round(one.backlog),
            round(one.growth),
        )
        for name, one in minute.tenants.items()
    }
    there = {name: one for name, one in tenants.items() if one != MinuteTenant(0, one.others_p99_s)}
    growth = sum(one.growth for one in tenants.values())
    records = sum(one.records for one in tenants.values())
    free = None if minute.free is None else round(minute.free)
    return KeptMinute(at, round(minute.capacity), free, records, growth, there)
