"""Upgrades: every store in a transaction of its own, killed in the middle and gone on with."""

import hashlib
import json
import signal

import pytest
from sqlalchemy import Connection, column, insert, table, text

from model.canonical import digest
from model.fault import Refused
from store.reader import Reader
from store.schema import VERSIONS
from tests.homes import home_at, stores_at
from tests.servers.forks import Forks

AT = "2026-06-01T00:00:00.000000Z"
TENANTS = [f"tenant-{number}" for number in range(6)]
NEWEST = ["upgraded"] * (len(TENANTS) + 1)


@pytest.fixture
def old(nowhere: str) -> str:
    """Stores as the program's first version made them, with a row each."""
    stores = stores_at(nowhere)

    def editions(connection: Connection) -> None:
        for name in TENANTS:
            document = f'{{"tenant":"{name}"}}'
            values = {"t": name, "at": AT, "d": document}
            statement = (
                "INSERT INTO edition (tenant, number, applied_at, person, document) VALUES (:t, 1, :at, 'p', :d)"
            )
            connection.execute(text(statement), values)

    def fence(connection: Connection) -> None:
        connection.execute(text("INSERT INTO fence (job, number) VALUES ('scan', 7)"))

    stores.service().fill("0001", editions)
    for name in TENANTS:
        stores.tenant(name).fill("0001", fence)
    return nowhere


def versions(address: str) -> list[str]:
    stores = stores_at(address)
    found = []
    for database, kind in [(stores.service(), "service"), *((stores.tenant(name), "tenant") for name in TENANTS)]:
        with database.read() as connection:
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        found.append("upgraded" if version == VERSIONS[kind] else "old")
    return found


def test_older_stores_are_refused_until_they_are_upgraded(old: str) -> None:
    home = home_at(old)
    with pytest.raises(Refused, match="`hinomi upgrade`"):
        home.tenants()
    assert len(home.create()) == len(TENANTS) + 1
    assert versions(old) == NEWEST
    assert home.create() == []
    with home.tenant(TENANTS[3]).read() as reader:
        assert [fence.number for fence in reader.fences()] == [7]
        assert list(reader.findings()) == []


def test_tokens_of_before_are_of_the_kind_that_their_label_said(nowhere: str) -> None:
    labels = {
        "sign-in": "sign-in",
        "invitation": "invitation",
        "ci": "personal",
        " sign-in": "personal",
        "machine": "personal",
    }

    def tokens(connection: Connection) -> None:
        for number, label in enumerate(labels):
            values = {"n": str(number), "label": label, "at": AT}
            statement = (
                "INSERT INTO token (hash, id, person, label, tenants, issued_at, expires_at, revoked_at) "
                "VALUES (:n, :n, 'sato', :label, '\"all\"', :at, :at, '')"
            )
            connection.execute(text(statement), values)

    stores_at(nowhere).service().fill("0003", tokens)
    home = home_at(nowhere)
    home.create()
    with home.service.read() as session:
        found = session.people.tokens("sato")
        assert session.people.machine_tokens() == []
    assert {token.label: token.kind for token in found} == labels
    assert {(token.parent, token.action, token.source, token.issued_by) for token in found} == {("", "", "", "")}


# Ids as docs/policies.md has them; the last part of a customer's own begins with `own-`.
CATEGORIES = {
    "aws.s3.public-access-block-off": "posture",
    "aws.s3.own-names": "policy",
    "azure.storage.own-2": "policy",
    "aws.own.x": "posture",
    "aws.s3.owned": "posture",
    "aws.s3.not-own-names": "posture",
    "aws.s3.OWN-names": "posture",
}


def test_findings_of_before_are_given_the_category_of_their_policy_and_their_digest_holds(nowhere: str) -> None:
    recorded = []

    def findings(connection: Connection) -> None:
        given = {"severity": "high", "kind": "aws.s3.bucket", "name": "台帳", "scope": "1", "region": "global"}
        given |= {"state": "open", "message": '{"en":"open","ja":"公開"}', "elements": "[]", "resolved_because": ""}
        given |= {"opened_at": AT, "changed_at": AT, "unverified_since": "", "unverified_because": ""}
        rows = [
            given | {"uid": digest("1", policy, "r", ""), "asset_uid": "a", "policy": policy, "resource": "r"}
            for policy in CATEGORIES
        ]
        connection.execute(insert(table("finding", *map(column, rows[0]))), rows)
        found = connection.execute(text("SELECT * FROM finding ORDER BY uid"))
        lines = (json.dumps(list(row), separators=(",", ":"), ensure_ascii=False) + "\n" for row in found)
        recorded.append(hashlib.sha256("".join(lines).encode()).hexdigest())

    database = stores_at(nowhere).tenant("aozora")
    database.fill("0009", findings)
    database.create()
    with database.read() as connection:
        reader = Reader(connection)
        assert {one.policy: one.category for one in reader.findings()} == CATEGORIES
        assert [reader.findings_digest()] == recorded, "what records vouched for before holds"


def test_an_upgrade_that_is_killed_goes_on_where_it_ended(old: str, forked: Forks) -> None:
    """Killed before each commit in turn; no store is ever between two versions."""
    reached = []
    for commit in range(1, 60):
        ended = forked.run("tests.servers.upgrade_child:upgrade", old, str(commit))
        reached.append(versions(old).count("upgraded"))
        if ended == 0:
            break
        assert ended == -signal.SIGKILL
    assert reached == sorted(reached), "nothing falls back"
    assert len(set(reached)) > 2, "it ended in the middle, more than once"
    home = home_at(old)
    assert home.create() == []
    assert {home.service.audit_fault(), *(home.tenant(name).audit_fault() for name in home.tenants())} == {""}
    assert versions(old) == NEWEST
