"""The copies of the tenants' audit heads, in the service's store: outside of what they are copies of."""

from msgspec import Struct
from sqlalchemy import select

from store import damage
from store.audit import Head, Sealer
from store.database import Database
from store.schema import audit_head
from store.service import ServiceStore
from store.statements import insert


class _Copy(Struct, frozen=True):
    """The copy of a head as it stands in the service's store."""

    seq: int
    hash: str
    code: str


class Heads:
    """The copy of one tenant's audit head in the service store."""

    def __init__(self, service: Database, people: ServiceStore, tenant: str, sealer: Sealer) -> None:
        self._service = service
        self._people = people
        self._tenant = tenant
        self._sealer = sealer

    def fault(self) -> str:
        """Return what keeps the service's store from being trusted, the empty text where nothing does."""
        return self._people.fault()

    def known(self) -> Head | None:
        """Return the copy; one that somebody else wrote has no hash that any record could have."""
        row = self._row()
        if row is None:
            return None
        head = Head(row.seq, row.hash)
        return head if self._sealer.holds_head(head, row.code) else Head(row.seq, "")

    def stated(self) -> Head | None:
        """Return the copy as it stands there, whoever wrote it."""
        row = self._row()
        return Head(row.seq, row.hash) if row else None

    def replace(self, head: Head) -> None:
        """Put a head in the place of the copy, whatever it was."""
        values = {"tenant": self._tenant, "seq": head.seq, "hash": head.hash, "code": self._sealer.head(head)}
        with self._service.write() as connection:
            connection.execute(audit_head.delete().where(audit_head.c.tenant == self._tenant))
            connection.execute(audit_head.insert().values(values))

    def _row(self) -> _Copy | None:
        with self._service.read() as connection:
            row = connection.execute(select(audit_head).where(audit_head.c.tenant == self._tenant)).first()
            return damage.one(row, audit_head, damage.as_(_Copy)) if row else None

    def advance(self, head: Head) -> None:
        """Copy a head, forward only: several writers may come here out of order."""
        values = {"tenant": self._tenant, "seq": head.seq, "hash": head.hash, "code": self._sealer.head(head)}
        with self._service.write() as connection:
            upsert = insert(connection, audit_head).values(values)
            connection.execute(
                upsert.on_conflict_do_update(index_elements=["tenant"], set_=values, where=audit_head.c.seq < head.seq)
            )
