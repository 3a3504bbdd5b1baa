"""Statements that are executed for every resource, made once: making one takes longer than executing it."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

INSERTS: Mapping[str, Callable[[Table], Any]] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert(connection: Connection, table: Table) -> Any:
    """Return an INSERT that may say what to do on a conflict, in the connection's dialect."""
    return INSERTS[connection.dialect.name](table)


def put(connection: Connection, table: Table, rows: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> None:
    """Write a row or several rows to a table, with all columns; each overwrites the one with its primary key.

    The connection's transaction decides.
    """
    if rows:
        connection.execute(_overwriting(connection.dialect.name, table), rows)


@cache
def _overwriting(dialect: str, table: Table) -> Any:
    made = INSERTS[dialect](table)
    others = {column.name: made.excluded[column.name] for column in table.columns if not column.primary_key}
    return made.on_conflict_do_update(index_elements=[*table.primary_key.columns], set_=others)
