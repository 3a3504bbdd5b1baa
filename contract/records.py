"""A contract's state, computed from its records for an instant. Pure.

What was known at an instant (`known`) and what was in force at one (`state`) are two questions: what is recorded later
may say something of an earlier day.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from contract.dates import notice_safe_by, term_on
from contract.days import EVER, NEVER, begins, day_of, until_end_of
from contract.licences import (
    GRACE_DAYS,
    ON_LAPSE,
    Licence,
    LicenceState,
    grace_ends,
    judged_lapsed,
    licence_on,
    licences,
)
from contract.menus import capabilities, in_force, menu_on, options_in
from contract.settings import Value, explain
from contract.suspensions import RecordedSuspension, as_days, shows_as_days, suspensions
from contract.suspensions import ends as suspension_ends
from contract.term import Decision, decide
from contract.terms import ContractTerms
from model.canonical import instant, parse_instant
from model.contract_action import Phase
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    ItemRecord,
    JudgementRecord,
    NoticeRecord,
    OrderRecord,
    SuspensionRecord,
)
from model.tenant import Contract
from model.terms import Capability, Menu
from model.text import Text

T = TypeVar("T")

CUSTOMER_APPROVES = "changes.customer_approves"


class ContractState(Struct, frozen=True):
    """What holds of a contract at an instant: its days, a suspension, the licence, the items of the menu.

    `suspended` is one of the whole service, `logs_suspended` one of the taking in of logs alone. Without a `start`
    nothing was ordered and accepted; without a `last_day` it renews year by year. On the notice of a number that is
    `undecided` a person has to judge. `grace` is until when the service goes on in part where the licence has lapsed.
    """

    at: datetime
    start: date | None = None
    last_day: date | None = None
    items: frozenset[str] = frozenset()
    suspended: SuspensionRecord | None = None
    logs_suspended: SuspensionRecord | None = None
    undecided: int | None = None
    accepted: datetime = EVER
    licence: LicenceState = LicenceState()
    grace: datetime = NEVER

    @property
    def day(self) -> date:
        """Return the day in the contract's zone."""
        return day_of(self.at)

    @property
    def begins(self) -> datetime:
        """Return the first moment of the service: of its first day, and never before it was accepted (Article 5)."""
        return max(begins(self.start.isoformat()), self.accepted) if self.start else NEVER

    @property
    def phase(self) -> Phase:
        """Return where in its life the contract is: an end ends a suspension too, and this counts before a lapse."""
        if self.start is None:
            return "not ordered"
        if self.at < self.begins:
            return "not begun"
        if self.last_day is not None and self.day > self.last_day:
            return "ended"
        if self.suspended:
            return "suspended"
        if self.licence.has_lapsed:
            return "grace" if self.at < self.grace else "unlicensed"
        return "running"

    @property
    def until(self) -> str:
        """Return the first moment of the next phase, where it is known: the start, an end of a suspension or grace."""
        match self.phase:
            case "not begun":
                ends = self.begins
            case "suspended":
                ends = suspension_ends(self.suspended) if self.suspended else NEVER
            case "grace":
                ends = self.grace
            case _:
                ends = NEVER
        return "" if ends == NEVER else instant(ends)


def known(records: Iterable[ContractRecord], at: datetime) -> list[ContractRecord]:
    """Return the records that were there at an instant."""
    return [one for one in records if parse_instant(one.recorded_at) <= at]


class Book:
    """A contract's records, in the order of their numbers, and the terms: sorted out once for many questions."""

    def __init__(self, every: Sequence[ContractRecord], terms: ContractTerms) -> None:
        self.every, self.terms = every, terms
        self.records = [one for one in every if not one.late or _is_confirmed(one, every)]

    def with_more(self, more: ContractRecord) -> "Book":
        """Return the book with another record that counts at once, whoever has confirmed it."""
        return Book([*self.every, replace(more, late=False)], self.terms)

    @property
    def waiting(self) -> list[ContractRecord]:
        """Return the records that wait for somebody else's word: they are effective before they were recorded."""
        counted, judged = {one.number for one in self.records}, set(_judged(self.every))
        return [one for one in self.every if one.number not in counted | judged]

    def is_confirmed(self, one: ContractRecord) -> bool:
        """Return whether somebody else than who recorded it has confirmed a record."""
        return _is_confirmed(one, self.every)

    def term(self, at: datetime) -> ContractState:
        """Return what is in force at an instant of the term, suspensions and licences, and nothing of the menu."""
        if self._order is None:
            return ContractState(at)
        in_force = {one.what.scope: one.as_it_holds for one in reversed(self.suspensions) if one.holds(at)}
        licence = licence_on(self._licences, day_of(at))
        return ContractState(
            at,
            self._order.start,
            self._last_day,
            suspended=in_force.get("service"),
            logs_suspended=in_force.get("logs"),
            accepted=self._accepted,
            licence=licence,
            grace=self._grace(licence, at) if licence.has_lapsed else NEVER,
        )

    def state(self, at: datetime) -> ContractState:
        """Return what is in force at an instant; of the menu what its edition of then has (Articles 2 and 6)."""
        if self._order is None:
            return ContractState(at)
        items = in_force(self.menu(at), self._agreed(at))
        return replace(self.term(at), items=items, undecided=_undecided(self.records, self._order))

    def menu(self, at: datetime) -> Menu:
        """Return the menu that governs an instant."""
        return menu_on(self.terms.menus, day_of(at))

    def bought(self, at: datetime) -> frozenset[Capability]:
        """Return what the items of the menu give at an instant; before the contract begins, what they give then."""
        if self._order is None:
            return frozenset()
        then = max(at, self._begins)
        menu = self.menu(then)
        return capabilities(menu, in_force(menu, self._agreed(then)))

    def setting(self, key: str, at: datetime) -> Value | None:
        """Return what a setting is at an instant, None where a person decides."""
        return explain(key, self.terms.settings, self.records, at).value

    def customer_approves(self, at: datetime) -> bool:
        """Return whether each change needs the word of one of the customer's people too."""
        return self.setting(CUSTOMER_APPROVES, at) is not False

    def view(self, now: datetime) -> Contract | None:
        """Return what is on record as of now in the form of a tenant's file, None where nothing was ordered.

        Items that have ended, and suspensions that are over, are left out: those that are to come are not.
        """
        if self._order is None:
            return None
        of_service = [one for one in self.suspensions if one.what.scope == "service" and shows_as_days(one, now)]
        return Contract(
            start=self._order.start,
            last_day=self._last_day,
            options=options_in(self.menu(now), {one.item for _, end, one in self._items if end > now}),
            customer_approves=self.customer_approves(now),
            suspended=[as_days(one.as_it_holds) for one in of_service],
        )

    def _grace(self, licence: LicenceState, at: datetime) -> datetime:
        judged = judged_lapsed(self.records, licence.record)
        return grace_ends(licence, judged, self.setting(ON_LAPSE, at), self.setting(GRACE_DAYS, at))

    @cached_property
    def _order(self) -> OrderRecord | None:
        """Return the order that was accepted; a contract has one."""
        accepted = _accepted(self.records)
        return next((order for one, order in _those(self.records, OrderRecord) if one.number in accepted), None)

    @cached_property
    def _accepted(self) -> datetime:
        """Return since when the order is accepted."""
        accepted = _accepted(self.records)
        orders = (one.number for one, _ in _those(self.records, OrderRecord))
        return next((accepted[number] for number in orders if number in accepted), NEVER)

    @cached_property
    def _last_day(self) -> date | None:
        """Return the last day that is known: a year's end is none, for the contract renews by itself (Article 7(2))."""
        noticed = [notice.last_day for _, notice in _notices(self.records)]
        stated = self._order.last_day if self._order else None
        return min((day for day in (stated, *noticed) if day is not None), default=None)

    @cached_property
    def _licences(self) -> list[Licence]:
        return licences(self.records, self.terms.products)

    @cached_property
    def _begins(self) -> datetime:
        return ContractState(EVER, self._order.start if self._order else None, accepted=self._accepted).begins

    def _agreed(self, at: datetime) -> set[str]:
        return {one.item for begin, end, one in self._items if begin <= at < end}

    @cached_property
    def _items(self) -> list[tuple[datetime, datetime, ItemRecord]]:
        every = _items(self.records)
        return [(begins(one.first_day.isoformat()), until_end_of(one.last_day), one) for one in every]

    @cached_property
    def suspensions(self) -> list[RecordedSuspension]:
        """Return the suspensions on record, in the order of their records."""
        return suspensions(self.records)


def decide_term(found: ContractState) -> Decision:
    """Return whether the service runs, by the contract's state (Articles 5, 7 and 11)."""
    if found.start is None:
        reason = Text(en="no contract is on record", ja="契約の記録がありません")
        return Decision(False, reason, "5(1)")
    if found.at < found.accepted and found.day >= found.start:
        accepted = day_of(found.accepted)
        reason = Text(en=f"the order is accepted on {accepted}", ja=f"注文の承諾日は{accepted}です")
        return Decision(False, reason, "5(1)")
    suspended = [as_days(found.suspended)] if found.suspended else []
    decision = decide(Contract(found.start, found.last_day, suspended=suspended), found.day)
    return _decide_licence(found) if decision.allowed and found.licence.has_lapsed else decision


def _decide_licence(found: ContractState) -> Decision:
    """Return that the service does not run whole for lack of a licence; fees are owed all the same (Article 3(2))."""
    last = found.licence.last_day
    if found.phase == "unlicensed":
        reason = Text(
            en=f"the licence of the designated product ended on {last}",
            ja=f"指定製品のライセンスは{last}に終了しています",
        )
        return Decision(False, reason, "3(2)")
    day = None if found.grace == NEVER else day_of(found.grace - timedelta(microseconds=1))
    en = f"until {day}" if day else "until somebody has judged on it"
    ja = f"{day}まで" if day else "担当者が判断するまで"
    reason = Text(
        en=f"the licence of the designated product ended on {last}; {en} collection and alerts go on, "
        "and nothing is changed",
        ja=f"指定製品のライセンスは{last}に終了しています。{ja}、収集と通知のみを継続し、変更は行いません",
    )
    return Decision(False, reason, "3(2)")


def _is_confirmed(one: ContractRecord, every: Iterable[ContractRecord]) -> bool:
    """Return whether somebody else than who recorded it has confirmed a record."""
    judged = ((judgement.person, what) for judgement, what in _those(every, JudgementRecord) if what.of == one.number)
    return any(what.decision == "confirmed" and person != one.person for person, what in judged)


def _judged(records: Iterable[ContractRecord]) -> dict[int, str]:
    """Return what was decided of each record that somebody has judged on, by its number: the newest counts."""
    return {judgement.of: judgement.decision for _, judgement in _those(records, JudgementRecord)}


def _accepted(records: Iterable[ContractRecord]) -> dict[int, datetime]:
    """Return since when each record is accepted, by its number."""
    return {accepted.of: begins(one.effective) for one, accepted in _those(records, AcceptanceRecord)}


def _notices(records: Sequence[ContractRecord]) -> Iterator[tuple[ContractRecord, NoticeRecord]]:
    """Yield the notices that were neither withdrawn nor rejected."""
    judged = _judged(records)
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
            first = max(item.first_day, day_of(since))
            before = newest.get((item.item, item.first_day))
            begun = min(first, before.first_day) if before else first
            newest[item.item, item.first_day] = ItemRecord(item.item, begun, item.last_day)
    yield from newest.values()


def _those(records: Iterable[ContractRecord], kind: type[T]) -> Iterator[tuple[ContractRecord, T]]:
    """Yield the records of a kind, each with what it says."""
    return ((one, one.what) for one in records if isinstance(one.what, kind))
