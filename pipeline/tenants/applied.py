"""Tenants as they were last applied."""

from datetime import datetime

import msgspec

from model.canonical import parse_instant
from model.fault import Refused
from model.tenant import Tenant
from store.home import Home


def applied_tenant(home: Home, tenant: str) -> Tenant:
    """Return a tenant as it was last applied; raises `Refused` where there is none."""
    edition = home.edition(tenant)
    if edition is None:
        home.tenant(tenant)  # says which tenants there are
    assert edition is not None, "refused above"
    try:
        return msgspec.json.decode(edition.document, type=Tenant)
    except msgspec.DecodeError:
        raise Refused(f"the file of {tenant} is of another version of the program; apply it anew") from None


def applied_tenants(home: Home) -> tuple[list[tuple[Tenant, datetime]], list[str]]:
    """Return all tenants as they were last applied, each with the moment when it came.

    Beside them, those whose file this version of the program cannot read: they hurt no other.
    """
    found, broken = [], []
    for edition, since in home.editions():
        try:
            found.append((msgspec.json.decode(edition.document, type=Tenant), parse_instant(since)))
        except msgspec.DecodeError:
            broken.append(edition.tenant)
    return found, broken
