"""One tenant's data behind two doors: `read()` sees one moment, `write()` is alone and leaves audit records."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Row, and_, func, or_, select

from model.alert import Alert, Delivery, News
from model.asset import Asset
from model.canonical import encode
from model.fault import Refused
from model.finding import ACTIVE, Element, Fact, Finding, State
from model.suppression import Suppression
from model.text import Text
from store import schema
from store.audit import Head, first_fault
from store.chain import Records, check_head, records, seal
from store.database import Database, insert
from store.own_policies import OwnPolicies

DROPPED = "dropped: "
_CHUNK = 500  # SQLite takes 32,766 parameters; smaller statements are compiled once and shared


class Fence(Struct, frozen=True):
    """A lease number of a job; a write with a lower number than the last one seen is refused."""

    job: str
    number: int


class Gap(Struct, frozen=True):
    """What could not be read: a whole listing (`detail` empty) or one detail of `assets` resources."""

    scope: str
    kind: str
    region: str
    detail: str
    cause: str
    assets: int = 0


class Run(Struct, frozen=True):
    """One scan; `finished_at` is empty while it runs, or where it was broken off."""

    id: str
    job: str
    slot: str
    started_at: str
    finished_at: str
    summary: dict[str, Any]


class Current(Struct, frozen=True):
    """What is kept of an asset's current row, to compare with."""

    uid: str
    kind: str
    scope: str
    region: str
    body_hash: str
    unknown: str


class AssetRow(Struct, frozen=True):
    """One state of an asset, from when to when it was so; `body` only where it was asked for. Moments are RFC 3339."""

    uid: str
    kind: str
    resource: str
    name: str
    scope: str
    region: str
    unknown: dict[str, str]
    valid_from: str
    valid_to: str | None = None
    body: dict[str, Any] | None = None


class Selection(Struct, frozen=True):
    """Which rows are asked for: columns with their values, rows after a uid, at most so many, as of a moment."""

    where: Mapping[str, str]
    after: str = ""
    limit: int = 100
    at: str = ""


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
    """The door to one tenant's data."""

    def __init__(self, database: Database, heads: AuditHeads) -> None:
        self._database = database
        self._heads = heads

    @contextmanager
    def read(self) -> Iterator["Reader"]:
        """Yield a reader that sees one moment."""
        with self._database.read() as connection:
            yield Reader(connection)

    @contextmanager
    def write(self, at: str, person: str, fence: Fence | None = None) -> Iterator["Writer"]:
        """Yield the only writer there is. Its audit records come last; then the head is copied to the service store.

        Raises `Fenced` where a later run of the fence's job has begun; nothing is written then.
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

    def audit_fault(self) -> str:
        """Return the first thing that is wrong with the audit chain, the empty text where nothing is."""
        head = self._heads.known()  # before the chain is read: it may only have grown since
        with self._database.read() as connection:
            return first_fault(records(connection, schema.audit), head)


class Reader:
    """What can be asked of a tenant's data."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.policies = OwnPolicies(connection)

    def findings(
        self, states: frozenset[State] | None = ACTIVE, uids: Iterable[str] | None = None
    ) -> Iterator[Finding]:
        """Yield findings of some states (None: of all), all or those of the uids."""
        table = schema.finding
        base = select(table).order_by(table.c.uid)
        if states is not None:
            base = base.where(table.c.state.in_(sorted(states)))
        for condition in _chunks(table.c.uid, uids):
            for row in self._connection.execute(base if condition is None else base.where(condition)):
                yield _finding(row)

    def current_assets(self, uids: Iterable[str] | None = None) -> Iterator[Current]:
        """Yield the current rows of assets, all or those of the uids, without their bodies."""
        table = schema.asset
        columns = [table.c[name] for name in Current.__struct_fields__]
        for condition in _chunks(table.c.uid, uids):
            query = select(*columns).where(table.c.valid_to.is_(None))
            for row in self._connection.execute(query if condition is None else query.where(condition)):
                yield Current(*row)  # in the order of the columns; by name costs a third more

    def assets(self, wanted: Selection) -> list[AssetRow]:
        """Return assets by uid, as they are or as they were at a moment, without their bodies."""
        table = schema.asset
        query = select(table).where(*(table.c[name] == value for name, value in wanted.where.items()))
        if wanted.at:
            query = query.where(table.c.valid_from <= wanted.at, _or_none(table.c.valid_to, wanted.at))
        else:
            query = query.where(table.c.valid_to.is_(None))
        query = query.where(table.c.uid > wanted.after).order_by(table.c.uid).limit(wanted.limit)
        return [_asset(row) for row in self._connection.execute(query)]

    def asset(self, uid: str) -> AssetRow | None:
        """Return an asset's newest state with its body."""
        table, body = schema.asset, schema.body
        query = select(table, body.c.json).join(body, table.c.body_hash == body.c.hash).where(table.c.uid == uid)
        row = self._connection.execute(query.order_by(table.c.id.desc()).limit(1)).first()
        return msgspec.structs.replace(_asset(row), body=msgspec.json.decode(row.json)) if row else None

    def finding(self, uid: str) -> Finding | None:
        """Return a finding."""
        row = self._connection.execute(select(schema.finding).where(schema.finding.c.uid == uid)).first()
        return _finding(row) if row else None

    def selected_findings(self, wanted: Selection) -> list[Finding]:
        """Return findings by uid; as of a moment, those that were active then, as they are known now."""
        table = schema.finding
        query = select(table).where(*(table.c[name] == value for name, value in wanted.where.items()))
        if wanted.at:
            query = query.where(table.c.uid.in_(_active_at(wanted.at)))
        query = query.where(table.c.uid > wanted.after).order_by(table.c.uid).limit(wanted.limit)
        return [_finding(row) for row in self._connection.execute(query)]

    def runs(self, after: tuple[str, str] | None, limit: int) -> list[Run]:
        """Return runs, newest first, after a (started_at, id)."""
        table = schema.run
        query = select(table).order_by(table.c.started_at.desc(), table.c.id.desc())
        if after:
            at, id_ = after
            query = query.where((table.c.started_at < at) | ((table.c.started_at == at) & (table.c.id < id_)))
        return [_run(row) for row in self._connection.execute(query.limit(limit))]

    def suppressions(self, at: str = "") -> list[Suppression]:
        """Return exceptions, all or those that hold at a moment, those that end first foremost."""
        table = schema.suppression
        rows = self._connection.execute(select(table).order_by(table.c.expires_at, table.c.id))
        return [found for row in rows if (found := Suppression(**row._mapping)) and (not at or found.holds(at))]

    def asset_tags(self) -> dict[str, frozenset[str]]:
        """Return the tags of our own records (`key=value`) by the assets' uids."""
        found: dict[str, set[str]] = {}
        for row in self._connection.execute(select(schema.asset_tag)):
            found.setdefault(row.uid, set()).add(row.tag)
        return {uid: frozenset(tags) for uid, tags in found.items()}

    def scopes(self) -> list[str]:
        """Return the scopes of the current assets."""
        table = schema.asset
        query = select(table.c.scope).where(table.c.valid_to.is_(None)).distinct().order_by(table.c.scope)
        return list(self._connection.execute(query).scalars())

    def uids_of(self, resource: str) -> list[str]:
        """Return the uids of a resource's records, by its full id or its name, in whatever state it was last seen."""
        table = schema.asset
        named = (table.c.resource == resource) | (table.c.name == resource)
        return list(self._connection.execute(select(table.c.uid).where(named).distinct()).scalars())

    def recorded(self, action: str) -> list[dict[str, Any]]:
        """Return the details of all audit records of an action, oldest first."""
        table = schema.audit
        query = select(table.c.detail).where(table.c.action == action).order_by(table.c.seq)
        return [msgspec.json.decode(detail) for detail in self._connection.execute(query).scalars()]

    def fences(self) -> list[Fence]:
        """Return the highest lease number that was seen of each job."""
        table = schema.fence
        return [Fence(row.job, row.number) for row in self._connection.execute(select(table).order_by(table.c.job))]

    def asset_rows(self) -> int:
        """Return the number of rows that assets have, current and past."""
        return int(self._connection.execute(select(func.count()).select_from(schema.asset)).scalar_one())

    def last_run(self) -> Run | None:
        """Return the last run that came to its end."""
        table = schema.run
        query = select(table).where(table.c.finished_at.is_not(None)).order_by(table.c.finished_at.desc())
        row = self._connection.execute(query.limit(1)).first()
        return _run(row) if row else None

    def run(self, id_: str) -> Run | None:
        """Return a run."""
        row = self._connection.execute(select(schema.run).where(schema.run.c.id == id_)).first()
        return _run(row) if row else None

    def gaps(self, run: str) -> list[Gap]:
        """Return what a run could not read."""
        table = schema.coverage
        columns = [table.c[name] for name in Gap.__struct_fields__]
        query = select(*columns).where(table.c.run == run).order_by(table.c.kind, table.c.detail, table.c.region)
        return [Gap(**row._mapping) for row in self._connection.execute(query)]

    def untold(self) -> list[News]:
        """Return the facts that were neither told nor dropped yet, oldest first."""
        fact, finding = schema.fact, schema.finding
        query = select(fact.c.id, fact.c.became, fact.c.at.label("fact_at"), finding)
        query = query.join(finding, fact.c.finding == finding.c.uid).where(fact.c.alert.is_(None)).order_by(fact.c.id)
        return [
            News(row.id, Fact(row.uid, row.became, row.fact_at), _finding(row))
            for row in self._connection.execute(query)
        ]

    def facts(self) -> list[tuple[Fact, str]]:
        """Return all facts with the alert, or the reason of the drop, that each became; oldest first."""
        table = schema.fact
        rows = self._connection.execute(select(table).order_by(table.c.id))
        return [(Fact(row.finding, row.became, row.at), row.alert or "") for row in rows]

    def alerts(self, ids: Iterable[str] | None = None) -> dict[str, Alert]:
        """Return alerts by id, all or those of the ids."""
        table = schema.alert
        found: dict[str, Alert] = {}
        for condition in _chunks(table.c.id, ids):
            query = select(table.c.id, table.c.message)
            for row in self._connection.execute(query if condition is None else query.where(condition)):
                found[row.id] = msgspec.json.decode(row.message, type=Alert)
        return found

    def told_active(self, findings: Iterable[str]) -> frozenset[str]:
        """Return those of the findings of which people were last told that they are open."""
        table = schema.fact
        told = table.c.alert.is_not(None) & table.c.alert.not_like(f"{DROPPED}%")
        last: dict[str, str] = {}
        for condition in _chunks(table.c.finding, findings):
            assert condition is not None, "findings are given"
            query = select(table.c.finding, table.c.became).where(told, condition).order_by(table.c.id)
            last.update({row.finding: row.became for row in self._connection.execute(query)})
        return frozenset(finding for finding, became in last.items() if became != "resolved")

    def deliveries(self, state: str | None = None, due_at: str | None = None) -> list[Delivery]:
        """Return deliveries, all or those in a state, and due by a moment."""
        table = schema.delivery
        query = select(table).order_by(table.c.due_at, table.c.key)
        if state:
            query = query.where(table.c.state == state)
        if due_at:
            query = query.where(table.c.due_at <= due_at)
        return [Delivery(**row._mapping) for row in self._connection.execute(query)]


class Writer(Reader):
    """What can be changed; everything in one transaction."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.records = Records()

    def record(self, action: str, subject: str, **detail: object) -> None:
        """Leave an audit record."""
        self.records.add(action, subject, **detail)

    def put_assets(self, assets: Iterable[Asset], at: str) -> int:
        """Write a new row for each asset that is new or differs from its current row; return how many did."""
        wanted = {asset.uid: asset for asset in assets}
        current = self._shown(wanted)
        changed = {
            uid: asset for uid, asset in wanted.items() if current.get(uid) != (asset.body_hash, _json(asset.unknown))
        }
        if changed:
            self.end_assets([uid for uid in changed if uid in current], at)
            bodies = {a.body_hash: {"hash": a.body_hash, "json": _json(a.body)} for a in changed.values()}
            self._connection.execute(
                insert(self._connection, schema.body).on_conflict_do_nothing(), list(bodies.values())
            )
            self._connection.execute(schema.asset.insert(), [_asset_row(a, at) for a in changed.values()])
        return len(changed)

    def _shown(self, uids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Return what the current rows of assets say: the body's hash and what is unknown, nothing that costs more."""
        table = schema.asset
        query = select(table.c.uid, table.c.body_hash, table.c.unknown).where(table.c.valid_to.is_(None))
        shown: dict[str, tuple[str, str]] = {}
        for condition in _chunks(table.c.uid, uids):
            assert condition is not None, "uids are given"
            shown.update(
                (uid, (hashed, unknown)) for uid, hashed, unknown in self._connection.execute(query.where(condition))
            )
        return shown

    def end_assets(self, uids: Iterable[str], at: str) -> None:
        """Close the current rows of assets."""
        table = schema.asset
        for condition in _chunks(table.c.uid, uids):
            current = and_(table.c.valid_to.is_(None), *([] if condition is None else [condition]))
            self._connection.execute(table.update().where(current).values(valid_to=at))

    def put_findings(self, findings: Iterable[Finding]) -> None:
        """Write findings, new or changed."""
        rows = [_finding_row(finding) for finding in findings]
        if rows:
            upsert = insert(self._connection, schema.finding)
            set_ = {c.name: upsert.excluded[c.name] for c in schema.finding.columns if c.name != "uid"}
            self._connection.execute(upsert.on_conflict_do_update(index_elements=["uid"], set_=set_), rows)

    def put_facts(self, facts: Iterable[Fact], run: str) -> None:
        """Write facts into the outbox."""
        rows = [{"finding": f.finding, "became": f.became, "at": f.at, "run": run, "alert": None} for f in facts]
        if rows:
            self._connection.execute(schema.fact.insert(), rows)

    def put_suppressions(self, suppressions: Iterable[Suppression]) -> None:
        """Write exceptions, new or withdrawn."""
        for suppression in suppressions:
            values = msgspec.structs.asdict(suppression)
            upsert = insert(self._connection, schema.suppression).values(values)
            self._connection.execute(upsert.on_conflict_do_update(index_elements=["id"], set_=values))

    def tag_asset(self, uid: str, tag: str, *, there: bool) -> None:
        """Put a tag of ours on the record of an asset, or take it off."""
        table = schema.asset_tag
        if there:
            added = insert(self._connection, table).values(uid=uid, tag=tag)
            self._connection.execute(added.on_conflict_do_nothing())
        else:
            self._connection.execute(table.delete().where((table.c.uid == uid) & (table.c.tag == tag)))

    def start_run(self, run: Run) -> bool:
        """Write a run's row; False where it stands already: a repeat is a no-op."""
        values = {"id": run.id, "job": run.job, "slot": run.slot, "started_at": run.started_at}
        statement = insert(self._connection, schema.run).values(values | {"finished_at": None, "summary": "{}"})
        statement = statement.on_conflict_do_nothing().returning(schema.run.c.id)
        return self._connection.execute(statement).first() is not None

    def finish_run(self, run: str, at: str, summary: Mapping[str, object], gaps: Iterable[Gap]) -> None:
        """Write a run's end with what it found and what it could not read."""
        values = {"finished_at": at, "summary": _json(dict(summary))}
        self._connection.execute(schema.run.update().where(schema.run.c.id == run).values(values))
        rows = [msgspec.structs.asdict(gap) | {"run": run} for gap in gaps]
        if rows:
            self._connection.execute(schema.coverage.insert(), rows)

    def drop_facts(self, ids: Iterable[int], reason: str) -> None:
        """Note why facts are told to nobody."""
        self.settle_facts(ids, f"{DROPPED}{reason}")

    def settle_facts(self, ids: Iterable[int], alert: str) -> None:
        """Note which alert facts became."""
        for condition in _chunks(schema.fact.c.id, ids):
            assert condition is not None, "ids are given"
            self._connection.execute(schema.fact.update().where(condition).values(alert=alert))

    def put_alert(self, alert: Alert, at: str, deliveries: Iterable[Delivery]) -> None:
        """Write an alert with its deliveries; one that stands already is left as it is."""
        values = {"id": alert.id, "policy": alert.policy, "became": alert.became, "scope": alert.scope}
        values |= {"severity": alert.severity, "created_at": at, "message": _json(alert)}
        self._connection.execute(insert(self._connection, schema.alert).values(values).on_conflict_do_nothing())
        rows = [msgspec.structs.asdict(delivery) for delivery in deliveries]
        if rows:
            self._connection.execute(insert(self._connection, schema.delivery).on_conflict_do_nothing(), rows)

    def put_delivery(self, delivery: Delivery) -> None:
        """Write what became of a delivery."""
        values = msgspec.structs.asdict(delivery)
        table = schema.delivery
        self._connection.execute(table.update().where(table.c.key == delivery.key).values(values))


def _pass_fence(connection: Connection, fence: Fence) -> None:
    table = schema.fence
    seen = connection.execute(select(table.c.number).where(table.c.job == fence.job)).scalar()
    if seen is not None and seen > fence.number:
        raise Fenced(f"a later run of {fence.job} has begun; this one stops without writing")
    if seen != fence.number:  # a batch that changes nothing writes nothing
        values = {"job": fence.job, "number": fence.number}
        connection.execute(
            insert(connection, table).values(values).on_conflict_do_update(index_elements=["job"], set_=values)
        )


def _chunks(column: Any, values: Iterable[Any] | None) -> Iterator[Any]:
    """Yield conditions that together select the values; one None where all are wanted."""
    if values is None:
        yield None
        return
    wanted = list(values)
    for start in range(0, len(wanted), _CHUNK):
        yield or_(column.in_(wanted[start : start + _CHUNK]))


def _json(value: object) -> str:
    return encode(value).decode()


def _or_none(column: Any, at: str) -> Any:
    return or_(column.is_(None), column > at)


def _active_at(at: str) -> Any:
    """Select the findings whose last fact by a moment says that they are active: facts are their history."""
    fact = schema.fact
    last = select(func.max(fact.c.id).label("id")).where(fact.c.at <= at).group_by(fact.c.finding).subquery()
    return select(fact.c.finding).join(last, fact.c.id == last.c.id).where(fact.c.became.in_(sorted(ACTIVE)))


def _asset(row: Row[Any]) -> AssetRow:
    values = {name: row._mapping[name] for name in AssetRow.__struct_fields__ if name != "body"}
    return AssetRow(**values | {"unknown": msgspec.json.decode(row.unknown)})


def _run(row: Row[Any]) -> Run:
    values = dict(row._mapping) | {"summary": msgspec.json.decode(row.summary)}
    return Run(**values | {"finished_at": row.finished_at or ""})


def _asset_row(asset: Asset, at: str) -> dict[str, Any]:
    row = {name: getattr(asset, name) for name in ("uid", "kind", "resource", "name", "scope", "region", "body_hash")}
    return row | {"unknown": _json(asset.unknown), "valid_from": at, "valid_to": None}


def _finding_row(finding: Finding) -> dict[str, Any]:
    row = msgspec.structs.asdict(finding)
    return row | {"message": _json(finding.message), "elements": _json(finding.elements)}


def _finding(row: Row[Any]) -> Finding:
    values = {name: row._mapping[name] for name in Finding.__struct_fields__}
    values["message"] = msgspec.json.decode(values["message"], type=Text)
    values["elements"] = msgspec.json.decode(values["elements"], type=tuple[Element, ...])
    return Finding(**values)
