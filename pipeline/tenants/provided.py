"""Whose name a tenant's mails, reports and pages carry."""

from datetime import datetime

from contract.provider import provider_on
from model.service_provider import ServiceProviders
from model.text import Text
from pipeline.tenants.applied import book_of
from store.tenant import TenantStore


def provider_name(store: TenantStore, at: datetime, among: ServiceProviders) -> Text | None:
    """Return the name of the provider, `among` those that there are, that a tenant's contract is with `at` an instant.

    None where the installation has none. Raises `Refused` where the records in the tenant's store do not hold, or
    name one that the installation does not know.
    """
    if not among.known:  # nothing has to be read
        return None
    found = provider_on(book_of(store).records, at, among)
    return found.name if found else None
