"""What can be asked of a tenant's data."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, Row, Select, Table, func, or_, select

from model.alert import Alert, Delivery, News
from model.asset import Asset, tags_of
from model.canonical import encode
from model.finding import (
    ACTIVE,
    JUDGED,
    Category,
    Fact,
    Finding,
    JudgedFinding,
    State,
    as_of,
    judged,
    judged_category,
)
from model.suppression import Suppression
from store import damage, schema
from store.contracts import Contracts
from store.logs import Logs
from store.own_policies import OwnPolicies
from store.plans import Plans
from store.reminders import Reminders
from store.rows import AssetRow, Current, Fence, Gap, Run, Selection
from store.stage_changes import StageChanges

T = TypeVar("T")

DROPPED = "dropped: "
_CHUNK = 500  # SQLite takes 32,766 parameters; smaller statements are compiled once and shared


# A person says that the machine's clock is right, though there are records of later moments.
TIME_SET = "clock.set"


# What is recorded with what all findings are then, but for the first: a scan is under way.
_OF_FINDINGS = ("scan.started", "scan.finished", "plan.worked", "findings.settled")


class Reader:
    """What can be asked of a tenant's data."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.policies = OwnPolicies(connection)
        self.contract = Contracts(connection)
        self.plans = Plans(connection)
        self.reminders = Reminders(connection)
        self.logs = Logs(connection)
        self.stages = StageChanges(connection)

    def findings(
        self,
        states: frozenset[State] | None = ACTIVE,
        uids: Iterable[str] | None = None,
        categories: frozenset[Category] | None = None,
    ) -> Iterator[Finding]:
        """Yield findings of some states and categories (None: of all), all or those of the uids."""
        table = schema.finding
        base = select(table).order_by(table.c.uid)
        if states is not None:
            base = base.where(table.c.state.in_(sorted(states)))
        if categories is not None:
            base = base.where(table.c.category.in_(sorted(categories)))
        for condition in chunks(table.c.uid, uids):
            yield from self._each(base if condition is None else base.where(condition), table, _finding)

    def judged_findings(self, states: frozenset[State] | None = ACTIVE) -> Iterator[JudgedFinding]:
        """Yield findings of some states (None: of all) that scans judge, and that no other detector opened."""
        return judged(self.findings(states, categories=frozenset(JUDGED)))

    def current_assets(self, kinds: Iterable[str] | None = None) -> Iterator[Current]:
        """Yield the current rows of assets, all or those of the kinds, without their bodies."""
        table = schema.asset
        columns = [table.c[name] for name in Current.__struct_fields__]
        for condition in chunks(table.c.kind, kinds):
            query = select(*columns).where(table.c.valid_to.is_(None))
            for row in self._connection.execute(query if condition is None else query.where(condition)):
                yield Current(*row)  # in the order of the columns; by name costs a third more

    def numbers_of_assets(self) -> dict[tuple[str, str, str], int]:
        """Return how many assets there are now, by scope, kind and region."""
        table = schema.asset
        by = (table.c.scope, table.c.kind, table.c.region)
        query = select(*by, func.count()).where(table.c.valid_to.is_(None)).group_by(*by)
        return {(scope, kind, region): number for scope, kind, region, number in self._connection.execute(query)}

    def assets(self, wanted: Selection) -> list[AssetRow]:
        """Return assets by uid, as they are or as they were at a moment, without their bodies."""
        table = schema.asset
        query = select(table).where(*(table.c[name] == value for name, value in wanted.where.items()))
        if wanted.at:
            query = query.where(table.c.valid_from <= wanted.at, _or_none(table.c.valid_to, wanted.at))
        else:
            query = query.where(table.c.valid_to.is_(None))
        if wanted.text:
            found = (column.icontains(wanted.text, autoescape=True) for column in (table.c.name, table.c.resource))
            query = query.where(or_(*found))
        query = query.where(table.c.uid > wanted.after).order_by(table.c.uid)
        if wanted.tag:
            return list(itertools.islice(self._tagged(query, wanted.tag), wanted.limit))
        return damage.first(wanted.limit, self._connection, query, table, _asset)

    def _tagged(self, query: Select[Any], tag: str) -> Iterator[AssetRow]:
        """Yield the assets of a query that have a tag, ours or their own; their own stand in their bodies."""
        ours, body = self.asset_tags(), schema.body
        query = query.add_columns(body.c.json).join(body, schema.asset.c.body_hash == body.c.hash)
        for found in self._each(query, schema.asset, _asset_with_body):
            if tag in ours.get(found.uid, ()) or tag in tags_of(found.body or {}):
                yield msgspec.structs.replace(found, body=None)

    def asset(self, uid: str, at: str = "") -> AssetRow | None:
        """Return an asset's newest state with its body, or its state at a moment."""
        table, body = schema.asset, schema.body
        query = select(table, body.c.json).join(body, table.c.body_hash == body.c.hash).where(table.c.uid == uid)
        if at:
            query = query.where(table.c.valid_from <= at, _or_none(table.c.valid_to, at))
        query = query.order_by(table.c.id.desc()).limit(1)
        for of_index in (table.c.valid_to.is_(None), table.c.valid_to.is_not(None)):  # the current row is the newest
            if row := self._connection.execute(query.where(of_index)).first():
                return damage.one(row, table, _asset_with_body)
        return None

    def seen_assets(self, uids: Iterable[str]) -> Iterator[Asset]:
        """Yield the current assets of the uids as collectors saw them, with their bodies.

        What does not make an asset another one is as it was when it was first written so: its name, its region, and the
        fields of its body that are no part of the hash.
        """
        table, body = schema.asset, schema.body
        columns = [*(table.c[name] for name in Asset.__struct_fields__ if name != "body"), body.c.json]
        query = select(*columns).join(body, table.c.body_hash == body.c.hash)
        for condition in chunks(table.c.uid, uids):
            yield from self._each(query.where(table.c.valid_to.is_(None), condition), table, _seen)

    def finding(self, uid: str) -> Finding | None:
        """Return a finding."""
        row = self._connection.execute(select(schema.finding).where(schema.finding.c.uid == uid)).first()
        return damage.one(row, schema.finding, _finding) if row else None

    def selected_findings(self, wanted: Selection) -> list[Finding]:
        """Return findings by uid, as they are or as they were at a moment."""
        table, where = schema.finding, dict(wanted.where)
        query = select(table).where(table.c.uid > wanted.after).order_by(table.c.uid)
        if not wanted.at:
            query = query.where(*(table.c[name] == value for name, value in where.items()))
            return damage.first(wanted.limit, self._connection, query, table, _finding)
        state, last = where.pop("state", ""), schema.fact
        query = query.join_from(table, last, last.c.id == _last_fact(wanted.at))
        query = query.add_columns(last.c.id, last.c.became, last.c.at.label("fact_at"))
        query = query.where(*(table.c[name] == value for name, value in where.items()))
        if state or not wanted.all_states:
            query = query.where(last.c.became.in_([state] if state else sorted(ACTIVE)))
        found = damage.first(wanted.limit, self._connection, query, table, _news)
        return [as_of(news.finding, news.fact, wanted.at) for news in found]

    def runs(self, after: tuple[str, str] | None, limit: int) -> list[Run]:
        """Return runs, newest first, after a (started_at, id)."""
        table = schema.run
        query = select(table).order_by(table.c.started_at.desc(), table.c.id.desc())
        if after:
            at, id_ = after
            query = query.where(table.c.started_at <= at, or_(table.c.started_at < at, table.c.id < id_))
        return damage.first(limit, self._connection, query, table, _run)

    def suppressions(self, at: str = "") -> list[Suppression]:
        """Return exceptions, all or those that hold at a moment, those that end first foremost."""
        table = schema.suppression
        query = select(table).order_by(table.c.expires_at, table.c.id)
        rows = self._each(query, table, damage.as_(Suppression))
        return [one for one in rows if not at or one.holds(at)]

    def asset_tags(self) -> dict[str, frozenset[str]]:
        """Return the tags of our own records (`key=value`) by the assets' uids."""
        found: dict[str, set[str]] = {}
        for row in self._connection.execute(select(schema.asset_tag)):
            found.setdefault(row.uid, set()).add(row.tag)
        return {uid: frozenset(tags) for uid, tags in found.items()}

    def scopes(self, at: str = "") -> list[str]:
        """Return the scopes of the current assets, or of those `at` a past moment."""
        table = schema.asset
        query = select(table.c.scope).distinct().order_by(table.c.scope)
        if at:
            query = query.where(table.c.valid_from <= at, _or_none(table.c.valid_to, at))
        else:
            query = query.where(table.c.valid_to.is_(None))
        return list(self._connection.execute(query).scalars())

    def uids_of(self, resource: str) -> list[str]:
        """Return the uids of a resource's records, by its full id or its name, in whatever state it was last seen."""
        table = schema.asset
        named = (table.c.resource == resource) | (table.c.name == resource)
        return list(self._connection.execute(select(table.c.uid).where(named).distinct()).scalars())

    def recorded(self, action: str) -> list[dict[str, Any]]:
        """Return the details of all audit records of an action, oldest first."""
        table = schema.audit
        query = select(table.c.seq, table.c.detail).where(table.c.action == action).order_by(table.c.seq)
        return list(self._each(query, table, lambda row: msgspec.json.decode(row.detail, type=dict[str, Any])))

    def last_instant(self) -> str:
        """Return the latest moment of which there is a record, since somebody set the time anew; empty for none.

        Raises `DamagedRow` where that is no moment.
        """
        table = schema.audit
        anew = select(func.coalesce(func.max(table.c.seq), 0)).where(table.c.action == TIME_SET).scalar_subquery()
        last = self._connection.execute(select(func.max(table.c.at)).where(table.c.seq >= anew)).scalar() or ""
        try:
            damage.check_instant(last)
        except (TypeError, ValueError):
            raise damage.DamagedRow("a record of the table audit") from None
        return str(last)

    def recorded_digest(self) -> str:
        """Return what `findings_digest` was when that was recorded last.

        It is empty where a scan has begun since, or nothing was ever recorded.
        """
        table = schema.audit
        query = select(table.c.action, table.c.detail).where(table.c.action.in_(_OF_FINDINGS))
        row = self._connection.execute(query.order_by(table.c.seq.desc()).limit(1)).first()
        return str(msgspec.json.decode(row.detail).get("findings", "")) if row else ""

    def findings_digest(self) -> str:
        """Return what all findings are together that scans judge, as 64 hex digits: it differs where one of them does.

        Records of scans, exceptions and changes vouch for it. Findings of other categories come and go between those
        records, so they are no part of it; a judged one that is given another category is missing from it. The column
        `category` itself only counts where it is not what the policy's id says: so digests hold that were recorded
        before there was one.
        """
        table, digest = schema.finding, hashlib.sha256()
        query = select(table).where(table.c.category.in_(sorted(JUDGED))).order_by(table.c.uid)
        for row in self._connection.execute(query):
            values = dict(row._mapping)
            implied = values.pop("category") == judged_category(row.policy)
            digest.update(encode([*values.values(), *([] if implied else [row.category])]) + b"\n")
        return digest.hexdigest()

    def fences(self) -> list[Fence]:
        """Return the highest lease number that was seen of each job."""
        table = schema.fence
        return [Fence(row.job, row.number) for row in self._connection.execute(select(table).order_by(table.c.job))]

    def asset_rows(self) -> int:
        """Return the number of rows that assets have, current and past."""
        return int(self._connection.execute(select(func.count()).select_from(schema.asset)).scalar_one())

    def last_run(self, at: str = "") -> Run | None:
        """Return the last run that came to its end, or had by a moment."""
        table = schema.run
        query = select(table).where(table.c.finished_at.is_not(None)).order_by(table.c.finished_at.desc())
        if at:
            query = query.where(table.c.finished_at <= at)
        row = self._connection.execute(query.limit(1)).first()
        return damage.one(row, schema.run, _run) if row else None

    def run(self, id_: str) -> Run | None:
        """Return a run."""
        row = self._connection.execute(select(schema.run).where(schema.run.c.id == id_)).first()
        return damage.one(row, schema.run, _run) if row else None

    def gaps(self, run: str) -> list[Gap]:
        """Return what a run could not read."""
        table = schema.coverage
        columns = [table.c[name] for name in Gap.__struct_fields__]
        query = select(*columns).where(table.c.run == run).order_by(table.c.kind, table.c.detail, table.c.region)
        return [Gap(**row._mapping) for row in self._connection.execute(query)]

    def unnotified(self) -> list[News]:
        """Return the facts that were neither notified nor dropped yet, oldest first."""
        fact, finding = schema.fact, schema.finding
        query = select(fact.c.id, fact.c.became, fact.c.at.label("fact_at"), finding)
        query = query.join(finding, fact.c.finding == finding.c.uid).where(fact.c.alert.is_(None)).order_by(fact.c.id)
        return list(self._each(query, finding, _news))

    def unnotified_categories(self) -> set[str]:
        """Return of findings of which categories there are facts that were neither notified nor dropped yet."""
        fact, finding = schema.fact, schema.finding
        query = select(finding.c.category).join(fact, fact.c.finding == finding.c.uid).where(fact.c.alert.is_(None))
        return set(self._connection.execute(query.distinct()).scalars())

    def facts(self) -> list[tuple[Fact, str]]:
        """Return all facts with the alert, or the reason of the drop, that each became; oldest first."""
        table = schema.fact
        rows = self._connection.execute(select(table).order_by(table.c.id))
        return [(Fact(row.finding, row.became, row.at), row.alert or "") for row in rows]

    def alerts(self, ids: Iterable[str] | None = None) -> dict[str, Alert]:
        """Return alerts by id, all or those of the ids."""
        table = schema.alert
        found: dict[str, Alert] = {}
        for condition in chunks(table.c.id, ids):
            query = select(table.c.id, table.c.message)
            found |= self._each(query if condition is None else query.where(condition), table, _alert)
        return found

    def notified_active(self, findings: Iterable[str]) -> frozenset[str]:
        """Return those of the findings of which people were last notified that they are open."""
        table = schema.fact
        reported = table.c.alert.is_not(None) & table.c.alert.not_like(f"{DROPPED}%")
        last: dict[str, str] = {}
        for condition in chunks(table.c.finding, findings):
            assert condition is not None, "findings are given"
            query = select(table.c.finding, table.c.became).where(reported, condition).order_by(table.c.id)
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
        return list(self._each(query, table, damage.as_(Delivery)))

    @property
    def damaged(self) -> list[str]:
        """Return the names of the rows that were left out, because they cannot be read."""
        return damage.left_out_of(self._connection)

    def _each(self, query: Select[Any], table: Table, read: Callable[[Row[Any]], T]) -> Iterator[T]:
        """Yield what is read of each row of a table, without those that are damaged."""
        return damage.each(self._connection, query, table, read)


def chunks(column: Any, values: Iterable[Any] | None) -> Iterator[Any]:
    """Yield conditions that together select the values; one None where all are wanted."""
    if values is None:
        yield None
        return
    wanted = list(values)
    for start in range(0, len(wanted), _CHUNK):
        yield or_(column.in_(wanted[start : start + _CHUNK]))


def _or_none(column: Any, at: str) -> Any:
    return or_(column.is_(None), column > at)


def _last_fact(at: str) -> Any:
    """Select the number of a finding's last fact by a moment: facts are its history. A page asks for its own alone."""
    fact = schema.fact.alias()
    of_finding = select(func.max(fact.c.id)).where(fact.c.finding == schema.finding.c.uid, fact.c.at <= at)
    return of_finding.correlate(schema.finding).scalar_subquery()


def _asset(row: Row[Any]) -> AssetRow:
    values = {name: row._mapping[name] for name in AssetRow.__struct_fields__ if name != "body"}
    return msgspec.convert(values | {"unknown": msgspec.json.decode(row.unknown)}, AssetRow)


def _asset_with_body(row: Row[Any]) -> AssetRow:
    return msgspec.structs.replace(_asset(row), body=msgspec.json.decode(row.json, type=dict[str, Any]))


def _seen(row: Row[Any]) -> Asset:
    values = damage.values(row)
    values |= {"body": msgspec.json.decode(values.pop("json")), "unknown": msgspec.json.decode(row.unknown)}
    return msgspec.convert(values, Asset)


def _run(row: Row[Any]) -> Run:
    values = damage.values(row) | {"summary": msgspec.json.decode(row.summary)}
    return msgspec.convert(values | {"finished_at": row.finished_at or ""}, Run)


def _alert(row: Row[Any]) -> tuple[str, Alert]:
    return row.id, msgspec.json.decode(row.message, type=Alert)


def _news(row: Row[Any]) -> News:
    return News(row.id, Fact(row.uid, row.became, row.fact_at), _finding(row))


def _finding(row: Row[Any]) -> Finding:
    values = {name: row._mapping[name] for name in Finding.__struct_fields__}
    values |= {name: msgspec.json.decode(values[name]) for name in schema.JSON["finding"]}
    return msgspec.convert(values, Finding)
