"""What a tenant's file said of its contract, as records, and back. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from contract.menus import first_base, menu_on
from contract.records import CUSTOMER_APPROVES
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    Effective,
    Evidence,
    ItemRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    What,
)
from model.tenant import Contract, Suspension
from model.terms import Menu


def records_of(
    contract: Contract, menus: Sequence[Menu], at: str, person: str, evidence: Evidence
) -> list[ContractRecord]:
    """Return the records that stand for what a tenant's file says of its contract, with the base item of the menus.

    They were recorded `at` a moment by a person, with the file as the evidence.
    """
    found: list[ContractRecord] = []
    for what, effective in _said(contract, first_base(menu_on(menus, contract.start))):
        found.append(ContractRecord(len(found) + 1, what, effective, at, person, evidence, taken_over=True))
    return found


def taken_over(records: Sequence[ContractRecord]) -> Contract | None:
    """Return what the file said that was taken over, by its records; None where there was none."""
    whats = [one.what for one in records if one.taken_over]
    order = next((what for what in whats if isinstance(what, OrderRecord)), None)
    if order is None:
        return None
    _, *options = (what.item for what in whats if isinstance(what, ItemRecord))  # the base item comes first
    return Contract(
        start=order.start,
        last_day=order.last_day,
        options=sorted(options),
        customer_approves=any(isinstance(what, SettingRecord) and what.value is True for what in whats),
        suspended=[_days_of(what) for what in whats if isinstance(what, SuspensionRecord)],
    )


def same(one: Contract, other: Contract) -> bool:
    """Return whether two files say the same of a contract; the order of options says nothing."""
    return replace(one, options=sorted({*one.options})) == replace(other, options=sorted({*other.options}))


def _said(contract: Contract, base: str) -> Iterator[tuple[What, Effective]]:
    """Yield what a file says, and from when it is effective; what needs to be accepted has been."""
    start = contract.start.isoformat()
    agreed: list[What] = [OrderRecord(contract.start, contract.last_day)]
    agreed += [ItemRecord(item, contract.start) for item in (base, *sorted({*contract.options}))]
    for number, what in enumerate(agreed):
        yield what, start
        yield AcceptanceRecord(2 * number + 1), start
    if contract.customer_approves:
        yield SettingRecord(CUSTOMER_APPROVES, True), start
    for one in contract.suspended:
        until = one.last_day.isoformat() if one.last_day else None
        yield SuspensionRecord(one.first_day.isoformat(), one.reason, until), one.first_day.isoformat()


def _days_of(what: SuspensionRecord) -> Suspension:
    until = date.fromisoformat(what.until) if what.until else None
    return Suspension(date.fromisoformat(what.since), what.reason, until)
