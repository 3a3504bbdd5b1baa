"""The service's own store, read or written in a session: people, jobs, and records of what concerns all of it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property

from sqlalchemy import Connection

from model.fault import Refused
from store import schema, vouching
from store.audit import Entry, Head, Sealer, first_fault
from store.chain import Chain, Records
from store.database import Database
from store.halts import Halts, HaltsWriter
from store.implied import service_fault
from store.jobs import Jobs, JobsWriter
from store.log_runs import LogRuns, LogRunsWriter
from store.log_stages import LogStages, LogStagesWriter
from store.people import People, PeopleWriter
from store.vouching import HALT, PERSON, TOKEN, RowKind, Vouched, Written


class ServiceReader:
    """What can be asked of the service's store, in one transaction."""

    def __init__(self, connection: Connection, read_on: Callable[[Connection], Vouched]) -> None:
        self._connection = connection
        self._read_on = read_on
        self.people = People(connection)
        self.jobs = Jobs(connection)
        self.halts = Halts(connection)
        self.log_runs = LogRuns(connection)
        self.log_stages = LogStages(connection)

    @cached_property
    def vouched(self) -> Vouched:
        """Return what the records vouch for, as they were before this session: read when it is asked for first."""
        return self._read_on(self._connection)

    @property
    def records_fault(self) -> str:
        """Return what is wrong with the records, the empty text where nothing is; it does not change in a session."""
        return self.vouched.fault

    def person_fault(self, id_: str) -> str:
        """Return that a person is another one than the records say, or that those do not hold; else the empty text."""
        return self._fault(PERSON, [id_])

    def token_fault(self, id_: str) -> str:
        """Return the same of a token, by its id."""
        return self._fault(TOKEN, [id_])

    def people_fault(self) -> str:
        """Return the same of all people."""
        return self._fault(PERSON)

    def stops_fault(self) -> str:
        """Return the same of all stops of changes."""
        return self._fault(HALT)

    def fault(self) -> str:
        """Return the same of all people, and of all stops of changes."""
        return self.people_fault() or self.stops_fault()

    def _fault(self, kind: RowKind, keys: list[str] | None = None) -> str:
        if self.records_fault:
            return self.records_fault
        return self.vouched.row_fault(kind, keys, self._connection)


class ServiceWriter(ServiceReader):
    """What can be changed; everything in one transaction."""

    people: PeopleWriter
    jobs: JobsWriter
    halts: HaltsWriter
    log_runs: LogRunsWriter
    log_stages: LogStagesWriter

    def __init__(self, connection: Connection, read_on: Callable[[Connection], Vouched]) -> None:
        super().__init__(connection, read_on)
        self._written = Written()
        self.people = PeopleWriter(connection, self._written)
        self.jobs = JobsWriter(connection)
        self.halts = HaltsWriter(connection, self._written)
        self.log_runs = LogRunsWriter(connection)
        self.log_stages = LogStagesWriter(connection)
        self._records = Records()

    def record(self, action: str, subject: str, **detail: object) -> None:
        """Leave an audit record in the service's own chain: the action, its subject, and more in `detail`."""
        self._records.add(action, subject, **detail)

    def note_ended_tokens(self) -> None:
        """Note of all tokens that are known that they were written: a restore has ended them."""
        self._written.note(TOKEN, *self.vouched.keys(TOKEN))

    def entries(self) -> list[Entry]:
        """Return what is to be recorded; the last entry has the digests of the rows that were written."""
        if digests := self._written.digests(self._connection):
            self._records.add_to_last(vouching.WRITTEN, "service", **{vouching.DIGESTS: digests})
        return self._records.entries


class ServiceStore:
    """The store of what belongs to no tenant."""

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._vouched = Vouched()  # what this object has read and found whole

    @contextmanager
    def read(self) -> Iterator[ServiceReader]:
        """Yield a session that sees one moment."""
        with self._database.read() as connection:
            yield ServiceReader(connection, self._read_on)

    @contextmanager
    def write(self, at: str, person: str) -> Iterator[ServiceWriter]:
        """Yield the only writing session there is; its audit records come last, of a moment `at` and of a person.

        It decides something, and does so only on records that hold, and that the people and stops of changes there are
        follow from: raises `Refused` otherwise.
        """
        with self.observe(at, person) as session:
            if fault := session.fault():
                raise Refused(f"the service's records cannot be trusted: {fault}; see `hinomi audit verify`")
            yield session

    @contextmanager
    def observe(self, at: str, person: str) -> Iterator[ServiceWriter]:
        """Yield a session like `write` for what has happened, or ends something: whatever is wrong with the records."""
        with self._database.write() as connection:
            session = ServiceWriter(connection, self._read_on)
            yield session
            chain, entries = self._chain(connection), session.entries()
            if entries and vouching.is_due(chain):
                entries = [*entries, vouching.collecting(session.vouched, entries, connection, at)]
            chain.append(entries, at, person)

    def held(self) -> AbstractContextManager[None]:
        """Keep a connection open, for many short transactions in a row."""
        return self._database.held()

    def fault(self) -> str:
        """Return what keeps the service's records from being trusted, the empty text where nothing does.

        What this object has found whole before is not read again.
        """
        with self.read() as session:
            return session.fault()

    def audit_fault(self) -> str:
        """Return the first thing that is wrong with the service's chain, the empty text where nothing is.

        No other store holds a copy of its head: a tail that was cut off does not show.
        """
        with self._database.read() as connection:
            chain = self._chain(connection)
            last = chain.last()
            head = Head(last.seq, last.hash) if last else None
            return first_fault(chain.records(), head, self._sealer)

    def implied_fault(self, at: str) -> str:
        """Return the first row that is another one `at` a moment than the records imply, else the empty text."""
        with self._database.read() as connection:
            return vouching.read_whole(self._chain(connection)).whole_fault(connection, at)

    def vouch_for_older(self, person: str) -> str:
        """Record the rows of before records had digests of them, by a person; return what keeps that from being done.

        That is where a row is not what the older records imply. Of which there is a digest already is left as it is.
        """
        with self._database.write() as connection:
            chain = self._chain(connection)
            whole = vouching.read_whole(chain)
            if whole.checked is None:
                return whole.fault
            at = whole.checked.at
            rows = {**vouching.standing(connection, at), **whole.rows}
            if rows.keys() == whole.rows.keys():
                return ""
            if fault := service_fault(connection):
                return fault
            chain.append([vouching.collecting(Vouched(rows=rows), [], connection, at)], at, person)
        return ""

    def _read_on(self, connection: Connection) -> Vouched:
        known = vouching.read_on(self._chain(connection), self._vouched)
        if not known.fault:
            self._vouched = known
        return known

    def _chain(self, connection: Connection) -> Chain:
        return Chain(connection, schema.service_audit, self._sealer)
