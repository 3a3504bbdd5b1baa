"""Rows that somebody edits without a record: `hinomi audit verify` names the first that differs."""

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from catalog import access
from catalog.folder import config_folder
from model.canonical import instant
from model.finding import Finding, advance
from model.person import HOST, Person, TokenTerms
from model.suppression import Suppression
from people.tokens import LONGEST, mint
from pipeline.access.authorization import Authorizer
from pipeline.access.people import Register, Wish
from pipeline.access.sign_in import Gate
from pipeline.changing.plans import halt, lift_halt
from pipeline.tenants.exceptions import grant, withdraw
from store import schema, vouching
from store.home import Home
from tests.conftest import MovingClock
from tests.filled import fill, verdict
from tests.homes import home_at, stores_at

ACCESS = access.load(config_folder())
AT = "2026-06-01T00:00:00.000000Z"
END = "2026-07-01T00:00:00.000000Z"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a home with people, exceptions and findings, each of which has its records."""
    folder, clock = tmp_path_factory.mktemp("implied") / "home", MovingClock()
    home = home_at(str(folder))
    home.create()
    fill(home, clock, "aozora")
    register = Register(Authorizer(home, ACCESS, HOST, clock), ACCESS, clock)
    gate = Gate(home.service, lambda: bytes(32), clock)
    for name in ("ken", "rin"):
        register.add(Person(name, name, "ja", ("lead",), ("aozora",), "", "https://id.example", name), gate)
    register.change("ken", Wish(roles=("analyst",)))
    register.disable("rin")
    halt(home, "", "incident 7", HOST, clock)
    halt(home, "aozora", "incident 8", HOST, clock)
    lift_halt(home, "aozora", HOST, clock)
    with home.service.write(instant(clock.now()), "p") as session:
        for name in ("held", "ended"):
            kept = mint(TokenTerms(kind="personal", label="ci", tenants="all", person="ken"), LONGEST, clock.now())[1]
            session.people.put_token(replace(kept, id=name))
        session.people.revoke(["ended"], instant(clock.now()))
    at = instant(clock.now())
    made = [Suppression(f"s{n}", "agreed", "ken", at, END, resource=f"b{n}") for n in range(2)]
    grant(home.tenant("aozora"), made, "ken", clock)
    withdraw(home.tenant("aozora"), "s1", "ken", clock)
    stores_at(str(folder)).close()
    return folder


def faults(home: Home) -> list[str]:
    return [home.service.implied_fault(AT), home.tenant("aozora").implied_fault()]


def test_what_has_its_records_is_in_order(kept: Path) -> None:
    assert faults(home_at(str(kept))) == ["", ""]


EDITED = [
    *(
        ("service", kind.table.name, name, f"7 + {name}" if is_number else f"'x' || {name}", f"the {kind.name} ")
        for kind in vouching.KINDS
        for name, is_number in [(column.name, column.type.python_type is int) for column in kind.table.columns]
        if name not in kind.apart
    ),
    ("service", "person", "roles", "'[\"lead\"]'", "the person ken was changed without a record"),
    ("service", "person", "disabled_at", "''", "the person rin was changed without a record"),
    ("service", "person", "id", "id || 'o'", "the person ken was removed without a record"),
    ("service", "token", "revoked_at", "''", "the token ended was added without a record"),
    ("service", "halt", "lifted_at", "at", "the stop of changes (all tenants) was removed without a record"),
    ("service", "halt", "lifted_at", "''", "the stop of changes aozora was added without a record"),
    *(
        ("aozora", "suppression", name, value, f"the exception s0 was changed without a record: {name}")
        for name, value in {
            "resource": "'*'", "policy": "'aws.s3.x'", "expires_at": "'2036-07-01T00:00:00.000000Z'", "reason": "'x'",
            "author": "'rin'", "withdrawn_at": "created_at", "scope": "'1'", "region": "'us-east-1'", "tag": "'a=b'",
        }.items()
    ),
    ("aozora", "suppression", "id", "id || '0'", "the exception s0 was removed without a record"),
    *(
        ("aozora", "finding", column.name, f"'x' || {column.name}", "findings were changed without a record")
        for column in schema.finding.columns
    ),
]  # fmt: skip


@pytest.mark.parametrize(("store", "table", "column", "value", "fault"), EDITED)
def test_what_was_edited_is_named(
    store: str, table: str, column: str, value: str, fault: str, kept: Path, tmp_path: Path
) -> None:
    folder = str(shutil.copytree(kept, tmp_path / "home"))
    stores = stores_at(folder)
    with (stores.service() if store == "service" else stores.tenant(store)).write() as connection:
        connection.execute(text(f"UPDATE {table} SET {column} = {value}"))
    assert any(one.startswith(fault) for one in faults(home_at(folder)))
    stores.close()


def test_what_is_taken_away_or_added_is_named(kept: Path, tmp_path: Path) -> None:
    folder = str(shutil.copytree(kept, tmp_path / "home"))
    stores = stores_at(folder)
    with stores.tenant("aozora").write() as connection:
        connection.execute(text("DELETE FROM finding"))
    assert faults(home_at(folder))[1].startswith("findings were changed")
    with stores.service().write() as connection:
        connection.execute(text("UPDATE person SET id = 'akira' WHERE id = 'rin'"))
    assert faults(home_at(folder))[0] == "the person akira was added without a record"
    stores.close()


def test_what_a_scan_is_at_is_not_called_edited(kept: Path, tmp_path: Path) -> None:
    folder = str(shutil.copytree(kept, tmp_path / "home"))
    store, at = home_at(folder).tenant("aozora"), END
    changed = advance(None, verdict(6), at)[0]
    assert isinstance(changed, Finding)
    with store.observe(at, "schedule@service") as writer:
        writer.record("scan.started", "r")
        writer.put_findings([changed])
    assert store.implied_fault() == ""
    stores_at(folder).close()
