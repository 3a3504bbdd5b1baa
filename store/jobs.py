"""Jobs and leases in the service's store: each slot becomes one job, each job is worked on by one worker at a time."""

from collections.abc import Iterable, Iterator

import msgspec
from sqlalchemy import Connection, func, select

from model.job import Job
from store import schema
from store.rows import Fence
from store.statements import insert, put


class Jobs:
    """What can be asked about jobs, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def one(self, id_: str) -> Job | None:
        """Return a job."""
        row = self._connection.execute(select(schema.job).where(schema.job.c.id == id_)).first()
        return Job(**row._mapping) if row else None

    def of(self, kind: str, tenant: str, after: tuple[str, str] | None, limit: int) -> list[Job]:
        """Return a tenant's jobs of a kind, newest slot first, `after` a (slot, id), no more than the limit."""
        table = schema.job
        query = select(table).where(table.c.kind == kind, table.c.tenant == tenant)
        query = query.order_by(table.c.slot.desc(), table.c.id.desc())
        if after:
            slot, id_ = after
            query = query.where((table.c.slot < slot) | ((table.c.slot == slot) & (table.c.id < id_)))
        return [Job(**row._mapping) for row in self._connection.execute(query.limit(limit))]

    def open(self) -> Iterator[Job]:
        """Yield the jobs that are queued or running, those due first foremost."""
        table = schema.job
        query = select(table).where(table.c.state.in_(("queued", "running"))).order_by(table.c.due_at, table.c.id)
        for row in self._connection.execute(query):
            yield Job(**row._mapping)

    def counts(self) -> dict[str, int]:
        """Return the number of jobs in each state."""
        query = select(schema.job.c.state, func.count()).group_by(schema.job.c.state)
        return {row.state: int(row[1]) for row in self._connection.execute(query)}


class JobsWriter(Jobs):
    """What can be asked and changed about jobs."""

    def add(self, job: Job) -> bool:
        """Queue a job; False where it stands already: several schedulers may come here with the same slot."""
        statement = insert(self._connection, schema.job).values(msgspec.structs.asdict(job))
        statement = statement.on_conflict_do_nothing().returning(schema.job.c.id)
        return self._connection.execute(statement).first() is not None

    def put(self, job: Job) -> None:
        """Write what became of a job."""
        values = msgspec.structs.asdict(job)
        self._connection.execute(schema.job.update().where(schema.job.c.id == job.id).values(values))

    def take(self, job: str, run: str) -> Fence:
        """Return a lease number for a job, higher than all before it."""
        table = schema.lease
        number = (self._connection.execute(select(table.c.number).where(table.c.job == job)).scalar() or 0) + 1
        values = {"job": job, "number": number, "run": run, "done_at": None}
        put(self._connection, table, values)
        return Fence(job, number)

    def lift(self, fences: Iterable[Fence]) -> None:
        """Raise lease numbers to at least those of the fences."""
        table = schema.lease
        for fence in fences:
            values = {"job": fence.job, "number": fence.number, "run": "", "done_at": None}
            statement = insert(self._connection, table).values(values)
            higher = {"set_": {"number": fence.number}, "where": table.c.number < fence.number}
            self._connection.execute(statement.on_conflict_do_update(index_elements=["job"], **higher))

    def done(self, fence: Fence, at: str) -> None:
        """Mark a job's run as done, unless a later one has begun; always the last step."""
        table = schema.lease
        mine = (table.c.job == fence.job) & (table.c.number == fence.number)
        self._connection.execute(table.update().where(mine).values(done_at=at))
