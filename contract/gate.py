"""The gate: may something be done for a tenant at an instant? By its contract's records and a table. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from contract.records import decide_term, state
from contract.term import Decision
from model.contract_action import Action, ActionTable
from model.contract_record import ContractRecord


def decide(table: ActionTable, action: Action, records: Sequence[ContractRecord], at: datetime) -> Decision:
    """Return whether an action is allowed `at` an instant, by the table and the records of the contract.

    A refusal has the reason and the clause of the contract's phase, and until when it holds, where that is known.
    """
    found = state(records, at)
    return replace(decide_term(found), allowed=found.phase in table.actions[action].phases, until=found.until)
