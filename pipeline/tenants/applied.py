"""Tenants as they were last applied."""

from datetime import datetime

import msgspec
from msgspec import UNSET
from msgspec.structs import replace

from contract.records import Book
from model.canonical import parse_instant
from model.contract_record import ContractRecord
from model.fault import Refused
from model.tenant import Contract, Tenant
from pipeline.tenants.terms import terms
from store.contracts import RECORDED
from store.home import Home
from store.tenant import TenantStore


class NotOrdered(Refused):
    """Nothing was ordered and accepted: there is no contract that could allow anything (Article 5(1))."""


def applied_tenant(home: Home, tenant: str, now: datetime) -> Tenant:
    """Return a tenant as it was last applied in a home, with its contract as it is on record now.

    Raises `Refused` where there is no such tenant, and `NotOrdered` where no contract of it is on record.
    """
    return replace(filed_tenant(home, tenant), contract=agreed_contract(home, tenant, now))


def known_tenant(home: Home, tenant: str, now: datetime) -> Tenant:
    """Return a tenant as it was last applied in a home, its contract as it is on record now, unset where none is.

    What needs a contract asks the gate. Raises `Refused` where there is no such tenant.
    """
    agreed = book_of(home.tenant(tenant)).view(now)
    return replace(filed_tenant(home, tenant), contract=UNSET if agreed is None else agreed)


def filed_tenant(home: Home, tenant: str) -> Tenant:
    """Return a tenant as its file says; raises `Refused` where there is none."""
    edition = home.edition(tenant)
    if edition is None:
        home.tenant(tenant)  # says which tenants there are
    assert edition is not None, "refused above"
    try:
        return msgspec.json.decode(edition.document, type=Tenant)
    except msgspec.DecodeError:
        raise Refused(f"the file of {tenant} is of another version of the program; apply it anew") from None


def agreed_contract(home: Home, tenant: str, now: datetime) -> Contract:
    """Return what is on record now, in a home, of a tenant's contract.

    Raises `NotOrdered` where nothing was ordered and accepted, and `Refused` where the records do not hold.
    """
    contract = book_of(home.tenant(tenant)).view(now)
    if contract is None:
        raise NotOrdered(
            f"no contract of {tenant} is on record (Article 5(1)); `hinomi upgrade` takes over what its file says, "
            f"`hinomi contract record {tenant} FILE` records an order and its acceptance"
        )
    return contract


def book_of(store: TenantStore) -> Book:
    """Return what is on record of a tenant's contract in its store, with the terms; raises as `contract_records`."""
    return Book(contract_records(store), terms())


def contract_records(store: TenantStore) -> list[ContractRecord]:
    """Return what is on record of a tenant's contract in its store.

    Raises `Refused` where a record is not as it was recorded, or cannot be read: a suspension may be among them.
    """
    with store.read(whole=True) as reader:
        if fault := reader.contract.fault(reader.recorded(RECORDED)):
            raise Refused(f"the contract cannot be trusted: {fault}; see `hinomi audit verify`")
        return reader.contract.all()


def applied_tenants(home: Home) -> tuple[list[tuple[Tenant, datetime]], list[str]]:
    """Return all tenants as their files say, each with the moment when it came.

    Beside them, those whose file this version of the program cannot read: they hurt no other.
    """
    found, broken = [], []
    for edition, since in home.editions():
        try:
            found.append((msgspec.json.decode(edition.document, type=Tenant), parse_instant(since)))
        except msgspec.DecodeError:
            broken.append(edition.tenant)
    return found, broken
