"""A contract's state, computed from its records for an instant. Pure.

What was known at an instant (`known`) and what was in force at one (`state`) are two questions: what is recorded later
may say something of an earlier day.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from contract.dates import notice_safe_by, term_on
from contract.term import Decision, decide
from model.canonical import instant, parse_instant
from model.clock import CONTRACT_ZONE
from model.contract_action import Phase
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    ItemRecord,
    JudgementRecord,
    NoticeRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    is_day,
)
from model.tenant import Contract, Option, Suspension
from model.text import Text

T = TypeVar("T")

BASE = "base"
CUSTOMER_APPROVES = "changes.customer_approves"
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


class ContractState(Struct, frozen=True):
    """What holds of a contract at an instant: its days, the items of the menu, a suspension, its own conditions.

    Without a `start` nothing was ordered and accepted; without a `last_day` it renews year by year. On the notice of a
    number that is `undecided` a person has to judge.
    """

    at: datetime
    start: date | None = None
    last_day: date | None = None
    items: frozenset[str] = frozenset()
    suspended: SuspensionRecord | None = None
    settings: Mapping[str, bool | int | str] = {}
    undecided: int | None = None
    accepted: datetime = _EVER

    @property
    def day(self) -> date:
        """Return the day in the contract's zone."""
        return self.at.astimezone(CONTRACT_ZONE).date()

    @property
    def begins(self) -> datetime:
        """Return the first moment of the service: of its first day, and never before it was accepted (Article 5)."""
        return max(begins(self.start.isoformat()), self.accepted) if self.start else _NEVER

    @property
    def phase(self) -> Phase:
        """Return where in its life the contract is: an end ends a suspension too."""
        if self.start is None:
            return "not ordered"
        if self.at < self.begins:
            return "not begun"
        if self.last_day is not None and self.day > self.last_day:
            return "ended"
        return "suspended" if self.suspended else "running"

    @property
    def until(self) -> str:
        """Return the first moment of the next phase, where it is known: the start, or the end of a suspension."""
        if self.start is not None and self.phase == "not begun":
            return instant(self.begins)
        ends = _ends(self.suspended) if self.suspended and self.phase == "suspended" else _NEVER
        return "" if ends == _NEVER else instant(ends)


def known(records: Iterable[ContractRecord], at: datetime) -> list[ContractRecord]:
    """Return the records that were there at an instant."""
    return [one for one in records if parse_instant(one.recorded_at) <= at]


class Book:
    """A contract's records, in the order of their numbers, sorted out once for many questions."""

    def __init__(self, records: Sequence[ContractRecord]) -> None:
        self._records = records

    def term(self, at: datetime) -> ContractState:
        """Return what is in force at an instant of the term and suspensions, and nothing of the menu and settings."""
        if self._order is None:
            return ContractState(at)
        suspended = next((one for begin, end, one in self._suspensions if begin <= at < end), None)
        start, accepted = self._order.start, self._accepted
        return ContractState(at, start, self._last_day, suspended=suspended, accepted=accepted)

    def state(self, at: datetime) -> ContractState:
        """Return what is in force at an instant: an option needs the base item, and ends with it (Article 2)."""
        if self._order is None:
            return ContractState(at)
        items = frozenset(one.item for one in self._items if _is_within(one, at))
        return replace(
            self.term(at),
            items=items if BASE in items else frozenset(),
            settings=_settings(self._records, at),
            undecided=_undecided(self._records, self._order),
        )

    def view(self, now: datetime) -> Contract | None:
        """Return what is on record as of now in the form of a tenant's file, None where nothing was ordered.

        Items that have ended, and suspensions that are over, are left out: those that are to come are not.
        """
        if self._order is None:
            return None
        suspended = [one for begin, end, one in self._suspensions if end > now and _shows_as_days(begin, now)]
        return Contract(
            start=self._order.start,
            last_day=self._last_day,
            options=options_in(one.item for one in self._items if _until(one.last_day) > now),
            customer_approves=_settings(self._records, now).get(CUSTOMER_APPROVES) is True,
            suspended=[_as_days(one) for one in suspended],
        )

    @cached_property
    def _order(self) -> OrderRecord | None:
        """Return the order that was accepted; a contract has one."""
        accepted = _accepted(self._records)
        return next((order for one, order in _those(self._records, OrderRecord) if one.number in accepted), None)

    @cached_property
    def _accepted(self) -> datetime:
        """Return since when the order is accepted."""
        accepted = _accepted(self._records)
        orders = (one.number for one, _ in _those(self._records, OrderRecord))
        return next((accepted[number] for number in orders if number in accepted), _NEVER)

    @cached_property
    def _last_day(self) -> date | None:
        """Return the last day that is known: a year's end is none, for the contract renews by itself (Article 7(2))."""
        noticed = [notice.last_day for _, notice in _notices(self._records)]
        stated = self._order.last_day if self._order else None
        return min((day for day in (stated, *noticed) if day is not None), default=None)

    @cached_property
    def _items(self) -> list[ItemRecord]:
        return list(_items(self._records))

    @cached_property
    def _suspensions(self) -> list[tuple[datetime, datetime, SuspensionRecord]]:
        return [(begins(one.since), _ends(one), one) for one in _suspensions(self._records)]


def state(records: Sequence[ContractRecord], at: datetime) -> ContractState:
    """Return what is in force at an instant, by all that is on record."""
    return Book(records).state(at)


def decide_term(found: ContractState) -> Decision:
    """Return whether the service runs, by the contract's state (Articles 5, 7 and 11)."""
    if found.start is None:
        reason = Text(en="no contract is on record", ja="契約の記録がありません")
        return Decision(False, reason, "5(1)")
    if found.at < found.accepted and found.day >= found.start:
        accepted = found.accepted.astimezone(CONTRACT_ZONE).date()
        reason = Text(en=f"the order is accepted on {accepted}", ja=f"注文の承諾日は{accepted}です")
        return Decision(False, reason, "5(1)")
    suspended = [_as_days(found.suspended)] if found.suspended else []
    return decide(Contract(found.start, found.last_day, suspended=suspended), found.day)


def view(records: Sequence[ContractRecord], now: datetime) -> Contract | None:
    """Return what is on record as of now in the form of a tenant's file, None where nothing was ordered."""
    return Book(records).view(now)


def options_in(items: Iterable[str]) -> list[Option]:
    """Return the options among items of the menu, in the order of their names."""
    there = set(items)
    return [option for option in get_args(Option) if option in there]


def begins(effective: str) -> datetime:
    """Return the first moment of a day, or the moment itself."""
    if is_day(effective):
        return datetime.combine(date.fromisoformat(effective), time(0), CONTRACT_ZONE)
    return parse_instant(effective)


def _accepted(records: Iterable[ContractRecord]) -> dict[int, datetime]:
    """Return since when each record is accepted, by its number."""
    return {accepted.of: begins(one.effective) for one, accepted in _those(records, AcceptanceRecord)}


def _notices(records: Sequence[ContractRecord]) -> Iterator[tuple[ContractRecord, NoticeRecord]]:
    """Yield the notices that were neither withdrawn nor rejected."""
    judged = {judgement.of: judgement.decision for _, judgement in _those(records, JudgementRecord)}
    for one, notice in _those(records, NoticeRecord):
        if judged.get(one.number) not in ("withdrawn", "rejected"):
            yield one, notice


def _undecided(records: Sequence[ContractRecord], order: OrderRecord) -> int | None:
    """Return the number of the first notice on which a person has to decide before the contract ends or goes on.

    It came in another way than the prescribed one (Article 9(1)), or, against renewal, between the safe day and the
    latest one (Article 7(2)).
    """
    confirmed = {judged.of for _, judged in _those(records, JudgementRecord) if judged.decision == "confirmed"}
    for one, notice in _notices(records):
        if one.number not in confirmed and (not notice.prescribed or _is_between(notice, order)):
            return one.number
    return None


def _is_between(notice: NoticeRecord, order: OrderRecord) -> bool:
    ends_a_term = notice.last_day >= order.start and term_on(order.start, notice.last_day).last_day == notice.last_day
    return notice.side == "customer" and ends_a_term and notice.arrived_on > notice_safe_by(notice.last_day)


def _items(records: Sequence[ContractRecord]) -> Iterator[ItemRecord]:
    """Yield the items that were accepted; a later record of the same beginning says when it ends.

    A change takes effect on its day, and never before it is accepted (Article 5(2)).
    """
    accepted = _accepted(records)
    newest: dict[tuple[str, date], ItemRecord] = {}
    for one, item in _those(records, ItemRecord):
        if since := accepted.get(one.number):
            first = max(item.first_day, since.astimezone(CONTRACT_ZONE).date())
            before = newest.get((item.item, item.first_day))
            begun = min(first, before.first_day) if before else first
            newest[item.item, item.first_day] = ItemRecord(item.item, begun, item.last_day)
    yield from newest.values()


def _is_within(item: ItemRecord, at: datetime) -> bool:
    return begins(item.first_day.isoformat()) <= at < _until(item.last_day)


def _suspensions(records: Sequence[ContractRecord]) -> Iterator[SuspensionRecord]:
    """Yield the suspensions; one that was lifted lasts until then."""
    judged = _those(records, JudgementRecord)
    lifted = {judgement.of: begins(one.effective) for one, judgement in judged if judgement.decision == "lifted"}
    for one, suspension in _those(records, SuspensionRecord):
        end = min(_ends(suspension), lifted.get(one.number, _NEVER))
        if end > begins(suspension.since):
            yield SuspensionRecord(suspension.since, suspension.reason, None if end == _NEVER else instant(end))


def _ends(one: SuspensionRecord) -> datetime:
    """Return the first moment after a suspension: a last day counts whole."""
    if one.until is None:
        return _NEVER
    return _until(date.fromisoformat(one.until)) if is_day(one.until) else parse_instant(one.until)


def _until(last_day: date | None) -> datetime:
    """Return the first moment after a last day."""
    return begins((last_day + timedelta(days=1)).isoformat()) if last_day else _NEVER


def _as_days(one: SuspensionRecord) -> Suspension:
    """Return a suspension by the days that it touches."""
    end = None if one.until is None else (_ends(one) - timedelta(microseconds=1)).astimezone(CONTRACT_ZONE).date()
    return Suspension(begins(one.since).astimezone(CONTRACT_ZONE).date(), one.reason, end)


def _shows_as_days(begin: datetime, now: datetime) -> bool:
    """Return whether a suspension by days says the same of now: one that begins later today does not."""
    return begin <= now or begin.astimezone(CONTRACT_ZONE).date() > now.astimezone(CONTRACT_ZONE).date()


def _settings(records: Sequence[ContractRecord], at: datetime) -> dict[str, bool | int | str]:
    """Return the conditions that are effective: the newest by its day, of several of a day the one recorded last."""
    effective = [(one, setting) for one, setting in _those(records, SettingRecord) if begins(one.effective) <= at]
    ordered = sorted(effective, key=lambda found: (begins(found[0].effective), found[0].number))
    return {setting.key: setting.value for _, setting in ordered}


def _those(records: Iterable[ContractRecord], kind: type[T]) -> Iterator[tuple[ContractRecord, T]]:
    """Yield the records of a kind, each with what it says."""
    return ((one, one.what) for one in records if isinstance(one.what, kind))
