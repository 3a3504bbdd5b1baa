"""The home folder: the service's store, and the only door to each tenant's."""

import os
from pathlib import Path

from msgspec import Struct
from sqlalchemy import Connection, func, select
from sqlalchemy.dialects.sqlite import insert

from model.canonical import digest, encode
from model.fault import Fault, Refused
from store.audit import Head
from store.database import Database
from store.schema import SERVICE_VERSION, TENANT_VERSION, audit_head, edition, lease
from store.tenant import Fence, TenantStore


class Edition(Struct, frozen=True):
    """A tenant's file as it was applied, canonical JSON; editions are only ever added."""

    tenant: str
    number: int
    document: bytes


class Home:
    """The stores of one installation."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._service = Database(folder / "service.sqlite", "service", SERVICE_VERSION)

    def create(self) -> None:
        """Make the home, or bring an older one to this version; raises `Refused` where it cannot be written."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as problem:
            raise Refused([Fault(str(self._folder), 0, 0, f"cannot be made: {problem.strerror}")]) from None
        if not os.access(self._folder, os.W_OK | os.X_OK):
            raise Refused([Fault(str(self._folder), 0, 0, "cannot be written; choose another home")])
        self._service.create()
        for tenant in self.tenants():
            self._database(tenant).create()

    def tenants(self) -> list[str]:
        """Return the ids of all tenants."""
        self._service.check()
        with self._service.read() as connection:
            rows = connection.execute(select(edition.c.tenant).distinct().order_by(edition.c.tenant))
            return [row.tenant for row in rows]

    def edition(self, tenant: str) -> Edition | None:
        """Return a tenant's newest file, None where there is no such tenant."""
        self._service.check()
        with self._service.read() as connection:
            return _newest(connection, tenant)

    def apply(self, tenant: str, document: object, at: str, person: str) -> Edition:
        """Add an edition of a tenant's file, unless the newest one says the same.

        The tenant's store is made first, and its audit chain records the edition before it is there: a crash in between
        leaves a record that the repeat makes true.
        """
        database, text = self._database(tenant), encode(document).decode()
        database.create()
        newest = self.edition(tenant)
        if newest and newest.document.decode() == text:
            return newest
        number = newest.number + 1 if newest else 1
        with TenantStore(database, _Heads(self._service, tenant)).write(at, person) as writer:
            writer.record("tenant.applied", tenant, edition=number, document=digest(text))
        with self._service.write() as connection:
            values = {"tenant": tenant, "number": number, "applied_at": at, "person": person, "document": text}
            connection.execute(edition.insert().values(values))
        return Edition(tenant, number, text.encode())

    def tenant(self, tenant: str) -> TenantStore:
        """Return the door to one tenant's data; raises `Refused` where there is no such tenant."""
        if self.edition(tenant) is None:
            known = ", ".join(self.tenants()) or "none yet"
            raise Refused(f"there is no tenant {tenant!r}; known are {known}; `hinomi apply FILE` adds one")
        database = self._database(tenant)
        database.check()
        return TenantStore(database, _Heads(self._service, tenant))

    def take(self, job: str, run: str) -> Fence:
        """Return a lease number for a job, higher than all before it."""
        with self._service.write() as connection:
            number = (connection.execute(select(lease.c.number).where(lease.c.job == job)).scalar() or 0) + 1
            values = {"job": job, "number": number, "run": run, "done_at": None}
            connection.execute(insert(lease).values(values).on_conflict_do_update(["job"], set_=values))
        return Fence(job, number)

    def done(self, fence: Fence, at: str) -> None:
        """Mark a job's run as done, unless a later one has begun; always the last step."""
        with self._service.write() as connection:
            mine = (lease.c.job == fence.job) & (lease.c.number == fence.number)
            connection.execute(lease.update().where(mine).values(done_at=at))

    def _database(self, tenant: str) -> Database:
        return Database(self._folder / "tenants" / f"{tenant}.sqlite", "tenant", TENANT_VERSION)


class _Heads:
    """The copy of one tenant's audit head in the service store."""

    def __init__(self, service: Database, tenant: str) -> None:
        self._service = service
        self._tenant = tenant

    def known(self) -> Head | None:
        """Return the copy."""
        with self._service.read() as connection:
            row = connection.execute(select(audit_head).where(audit_head.c.tenant == self._tenant)).first()
            return Head(row.seq, row.hash) if row else None

    def advance(self, head: Head) -> None:
        """Copy a head, forward only: several writers may come here out of order."""
        values = {"tenant": self._tenant, "seq": head.seq, "hash": head.hash}
        with self._service.write() as connection:
            upsert = insert(audit_head).values(values)
            connection.execute(upsert.on_conflict_do_update(["tenant"], set_=values, where=audit_head.c.seq < head.seq))


def _newest(connection: Connection, tenant: str) -> Edition | None:
    newest = select(func.max(edition.c.number)).where(edition.c.tenant == tenant).scalar_subquery()
    row = connection.execute(select(edition).where(edition.c.tenant == tenant, edition.c.number == newest)).first()
    return Edition(row.tenant, row.number, row.document.encode()) if row else None
