"""The gate: may something be done for a tenant at an instant? By its contract's records and a table. Pure."""

from datetime import datetime

from msgspec.structs import replace

from contract.records import Book, decide_term
from contract.term import Decision
from model.contract_action import Action, ActionTable


def decide(table: ActionTable, action: Action, book: Book, at: datetime) -> Decision:
    """Return whether an action is allowed `at` an instant, by the table and the book of the contract's records.

    A refusal has the reason and the clause of the contract's phase, and until when it holds, where that is known.
    """
    found = book.term(at)
    return replace(decide_term(found), allowed=found.phase in table.actions[action].phases, until=found.until)
