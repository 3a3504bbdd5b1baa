"""A tenant's plans: documents that are only ever added, and how far their steps are."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, case, func, or_, select

from model.canonical import encode
from model.order import Order
from model.plan import ENDED, Plan, Progress, Sent, Vote
from store import damage, schema
from store.statements import put

PROPOSED, VOTED, VOTE_WITHDRAWN = "plan.proposed", "plan.voted", "plan.vote-withdrawn"
STARTED, WORKED, FINISHED = "plan.started", "plan.worked", "plan.finished"
GRANTED, WITHDRAWN = "order.granted", "order.withdrawn"

# What is executed for every resource is made once (store/statements.py).
_CALL = schema.plan_call.c
_OF_STEP = (_CALL.plan == bindparam("in_plan")) & (_CALL.uid == bindparam("of"))
_CALLS = select(func.count()).select_from(schema.plan_call).where(_OF_STEP)
_WRITE_AHEAD = schema.plan_call.insert()
_NOTE = schema.plan_call.update().where(_OF_STEP & (_CALL.number == bindparam("numbered")))
_NOTE = _NOTE.values({name: bindparam(name) for name in ("state", "at", "code")})


class Plans:
    """What can be asked about plans, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def one(self, id_: str) -> Plan | None:
        """Return a plan as its document states it; whether it is what was recorded is for `fault` to say."""
        query = select(schema.plan.c.id, schema.plan.c.document).where(schema.plan.c.id == id_)
        row = self._connection.execute(query).first()
        return damage.one(row, schema.plan, _plan) if row else None

    def newest(self, limit: int, after: tuple[str, str] | None = None) -> list[Plan]:
        """Return plans, newest first; `after` is the moment and id of the last one of the page before."""
        table = schema.plan
        query = select(table.c.id, table.c.document).order_by(table.c.created_at.desc(), table.c.id)
        if after:
            at, id_ = after
            query = query.where(table.c.created_at <= at, or_(table.c.created_at < at, table.c.id > id_))
        return damage.first(limit, self._connection, query, table, _plan)

    def underway(self) -> list[str]:
        """Return the ids of the plans that were started and have not been finished since, first started foremost.

        The index alone says so: no record is read.
        """
        table = schema.audit
        query = select(table.c.subject).where(table.c.action.in_((STARTED, FINISHED))).group_by(table.c.subject)
        query = query.having(_last(STARTED) > _last(FINISHED)).order_by(func.min(table.c.seq))
        return list(self._connection.execute(query).scalars())

    def is_underway(self, plan: str) -> bool:
        """Return whether a plan was started and has not been finished since."""
        return bool(self._connection.execute(_UNDERWAY, {"of": plan}).scalar())

    def playbooks(self, ids: Iterable[str]) -> set[str]:
        """Return the ids of the playbooks of plans."""
        table = schema.plan
        return set(self._connection.execute(select(table.c.playbook).where(table.c.id.in_(list(ids)))).scalars())

    def fault(self, plan: Plan) -> str:
        """Return how a plan differs from what the audit chain recorded of it, the empty text where it does not."""
        reported = [detail["hash"] for _, detail in self._recorded(PROPOSED, plan.id)]
        return (
            "" if reported == [plan.hash] else f"the plan {plan.id} is not as it was recorded: somebody has edited it"
        )

    def votes(self, plan: str) -> list[Vote]:
        """Return the votes on a plan: the audit chain's records are the votes, there is nothing else to edit."""
        votes = [msgspec.convert(detail, Vote) for _, detail in self._recorded(VOTED, plan)]
        for _, detail in self._recorded(VOTE_WITHDRAWN, plan):
            person, cast_at, at = (str(detail[name]) for name in ("person", "cast_at", "at"))
            votes = [
                msgspec.structs.replace(one, withdrawn_at=at) if (one.person, one.at) == (person, cast_at) else one
                for one in votes
            ]
        return votes

    def orders(self) -> list[Order]:
        """Return all standing orders that were ever granted; like votes they are records of the audit chain."""
        ended = {subject: str(detail["at"]) for subject, detail in self._recorded(WITHDRAWN)}
        granted = [msgspec.convert(detail, Order) for _, detail in self._recorded(GRANTED)]
        return [msgspec.structs.replace(one, withdrawn_at=ended.get(one.id, "")) for one in granted]

    def progress(self, plan: str) -> dict[str, Progress]:
        """Return how far the steps of a plan are that were begun, by the resource's uid."""
        table = schema.plan_step
        found = damage.each(self._connection, select(table).where(table.c.plan == plan), table, _progress)
        return {one.uid: one for one in found}

    def worked(self, plan: str) -> dict[str, str]:
        """Return the states of a plan's steps by resource, as its runs have recorded them last.

        What has ended stays so: a later record may only say how it is seen since.
        """
        states: dict[str, str] = {}
        for _, detail in self._recorded(WORKED, plan):
            stated = detail["states"]
            assert isinstance(stated, dict), "a mapping by resource"
            states |= {name: now for name, now in stated.items() if now in ENDED or states.get(name) not in ENDED}
        return states

    def step(self, plan: str, uid: str) -> Progress | None:
        """Return how far one step is, None where it was not begun."""
        table = schema.plan_step
        query = select(table).where((table.c.plan == plan) & (table.c.uid == uid))
        row = self._connection.execute(query).first()
        return damage.one(row, table, _progress) if row else None

    def of_resources(self, uids: Iterable[str], since: str) -> Iterator[Progress]:
        """Yield what was done to resources by any plan since a moment."""
        table = schema.plan_step
        wanted = list(uids)
        for start in range(0, len(wanted), 500):
            query = select(table).where(table.c.uid.in_(wanted[start : start + 500]), table.c.at >= since)
            yield from damage.each(self._connection, query.order_by(table.c.at), table, _progress)

    def journal(self, plan: str) -> list[Sent]:
        """Return the journal of a plan's calls, in the order in which they were sent to each resource."""
        table = schema.plan_call
        query = select(table).where(table.c.plan == plan).order_by(table.c.uid, table.c.number)
        return list(damage.each(self._connection, query, table, damage.as_(Sent)))

    def calls(self, plan: str, uid: str) -> int:
        """Return how many calls the journal has of one step."""
        return int(self._connection.execute(_CALLS, {"in_plan": plan, "of": uid}).scalar_one())

    def was_recorded(self, action: str, plan: str) -> bool:
        """Return whether the audit chain has a record of an action on a plan."""
        table = schema.audit
        query = select(table.c.seq).where(table.c.action == action, table.c.subject == plan).limit(1)
        return self._connection.execute(query).first() is not None

    def _recorded(self, action: str, subject: str | None = None) -> Iterator[tuple[str, dict[str, object]]]:
        """Yield the subject and the detail of an action's records, all or those on one subject, oldest first."""
        table = schema.audit
        query = select(table.c.seq, table.c.subject, table.c.detail).where(table.c.action == action)
        if subject is not None:
            query = query.where(table.c.subject == subject)
        yield from damage.each(self._connection, query.order_by(table.c.seq), table, _record)


class PlansWriter(Plans):
    """What can be asked and changed about plans."""

    def add(self, plan: Plan) -> None:
        """Write a plan."""
        names = ("id", "hash", "playbook", "undoes", "author", "created_at")
        values = {name: getattr(plan, name) for name in names} | {"document": encode(plan).decode()}
        self._connection.execute(schema.plan.insert().values(values))

    def put_progress(self, progress: Progress) -> None:
        """Write how far a step is."""
        values = msgspec.structs.asdict(progress)
        values |= {name: _json(values[name]) for name in ("before", "after")}
        put(self._connection, schema.plan_step, values)

    def write_ahead(self, sent: Sent) -> None:
        """Write that a call is about to be sent; raises IntegrityError where it was written before."""
        self._connection.execute(_WRITE_AHEAD, msgspec.structs.asdict(sent))

    def note(self, sent: Sent) -> None:
        """Write what came of a call."""
        mine = {"in_plan": sent.plan, "of": sent.uid, "numbered": sent.number}
        self._connection.execute(_NOTE, mine | {"state": sent.state, "at": sent.at, "code": sent.code})


def _last(action: str) -> Any:
    """Return the number of the last record of an action in a group of records, 0 where it has none."""
    return func.max(case((schema.audit.c.action == action, schema.audit.c.seq), else_=0))


_UNDERWAY = select(_last(STARTED) > _last(FINISHED)).where(
    schema.audit.c.action.in_((STARTED, FINISHED)), schema.audit.c.subject == bindparam("of")
)


def _json(state: object) -> str | None:
    return None if state is None else encode(state).decode()


def _plan(row: Row[Any]) -> Plan:
    return msgspec.json.decode(row.document, type=Plan)


def _record(row: Row[Any]) -> tuple[str, dict[str, object]]:
    return row.subject, msgspec.json.decode(row.detail, type=dict[str, object])


def _progress(row: Row[Any]) -> Progress:
    values = damage.values(row)
    for name in ("before", "after"):
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    return msgspec.convert(values, Progress)
