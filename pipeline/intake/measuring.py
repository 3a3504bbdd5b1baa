"""What the intake process measures of each minute: how long records waited, what the disk took, what it can do."""

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from model.canonical import parse_instant
from pipeline.intake.taking import Intake

# Waits are kept to the second up to a minute, then to a tenth: 99 % of them are distinguished well enough.
_EXACT_SECONDS, _STEP = 60, 1.1


class MachineTenant(Struct, frozen=True):
    """What one process measured of a tenant in a minute: how many records waited how long, and what grew on its disk.

    `ages` are records by seconds, of those that the customer caused and that were processed; `growth` is in bytes.
    """

    ages: Mapping[int, int] = {}
    growth: int = 0


class MachineMinute(Struct, frozen=True):
    """What one process measured of a minute: what it can process in one (records), the free bytes of its disk."""

    capacity: float
    free: int
    tenants: Mapping[str, MachineTenant] = {}


class Meter:
    """Adds up what is written, until it is asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ages: dict[str, Counter[int]] = {}
        self._kept: Counter[str] = Counter()

    def note(self, intake: Intake, waited: Iterable[tuple[str, int]], kept: int) -> None:
        """Count records of an intake that were written now and had `waited` since a moment, and the bytes `kept`."""
        now = intake.clock.now()
        with self._lock:
            self._kept[intake.tenant] += kept
            if intake.cause == "customer":
                ages = self._ages.setdefault(intake.tenant, Counter())
                for since, records in waited:
                    ages[_rounded((now - parse_instant(since)).total_seconds())] += records

    def take(self) -> tuple[dict[str, Counter[int]], Counter[str]]:
        """Return what was counted since it was asked last: waits, and bytes that are kept, by tenant."""
        with self._lock:
            found = self._ages, self._kept
            self._ages, self._kept = {}, Counter()
        return found


class Disk:
    """The disk that a home's folder is on: how much it takes yet, and what of each tenant lies there."""

    def __init__(self, waiting: Callable[[str], int], free: Callable[[], int]) -> None:
        """`waiting` gives how many bytes of a tenant wait, `free` how many it takes yet."""
        self._waiting = waiting
        self.free = free
        self._before: dict[str, int] = {}

    def growth(self, tenant: str, kept: int) -> int:
        """Return by how many bytes a tenant has grown since it was asked last, `kept` ones among them."""
        now = self._waiting(tenant)
        before, self._before[tenant] = self._before.get(tenant, now), now
        return kept + now - before


class Minutes:
    """Cuts what is measured into minutes."""

    def __init__(self, meter: Meter, disk: Disk) -> None:
        self._meter = meter
        self._disk = disk
        self._minute: datetime | None = None

    def ended(self, now: datetime, capacity: float, tenants: Sequence[str]) -> tuple[datetime, MachineMinute] | None:
        """Return the minute that has ended by now, and what was measured in it; None where none has.

        The capacity is in records a minute, the tenants are those that are known. What is measured of a first minute
        that was not whole is left out.
        """
        minute, before = now.replace(second=0, microsecond=0), self._minute
        if minute == before:
            return None
        self._minute = minute
        ages, kept = self._meter.take()
        growth = {name: self._disk.growth(name, kept[name]) for name in tenants}
        if before is None or minute < before:
            return None
        measured = {name: MachineTenant(ages.get(name, {}), growth[name]) for name in tenants}
        whole = {name: one for name, one in measured.items() if one != MachineTenant()}
        return before, MachineMinute(capacity, self._disk.free(), whole)


def _rounded(seconds: float) -> int:
    """Return a wait in whole seconds, upwards; longer ones more roughly."""
    whole = max(0, int(seconds))
    if whole <= _EXACT_SECONDS:
        return whole
    rough = float(_EXACT_SECONDS)
    while rough < whole:
        rough *= _STEP
    return int(rough)
