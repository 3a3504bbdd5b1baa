"""The gate, asked where the world is touched: by the contract's records as they are then."""

from datetime import datetime
from functools import cache

from catalog.folder import config_folder
from catalog.terms import load_actions
from contract.gate import decide
from contract.records import Book
from contract.term import Decision
from model.contract_action import Action, ActionTable
from model.fault import Refused
from pipeline.tenants.applied import contract_records
from store.tenant import TenantStore


class NotEntitled(Refused):
    """What a contract does not allow now."""


def decided(store: TenantStore, action: Action, now: datetime) -> Decision:
    """Return whether an action is allowed now by what is on record in a tenant's store.

    Raises `Refused` where the records do not hold.
    """
    return decide(_table(), action, Book(contract_records(store)), now)


def ask(store: TenantStore, tenant: str, action: Action, now: datetime) -> None:
    """Make sure that an action is allowed now by what is on record in the store of a tenant, named by its id.

    Raises `NotEntitled` where it is not, and `Refused` where the records do not hold.
    """
    decision = decided(store, action, now)
    if not decision.allowed:
        what = _table().actions[action].text.en
        raise NotEntitled(f"{tenant}: not the time to {what}: {decision.reason.en} (Article {decision.clause})")


@cache
def _table() -> ActionTable:
    return load_actions(config_folder())
