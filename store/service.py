"""The service's own store, read or written in a session: people, jobs, and records of what concerns all of it."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from sqlalchemy import Connection

from store import schema
from store.audit import Head, Sealer, first_fault
from store.chain import Chain, Records
from store.database import Database
from store.halts import Halts, HaltsWriter
from store.implied import service_fault
from store.jobs import Jobs, JobsWriter
from store.people import People, PeopleWriter


class ServiceReader:
    """What can be asked of the service's store, in one transaction."""

    def __init__(self, connection: Connection) -> None:
        self.people = People(connection)
        self.jobs = Jobs(connection)
        self.halts = Halts(connection)


class ServiceWriter(ServiceReader):
    """What can be changed; everything in one transaction."""

    people: PeopleWriter
    jobs: JobsWriter
    halts: HaltsWriter

    def __init__(self, connection: Connection) -> None:
        self.people = PeopleWriter(connection)
        self.jobs = JobsWriter(connection)
        self.halts = HaltsWriter(connection)
        self.records = Records()

    def record(self, action: str, subject: str, **detail: object) -> None:
        """Leave an audit record in the service's own chain: the action, its subject, and more in `detail`."""
        self.records.add(action, subject, **detail)


class ServiceStore:
    """The store of what belongs to no tenant."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer

    @contextmanager
    def read(self) -> Iterator[ServiceReader]:
        """Yield a session that sees one moment."""
        with self._database.read() as connection:
            yield ServiceReader(connection)

    @contextmanager
    def write(self, at: str, person: str) -> Iterator[ServiceWriter]:
        """Yield the only writing session there is; its audit records come last."""
        with self._database.write() as connection:
            session = ServiceWriter(connection)
            yield session
            self._chain(connection).append(session.records.entries, at, person)

    def held(self) -> AbstractContextManager[None]:
        """Keep a connection open, for many short transactions in a row."""
        return self._database.held()

    def audit_fault(self) -> str:
        """Return the first thing that is wrong with the service's chain, the empty text where nothing is.

        No other store holds a copy of its head: a tail that was cut off does not show.
        """
        with self._database.read() as connection:
            chain = self._chain(connection)
            last = chain.last()
            head = Head(last.seq, last.hash) if last else None
            return first_fault(chain.records(), head, self._sealer)

    def implied_fault(self) -> str:
        """Return the first person who is another one than the records imply, the empty text where nobody is."""
        with self._database.read() as connection:
            return service_fault(connection)

    def _chain(self, connection: Connection) -> Chain:
        return Chain(connection, schema.service_audit, self._sealer)
