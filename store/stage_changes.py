"""How the stage of a tenant's logs changed, and what is let in by it (Article 11)."""

import msgspec
from sqlalchemy import Connection, Row, select

from model.log_stage import LogAdmission, StageRow
from store import damage, schema
from store.statements import insert, put

_LOGS = "logs"
_NO_LIMIT = -1


class StageChanges:
    """What can be asked, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> list[StageRow]:
        """Return the changes, the oldest first."""
        table = schema.stage_change
        query = select(table).order_by(table.c.at, table.c.id)
        return list(damage.each(self._connection, query, table, damage.as_(StageRow)))

    def moves(self) -> list[tuple[str, str]]:
        """Return when the stage became what, the oldest first: without the cases, which are long."""
        table = schema.stage_change
        query = select(table.c.id, table.c.at, table.c.after).order_by(table.c.at, table.c.id)
        return list(damage.each(self._connection, query, table, lambda row: (row.at, row.after)))

    def one(self, id_: str) -> StageRow | None:
        """Return a change by its id, None for no such one."""
        row = self._connection.execute(select(schema.stage_change).where(schema.stage_change.c.id == id_)).first()
        return damage.one(row, schema.stage_change, damage.as_(StageRow)) if row else None

    def admission(self) -> LogAdmission:
        """Return what of the tenant's logs is let in: everything where nothing was written."""
        row = self._connection.execute(select(schema.log_admission)).first()
        return damage.one(row, schema.log_admission, _admission) if row else LogAdmission("normal", None)


class StageChangesWriter(StageChanges):
    """What can be asked and written."""

    def add(self, change: StageRow) -> bool:
        """Write a change; False where it stands already: a repeat is a no-op."""
        made = insert(self._connection, schema.stage_change).values(msgspec.structs.asdict(change))
        made = made.on_conflict_do_nothing().returning(schema.stage_change.c.id)
        return self._connection.execute(made).first() is not None

    def admit(self, admission: LogAdmission) -> None:
        """Write what is let in from now on."""
        most = admission.records_per_minute
        row = {"stage": admission.stage, "records_per_minute": _NO_LIMIT if most is None else most, "at": admission.at}
        put(self._connection, schema.log_admission, {"id": _LOGS, **row})


def _admission(row: Row[tuple[str, str, int, str]]) -> LogAdmission:
    values = damage.values(row)
    most = values.pop("records_per_minute")
    del values["id"]
    return msgspec.convert({**values, "records_per_minute": None if most == _NO_LIMIT else most}, LogAdmission)
