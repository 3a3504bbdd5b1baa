"""Rows that cannot be read: each is named, and hurts no other."""

import re
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Integer, MetaData, Row, Select, Table, select

from store.schema import INSTANTS, JSON

T = TypeVar("T")

# Under this option a connection carries the `Damage` of its store.
NOTED = "hinomi_damaged"
# What a store puts in the place of bytes that are no text: a noncharacter, which no text has (Unicode 23.7).
NO_TEXT = "\U0010ffff"
# What reading a row raises that is not as it was written.
_UNREADABLE = (msgspec.MsgspecError, TypeError, ValueError)
# What code raises that goes on with a value of another type than the column's.
CONFUSED = (TypeError, ValueError, KeyError, AttributeError, IndexError)


_IS_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z").fullmatch
_HEARD: dict[str, None] = {}


class Damage:
    """The names of the rows of one store that could not be read."""

    def __init__(self, store: str) -> None:
        self._store = store
        self.rows: dict[str, None] = {}

    def note(self, row: str) -> None:
        """Note a row that is left out."""
        self.rows[row] = None
        _HEARD[f"{self._store}: {row}"] = None


def heard() -> list[str]:
    """Return the rows of all stores that this process has left out since it was asked last."""
    found = list(_HEARD)
    _HEARD.clear()
    return found


class DamagedRow(Exception):
    """A row that cannot be read."""

    def __init__(self, name: str) -> None:
        super().__init__(f"{name} is damaged: restore it from a backup (`hinomi restore`)")
        self.name = name


def each(connection: Connection, query: Select[Any], table: Table, read: Callable[[Row[Any]], T]) -> Iterator[T]:
    """Yield what `read` makes of each row that a query finds on a connection.

    Rows of a table that cannot be read are left out, and noted where somebody asks for them later. Raises `DamagedRow`
    where nobody does.
    """
    noted = connection.get_execution_options().get(NOTED)
    for row in connection.execute(query):
        try:
            found = one(row, table, read)
        except DamagedRow as damaged:
            if noted is None:
                raise
            noted.note(damaged.name)
        else:
            yield found


def first(
    limit: int, connection: Connection, query: Select[Any], table: Table, read: Callable[[Row[Any]], T]
) -> list[T]:
    """Return what `read` makes of the first rows of a table that a query finds on a connection, up to the limit.

    A page with fewer would look like the last one: as many more are asked for as are left out.
    """
    found, asked = list(each(connection, query.limit(limit), table, read)), limit
    while len(found) < limit and asked < limit + len(left_out_of(connection)):
        asked = limit + len(left_out_of(connection))
        found = list(each(connection, query.limit(asked), table, read))
    return found[:limit]


def left_out_of(connection: Connection) -> list[str]:
    """Return the names of the rows of a connection's store that were left out."""
    noted = connection.get_execution_options().get(NOTED)
    return list(noted.rows) if noted else []


def one(row: Any, table: Table, read: Callable[[Any], T]) -> T:
    """Return what `read` makes of a row of a table; raises `DamagedRow` where it cannot be read."""
    try:
        _check(row, table)
        return read(row)
    except _UNREADABLE:
        raise DamagedRow(_name(row, table)) from None


def _check(row: Row[Any], table: Table) -> None:
    """Raise `ValueError` for a row with a text that is none, or a moment that is none."""
    for value in row:  # for each row of each reading: a loop takes half of what `any` does
        if isinstance(value, str) and not value.isascii() and NO_TEXT in value:
            raise ValueError("no text")
    for column in INSTANTS.get(table.name, ()):
        check_instant(row._mapping.get(column))


def check_instant(text: str | None) -> None:
    """Raise `ValueError` for a text that is no moment as all of them are written (`model.canonical.instant`)."""
    if text and not _IS_INSTANT(text):
        raise ValueError("no moment")


def as_(form: type[T]) -> Callable[[Row[Any]], T]:
    """Return what reads a whole row as a struct of this form."""
    return lambda row: msgspec.convert(values(row), form)


def values(row: Row[Any]) -> dict[str, Any]:
    """Return a row's values by the columns' names, as plain texts: SQLAlchemy marks those that SQL reserves."""
    return {str(name): value for name, value in row._mapping.items()}


def first_damage(connection: Connection, tables: MetaData) -> str:
    """Return the name of the first row with a value that its column cannot have, the empty text where there is none."""
    for table in tables.sorted_tables:
        for row in connection.execute(select(table)):
            if any(_misfits(row._mapping[column.name], column) for column in table.columns):
                return _name(row, table)
    return ""


def _misfits(value: Any, column: Any) -> bool:
    if value is None:
        return not column.nullable
    if isinstance(value, str) and NO_TEXT in value:
        return True
    if not isinstance(value, str):
        return not (isinstance(column.type, Integer) and isinstance(value, int))
    if isinstance(column.type, Integer):
        return True
    if column.name in JSON.get(column.table.name, ()):
        try:
            msgspec.json.decode(value)
        except (msgspec.MsgspecError, UnicodeError):
            return True
    return False


def _name(row: Row[Any], table: Table) -> str:
    """Return a row's name: its key, of which nothing is shown that is no plain text."""
    keys = [row._mapping.get(column.name, "") for column in table.primary_key.columns]
    shown = " ".join(str(key) if isinstance(key, int) or str(key).isprintable() else "?" for key in keys)
    return f"the row {shown[:100]!r} of the table {table.name}"
