"""From when to when processes took logs in: no decisions, so no records of the audit chain."""

from sqlalchemy import Connection, select

from store import schema
from store.statements import put


class LogRuns:
    """What can be asked, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[tuple[str, str]]:
        """Return from when to when processes took logs in (RFC 3339), in order of when they began."""
        table = schema.log_run
        query = select(table.c.since, table.c.until).order_by(table.c.since)
        return [(since, until) for since, until in self._connection.execute(query)]


class LogRunsWriter(LogRuns):
    """What can be asked and written."""

    def note(self, holder: str, since: str, until: str) -> None:
        """Write that a process (the holder) takes logs in since a moment, and until another at least."""
        put(self._connection, schema.log_run, {"holder": holder, "since": since, "until": until})

    def purge_before(self, at: str) -> None:
        """Delete what ended before a moment."""
        self._connection.execute(schema.log_run.delete().where(schema.log_run.c.until < at))
