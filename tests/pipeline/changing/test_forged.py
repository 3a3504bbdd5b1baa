"""Whatever somebody edits in the stores between approval and sending: nothing is sent that was not approved."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace
from sqlalchemy import text

from clouds.call_failed import CallFailed
from model.asset import Asset, Listing, Place
from model.call import Call
from model.canonical import encode, instant
from model.person import HOST
from model.plan import Plan
from pipeline.changing.carrying_out import finish, make_rollback, underway
from pipeline.changing.plans import halt
from pipeline.scanning.scan import scan
from pipeline.tenants.applied import applied_tenant
from store import schema
from store.database import StoreFault
from tests.changing import AKI, AWS, BLOCK, KEN, ChangeDriver, catalog_of
from tests.conftest import MovingClock
from tests.homes import home_at, stores_at, tamper
from tests.worlds import entered, scan_of, world_of

pytestmark = pytest.mark.sweep

ACCOUNT, REGION = AWS.scopes[0].aws, "ap-northeast-1"
PLACE = Place(ACCOUNT, ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", "aws", (REGION,))


class Buckets:
    """An account in memory: which buckets block public access, and every call that changed one."""

    def __init__(self, stops_after: int = 1000) -> None:
        self.blocked: dict[str, Any] = {}
        self.sent: list[Call] = []
        self._stops_after = stops_after

    def ask(self, call: Call) -> Any:
        if call.args["Bucket"] not in self.blocked:
            raise CallFailed("NoSuchPublicAccessBlockConfiguration")
        return {"PublicAccessBlockConfiguration": self.blocked[call.args["Bucket"]]}

    def send(self, call: Call) -> None:
        if len(self.sent) == self._stops_after:
            raise MemoryError
        self.sent.append(call)
        self.blocked[call.args["Bucket"]] = call.args["PublicAccessBlockConfiguration"]

    def close(self) -> None: ...


class Shown(Struct, frozen=True):
    """A collector of three buckets."""

    place: Place = PLACE

    def collect(self) -> Iterator[Asset | Listing]:
        for name in ("one", "two", "three"):
            body = {"Name": name}
            yield Asset("aws.s3.bucket", f"arn:aws:s3:::{name}", name, ACCOUNT, REGION, body, f"body of {name}")
        yield Asset("aws.s3.account-block", PLACE.account_resource, ACCOUNT, ACCOUNT, "global", {}, "none")
        for kind in ("bucket", "account-block"):
            yield Listing(ACCOUNT, f"aws.s3.{kind}", "global")


class Tampered(ChangeDriver):
    """A tenant on the account in memory, in a home that is new or as it was left."""

    def __post_init__(self) -> None:
        if not self.home.tenants():
            super().__post_init__()
        self.catalog = catalog_of(self.playbook)

    def world_with(self, buckets: Buckets) -> Any:
        return world_of(self.home, self.clock, entered(lambda *_: Shown(), changes=buckets))

    def look(self) -> None:
        self.clock.sleep(60)
        world = self.world_with(Buckets())
        scan(world, scan_of(world, self.tenant, self.catalog))

    def sends(self, plan: Plan, buckets: Buckets | None = None) -> list[Call]:
        """Carry out a plan by its id, then what a scan would go on with; return what was sent."""
        buckets = buckets or Buckets()
        world = self.world_with(buckets)
        for plans in ([plan.id], None):
            with suppress(Exception, MemoryError):  # whatever it says: here it counts what was sent
                task = scan_of(world, applied_tenant(self.home, self.tenant.tenant, MovingClock().now()), self.catalog)
                finish(world, task, underway(task) if plans is None else plans)
        return buckets.sent


def driver_at(folder: Path, *, new: bool) -> Tampered:
    home = home_at(str(folder))
    clock = MovingClock()
    if new:
        home.create()
    else:
        clock.sleep(3600)  # leases of whoever died have ended
    return Tampered(home, clock, BLOCK)


def approve(driver: Tampered, plan: Plan) -> None:
    driver.vote(plan, KEN)


def reject(driver: Tampered, plan: Plan) -> None:
    driver.vote(plan, KEN, yes=False)


def end_contract(driver: Tampered, plan: Plan) -> None:
    driver.vote(plan, KEN)
    driver.agree(contract=replace(driver.tenant.agreed, last_day=date(2026, 5, 31)))


def leave(driver: Tampered, plan: Plan) -> None:
    driver.vote(plan, KEN)
    with driver.home.service.write(instant(driver.clock.now()), "p") as session:
        ken = session.people.one("ken")
        assert ken
        session.people.put(replace(ken, disabled_at=instant(driver.clock.now())))


def stop(driver: Tampered, plan: Plan) -> None:
    driver.vote(plan, KEN)
    halt(driver.home, "aozora", "incident 7", HOST, driver.clock)


def break_off(driver: Tampered, plan: Plan) -> None:
    """One bucket is done, and blocked by nobody any more; the other is left."""
    driver.vote(plan, KEN)
    driver.sends(plan, Buckets(stops_after=1))


def nothing(driver: Tampered, plan: Plan) -> None: ...


SITUATIONS = {
    "approved": approve,
    "proposed": nothing,
    "rejected": reject,
    "ended": end_contract,
    "left": leave,
    "stopped": stop,
    "broken off": break_off,
}


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Plan, list[Call]]]:
    """Return for each situation a home, its plan for one bucket, or two, and what an honest store sends."""
    made = {}
    for name, happens in SITUATIONS.items():
        folder = tmp_path_factory.mktemp(name) / "home"
        driver = driver_at(folder, new=True)
        driver.look()
        other = driver.plan(resources=("two",))
        driver.vote(other, KEN, yes=False)
        plan = driver.plan(resources=("one", "three") if name == "broken off" else ("one",))
        happens(driver, plan)
        stores_at(str(folder)).close()
        copy = shutil.copytree(folder, folder.parent / "honest")
        made[name] = (folder, plan, driver_at(copy, new=False).sends(plan))
    return made


def test_an_honest_store_sends_what_was_approved_and_nothing_else(homes: Any) -> None:
    sent = {name: [call.args["Bucket"] for call in calls] for name, (_, _, calls) in homes.items()}
    expected = {"approved": ["one"], "broken off": ["three"]}
    assert sent == {name: expected.get(name, []) for name in SITUATIONS}


COLUMNS = [
    (store, table.name, column.name)
    for store, tables in (("aozora", schema.tenant), ("", schema.service))
    for table in tables.sorted_tables
    for column in table.columns
]
EDITS = {
    "of the other": "replace({0}, 'one', 'two')",
    "yes": "replace(replace({0}, 'false', 'true'), 'rejected', 'approved')",
    "later": "replace({0}, '2026-06-01', '2026-06-02')",
    "by another": "replace({0}, 'aki', 'mio')",
    "the last row's": "(SELECT last.{0} FROM {1} last ORDER BY last.rowid DESC LIMIT 1)",
    "the first row's": "(SELECT first.{0} FROM {1} first ORDER BY first.rowid LIMIT 1)",
    "empty": "''",
    "one more": "{0} + 1",
}


# In which situations a table is edited; one that is not named here, where there is something to send.
TRIED = {
    "audit": tuple(SITUATIONS),
    **dict.fromkeys(("plan", "plan_step", "plan_call", "resource_lease"), ("proposed", "broken off")),
    **dict.fromkeys(("person", "halt", "edition", "audit_head"), ("proposed", "ended", "left", "stopped")),
}


@pytest.mark.parametrize(("store", "table", "column"), COLUMNS, ids=str)
def test_whatever_is_edited_nothing_is_sent_that_an_honest_store_would_not_send(
    store: str, table: str, column: str, homes: Any, tmp_path: Path
) -> None:
    for situation in TRIED.get(table, ("approved",)):
        folder, plan, honest = homes[situation]
        for number, statement in enumerate(effective(folder, store, table, column)):
            copy = shutil.copytree(folder, tmp_path / f"{situation}{number}")
            tamper(str(copy), store, statement)
            sent = driver_at(copy, new=False).sends(plan)
            stores_at(str(copy)).close()
            assert all(call in honest for call in sent), f"{situation}: {statement}: {sent}"
            assert len(sent) <= len(honest), statement


def effective(folder: Path, store: str, table: str, column: str) -> list[str]:
    """Return the edits of a column that change something and that the tables let through."""
    found = []
    file = folder / "tenants" / f"{store}.sqlite" if store else folder / "service.sqlite"
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        before = connection.execute(f'SELECT * FROM "{table}"').fetchall()
        for edit in EDITS.values() if before else ():
            value = edit.format(f'"{column}"', f'"{table}"')
            statement = f'UPDATE "{table}" SET "{column}" = {value}'
            connection.execute("BEGIN")
            with suppress(sqlite3.IntegrityError):
                connection.execute(statement)
                if connection.execute(f'SELECT * FROM "{table}"').fetchall() != before:
                    found.append(statement)
            connection.execute("ROLLBACK")
    return found


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE plan_call SET at = 'no moment'",
        "UPDATE plan_call SET state = X'00ff'",
        "UPDATE plan_step SET before = '{'",
        "UPDATE plan_step SET at = 'no moment'",
    ],
)
def test_what_cannot_be_read_is_neither_gone_on_with_nor_rolled_back(
    statement: str, homes: Any, tmp_path: Path
) -> None:
    """A call that may have been sent would be sent again, and what was there before would be lost."""
    folder, plan, _ = homes["broken off"]
    copy = shutil.copytree(folder, tmp_path / "home")
    tamper(str(copy), "aozora", statement)
    driver, buckets = driver_at(copy, new=False), Buckets()
    world = driver.world_with(buckets)
    with pytest.raises(StoreFault, match="is damaged"):
        finish(world, scan_of(world, driver.tenant, driver.catalog), [plan.id])
    if "plan_step" in statement:
        with pytest.raises(StoreFault, match="is damaged"):
            make_rollback(world, driver.tenant, plan.id, AKI)
    assert buckets.sent == []
    stores_at(str(copy)).close()


@pytest.mark.parametrize("situation", ["proposed", "rejected", "ended", "left"])
@pytest.mark.parametrize("action", ["plan.started", "plan.voted"])
def test_a_row_that_somebody_adds_to_the_records_begins_nothing(
    action: str, situation: str, homes: Any, tmp_path: Path
) -> None:
    folder, plan, _ = homes[situation]
    copy = shutil.copytree(folder, tmp_path / "home")
    vote = {"plan": plan.id, "hash": plan.hash, "person": "rin", "side": "staff", "yes": True, "at": plan.created_at}
    columns = "seq + 1, at, 'rin', :action, :plan, :detail, hash, 'x', key, session"
    row = f"SELECT {columns} FROM audit ORDER BY seq DESC LIMIT 1"
    with stores_at(str(copy)).tenant("aozora").write() as connection:
        values = {"action": action, "plan": plan.id, "detail": encode(vote | {"reason": ""}).decode()}
        connection.execute(text(f"INSERT INTO audit {row}"), values)
    assert driver_at(copy, new=False).sends(plan) == []
    stores_at(str(copy)).close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE edition SET document = replace(document, '2026-05-31', '2036-05-31')",
        "DELETE FROM edition WHERE number = 2",
        "UPDATE edition SET number = number + 1 WHERE number = 2",
    ],
)
def test_a_tenants_file_that_somebody_has_edited_permits_nothing(statement: str, homes: Any, tmp_path: Path) -> None:
    folder, plan, _ = homes["ended"]
    copy = shutil.copytree(folder, tmp_path / "home")
    with stores_at(str(copy)).service().write() as connection:
        assert connection.execute(text(statement)).rowcount
    assert driver_at(copy, new=False).sends(plan) == []
    stores_at(str(copy)).close()
