"""Days of contracts as tables: what follows from each row's start, or notice, by the terms of service."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from msgspec import Struct, ValidationError, convert

from catalog.csv_reader import Cell, Sheet, read_csv
from catalog.yaml_reader import content
from contract.dates import earliest_last_day, next_term, term
from model.fault import Fault, Refused

START, MIDTERM, NOTICE = "start", "midterm_notice_on", "notice_on"
_OF_CONTRACTS = (
    START,
    "last_day",
    "renewed_first_day",
    "renewed_last_day",
    "invoice_by",
    "due",
    "nonrenewal_notice_safe_by",
    "nonrenewal_notice_latest",
    MIDTERM,
    "midterm_earliest_last_day",
)
_OFNOTICES = (NOTICE, "earliest_last_day")
_MOST_FAULTS = 100
_SHOWN = 40
_FORM = "write it as YYYY-MM-DD"

Cells = tuple[date | None, ...]
Result = TypeVar("Result")


def computed(file: Path) -> str:
    """Return as CSV (RFC 4180) what follows from a file's days; raises `Refused` with the faults of all its rows."""
    header, rows = _computed(read_csv(str(file), content(file)))
    lines = [header, *([day.isoformat() if day else "" for day in row] for row in rows)]
    return "".join(",".join(line) + "\r\n" for line in lines)


def _computed(sheet: Sheet) -> tuple[tuple[str, ...], list[Cells]]:
    """Return the header and the rows that follow from a file's; raises `Refused` with the faults of all its rows."""
    rows = sheet.rows()
    columns = _columns(sheet, next(rows, []))
    header, compute = (_OF_CONTRACTS, _of_contract) if START in columns else (_OFNOTICES, _of_notice)
    computed: list[Cells] = []
    faults: list[Fault] = []
    for row in rows:
        try:
            computed.append(compute(_Row(sheet, columns, row)))
        except Refused as refused:
            faults += refused.faults
        if len(faults) >= _MOST_FAULTS:
            more = sheet.refused(row[-1].at, f"is in the {_MOST_FAULTS}th row with a fault; the rest was not looked at")
            raise Refused([*faults, *more.faults])
    if faults:
        raise Refused(faults)
    return header, computed


def _columns(sheet: Sheet, header: list[Cell]) -> list[str]:
    """Return the names of the columns; raises `Refused` where none is known, or a known one stands twice."""
    names = [cell.text for cell in header]
    if not {START, NOTICE} & set(names):
        raise sheet.refused(0, f"names neither {START!r} nor {NOTICE!r}; begin with a line of names between commas")
    for number, cell in enumerate(header):
        if cell.text in (START, MIDTERM, NOTICE) and cell.text in names[:number]:
            raise sheet.refused(cell.at, f"the column {cell.text!r} stands twice; remove one")
    return names


class _Row(Struct, frozen=True):
    """A row of days below the names of its columns."""

    sheet: Sheet
    columns: list[str]
    cells: list[Cell]

    def wanted(self, column: str, compute: Callable[[date], Result]) -> Result:
        """Return what is computed of a column's day; raises `Refused`, also where there is none."""
        made = self.given(column, compute)
        if made is None:
            cell = self._cell(column) or self.cells[0]
            raise self.sheet.refused(cell.at, f"there is no {column!r}; write a day as YYYY-MM-DD, or remove the row")
        return made

    def given(self, column: str, compute: Callable[[date], Result]) -> Result | None:
        """Return what is computed of a column's day, None where there is no day; raises `Refused` for what is none."""
        if len(self.cells) > len(self.columns):
            surplus = self.cells[len(self.columns)]
            raise self.sheet.refused(surplus.at, "is one cell more than line 1 has names; remove it")
        cell = self._cell(column)
        if cell is None or not cell.text:
            return None
        try:
            return compute(convert(cell.text, date))
        except ValidationError:
            raise self.sheet.refused(cell.at, f"{cell.text[:_SHOWN]!r} is no day; {_FORM}") from None
        except Refused as refused:
            raise self.sheet.refused(cell.at, str(refused)) from None

    def _cell(self, column: str) -> Cell | None:
        at = self.columns.index(column) if column in self.columns else len(self.cells)
        return self.cells[at] if at < len(self.cells) else None


def _of_contract(row: _Row) -> Cells:
    return (*row.wanted(START, _two_terms), *(row.given(MIDTERM, _noticed) or (None, None)))


def _of_notice(row: _Row) -> Cells:
    return row.wanted(NOTICE, _noticed)


def _two_terms(start: date) -> Cells:
    first = term(start)
    renewed = next_term(first)
    last, renewal = first.last_day, (renewed.first_day, renewed.last_day)
    return (start, last, *renewal, first.invoice_by, first.due, first.notice_safe_by, first.notice_latest)


def _noticed(notice: date) -> Cells:
    return notice, earliest_last_day(notice)
