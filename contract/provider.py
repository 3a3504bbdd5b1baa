"""Which provider a contract is with: a condition of the contract, else the installation's default. Pure."""

from collections.abc import Sequence
from datetime import datetime

from contract.settings import Definition, explain
from model.contract_record import ContractRecord
from model.fault import Refused
from model.service_provider import ServiceProvider, ServiceProviders

PROVIDER = "contract.provider"
# No edition of the terms says it of all contracts.
_DEFINITIONS = {PROVIDER: Definition("provider", "1(1)", None, ())}


def provider_on(
    records: Sequence[ContractRecord], at: datetime, among: ServiceProviders = ServiceProviders()
) -> ServiceProvider | None:
    """Return the provider of a contract `at` an instant, by its records, of those that there are.

    None where there are none. Raises `Refused` for one that is not among them: another's name in its place would be
    wrong.
    """
    if not among.known:
        return None
    chosen = str(explain(PROVIDER, _DEFINITIONS, records, at).value or among.default)
    if problem := why_unknown(chosen, among):
        raise Refused(f"the contract's provider cannot be named: {problem}")
    return among.known[chosen]


def why_unknown(provider: str, among: ServiceProviders) -> str:
    """Return why a provider, by its id, cannot be that of a contract; the empty text where it can."""
    if provider in among.known:
        return ""
    known = f"known are {', '.join(among.known)}" if among.known else "it has none"
    return f"there is no provider {provider!r} in installation.yaml (providers): {known}"
