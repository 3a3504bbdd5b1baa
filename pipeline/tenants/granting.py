"""What tenants' files referred to before the installation's file said whose it is: granted once, at an upgrade."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from model.tenant import Tenant
from pipeline.secrets import TenantSecrets
from pipeline.tenants.applied import applied_tenants
from pipeline.tenants.references import used_references
from store.home import Home


class Missing(Struct, frozen=True):
    """References in use that are not the tenants', by tenant.

    The installation's file says nothing yet of the tenants in `new`; of those in `refused` it does, without these.
    `broken` are tenants whose file this version cannot read.
    """

    new: dict[str, list[str]]
    refused: dict[str, list[str]]
    broken: list[str]


def missing_grants(home: Home, granted: Mapping[str, object], secrets: Callable[[Tenant], TenantSecrets]) -> Missing:
    """Return which references of a home's tenants, as applied, are not theirs by their secrets.

    The tenants that are `granted` anything, be it nothing at all, have been decided about by people.
    """
    tenants, broken = applied_tenants(home)
    lacking = {tenant.tenant: _lacking(tenant, secrets(tenant)) for tenant, _ in tenants}
    return Missing(
        {name: found for name, found in lacking.items() if found and name not in granted},
        {name: found for name, found in lacking.items() if found and name in granted},
        broken,
    )


def _lacking(tenant: Tenant, secrets: TenantSecrets) -> list[str]:
    return sorted({used.reference for used in used_references(tenant) if secrets.why_not(used.reference)})
