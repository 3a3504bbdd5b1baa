"""Stores as rows: read in one moment, written into an empty store of the same version."""

import re
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from sqlalchemy import Column, Connection, Integer, MetaData, Table, column, func, insert, select, table, text

from model.fault import Refused
from store import schema

_NAME = re.compile(r"[a-z_]+")
_ROWS_AT_ONCE = 500
TABLES: Mapping[str, MetaData] = {"service": schema.service, "tenant": schema.tenant}

Row = dict[str, Any]


def names(kind: str) -> list[str]:
    """Return the names of a kind of store's tables."""
    return [found.name for found in TABLES[kind].sorted_tables]


def rows(connection: Connection, kind: str, name: str) -> Iterator[Row]:
    """Yield the rows of a table, its name in a store of this kind, from a connection without holding them all."""
    found = TABLES[kind].tables[name]
    order = list(found.primary_key.columns)
    for row in connection.execution_options(yield_per=_ROWS_AT_ONCE).execute(select(found).order_by(*order)):
        yield dict(row._mapping)


def fill(connection: Connection, name: str, found: Iterable[Row]) -> int:
    """Write the rows that were `found` into an empty table of a name, whatever its version's columns are.

    Return how many. They go through the connection's transaction. Raises `Refused` for names that no table of ours can
    have: an archive is a file that somebody may have changed.
    """
    number, left = 0, iter(found)
    while batch := list(islice(left, _ROWS_AT_ONCE)):
        strange = [key for row in batch for key in (name, *row) if not _NAME.fullmatch(key)]
        if strange:
            raise Refused(f"the archive holds a name that no table or column has: {strange[0][:50]!r}")
        into = table(name, *(column(key) for key in batch[0]))
        connection.execute(insert(into), batch)
        number += len(batch)
    return number


def count_on(connection: Connection, kind: str) -> None:
    """Let numbers that the database counts itself go on after the highest one (PostgreSQL keeps them apart)."""
    if connection.dialect.name != "postgresql":
        return
    for found in TABLES[kind].sorted_tables:
        for key in _counted(found):
            highest = connection.execute(select(func.max(key))).scalar()
            if highest is not None:
                sequence = text("SELECT setval(pg_get_serial_sequence(:table, :column), :highest)")
                connection.execute(sequence, {"table": found.name, "column": key.name, "highest": highest})


def _counted(found: Table) -> list[Column[Any]]:
    keys = list(found.primary_key.columns)
    return keys if len(keys) == 1 and isinstance(keys[0].type, Integer) else []
