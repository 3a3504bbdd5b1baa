"""One tenant's data in two kinds of session: `read()` sees one moment, `write()` is alone and leaves audit records."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

from sqlalchemy import Connection, bindparam, select

from model.fault import Refused
from store import schema
from store.audit import Head, Record, Sealer, first_fault, sessions_ahead
from store.chain import Chain
from store.database import Database
from store.implied import tenant_fault
from store.reader import Reader
from store.rows import Fence
from store.statements import put
from store.writer import Writer

_MOST_NAMED = 3
_LOOKS, _PAUSE_SECONDS = 5, 0.1
_SEEN = select(schema.fence.c.number).where(schema.fence.c.job == bindparam("of"))


class AuditHeads(Protocol):
    """Where the copy of the audit head lives: outside the tenant's own store."""

    def known(self) -> Head | None:
        """Return the copy."""
        ...

    def advance(self, head: Head) -> None:
        """Copy a head, forward only."""
        ...

    def fault(self) -> str:
        """Return what keeps the store of the copy from being trusted, which has the people too; else the empty text."""
        ...


class Fenced(Refused):
    """A later run of the same job has begun: this one may not write any more."""


class TenantStore:
    """The store of one tenant's data."""

    def __init__(self, database: Database, heads: AuditHeads, sealer: Sealer) -> None:
        self._database = database
        self._heads = heads
        self._sealer = sealer
        self._checked: Record | None = None  # up to here the chain was found whole

    @contextmanager
    def read(self, *, whole: bool = False) -> Iterator[Reader]:
        """Yield a reader that sees one moment.

        What cannot be read is left out, for people to see the rest; whoever acts on what is there wants the `whole`,
        and a `StoreFault` names what is missing.
        """
        with self._database.read(whole=whole) as connection:
            yield Reader(connection)

    @contextmanager
    def write(self, at: str, person: str, fence: Fence | None = None) -> Iterator[Writer]:
        """Yield the only writer there is. Its audit records come last; then the head is copied to the service store.

        What has records decides something, and does so only on a chain that holds, on people who are as recorded, and
        on rows that can all be read.
        Raises `Fenced` where a later run of the fence's job has begun, and `Refused` where that is not so; nothing is
        written then. The records are of the moment `at` and of the person.
        """
        with self._written(at, person, fence, whole=True) as (writer, chain):
            yield writer
            if writer.records.entries:
                refuse_untrusted(self._fault(chain), self._heads.fault())

    @contextmanager
    def observe(self, at: str, person: str, fence: Fence | None = None) -> Iterator[Writer]:
        """Yield a writer like `write` for what was seen or sent, which is kept whatever is wrong with the chain.

        On a chain that does not hold the copy of the head stays where it is, so that what is wrong goes on to show: the
        records are of the moment `at` and of the person, the fence ends it where a later run has begun.
        """
        with self._written(at, person, fence, whole=False) as (writer, _):
            yield writer

    @contextmanager
    def _written(self, at: str, person: str, fence: Fence | None, *, whole: bool) -> Iterator[tuple[Writer, Chain]]:
        with self._database.write(whole=whole) as connection:
            if fence:
                _pass_fence(connection, fence)
            writer, chain = Writer(connection), Chain(connection, schema.audit, self._sealer)
            yield writer, chain
            whole = not writer.records.entries or chain.has(self._heads.known())
            head = chain.append(writer.records.entries, at, person)
        if head and whole:
            self._heads.advance(head)

    def size(self) -> int:
        """Return how many bytes the store takes on the disk of the home; 0 where it lies elsewhere."""
        return self._database.size()

    def held(self) -> AbstractContextManager[None]:
        """Keep a connection open, for many short transactions in a row."""
        return self._database.held()

    def audit_fault(self) -> str:
        """Return the first thing that is wrong with the audit chain, the empty text where nothing is."""
        self._checked = None
        return self.late_fault() or self._copy_fault()

    def _copy_fault(self) -> str:
        """Return that an older copy of the head was put back: others who write now have copied theirs in a moment."""
        ahead = 0
        for _ in range(_LOOKS):
            head = self._heads.known()  # before the chain is read: it may only have grown since
            with self._database.read() as connection:
                chain = Chain(connection, schema.audit, self._sealer)
                ahead = sessions_ahead(chain.records(head.seq if head else 0), head)
            if ahead <= 1:
                return ""
            time.sleep(_PAUSE_SECONDS)
        return f"the chain is {ahead} transactions ahead of the copy in the service store: an older one was put back"

    def implied_fault(self) -> str:
        """Return the first row that differs from what the records imply, the empty text where none does."""
        with self._database.read() as connection:
            return tenant_fault(connection)

    def damage(self) -> str:
        """Return which rows this object has left out, because they cannot be read; the empty text where none is."""
        rows = list(self._database.damage.rows)
        more = f", and {len(rows) - _MOST_NAMED} more" if len(rows) > _MOST_NAMED else ""
        return f"{', '.join(rows[:_MOST_NAMED])}{more} cannot be read: they are left out" if rows else ""

    def late_fault(self) -> str:
        """Return the same as `audit_fault`, but what this object has found whole before is not read again."""
        with self._database.read() as connection:
            return self._fault(Chain(connection, schema.audit, self._sealer))

    @contextmanager
    def read_trusted(self) -> Iterator[Reader]:
        """Yield a reader of the whole store, which holds as it reads it.

        Raises `Refused` where the chain does not hold, or the people are others than those that were recorded.
        """
        with self._database.read(whole=True) as connection:
            refuse_untrusted(self._fault(Chain(connection, schema.audit, self._sealer)), self._heads.fault())
            yield Reader(connection)

    def _fault(self, chain: Chain) -> str:
        """Return the first thing that is wrong with a chain, behind what was found whole before.

        The copy of the head is read before the chain, and once more where somebody has written meanwhile.
        """
        fault, checked = "", self._checked
        if checked and not chain.has(Head(checked.seq, checked.hash)):
            checked = None
        for _ in range(2):
            head, read = self._heads.known(), list[Record]()
            for record in chain.records(checked.seq if checked else 0):
                read.append(record)
            fault = first_fault(read, head, self._sealer, checked)
            if not fault:
                self._checked = read[-1] if read else checked
                return ""
            if head == self._heads.known():
                break
        return fault


def refuse_untrusted(chain: str, service: str) -> None:
    """Raise `Refused` where something is wrong with a tenant's chain, or with the service's store."""
    if chain:
        raise Refused(f"the audit chain cannot be trusted: {chain}; see `hinomi audit verify`")
    if service:
        raise Refused(f"the service's records cannot be trusted: {service}; see `hinomi audit verify`")


def _pass_fence(connection: Connection, fence: Fence) -> None:
    seen = connection.execute(_SEEN, {"of": fence.job}).scalar()
    if seen is not None and seen > fence.number:
        raise Fenced(f"a later run of {fence.job} has begun; this one stops without writing")
    if seen != fence.number:  # a batch that changes nothing writes nothing
        put(connection, schema.fence, {"job": fence.job, "number": fence.number})
