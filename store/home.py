"""The stores of one installation: the service's, and the only way to each tenant's."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, func, select
from sqlalchemy import Row as SqlRow

from model.canonical import digest, encode
from model.contract_record import ContractRecord
from model.fault import Refused
from store import damage, schema
from store.archive import Row
from store.audit import NOTHING, AuditKeys, Head, Sealer
from store.chain import Chain, seal_older
from store.database import Database, Stores
from store.heads import Heads
from store.jobs import JobsWriter
from store.rows import Fence
from store.schema import audit_head, edition, external_id
from store.service import ServiceStore
from store.statements import insert
from store.tenant import TenantStore


class Edition(Struct, frozen=True):
    """A tenant's file as it was applied, canonical JSON; editions are only ever added."""

    tenant: str
    number: int
    document: bytes


class AppliedEdition(Struct, frozen=True):
    """An edition with the person who applied it, and the moment."""

    edition: Edition
    at: str
    person: str


class Home:
    """The stores of one installation."""

    def __init__(self, stores: Stores, keys: AuditKeys) -> None:
        """`service` is the store of what belongs to no tenant."""
        self._stores = stores
        self._keys = keys
        self._service = stores.service()
        self.service = ServiceStore(self._service, Sealer("service", keys))

    def create(self) -> list[str]:
        """Make the stores, or bring older ones to this version; return the names of those that were changed.

        Each store is brought up in a transaction of its own, the service's first: whoever is killed in the middle does
        it again and goes on where it ended.
        """
        changed = [self._service.name] if self._service.create() else []
        for tenant in self.tenants():
            database = self._stores.tenant(tenant)
            changed += [database.name] if database.create() else []
        return changed

    def seal_older(self) -> None:
        """Seal by the key of now what was recorded before there were keys, where it holds.

        That is for the one upgrade that brings the keys: whoever can write a store could have anything sealed later. A
        record says up to which one, and which hash that had. A chain that does not hold is left as it is: what is wrong
        with it goes on to show.
        """
        with self._service.write() as connection:
            seal_older(Chain(connection, schema.service_audit, Sealer("service", self._keys)), None)
        for tenant in self.tenants():
            self._seal_older(tenant)

    def is_sealed(self) -> bool:
        """Return whether a key has ever sealed anything here: a record of the service, or a head of a tenant's."""
        sealed = (schema.service_audit.c.key, audit_head.c.code)
        with self._service.read() as connection:
            return any(connection.execute(select(column).where(column != "").limit(1)).first() for column in sealed)

    def _seal_older(self, tenant: str) -> None:
        heads = self._heads(tenant)
        stated = heads.stated()
        with self._stores.tenant(tenant).write() as connection:
            chain = Chain(connection, schema.audit, self._sealer(tenant))
            seal_older(chain, stated)
            last = chain.last()
            # Whoever was killed in between has sealed the chain, and not yet the copy of its head.
            vouches = stated is not None and chain.vouches_for(stated)
        if vouches and last:
            heads.replace(Head(last.seq, last.hash))

    def check(self) -> None:
        """Refuse a home that was not made, or is of another version."""
        self._service.check()

    def tenants(self) -> list[str]:
        """Return the ids of all tenants."""
        self.check()
        with self._service.read() as connection:
            query = select(edition.c.tenant).distinct().order_by(edition.c.tenant)
            return list(damage.each(connection, query, edition, lambda row: msgspec.convert(row.tenant, str)))

    def editions(self) -> list[tuple[Edition, str]]:
        """Return each tenant's newest file, with the moment when its first one was applied.

        One that cannot be read has an empty document.
        """
        self.check()
        first = select(
            edition.c.tenant, func.min(edition.c.applied_at).label("since"), func.max(edition.c.number).label("n")
        )
        ends = first.group_by(edition.c.tenant).subquery()
        newest = (edition.c.tenant == ends.c.tenant) & (edition.c.number == ends.c.n)
        query = select(edition, ends.c.since).join(ends, newest).order_by(edition.c.tenant)
        with self._service.read() as connection:
            return [_since(row) for row in connection.execute(query)]

    def edition(self, tenant: str) -> Edition | None:
        """Return a tenant's newest file, None where there is no such tenant."""
        self.check()
        with self._service.read() as connection:
            return _newest(connection, tenant)

    def history(self, tenant: str) -> list[AppliedEdition]:
        """Return all editions of a tenant's file, in the order of their numbers, with who applied them when."""
        self.check()
        query = select(edition).where(edition.c.tenant == tenant).order_by(edition.c.number)
        with self._service.read() as connection:
            return list(damage.each(connection, query, edition, _applied))

    def edition_fault(self, tenant: str, recorded: Sequence[dict[str, Any]], *, deciding: bool = False) -> str:
        """Return which edition of a tenant is not as its audit chain has `recorded` it, the empty text where all are.

        One that is missing is a fault for whoever is `deciding` something by the newest one.
        """
        known: dict[int, set[str]] = {}
        for detail in recorded:  # of two who apply at once both leave a record, and one of them the edition
            known.setdefault(detail["edition"], set()).add(detail["document"])
        with self._service.read() as connection:
            rows = connection.execute(select(edition).where(edition.c.tenant == tenant).order_by(edition.c.number))
            there = {row.number: digest(row.document) for row in rows}
        # The newest record may stand alone: it is written first, and a crash in between is made good by the repeat.
        promised = {max(known)} - there.keys() if known and not deciding else set()
        for number in sorted((known.keys() | there.keys()) - promised):
            if there.get(number) not in known.get(number, ()):
                return f"edition {number} of its file is not the one that was recorded"
        return ""

    def apply(
        self, tenant: str, document: object, at: str, person: str, contract: Sequence[ContractRecord] = ()
    ) -> Edition:
        """Add a document as an edition of a tenant's file, unless the newest one says the same.

        The tenant's store is made first, and its audit chain records the edition, with the person and the moment `at`,
        before it is there: a crash in between leaves a record that the repeat makes true. The records of a new tenant's
        `contract` are added with it. Raises `Refused` where somebody else was faster.
        """
        database, text = self._stores.tenant(tenant), encode(document).decode()
        database.create()
        newest = self.edition(tenant)
        if newest is None:
            self._begin_chain(tenant, database)
        if newest and newest.document.decode() == text:
            return newest
        number = newest.number + 1 if newest else 1
        with self._store(database, tenant).write(at, person) as writer:
            writer.record("tenant.applied", tenant, edition=number, document=digest(text))
            if not writer.contract.all():
                writer.add_contract(contract)
        with self._service.write() as connection:
            if (now := _newest(connection, tenant)) and now.number >= number:
                raise Refused(f"another edition of {tenant} was applied meanwhile; look at the plan again")
            values = {"tenant": tenant, "number": number, "applied_at": at, "person": person, "document": text}
            connection.execute(edition.insert().values(values))
        return Edition(tenant, number, text.encode())

    def _begin_chain(self, tenant: str, database: Database) -> None:
        """Copy the head of an empty chain, so that one without a copy is always one of which it was removed."""
        with database.read() as connection:
            is_empty = Chain(connection, schema.audit, self._sealer(tenant)).last() is None
        if is_empty:
            self._heads(tenant).advance(NOTHING)

    def tenant(self, tenant: str) -> TenantStore:
        """Return the store of one tenant's data; raises `Refused` where there is no such tenant."""
        if self.edition(tenant) is None:
            known = ", ".join(self.tenants()) or "none yet"
            raise Refused(f"there is no tenant {tenant!r}; known are {known}; `hinomi apply FILE` adds one")
        database = self._stores.tenant(tenant)
        database.check()
        return self._store(database, tenant)

    def _store(self, database: Database, tenant: str) -> TenantStore:
        return TenantStore(database, self._heads(tenant), self._sealer(tenant))

    def _heads(self, tenant: str) -> Heads:
        return Heads(self._service, self.service, tenant, self._sealer(tenant))

    def _sealer(self, tenant: str) -> Sealer:
        return Sealer(f"tenant {tenant}", self._keys)

    def external_ids(self) -> dict[str, str]:
        """Return the external ids that were made, by tenant."""
        with self._service.read() as connection:
            return {row.tenant: row.value for row in connection.execute(select(external_id))}

    def external_id(self, tenant: str, new: str) -> str:
        """Return a tenant's external id; the first time, that is the new one."""
        if known := self._external_id(tenant):
            return known
        with self._service.write() as connection:
            statement = insert(connection, external_id).values(tenant=tenant, value=new)
            connection.execute(statement.on_conflict_do_nothing(index_elements=["tenant"]))
        return self._external_id(tenant)

    def _external_id(self, tenant: str) -> str:
        with self._service.read() as connection:
            query = select(external_id.c.value).where(external_id.c.tenant == tenant)
            return str(connection.execute(query).scalar() or "")

    def replace_tenant(self, tenant: str, rows_of: Mapping[str, Sequence[Row]]) -> None:
        """Put the files of a restored tenant in the place of those before.

        Its external id comes back only where it has none: its roles ask for the one that is known.
        """
        with self._service.write() as connection:
            for row in rows_of["external_id"]:
                connection.execute(insert(connection, external_id).values(row).on_conflict_do_nothing())
            connection.execute(edition.delete().where(edition.c.tenant == tenant))
            if rows := rows_of[edition.name]:
                connection.execute(edition.insert(), list(rows))

    def seal_restored(self, tenant: str) -> None:
        """Seal a tenant's records by the key of now, whatever sealed them, and copy their head.

        Whoever calls has verified them by the keys with which they came.
        """
        with self._stores.tenant(tenant).write() as connection:
            chain = Chain(connection, schema.audit, self._sealer(tenant))
            chain.seal_anew()
            last = chain.last()
        if last:
            self._heads(tenant).replace(Head(last.seq, last.hash))

    def lift_leases(self, fences: Sequence[Fence]) -> None:
        """See that the next lease numbers are higher than any that a restored tenant has seen."""
        with self._service.write() as connection:
            JobsWriter(connection).lift(fences)

    def take(self, job: str, run: str) -> Fence:
        """Return a lease number for a job, higher than all before it."""
        with self._service.write() as connection:
            return JobsWriter(connection).take(job, run)

    def done(self, fence: Fence, at: str) -> None:
        """Mark a job's run as done, unless a later one has begun; always the last step."""
        with self._service.write() as connection:
            JobsWriter(connection).done(fence, at)


def _since(row: SqlRow[Any]) -> tuple[Edition, str]:
    """Return an edition with the moment of the tenant's first one: without its document where either is damaged."""
    try:
        damage.check_instant(row.since)
        return Edition(str(row.tenant), row.number, row.document.encode()), row.since
    except (AttributeError, TypeError, ValueError):
        return Edition(str(row.tenant), row.number, b""), ""


def _applied(row: SqlRow[Any]) -> AppliedEdition:
    return AppliedEdition(Edition(row.tenant, row.number, row.document.encode()), row.applied_at, row.person)


def _newest(connection: Connection, tenant: str) -> Edition | None:
    newest = select(func.max(edition.c.number)).where(edition.c.tenant == tenant).scalar_subquery()
    row = connection.execute(select(edition).where(edition.c.tenant == tenant, edition.c.number == newest)).first()
    return Edition(row.tenant, row.number, row.document.encode()) if row else None
