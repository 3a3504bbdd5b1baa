"""The key and the family of an asset: written, read, worked out for old rows, corrected without a new row."""

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import Connection, column, insert, select, table

from model.asset import Asset
from model.canonical import digest, encode
from store import schema
from store.home import Home
from store.tenant import TenantStore
from tests.homes import stores_at

AT, LATER = "2026-06-01T00:00:00.000000Z", "2026-06-02T00:00:00.000000Z"
FAMILY = "kubernetes.core.workload"
WORKLOADS = (
    "kubernetes.apps.daemon-set",
    "kubernetes.apps.replica-set",
    "kubernetes.apps.stateful-set",
    "kubernetes.batch.cron-job",
    "kubernetes.batch.job",
    "kubernetes.core.replication-controller",
)
MANY = 1200  # more than a migration reads at once


def owned(kind: str, *, controller: bool = True) -> dict[str, object]:
    return {"metadata": {"ownerReferences": [{"kind": kind, "controller": controller}]}}


def asset(kind: str, name: str, region: str, body: dict[str, Any], **more: str) -> Asset:
    return Asset(kind, f"/{name}", name, "123456789012", region, body, digest(kind, body), {}, **more)


STRANGE: list[dict[str, Any]] = [
    {"metadata": ["Deployment"]},
    {"metadata": {"ownerReferences": "Deployment"}},
    {"metadata": {"ownerReferences": ["Deployment", None]}},
    {},
]
ASSETS = [
    asset("aws.s3.bucket", "ledger", "ap-northeast-1", {"Name": "台帳"}),
    asset("aws.ec2.ebs-encryption", "account", "ap-northeast-1", {"On": True}, key="ap-northeast-1"),
    asset("aws.ec2.ebs-encryption", "account", "us-east-1", {"On": False}, key="us-east-1"),
    asset("aws.ec2.image", "of another region", "eu-west-1", {"On": 1}, key="us-east-1"),
    asset("kubernetes.apps.deployment", "shop", "global", {"metadata": {}}, family=FAMILY),
    asset("kubernetes.apps.replica-set", "shop-1", "global", owned("Deployment")),
    asset("kubernetes.core.pod", "shop-1-a", "global", owned("ReplicaSet")),
    asset("kubernetes.core.pod", "alone", "global", owned("ReplicaSet", controller=False), family=FAMILY),
    asset("kubernetes.core.pod", "of-another", "global", owned("Rollout"), family=FAMILY),
    *(asset(kind, "any", "global", {"metadata": {"name": "any"}}, family=FAMILY) for kind in WORKLOADS),
    *(asset("kubernetes.core.pod", f"strange-{n}", "global", body, family=FAMILY) for n, body in enumerate(STRANGE)),
    asset("kubernetes.core.service", "web", "global", owned("Deployment")),
    asset("kubernetes.core.service", "other", "global", {}),
]


def older(seen: Asset, valid_to: str | None) -> dict[str, object]:
    """Return the row of an asset as versions up to 0005 wrote it."""
    names = ("uid", "kind", "resource", "name", "scope", "region", "body_hash")
    return {name: getattr(seen, name) for name in names} | {"unknown": "{}", "valid_from": AT, "valid_to": valid_to}


@pytest.fixture
def upgraded(nowhere: str) -> Iterator[Connection]:
    """Yield a store of version 0005 that was brought up to this one: each asset has a past row and a current one."""
    many = [asset("aws.ec2.vpc", f"v{number}", "us-east-1", {}, key="us-east-1") for number in range(MANY)]
    every = [*ASSETS, *many]

    def fill(connection: Connection) -> None:
        rows = [older(seen, valid_to) for seen in every for valid_to in (LATER, None)]
        connection.execute(insert(table("asset", *map(column, rows[0]))), rows)
        bodies = {seen.body_hash: {"hash": seen.body_hash, "json": encode(seen.body).decode()} for seen in every}
        connection.execute(insert(table("body", column("hash"), column("json"))), list(bodies.values()))

    database = stores_at(nowhere).tenant("aozora")
    database.fill("0005", fill)
    database.create()
    with database.read() as connection:
        yield connection


def test_old_rows_are_given_their_keys_and_families(upgraded: Connection) -> None:
    rows = list(upgraded.execute(select(schema.asset)))
    assert len(rows) == 2 * (len(ASSETS) + MANY)
    assert all(digest(row.scope, row.kind, row.resource, row.key) == row.uid for row in rows)
    assert {row.uid: row.family for row in rows if row.family} == {one.uid: one.family for one in ASSETS if one.family}


@pytest.fixture
def store(home: Home) -> TenantStore:
    home.apply("aozora", {"tenant": "aozora"}, AT, "p")
    return home.tenant("aozora")


def put(store: TenantStore, at: str, *assets: Asset) -> int:
    with store.write(at, "p") as writer:
        return writer.put_assets(assets, at)


def seen(store: TenantStore, *assets: Asset) -> list[Asset]:
    with store.read() as reader:
        found = {one.uid: one for one in reader.seen_assets([asset.uid for asset in assets])}
    return [found[asset.uid] for asset in assets]


def test_an_asset_is_read_as_it_was_written(store: TenantStore) -> None:
    odd = replace(
        ASSETS[0], name="\u53f0\u5e33 ' \" \\", unknown={"Policy": "s3:GetBucketPolicy AccessDenied"}, resource="/odd"
    )
    assert put(store, AT, *ASSETS, odd) == len(ASSETS) + 1
    assert seen(store, *ASSETS, odd) == [*ASSETS, odd]


def test_what_makes_no_other_asset_is_as_it_was_first_written(store: TenantStore) -> None:
    first = ASSETS[0]
    later = replace(first, name="renamed", region="global", body=first.body | {"Volatile": 2})
    put(store, AT, first)
    assert put(store, LATER, later) == 0
    assert seen(store, first) == [first]
    changed = replace(later, body_hash="another")
    assert put(store, LATER, changed) == 1
    assert seen(store, first) == [changed]


@pytest.mark.parametrize("name", ["key", "family"])
def test_what_a_current_row_lacks_is_written_into_it(store: TenantStore, address: str, name: str) -> None:
    put(store, AT, *ASSETS)
    with stores_at(address).tenant("aozora").write() as connection:
        connection.execute(schema.asset.update().values({name: ""}))
    assert put(store, LATER, *ASSETS) == 0
    assert seen(store, *ASSETS) == ASSETS
    with store.read() as reader:
        assert reader.asset_rows() == len(ASSETS)


def test_rows_of_the_past_are_not_corrected(store: TenantStore) -> None:
    first = replace(ASSETS[4], family="")
    second = replace(first, body={"other": 1}, body_hash="other")
    put(store, AT, first)
    put(store, LATER, second)
    assert put(store, LATER, replace(second, family=FAMILY)) == 0
    with store.read() as reader:
        rows = reader._connection.execute(select(schema.asset.c.family).order_by(schema.asset.c.id)).scalars()
        assert list(rows) == ["", FAMILY]
