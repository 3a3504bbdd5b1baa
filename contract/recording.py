"""What may be added to a contract's records. Pure."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from msgspec.structs import replace

from contract.dates import earliest_last_day
from contract.days import begins, day_of
from contract.menus import menu_on
from contract.records import Book
from contract.suspension_settings import PREFIX, settings_of, why_never
from contract.terms import ContractTerms
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
from model.terms import Menu

# What is effective within the contract: orders are accepted, and notices and licences come, before it begins too.
_WITHIN = (ItemRecord, SuspensionRecord, JudgementRecord, SettingRecord)
# What each decision is about: a setting is confirmed where it contradicts the specification.
_JUDGED: dict[str, type | tuple[type, ...]] = {
    "lifted": SuspensionRecord,
    "withdrawn": NoticeRecord,
    "confirmed": (NoticeRecord, SettingRecord),
    "rejected": (NoticeRecord, LicenceRecord),
    "lapsed": LicenceRecord,
}
# What settles a record that was recorded late, whatever it says.
_SETTLES = ("confirmed", "rejected")


def effective_of(what: What, given: Effective) -> Effective:
    """Return from when a record is effective: from when it says itself, else from the day or moment that is given."""
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


def is_late(effective: Effective, at: datetime) -> bool:
    """Return whether something is effective before it is recorded `at` a moment: a day before that one's, or earlier.

    Raises `ValueError` for what is no day and no moment.
    """
    return date.fromisoformat(effective) < day_of(at) if is_day(effective) else begins(effective) < at


def why_not(records: Sequence[ContractRecord], terms: ContractTerms, wanted: ContractRecord) -> str:
    """Return why what is wanted cannot be added to the `records` that are there, the empty text where it can.

    The terms say what there is to have.
    """
    what, effective = wanted.what, wanted.effective
    if problem := why_no_effect(effective):
        return problem
    order = next((one for one in records if isinstance(one.what, OrderRecord)), None)
    if isinstance(what, OrderRecord):
        return _why_no_order(order, what)
    if order is None:
        return "no order is on record; record the order first"
    if begins(effective) < begins(order.effective) and isinstance(what, _WITHIN):
        return f"is effective before the contract, which begins on {order.effective}"
    return _why_not_of_its_kind(records, terms, wanted)


def _why_not_of_its_kind(records: Sequence[ContractRecord], terms: ContractTerms, wanted: ContractRecord) -> str:
    match wanted.what:
        case ItemRecord() as what:
            return _why_no_item(records, terms, what)
        case AcceptanceRecord() as what:
            return _why_no_acceptance(records, what)
        case JudgementRecord() as what:
            return _why_no_judgement(records, wanted, what)
        case SuspensionRecord() as what:
            return _why_no_suspension(what)
        case LicenceRecord() as what:
            return _why_no_licence(terms, wanted, what)
        case NoticeRecord() as what:
            return _why_no_notice(what)
        case SettingRecord() as what if what.key.startswith(PREFIX):
            with_it = Book([*records, replace(wanted, late=False)], terms)
            return why_never(settings_of(with_it, begins(wanted.effective)))
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


def _why_no_licence(terms: ContractTerms, wanted: ContractRecord, what: LicenceRecord) -> str:
    if what.product not in terms.products:
        return (
            f"{what.product!r} is no designated product (Article 3(1)); known are {', '.join(sorted(terms.products))}"
        )
    if what.last_day < what.first_day:
        return "ends before it begins"
    return "" if wanted.evidence else "rests on a document (Article 3(1)); add it with --evidence"


def _why_no_item(records: Sequence[ContractRecord], terms: ContractTerms, what: ItemRecord) -> str:
    menu = menu_on(terms.menus, what.first_day)
    if what.item not in menu.items:
        return f"the menu of {menu.edition} has no item {what.item!r}; known are {', '.join(menu.items)}"
    if what.last_day is not None and what.last_day < what.first_day:
        return "ends before it begins"
    for one in records:
        if isinstance(one.what, ItemRecord) and _clash(menu, one.what, what):
            return f"overlaps with the record {one.number}, which has {one.what.item!r} from {one.what.first_day} on"
    if not _is_base(menu, what) and not Book(records, terms).state(begins(what.first_day.isoformat())).items:
        return f"is an option, and no base item is agreed on {what.first_day} (Article 2)"
    return ""


def _is_base(menu: Menu, what: ItemRecord) -> bool:
    return what.item in menu.items and menu.items[what.item].kind == "base"


def _why_no_acceptance(records: Sequence[ContractRecord], what: AcceptanceRecord) -> str:
    subject = next((one for one in records if one.number == what.of), None)
    if subject is None:
        return f"there is no record {what.of}"
    if not isinstance(subject.what, OrderRecord | ItemRecord):
        return f"the record {what.of} is nothing that is accepted"
    if any(isinstance(one.what, AcceptanceRecord) and one.what.of == what.of for one in records):
        return f"the record {what.of} is accepted already"
    return ""


def _why_no_judgement(records: Sequence[ContractRecord], wanted: ContractRecord, what: JudgementRecord) -> str:
    subject = next((one for one in records if one.number == what.of), None)
    if subject is None:
        return f"there is no record {what.of}"
    if subject.late and what.decision in _SETTLES:
        if wanted.late:
            return f"the record {what.of} was recorded late: it is judged on from now on, not from an earlier day"
        if what.decision == "confirmed" and wanted.person == subject.person:
            return f"the record {what.of} was recorded late by {subject.person}; somebody else has to confirm it"
        return ""
    if subject.taken_over and isinstance(subject.what, OrderRecord) and what.decision == "confirmed":
        return ""  # somebody has looked at what nobody had accepted
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


def _clash(menu: Menu, one: ItemRecord, other: ItemRecord) -> bool:
    """Return whether two records have the same item, or two base items, on a day.

    Of the same item and beginning, the later record only says its end.
    """
    if one.item == other.item:
        return one.first_day != other.first_day and _overlap(one, other)
    return _is_base(menu, one) and _is_base(menu, other) and _overlap(one, other)


def _overlap(one: ItemRecord, other: ItemRecord) -> bool:
    first, second = sorted((one, other), key=lambda item: item.first_day)
    return first.last_day is None or first.last_day >= second.first_day
