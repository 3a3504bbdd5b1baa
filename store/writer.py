"""What can be changed in a tenant's data; everything in one transaction."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from sqlalchemy import Connection, and_, bindparam, select

from model.alert import Alert, Delivery
from model.asset import Asset
from model.canonical import encode
from model.contract_record import ContractRecord
from model.finding import Fact, Finding
from model.suppression import Suppression
from store import schema
from store.chain import Records
from store.contracts import RECORDED, ContractsWriter
from store.leases import Leases
from store.logs import LogsWriter
from store.own_policies import OwnPoliciesWriter
from store.plans import PlansWriter
from store.reader import DROPPED, Reader, chunks
from store.reminders import RemindersWriter
from store.rows import Gap, Run
from store.stage_changes import StageChangesWriter
from store.statements import insert, put

_ASSET = schema.asset.c
_CORRECT = schema.asset.update().where((_ASSET.uid == bindparam("of")) & _ASSET.valid_to.is_(None))
_CORRECT = _CORRECT.values(key=bindparam("its_key"), family=bindparam("its_family"))
_AS_THEY_ARE = ("uid", "kind", "resource", "name", "scope", "region", "body_hash", "key", "family")


class Writer(Reader):
    """What can be changed; everything in one transaction."""

    policies: OwnPoliciesWriter
    contract: ContractsWriter
    reminders: RemindersWriter
    plans: PlansWriter
    logs: LogsWriter
    stages: StageChangesWriter

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.policies = OwnPoliciesWriter(connection)
        self.contract = ContractsWriter(connection)
        self.reminders = RemindersWriter(connection)
        self.plans = PlansWriter(connection)
        self.logs = LogsWriter(connection)
        self.stages = StageChangesWriter(connection)
        self.leases = Leases(connection)
        self.records = Records()

    def record(self, action: str, subject: str, **detail: object) -> None:
        """Leave an audit record: the action, its subject, and what else there is to say in `detail`."""
        self.records.add(action, subject, **detail)

    def add_contract(self, records: Iterable[ContractRecord]) -> None:
        """Add records of the contract, each with an audit record; raises `Refused` where somebody was faster."""
        for number, said in self.contract.add(records):
            self.record(RECORDED, str(number), **said)

    def put_assets(self, assets: Iterable[Asset], at: str) -> int:
        """Write a new row for each asset that is new or differs from its current row; return how many did.

        A key or a family alone makes no new row: neither is anything of the resource, which is what its history is of.
        The one is part of the identity, the other is what we say of its kind. The current row is corrected.
        """
        wanted = {asset.uid: asset for asset in assets}
        current = self._shown(wanted)
        changed = {uid: asset for uid, asset in wanted.items() if current.get(uid, ())[:2] != _looks(asset)}
        self._correct(a for uid, a in wanted.items() if uid not in changed and current[uid][2:] != (a.key, a.family))
        if changed:
            self.end_assets([uid for uid in changed if uid in current], at)
            bodies = {a.body_hash: {"hash": a.body_hash, "json": _json(a.body)} for a in changed.values()}
            self._connection.execute(
                insert(self._connection, schema.body).on_conflict_do_nothing(), list(bodies.values())
            )
            self._connection.execute(schema.asset.insert(), [_asset_row(a, at) for a in changed.values()])
        return len(changed)

    def _shown(self, uids: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Return what the current rows of assets say, nothing that costs more.

        It is the body's hash and what is unknown, then the key and the family.
        """
        table = schema.asset
        columns = (table.c.uid, table.c.body_hash, table.c.unknown, table.c.key, table.c.family)
        query = select(*columns).where(table.c.valid_to.is_(None))
        shown: dict[str, tuple[str, ...]] = {}
        for condition in chunks(table.c.uid, uids):
            assert condition is not None, "uids are given"
            shown.update((uid, tuple(said)) for uid, *said in self._connection.execute(query.where(condition)))
        return shown

    def _correct(self, assets: Iterable[Asset]) -> None:
        """Write the keys and families of assets into their current rows."""
        if rows := [{"of": asset.uid, "its_key": asset.key, "its_family": asset.family} for asset in assets]:
            self._connection.execute(_CORRECT, rows)

    def end_assets(self, uids: Iterable[str], at: str) -> None:
        """Close the current rows of assets."""
        table = schema.asset
        for condition in chunks(table.c.uid, uids):
            current = and_(table.c.valid_to.is_(None), *([] if condition is None else [condition]))
            self._connection.execute(table.update().where(current).values(valid_to=at))

    def put_findings(self, findings: Iterable[Finding]) -> None:
        """Write findings, new or changed."""
        put(self._connection, schema.finding, [_finding_row(finding) for finding in findings])

    def put_facts(self, facts: Iterable[Fact], run: str) -> None:
        """Write facts into the outbox."""
        rows = [{"finding": f.finding, "became": f.became, "at": f.at, "run": run, "alert": None} for f in facts]
        if rows:
            self._connection.execute(schema.fact.insert(), rows)

    def put_suppressions(self, suppressions: Iterable[Suppression]) -> None:
        """Write exceptions, new or withdrawn."""
        put(self._connection, schema.suppression, [msgspec.structs.asdict(one) for one in suppressions])

    def tag_asset(self, uid: str, tag: str, *, there: bool) -> None:
        """Put a tag of ours on the record of an asset (its uid) where `there` is set, else take it off."""
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
        """Write a run's end at the moment `at`, with a summary of what it found, and its gaps."""
        values = {"finished_at": at, "summary": _json(dict(summary))}
        self._connection.execute(schema.run.update().where(schema.run.c.id == run).values(values))
        rows = [msgspec.structs.asdict(gap) | {"run": run} for gap in gaps]
        if rows:
            self._connection.execute(schema.coverage.insert(), rows)

    def drop_facts(self, ids: Iterable[int], reason: str) -> None:
        """Note why nobody is notified of facts."""
        self.settle_facts(ids, f"{DROPPED}{reason}")

    def settle_facts(self, ids: Iterable[int], alert: str) -> None:
        """Note which alert facts became."""
        for condition in chunks(schema.fact.c.id, ids):
            assert condition is not None, "ids are given"
            self._connection.execute(schema.fact.update().where(condition).values(alert=alert))

    def put_alert(self, alert: Alert, at: str, deliveries: Iterable[Delivery]) -> None:
        """Write an alert with its deliveries, at the moment `at`; one that stands already is left as it is."""
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


def _json(value: object) -> str:
    return encode(value).decode()


def _looks(asset: Asset) -> tuple[str, str]:
    """Return what makes another row of an asset."""
    return asset.body_hash, _json(asset.unknown)


def _asset_row(asset: Asset, at: str) -> dict[str, Any]:
    row = {name: getattr(asset, name) for name in _AS_THEY_ARE}
    return row | {"unknown": _json(asset.unknown), "valid_from": at, "valid_to": None}


def _finding_row(finding: Finding) -> dict[str, Any]:
    row = msgspec.structs.asdict(finding)
    return row | {name: _json(row[name]) for name in ("message", "elements", "sources")}
