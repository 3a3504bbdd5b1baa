"""The suspensions of a tenant, and what was proposed, as they stand by now. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec
from msgspec import Struct

from contract.records import Book
from contract.suspensions import RecordedSuspension
from model.canonical import instant, parse_instant
from model.contract_record import ContractRecord, SuspensionRecord
from model.fault import Refused
from model.log_stage import StageRow
from model.suspension_case import SuspensionCase, SuspensionScope

State = Literal["open", "lapsed", "in force", "lifted", "over"]
_CASES = ("proposed", "suspended")


class SuspensionView(Struct, frozen=True):
    """A suspension, or the proposal of one, by the id of its case, and how it stands now.

    It was decided `at` a moment, for a reason, and holds from `since` to `until`; a proposal may be confirmed `until` a
    moment. `record` is the number in the contract, `by` who decided.
    """

    id: str
    at: str
    state: State
    reason: str
    scope: SuspensionScope | None = None
    since: str = ""
    until: str = ""
    record: int | None = None
    by: str = ""


def views(rows: Sequence[StageRow], book: Book, now: datetime) -> list[SuspensionView]:
    """Return the suspensions of a contract's book and what was proposed by changes (rows) until now, newest first.

    A suspension that somebody recorded without a case has the number of its record as its id.
    """
    floods = {one.what.flood: one for one in book.suspensions if one.what.flood}
    found = [_view(row, rows, floods.get(row.id), now) for row in rows if row.document and row.after in _CASES]
    others = [_other(one, now) for one in book.suspensions if not one.what.flood]
    return sorted([*found, *others], key=lambda one: one.at, reverse=True)


def case_of(row: StageRow) -> SuspensionCase:
    """Return the case of a change."""
    return msgspec.json.decode(row.document, type=SuspensionCase)


def open_proposal(
    rows: Sequence[StageRow], records: Sequence[ContractRecord], now: datetime, wanted: str = ""
) -> StageRow:
    """Return the newest proposal among the changes (rows) that can be confirmed now, or the one of the id `wanted`.

    Raises `Refused` where there is none: it lapsed, the stage has changed since, or the contract's records have it.
    """
    proposals = [row for row in rows if row.after == "proposed" and wanted in ("", row.id)]
    if not proposals:
        raise Refused(f"there is no proposal {wanted}" if wanted else "no suspension is proposed")
    row = proposals[-1]
    if any(isinstance(one.what, SuspensionRecord) and one.what.flood == row.id for one in records):
        raise Refused(f"the proposal {row.id} is confirmed already")
    if problem := _why_lapsed(row, rows, now):
        raise Refused(f"the proposal {row.id} {problem}")
    return row


def _why_lapsed(row: StageRow, rows: Sequence[StageRow], now: datetime) -> str:
    until = case_of(row).until
    if now >= parse_instant(until):
        return f"lapsed at {until}"
    later = next((one for one in rows[rows.index(row) + 1 :] if one.after != "proposed"), None)
    return f"lapsed: the stage became {later.after} at {later.at}" if later else ""


def _view(row: StageRow, rows: Sequence[StageRow], flood: RecordedSuspension | None, now: datetime) -> SuspensionView:
    if flood is None:
        case = case_of(row)
        state: State = "lapsed" if _why_lapsed(row, rows, now) else "open"
        return SuspensionView(row.id, row.at, state, row.reason, until=case.until, by="")
    held: State = "in force" if flood.holds(now) else "lifted" if flood.is_lifted else "over"
    return SuspensionView(
        row.id,
        row.at,
        held,
        row.reason,
        flood.what.scope,
        flood.what.since,
        instant(flood.ends),
        flood.record.number,
        flood.record.person,
    )


def _other(one: RecordedSuspension, now: datetime) -> SuspensionView:
    held: State = "in force" if one.holds(now) else "lifted" if one.is_lifted else "over"
    what = one.as_it_holds
    return SuspensionView(
        str(one.record.number),
        one.record.recorded_at,
        held,
        what.reason,
        what.scope,
        what.since,
        what.until or "",
        one.record.number,
        one.record.person,
    )
