"""The kill switch: who has stopped all changes of one tenant or of all of them, on one connection."""

from msgspec import Struct
from sqlalchemy import Connection, bindparam, func, or_, select

from store import schema
from store.vouching import HALT, Written

_HALT = schema.halt.c
_HOLDING = select(schema.halt).where(_HALT.lifted_at == "", or_(_HALT.tenant == "", _HALT.tenant == bindparam("of")))
_HOLDING = _HOLDING.order_by(_HALT.id).limit(1)


class Halt(Struct, frozen=True):
    """Changes are stopped, of one tenant or of all (`tenant` empty)."""

    tenant: str
    person: str
    at: str
    reason: str


class Halts:
    """What can be asked about the kill switch."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def holding(self, tenant: str) -> Halt | None:
        """Return what stops changes of a tenant now, None where nothing does."""
        row = self._connection.execute(_HOLDING, {"of": tenant}).first()
        return Halt(row.tenant, row.person, row.at, row.reason) if row else None


class HaltsWriter(Halts):
    """What can be asked and changed about the kill switch."""

    def __init__(self, connection: Connection, written: Written) -> None:
        super().__init__(connection)
        self._written = written

    def add(self, halt: Halt) -> None:
        """Stop changes."""
        table = schema.halt
        self._written.note(HALT, halt.tenant)
        number = (self._connection.execute(select(func.max(table.c.id))).scalar() or 0) + 1
        values = {"id": number, "tenant": halt.tenant, "person": halt.person, "at": halt.at, "reason": halt.reason}
        self._connection.execute(table.insert().values(values | {"lifted_by": "", "lifted_at": ""}))

    def lift(self, tenant: str, person: str, at: str) -> int:
        """Let changes go on that were stopped under exactly this tenant's name; return how many halts that ended.

        It is kept which person did that, and when (`at`).
        """
        table = schema.halt
        self._written.note(HALT, tenant)
        mine = (table.c.tenant == tenant) & (table.c.lifted_at == "")
        statement = table.update().where(mine).values(lifted_by=person, lifted_at=at)
        return int(self._connection.execute(statement).rowcount)
