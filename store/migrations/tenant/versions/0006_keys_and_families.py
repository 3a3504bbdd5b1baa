"""The key and the family of each asset, also of older ones; indexes for what is asked about one thing."""

import json
from collections.abc import Iterator
from typing import Any

from alembic import op
from sqlalchemy import Column, Connection, Row, Text, and_, bindparam, column, select, table, text

from model.canonical import digest

revision = "0006"
down_revision = "0005"

_INDEXES = (
    ("audit_subject", "audit", ["action", "subject", "seq"]),
    ("fact_finding", "fact", ["finding", "id"]),
    ("run_started", "run", ["started_at", "id"]),
    ("run_finished", "run", ["finished_at"]),
)
_ROWS_AT_ONCE = 1000
# The kinds that were of a family when this was written, with what their cluster calls such objects. Today's type files
# are not asked: they go on, and what an old row was does not.
_FAMILY = "kubernetes.core.workload"
_OBJECTS = {
    "kubernetes.apps.daemon-set": "DaemonSet",
    "kubernetes.apps.deployment": "Deployment",
    "kubernetes.apps.replica-set": "ReplicaSet",
    "kubernetes.apps.stateful-set": "StatefulSet",
    "kubernetes.batch.cron-job": "CronJob",
    "kubernetes.batch.job": "Job",
    "kubernetes.core.pod": "Pod",
    "kubernetes.core.replication-controller": "ReplicationController",
}
_MAKERS = frozenset(_OBJECTS.values())

# As it is between the two versions, whatever becomes of the table later.
_ASSET = table(
    "asset", *map(column, ("id", "uid", "kind", "resource", "scope", "region", "body_hash", "key", "family"))
)
_BODY = table("body", column("hash"), column("json"))


def upgrade() -> None:
    for name, of, columns in _INDEXES:
        op.create_index(name, of, columns)
    past = text("valid_to IS NOT NULL")
    op.create_index("asset_past", "asset", ["uid", "id"], sqlite_where=past, postgresql_where=past)
    for name in ("key", "family"):
        op.add_column("asset", Column(name, Text, nullable=False, server_default=""))
    connection = op.get_bind()
    regions = list(connection.execute(select(_ASSET.c.region).distinct().order_by(_ASSET.c.region)).scalars())
    write = _ASSET.update().where(_ASSET.c.id == bindparam("of"))
    write = write.values(key=bindparam("its_key"), family=bindparam("its_family"))
    for rows in _batches(connection):
        found = [{"of": row.id, "its_key": _key(row, regions), "its_family": _family(row)} for row in rows]
        if stated := [one for one in found if one["its_key"] or one["its_family"]]:
            connection.execute(write, stated)


def _batches(connection: Connection) -> Iterator[list[Row[Any]]]:
    """Yield all rows, current and past, with the bodies of those that may be of a family."""
    its_body = and_(_ASSET.c.body_hash == _BODY.c.hash, _ASSET.c.kind.in_(_OBJECTS))
    query = select(_ASSET, _BODY.c.json).join(_BODY, its_body, isouter=True).order_by(_ASSET.c.id)
    last = 0
    while rows := list(connection.execute(query.where(_ASSET.c.id > last).limit(_ROWS_AT_ONCE))):
        yield rows
        last = rows[-1].id


def _key(row: Row[Any], regions: list[str]) -> str:
    """Return the key that the identity was made with: none, or the listing's region (docs/decisions/0001).

    That is the resource's own region but where a resource states another one; then it is one of the regions that were
    looked at. Where it is none of them, the next scan writes it.
    """
    tried = ("", row.region, *regions)
    return next((key for key in tried if digest(row.scope, row.kind, row.resource, key) == row.uid), "")


def _family(row: Row[Any]) -> str:
    """Return the family, which what another object of it made is not judged by."""
    if row.json is None:
        return ""
    made = any(owner.get("controller") and owner.get("kind") in _MAKERS for owner in _owners(json.loads(row.json)))
    return "" if made else _FAMILY


def _owners(body: Any) -> list[dict[str, Any]]:
    """Return the owners that an object states; what a cluster answered may have any form."""
    metadata = body.get("metadata") if isinstance(body, dict) else None
    stated = metadata.get("ownerReferences") if isinstance(metadata, dict) else None
    return [owner for owner in stated if isinstance(owner, dict)] if isinstance(stated, list) else []
