"""Contracts on record, as tests need them."""

from collections.abc import Sequence
from datetime import date

import msgspec

from contract import recording
from contract.recording import effective_of
from contract.taking_over import records_of
from contract.terms import ContractTerms
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    Evidence,
    ItemRecord,
    NoticeRecord,
    SuspensionRecord,
    What,
)
from model.tenant import Contract, Tenant
from pipeline.tenants.terms import terms
from store.home import Edition, Home

EVIDENCE = Evidence("tenant.yaml", "0" * 64)


def applied(home: Home, tenant: Tenant, at: str, person: str = "p") -> Edition:
    """Apply a tenant; what its file says of the contract is on record."""
    records = records_of(tenant.agreed, terms().menus, at, person, EVIDENCE)
    return home.apply(tenant.tenant, msgspec.to_builtins(tenant), at, person, records)


def why_not(there: Sequence[ContractRecord], what: What, effective: str, by: ContractTerms | None = None) -> str:
    """Return why somebody cannot add what there is to say to the records that are there, on evidence."""
    wanted = ContractRecord(len(there) + 1, what, effective, "2026-03-01T00:00:00.000000Z", "p", EVIDENCE)
    return recording.why_not(there, by or terms(), wanted)


def on_record(home: Home, tenant: str, what: What, at: str, effective: str = "2026-01-01") -> int:
    """Record what there is to say of a tenant's contract in a home, at a moment; return the record's number.

    It is effective from a day or moment on, where it does not say so itself.
    """
    with home.tenant(tenant).write(at, "p") as writer:
        number = len(writer.contract.all()) + 1
        writer.add_contract([ContractRecord(number, what, effective_of(what, effective), at, "p")])
    return number


def agree_to(
    home: Home, tenant: str, option: str, at: str = "2026-06-01T00:00:00.000000Z", last_day: date | None = None
) -> None:
    """Record an option of a tenant's contract in a home, or its end, and that it was accepted, at a moment."""
    number = on_record(home, tenant, ItemRecord(option, date(2026, 1, 1), last_day), at)
    on_record(home, tenant, AcceptanceRecord(number), at)


def agreed(home: Home, tenant: Tenant, contract: Contract, at: str) -> None:
    """Record in a home, at a moment, what a contract has beside a tenant's: an end, options, suspensions."""
    before = tenant.agreed
    if contract.last_day is not None:
        on_record(home, tenant.tenant, NoticeRecord("customer", "form", contract.last_day, contract.last_day), at)
    for option in sorted({*contract.options} - {*before.options}):
        agree_to(home, tenant.tenant, option, at)
    for one in contract.suspended:
        until = one.last_day.isoformat() if one.last_day else None
        on_record(home, tenant.tenant, SuspensionRecord(one.first_day.isoformat(), one.reason, until), at)


def known(home: Home, tenant: str, at: str, contract: Contract = Contract(date(2026, 1, 1))) -> None:
    """Make a tenant known in a home at a moment, with a contract on record and nothing else of its file."""
    home.apply(tenant, {"tenant": tenant}, at, "p", records_of(contract, terms().menus, at, "p", EVIDENCE))
