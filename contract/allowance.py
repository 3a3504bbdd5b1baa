"""From when to when the contract did not allow something. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from contract.days import begins, day_of
from contract.gate import decide
from contract.records import Book, ContractState
from contract.showing import phase_text
from contract.term import Decision
from model.contract_action import Action
from model.contract_record import SuspensionRecord
from model.text import Text

_DAY = timedelta(days=1)


class Barred(Struct, frozen=True):
    """From a moment to another the contract did not allow an action: for a reason, by a clause."""

    since: datetime
    until: datetime
    reason: Text
    clause: str


def barred(action: Action, book: Book, since: datetime, until: datetime) -> list[Barred]:
    """Return when between two moments (`since`, `until`) an action was not allowed by a book, in order.

    What is for one reason on end is one. Terms, licences and grace change with days, suspensions
    and what lifts them with moments of the records (Articles 5, 7, 11): it is decided anew at each of them.
    """
    found = list[Barred]()
    moments = sorted({since, *(one for one in _changes(book, since, until) if since < one < until)})
    for begin, end in zip(moments, [*moments[1:], until], strict=True):
        decision = decide(action, book, begin)
        if decision.allowed:
            continue
        why = _why(book.term(begin), decision)
        last = found[-1] if found else None
        if last and (last.until, last.reason, last.clause) == (begin, why, decision.clause):
            found[-1] = replace(last, until=end)
        else:
            found.append(Barred(begin, end, why, decision.clause))
    return found


def _why(state: ContractState, decision: Decision) -> Text:
    """Return why something was not allowed, without the day on which it is said."""
    if state.phase in ("running", "grace"):  # it was not bought, or is suspended alone
        return decision.reason
    phase, suspended = phase_text(state.phase), state.suspended if state.phase == "suspended" else None
    return Text(f"{phase.en}: {suspended.reason}", f"{phase.ja}：{suspended.reason}") if suspended else phase


def _changes(book: Book, since: datetime, until: datetime) -> Iterator[datetime]:
    """Yield the moments at which something may change what is allowed."""
    day = day_of(since)
    while (moment := begins(day.isoformat())) < until:
        yield moment
        day += _DAY
    for one in book.records:
        yield begins(one.effective)
        if isinstance(one.what, SuspensionRecord):
            yield from (begins(edge) for edge in (one.what.since, one.what.until) if edge)
