"""CSV that people have written (RFC 4180), with the place of each cell."""

import re
from collections.abc import Iterator

from msgspec import Struct

from model.fault import Fault, Refused

_CELL = r'(?:"(?P<quoted>[^"]*(?:""[^"]*)*)"|(?P<plain>(?!")[^,\n]*))(?P<end>,|\n|\Z)'


class Cell(Struct, frozen=True):
    """A cell, and where it begins in the text. Quotation marks in it stay doubled: no day and no known name has one."""

    text: str
    at: int


class Sheet(Struct, frozen=True):
    """The text of a CSV file; its lines end in a line feed."""

    name: str
    text: str

    def refused(self, at: int, problem: str) -> Refused:
        """Return a fault at an offset of the text."""
        line, column = self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)
        return Refused([Fault(self.name, line, column, problem)])

    def rows(self) -> Iterator[list[Cell]]:
        """Yield the rows, none of which is empty; raises `Refused` where the text is not CSV (RFC 4180)."""
        cell = re.compile(_CELL)  # here, and not when any command starts
        at, row = 0, list[Cell]()
        while row or at < len(self.text):
            found = cell.match(self.text, at)
            if not found:
                raise self.refused(at, "is no cell of CSV; close its quotation mark, and double those inside")
            row.append(Cell(found["plain"] or found["quoted"] or "", at))
            at = found.end()
            if found["end"] != ",":
                yield row
                row = []


def read_csv(name: str, raw: bytes) -> Sheet:
    """Return the sheet in bytes, which errors call by a name; raises `Refused` where they are not UTF-8."""
    try:
        return Sheet(name, _decoded(raw))
    except UnicodeDecodeError as problem:
        before = Sheet(name, _decoded(raw[: problem.start]))
        raise before.refused(len(before.text), "is not UTF-8; save the file as UTF-8") from None


def _decoded(raw: bytes) -> str:
    return raw.decode("utf-8").removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
