"""The gate, asked where the world is touched: by the contract's records as they are then."""

from datetime import datetime

from contract.gate import decide
from contract.term import Decision
from model.contract_action import Action
from model.fault import Refused
from model.terms import Capability
from pipeline.tenants.applied import book_of
from pipeline.tenants.terms import terms
from store.tenant import TenantStore


class NotEntitled(Refused):
    """What a contract does not allow now."""


def decided(store: TenantStore, action: Action, now: datetime) -> Decision:
    """Return whether an action is allowed now by what is on record in a tenant's store.

    Raises `Refused` where the records do not hold.
    """
    return decide(action, book_of(store), now)


def ask(store: TenantStore, tenant: str, action: Action, now: datetime) -> None:
    """Make sure that an action is allowed now by what is on record in the store of a tenant, named by its id.

    Raises `NotEntitled` where it is not, and `Refused` where the records do not hold.
    """
    decision = decided(store, action, now)
    if not decision.allowed:
        what = terms().actions.actions[action].text.en
        raise NotEntitled(f"{tenant}: cannot {what}: {decision.reason.en} (Article {decision.clause})")


def bought(store: TenantStore, now: datetime) -> frozenset[Capability]:
    """Return what the items of the menu give now, by what is on record in a tenant's store.

    Raises `Refused` where the records do not hold.
    """
    return book_of(store).bought(now)
