"""What the minutes of a suspension's case come to: massive ones, runs, peaks, growth. Pure, and from the case alone."""

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from msgspec import Struct

from model.canonical import parse_instant
from model.fault import Refused
from model.suspension_case import CaseGap, CaseMinute, SuspensionCase

_PREFIX = "suspension."
_MINUTE = timedelta(minutes=1)
_HOUR = 60


class Flood(Struct, frozen=True):
    """How much came in during the last minutes, as many as count (`window`).

    So many of the window were measured, and so many massive: those with more than `threshold` records. `late` of the
    very last ones (`late_window`) were. `peak` is the minute with the most records.
    """

    window: int
    measured: int
    massive: int
    late_window: int
    late: int
    threshold: float
    records: int
    peak: CaseMinute


class Exceeded(Struct, frozen=True):
    """The last minutes on end in which a number was beyond its limit: so many, with the largest number of them."""

    minutes: int
    limit: float
    most: float


class Growth(Struct, frozen=True):
    """By how many bytes the disk filled in the last minutes, and how many of these were the customer's.

    So many of these minutes were measured (`measured`). `free` bytes are left at the end, None for no limit; `hours` is
    after how many hours the disk would be full at this growth, None where it would not.
    """

    minutes: int
    measured: int
    own: int
    total: int
    free: int | None
    hours: float | None

    @property
    def per_hour(self) -> float:
        """Return by how many bytes the disk fills in an hour."""
        return max(self.total, 0) * _HOUR / self.measured

    @property
    def percent(self) -> float:
        """Return the customer's part of the growth in percent."""
        return 100 * self.own / self.total if self.total > 0 else 0.0


class GapSum(Struct, frozen=True):
    """Gaps together: of so many sources the things, or the bytes, are unknown; the sums are of what is known."""

    things: int
    bytes: int
    filled: int
    unknown_things: int
    unknown_bytes: int


def setting(case: SuspensionCase, name: str) -> int:
    """Return a number that the decision went by, by its name without `suspension.`.

    Raises `Refused` where the case does not say it: a page without it would show something else than was decided.
    """
    key = f"{_PREFIX}{name}"
    found = next((one.value for one in case.settings if one.key == key), None)
    if found is None:
        raise Refused(f"the case {case.id} has no {key}")
    return found


def line_up(case: SuspensionCase) -> tuple[CaseMinute | None, ...]:
    """Return the minutes of a case from the first to the last, None for each that is not there.

    Raises `Refused` for a case without minutes: nothing could have been decided on it.
    """
    known = {parse_instant(one.at): one for one in case.minutes}
    if not known:
        raise Refused(f"the case {case.id} has no minutes")
    first, last = min(known), max(known)
    return tuple(known.get(first + _MINUTE * step) for step in range((last - first) // _MINUTE + 1))


def begin(case: SuspensionCase) -> datetime:
    """Return when the first minute of a case began."""
    return min(parse_instant(one.at) for one in case.minutes)


def last_minute(case: SuspensionCase) -> CaseMinute:
    """Return the last minute of a case, which decided it."""
    return max(case.minutes, key=lambda one: parse_instant(one.at))


def is_massive(case: SuspensionCase, minute: CaseMinute) -> bool:
    """Return whether more than the threshold came in during a minute."""
    return 100 * minute.records > setting(case, "massive_percent") * case.committed


def volume(case: SuspensionCase) -> Flood:
    """Return what came in during the minutes that count. Without one that was measured, a case is refused before."""
    window, late = setting(case, "long_minutes"), setting(case, "late_minutes")
    known = _last(case, window)
    return Flood(
        window=window,
        measured=len(known),
        massive=sum(is_massive(case, one) for one in known),
        late_window=late,
        late=sum(is_massive(case, one) for one in _last(case, late)),
        threshold=setting(case, "massive_percent") * case.committed / 100,
        records=sum(one.records for one in known),
        peak=max(known, key=lambda one: one.records),
    )


def times(part: float, whole: float) -> float | None:
    """Return how many times the whole a part is, None where the whole is nothing."""
    return part / whole if whole else None


def waiting_limit(case: SuspensionCase) -> float:
    """Return how many seconds others' records may wait: the target, or so many percent of what they wait when calm."""
    return max(setting(case, "waiting_seconds"), setting(case, "waiting_percent") * case.calm_p99_s / 100)


def waiting(case: SuspensionCase) -> Exceeded:
    """Return how long others have waited beyond the limit, in seconds, though there was room for them."""
    limit = waiting_limit(case)
    return _run(case, limit, lambda one: one.others_p99_s, lambda one: has_room(case, one))


def has_room(case: SuspensionCase, minute: CaseMinute) -> bool:
    """Return whether what others sent in a minute and the committed rate are within the capacity."""
    return minute.others_records + case.committed <= minute.capacity


def intake(case: SuspensionCase) -> Exceeded:
    """Return for how long refusing has taken more than the limit, in percent of the capacity."""
    return _run(case, setting(case, "intake_percent"), lambda one: one.refusing_percent, lambda _: True)


def _run(
    case: SuspensionCase, limit: float, of: Callable[[CaseMinute], float], counts: Callable[[CaseMinute], bool]
) -> Exceeded:
    found = list[float]()
    for one in reversed(line_up(case)):
        if one is None or of(one) <= limit or not counts(one):
            break
        found.append(of(one))
    return Exceeded(len(found), limit, max(found, default=0.0))


def growth(case: SuspensionCase) -> Growth:
    """Return how the disk filled in the minutes by which that is judged."""
    minutes = setting(case, "disk_minutes")
    known = _last(case, minutes)
    total, free = sum(one.total_growth_bytes for one in known), known[-1].free_bytes
    hours = free * len(known) / total / _HOUR if free is not None and total > 0 else None
    return Growth(minutes, len(known), sum(one.growth_bytes for one in known), total, free, hours)


def backlog_limit(case: SuspensionCase) -> int:
    """Return from how many records on a customer's own backlog is proposed."""
    return setting(case, "backlog_hours") * _HOUR * case.committed


def left_out(case: SuspensionCase) -> Counter[str]:
    """Return how many records of all minutes were of another cause than the customer's environment, by cause."""
    found = Counter[str]()
    for one in case.minutes:
        found.update(one.left_out)
    return found


def gaps_together(gaps: Sequence[CaseGap]) -> GapSum:
    """Return the sums of gaps, unknown ones apart: they are not nothing."""
    return GapSum(
        things=sum(one.things or 0 for one in gaps),
        bytes=sum(one.bytes or 0 for one in gaps),
        filled=sum(one.filled for one in gaps),
        unknown_things=sum(one.things is None for one in gaps),
        unknown_bytes=sum(one.bytes is None for one in gaps),
    )


def _last(case: SuspensionCase, minutes: int) -> list[CaseMinute]:
    """Return what was measured of the last so many minutes."""
    return [one for one in line_up(case)[-minutes:] if one is not None]
