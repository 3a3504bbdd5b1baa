"""What may be added to a contract's records. Pure."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import get_args

from contract.dates import earliest_last_day
from contract.records import BASE, ContractState, begins, options_in, state
from model.clock import CONTRACT_ZONE
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    Effective,
    ItemRecord,
    JudgementRecord,
    LicenceRecord,
    NoticeRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    What,
    is_day,
    why_no_effect,
)
from model.tenant import Option

# What is effective within the contract: orders are accepted, and notices and licences come, before it begins too.
_WITHIN = (ItemRecord, SuspensionRecord, JudgementRecord, SettingRecord)
# What each decision is about: a setting is confirmed where it contradicts the specification.
_JUDGED: dict[str, type | tuple[type, ...]] = {
    "lifted": SuspensionRecord,
    "withdrawn": NoticeRecord,
    "confirmed": (NoticeRecord, SettingRecord),
    "rejected": NoticeRecord,
}


def effective_of(what: What, given: Effective) -> Effective:
    """Return from when a record is effective: what it says itself, else the day or moment that was given."""
    match what:
        case OrderRecord():
            return what.start.isoformat()
        case ItemRecord() | LicenceRecord():
            return what.first_day.isoformat()
        case NoticeRecord():
            return what.arrived_on.isoformat()
        case SuspensionRecord():
            return what.since
    return given


def why_not(records: Sequence[ContractRecord], what: What, effective: Effective) -> str:
    """Return why a record cannot be added to the `records` that are there, the empty text where it can.

    `what` it says is `effective` from a day or moment on.
    """
    if problem := why_no_effect(effective):
        return problem
    order = next((one for one in records if isinstance(one.what, OrderRecord)), None)
    if isinstance(what, OrderRecord):
        return _why_no_order(order, what)
    if order is None:
        return "no order is on record; record the order first"
    if begins(effective) < begins(order.effective) and isinstance(what, _WITHIN):
        return f"is effective before the contract, which begins on {order.effective}"
    match what:
        case ItemRecord():
            return _why_no_item(records, what)
        case AcceptanceRecord() | JudgementRecord():
            return _why_not_of(records, what)
        case SuspensionRecord():
            return _why_no_suspension(what)
        case LicenceRecord():
            return "ends before it begins" if what.last_day < what.first_day else ""
        case NoticeRecord():
            return _why_no_notice(what)
    return ""


def _why_no_order(order: ContractRecord | None, what: OrderRecord) -> str:
    if order is not None:
        return f"an order is on record already (record {order.number}); a contract has one"
    if what.last_day is not None:
        return "a contract renews year by year (Article 7): leave 'last_day' out; a notice ends it"
    return ""


def _why_no_notice(what: NoticeRecord) -> str:
    earliest = earliest_last_day(what.arrived_on)
    if what.last_day < earliest:
        return f"comes less than a month ahead: it ends no contract before {earliest} (Article 9(1))"
    return ""


def _why_no_item(records: Sequence[ContractRecord], what: ItemRecord) -> str:
    if what.item != BASE and not options_in([what.item]):
        return f"the menu has no item {what.item!r}; known are {', '.join([BASE, *get_args(Option)])}"
    if what.last_day is not None and what.last_day < what.first_day:
        return "ends before it begins"
    for one in records:
        if isinstance(one.what, ItemRecord) and _overlap(one.what, what):
            return f"overlaps with the record {one.number}, which has {what.item!r} from {one.what.first_day} on"
    if what.item != BASE and BASE not in _on(records, what.first_day).items:
        return f"is an option, and the base item is not agreed on {what.first_day} (Article 2)"
    return ""


def _why_not_of(records: Sequence[ContractRecord], what: AcceptanceRecord | JudgementRecord) -> str:
    subject = next((one for one in records if one.number == what.of), None)
    if subject is None:
        return f"there is no record {what.of}"
    if isinstance(what, AcceptanceRecord):
        if not isinstance(subject.what, OrderRecord | ItemRecord):
            return f"the record {what.of} is nothing that is accepted"
        if any(isinstance(one.what, AcceptanceRecord) and one.what.of == what.of for one in records):
            return f"the record {what.of} is accepted already"
        return ""
    if not isinstance(subject.what, _JUDGED[what.decision]):
        return f"the record {what.of} is nothing that is {what.decision}"
    return ""


def _why_no_suspension(what: SuspensionRecord) -> str:
    if what.until is None:
        return ""
    if problem := why_no_effect(what.until):
        return problem
    ends = begins(what.until) + (timedelta(days=1) if is_day(what.until) else timedelta(0))
    return "ends before it begins" if ends <= begins(what.since) else ""


def _overlap(one: ItemRecord, other: ItemRecord) -> bool:
    """Return whether two records have the same item on a day; of one beginning, the later one only says its end."""
    if one.item != other.item or one.first_day == other.first_day:
        return False
    first, second = sorted((one, other), key=lambda item: item.first_day)
    return first.last_day is None or first.last_day >= second.first_day


def _on(records: Sequence[ContractRecord], day: date) -> ContractState:
    return state(records, begins(day.isoformat()).astimezone(CONTRACT_ZONE))
