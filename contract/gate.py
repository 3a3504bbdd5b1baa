"""The gate: may something be done for a tenant at an instant? By its contract's records and a table. Pure."""

from datetime import datetime

from msgspec.structs import replace

from contract.menus import not_bought
from contract.records import Book, decide_term
from contract.suspensions import decide_logs
from contract.term import Decision
from model.contract_action import Action


def decide(action: Action, book: Book, at: datetime) -> Decision:
    """Return whether an action is allowed `at` an instant, by the book of the contract's records and of the terms.

    The contract has to be in a phase in which the table allows the action, and to have bought the capability that the
    action needs. A refusal has the reason and the clause, and until when it holds, where that is known.
    """
    row, found = book.terms.actions.actions[action], book.term(at)
    decision = decide_term(found)
    if found.phase not in row.phases:
        return replace(decision, allowed=False, until=found.until)
    if row.stops_with == "logs" and found.logs_suspended:
        return decide_logs(found.logs_suspended)
    if row.capability and row.capability not in book.bought(at):
        return not_bought(book.menu(at), row.capability)
    return replace(decision, allowed=True, until=found.until)
