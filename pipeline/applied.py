"""Tenants as they were last applied."""

from datetime import datetime

import msgspec

from model.canonical import parse_instant
from model.tenant import Tenant
from store.home import Home


def applied_tenant(home: Home, tenant: str) -> Tenant:
    """Return a tenant as it was last applied; raises `Refused` where there is none."""
    edition = home.edition(tenant)
    if edition is None:
        home.tenant(tenant)  # says which tenants there are
    assert edition is not None, "the door above refuses"
    return msgspec.json.decode(edition.document, type=Tenant)


def applied_tenants(home: Home) -> list[tuple[Tenant, datetime]]:
    """Return all tenants as they were last applied, each with the moment when it came."""
    return [
        (msgspec.json.decode(edition.document, type=Tenant), parse_instant(since)) for edition, since in home.editions()
    ]
