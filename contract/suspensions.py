"""Suspensions on record: from when to when each holds, and what they say by days and in words (Article 11). Pure."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from contract.days import NEVER, begins, day_of, until_end_of
from contract.term import Decision
from model.canonical import instant, parse_instant
from model.clock import CONTRACT_ZONE, in_japan
from model.contract_record import ContractRecord, JudgementRecord, SuspensionRecord, is_day
from model.tenant import Suspension
from model.text import Text


class RecordedSuspension(Struct, frozen=True):
    """A suspension on record: its record, what it says, and from when to when it holds.

    It `is_lifted` where somebody has judged that it ends, then or later.
    """

    record: ContractRecord
    what: SuspensionRecord
    begins: datetime
    ends: datetime
    is_lifted: bool

    def holds(self, at: datetime) -> bool:
        """Return whether it holds `at` an instant."""
        return self.begins <= at < self.ends

    @property
    def as_it_holds(self) -> SuspensionRecord:
        """Return what it says, with its end as it is by now: without one where none is known."""
        return replace(self.what, until=None if self.ends == NEVER else instant(self.ends))


def suspensions(records: Iterable[ContractRecord]) -> list[RecordedSuspension]:
    """Return the suspensions among records, in their order; one that was lifted lasts until then."""
    found, lifted = list[tuple[ContractRecord, SuspensionRecord]](), dict[int, datetime]()
    for one in records:
        match one.what:
            case SuspensionRecord() as what:
                found.append((one, what))
            case JudgementRecord(decision="lifted", of=of):
                lifted[of] = begins(one.effective)
    return [
        RecordedSuspension(
            record=one,
            what=what,
            begins=begins(what.since),
            ends=min(ends(what), lifted.get(one.number, NEVER)),
            is_lifted=one.number in lifted,
        )
        for one, what in found
    ]


def suspended_until(found: Iterable[RecordedSuspension], at: datetime) -> datetime | None:
    """Return until when something is suspended `at` an instant, None where nothing is; `NEVER` for no known end.

    Suspensions that follow on each other are one.
    """
    until = None
    for one in sorted(found, key=lambda each: (each.begins, each.ends)):
        if one.holds(until or at):
            until = one.ends
    return until


def ends(one: SuspensionRecord) -> datetime:
    """Return the first moment after a suspension: a last day counts whole."""
    if one.until is None:
        return NEVER
    return until_end_of(date.fromisoformat(one.until)) if is_day(one.until) else parse_instant(one.until)


def as_days(one: SuspensionRecord) -> Suspension:
    """Return a suspension by the days that it touches."""
    end = None if one.until is None else day_of(ends(one) - timedelta(microseconds=1))
    return Suspension(day_of(begins(one.since)), one.reason, end)


def shows_as_days(one: RecordedSuspension, now: datetime) -> bool:
    """Return whether a suspension by days says the same of now: one that is over, or begins later today, does not."""
    return one.ends > max(now, one.begins) and (one.begins <= now or day_of(one.begins) > day_of(now))


def decide_logs(suspended: SuspensionRecord) -> Decision:
    """Return that logs are not taken in because of a suspension of theirs (Article 11); all else goes on."""
    end = ends(suspended)
    en, ja = ("until further notice", "当面の間") if end == NEVER else _until(end)
    reason = Text(
        en=f"the taking in of monitoring logs is suspended {en}: {suspended.reason}",
        ja=f"監視ログの受け入れは{ja}停止中です（{suspended.reason}）",
    )
    return Decision(False, reason, "11", "" if end == NEVER else instant(end))


def _until(end: datetime) -> tuple[str, str]:
    local = end.astimezone(CONTRACT_ZONE)
    return f"until {in_japan(end)} (Japan time)", f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}まで"
