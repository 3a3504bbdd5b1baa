"""One tenant's data in two kinds of session: `read()` sees one moment, `write()` is alone and leaves audit records."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy import Connection, bindparam, select

from model.fault import Refused
from store import schema
from store.audit import Head, first_fault
from store.chain import check_head, records, seal
from store.database import Database
from store.reader import Reader
from store.rows import Fence
from store.statements import put
from store.writer import Writer

_SEEN = select(schema.fence.c.number).where(schema.fence.c.job == bindparam("of"))


class AuditHeads(Protocol):
    """Where the copy of the audit head lives: outside the tenant's own store."""

    def known(self) -> Head | None:
        """Return the copy."""
        ...

    def advance(self, head: Head) -> None:
        """Copy a head, forward only."""
        ...


class Fenced(Refused):
    """A later run of the same job has begun: this one may not write any more."""


class TenantStore:
    """The store of one tenant's data."""

    def __init__(self, database: Database, heads: AuditHeads) -> None:
        self._database = database
        self._heads = heads

    @contextmanager
    def read(self) -> Iterator[Reader]:
        """Yield a reader that sees one moment."""
        with self._database.read() as connection:
            yield Reader(connection)

    @contextmanager
    def write(self, at: str, person: str, fence: Fence | None = None) -> Iterator[Writer]:
        """Yield the only writer there is. Its audit records come last; then the head is copied to the service store.

        Raises `Fenced` where a later run of the fence's job has begun; nothing is written then. The records are of the
        moment `at` and of the person.
        """
        with self._database.write() as connection:
            if fence:
                _pass_fence(connection, fence)
            writer = Writer(connection)
            yield writer
            if writer.records.entries:
                check_head(connection, schema.audit, self._heads.known())
            head = seal(connection, schema.audit, writer.records.entries, at, person)
        if head:
            self._heads.advance(head)

    def held(self) -> AbstractContextManager[None]:
        """Keep a connection open, for many short transactions in a row."""
        return self._database.held()

    def audit_fault(self) -> str:
        """Return the first thing that is wrong with the audit chain, the empty text where nothing is."""
        head = self._heads.known()  # before the chain is read: it may only have grown since
        with self._database.read() as connection:
            return first_fault(records(connection, schema.audit), head)


def _pass_fence(connection: Connection, fence: Fence) -> None:
    seen = connection.execute(_SEEN, {"of": fence.job}).scalar()
    if seen is not None and seen > fence.number:
        raise Fenced(f"a later run of {fence.job} has begun; this one stops without writing")
    if seen != fence.number:  # a batch that changes nothing writes nothing
        put(connection, schema.fence, {"job": fence.job, "number": fence.number})
