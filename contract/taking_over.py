"""What a tenant's file said of its contract, as records, and back. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date

from msgspec.structs import replace

from contract.records import BASE, CUSTOMER_APPROVES, options_in
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


def records_of(contract: Contract, at: str, person: str, evidence: Evidence) -> list[ContractRecord]:
    """Return the records that stand for what a tenant's file says of its contract.

    They were recorded `at` a moment by a person, with the file as the evidence.
    """
    found: list[ContractRecord] = []
    for what, effective in _said(contract):
        found.append(ContractRecord(len(found) + 1, what, effective, at, person, evidence, taken_over=True))
    return found


def taken_over(records: Sequence[ContractRecord]) -> Contract | None:
    """Return what the file said that was taken over, by its records; None where there was none."""
    whats = [one.what for one in records if one.taken_over]
    order = next((what for what in whats if isinstance(what, OrderRecord)), None)
    if order is None:
        return None
    return Contract(
        start=order.start,
        last_day=order.last_day,
        options=options_in(what.item for what in whats if isinstance(what, ItemRecord)),
        customer_approves=any(isinstance(what, SettingRecord) and what.value is True for what in whats),
        suspended=[_days_of(what) for what in whats if isinstance(what, SuspensionRecord)],
    )


def same(one: Contract, other: Contract) -> bool:
    """Return whether two files say the same of a contract; the order of options says nothing."""
    return replace(one, options=options_in(one.options)) == replace(other, options=options_in(other.options))


def _said(contract: Contract) -> Iterator[tuple[What, Effective]]:
    """Yield what a file says, and from when it is effective; what needs to be accepted has been."""
    start = contract.start.isoformat()
    agreed: list[What] = [OrderRecord(contract.start, contract.last_day)]
    agreed += [ItemRecord(item, contract.start) for item in (BASE, *options_in(contract.options))]
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
