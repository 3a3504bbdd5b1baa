"""The stages of all tenants' logs, in the service's store: what was measured, how they stand, what was decided.

What they are is JSON here: whoever decides knows its form. They are no decisions of people, so no audit records; what a
decision does is recorded in the tenant's store.
"""

from collections.abc import Iterable

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from store import damage, schema
from store.statements import insert, put

_ALL = "all"


class LogDecision(Struct, frozen=True):
    """What was decided of a tenant's logs `at` a moment, as JSON: to be done, then people are to be notified.

    Until both are done it stands there: `decided`, `done`.
    """

    id: str
    tenant: str
    at: str
    state: str
    document: str


class LogStages:
    """What can be asked, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def measured(self, since: str, until: str) -> list[tuple[str, str, str]]:
        """Return what was measured in the minutes `since` one, and before another (`until`).

        That is each time a process, the minute and a document.
        """
        table = schema.log_machine
        query = select(table).where((table.c.minute >= since) & (table.c.minute < until)).order_by(table.c.minute)
        return list(damage.each(self._connection, query, table, lambda row: (row.machine, row.minute, row.document)))

    def minutes(self, since: str) -> list[str]:
        """Return what was made of the minutes `since` one, each a document, in order."""
        table = schema.log_minute
        query = select(table).where(table.c.minute >= since).order_by(table.c.minute)
        return list(damage.each(self._connection, query, table, lambda row: row.document))

    def stages(self) -> tuple[str, str]:
        """Return after which minute the stages are as they are, and these; empty texts for none yet."""
        row = self._connection.execute(select(schema.log_stages).where(schema.log_stages.c.id == _ALL)).first()
        return damage.one(row, schema.log_stages, lambda one: (one.minute, one.document)) if row else ("", "")

    def decisions(self) -> list[LogDecision]:
        """Return what was decided and is not through yet, in its order."""
        table = schema.log_decision
        query = select(table).order_by(table.c.at, table.c.id)
        return list(damage.each(self._connection, query, table, damage.as_(LogDecision)))


class LogStagesWriter(LogStages):
    """What can be asked and written."""

    def measure(self, machine: str, minute: str, document: str) -> None:
        """Write a document of what a process (the machine) measured of a minute; what it wrote before stands."""
        values = {"machine": machine, "minute": minute, "document": document}
        self._connection.execute(insert(self._connection, schema.log_machine).on_conflict_do_nothing(), values)

    def put(self, minute: str, measured: str, stages: str) -> None:
        """Write what was `measured` of a minute by all, and the stages after it."""
        put(self._connection, schema.log_minute, {"minute": minute, "document": measured})
        put(self._connection, schema.log_stages, {"id": _ALL, "minute": minute, "document": stages})

    def decide(self, decisions: Iterable[LogDecision]) -> None:
        """Write what was decided."""
        put(self._connection, schema.log_decision, [msgspec.structs.asdict(one) for one in decisions])

    def end(self, decision: LogDecision) -> None:
        """Delete a decision that is through."""
        table = schema.log_decision
        self._connection.execute(table.delete().where(table.c.id == decision.id))

    def purge_before(self, minute: str) -> None:
        """Delete what was measured before a minute."""
        for column in (schema.log_machine.c.minute, schema.log_minute.c.minute):
            self._connection.execute(column.table.delete().where(column < minute))
