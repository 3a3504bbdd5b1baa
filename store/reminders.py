"""What of a tenant's contract people were reminded of: no decision, so no record of the audit chain."""

from sqlalchemy import Connection, select

from store import damage, schema
from store.statements import insert


class Reminders:
    """What can be asked, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def said(self) -> set[tuple[str, str]]:
        """Return what was said, by the reminder's id and the channel's name."""
        table = schema.reminder
        return set(damage.each(self._connection, select(table), table, lambda row: (row.id, row.channel)))

    def sent(self) -> list[tuple[str, str, str]]:
        """Return what was said: the reminder's id, the channel's name, and when."""
        table = schema.reminder
        query = select(table).order_by(table.c.sent_at, table.c.channel)
        return list(damage.each(self._connection, query, table, lambda row: (row.id, row.channel, row.sent_at)))


class RemindersWriter(Reminders):
    """What can be asked and added."""

    def add(self, id_: str, channel: str, at: str) -> None:
        """Write down that somebody was reminded, by the reminder's id, in a channel, `at` a moment."""
        values = {"id": id_, "channel": channel, "sent_at": at}
        statement = insert(self._connection, schema.reminder).values(values)
        self._connection.execute(statement.on_conflict_do_nothing())
