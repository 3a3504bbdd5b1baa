"""Tenants as people see them: nothing of their channels' settings or their scopes' credentials."""

import hashlib
from collections.abc import Iterator

import msgspec
from msgspec import Struct, UnsetType

from model.tenant import Suspension, Tenant
from model.text import Language, Text
from pipeline.tenants.files import changed_keys
from pipeline.tenants.scopes import group_names, named
from store.home import Home


class TenantView(Struct, frozen=True):
    """A tenant as people see it: nothing of its channels' settings or its scopes' credentials.

    The start is empty where no contract is on record, the last day where it renews year by year.
    """

    tenant: str
    name: Text
    language: Language
    start: str
    last_day: str
    accounts: list[str]
    organizations: list[str]
    cron: str
    options: list[str]
    suspended: list[Suspension]


class EditionView(Struct, frozen=True):
    """An edition of a tenant's file: who applied it when, its SHA-256, and which keys it changed."""

    number: int
    applied_at: str
    person: str
    sha256: str
    changed: list[str]


def view_of(tenant: Tenant) -> TenantView:
    """Return a tenant as people see it, with its contract as it is on record."""
    agreed = None if isinstance(tenant.contract, UnsetType) else tenant.contract
    return TenantView(
        tenant=tenant.tenant,
        name=tenant.name,
        language=tenant.language,
        start=agreed.start.isoformat() if agreed else "",
        last_day=agreed.last_day.isoformat() if agreed and agreed.last_day else "",
        accounts=[scope.id for scope in named(tenant).found],
        organizations=group_names(tenant),
        cron=tenant.schedule.cron,
        options=agreed.options if agreed else [],
        suspended=agreed.suspended if agreed else [],
    )


def edition_views(home: Home, tenant: str) -> Iterator[EditionView]:
    """Yield the editions of a tenant's file in the order of their numbers."""
    before: object = {}
    for one in home.history(tenant):
        document = msgspec.json.decode(one.edition.document)
        sha256 = hashlib.sha256(one.edition.document).hexdigest()
        yield EditionView(one.edition.number, one.at, one.person, sha256, changed_keys(before, document))
        before = document
