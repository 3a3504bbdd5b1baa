"""What becomes of started plans: those that stop by themselves, that are broken off, that somebody works against."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import Engine, event

from demo.stand_ins.aws_emulator import Emulator
from model.call import Call
from model.canonical import instant
from model.fault import Refused
from model.plan import Plan, Progress
from pipeline.changing.carrying_out import finish, verify_again
from tests.changing import ALL_ON, BLOCK, ChangeDriver, Watched, block_of, buckets, fault, half_open
from tests.conftest import MovingClock
from tests.homes import home_at, tamper
from tests.servers.http_servers import DENY, PASS, proxy

BUCKETS = ("one", "two", "three", "four")


@pytest.fixture
def driver(emulator: Emulator, tmp_path: Path, clock: MovingClock) -> ChangeDriver:
    home = home_at(str(tmp_path / "home"))
    home.create()
    buckets(*BUCKETS)
    driver = ChangeDriver(home, clock, BLOCK)
    driver.scan()
    return driver


def plan_of(driver: ChangeDriver, *names: str) -> Plan:
    return driver.approve(driver.plan(resources=names))


def test_a_plan_that_stops_by_itself_is_not_gone_on_with_until_somebody_starts_it_again(
    driver: ChangeDriver, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(driver, *BUCKETS)
    with proxy(emulator.url, lambda request: DENY if request.startswith("PUT") else PASS) as (url, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(Refused, match="stops by itself: none of its first 4 resources came out well"):
            driver.run(plan)
        assert set(driver.states(plan).values()) == {"failed"}
        sent = len(seen)
        driver.go_on()
        assert len(seen) == sent, "the next scan does not try it again"


def test_one_plan_that_was_edited_keeps_no_other_from_its_end(driver: ChangeDriver, tmp_path: Path) -> None:
    edited, sound = plan_of(driver, "one"), plan_of(driver, "two")
    edit = f"UPDATE plan SET document = replace(document, 'aki', 'ken') WHERE id = '{edited.id}'"
    tamper(str(tmp_path / "home"), "aozora", edit)
    with pytest.raises(Refused, match="somebody has edited it"):
        driver.go_on(edited, sound)
    assert driver.states(sound) == {"two": "verified"}
    assert block_of("one") is None


def test_a_job_carries_out_the_plan_that_it_was_made_for_alone(driver: ChangeDriver) -> None:
    first, later = plan_of(driver, "one"), plan_of(driver, "two")
    driver.go_on(first)
    assert driver.states(first) == {"one": "verified"}
    driver.go_on()
    assert block_of("two") is None, "what is approved is not begun by anybody else"
    driver.go_on(later)
    assert driver.states(later) == {"two": "verified"}


def break_off(_: Call) -> None:
    raise MemoryError


def test_what_another_run_has_begun_meanwhile_is_not_called_unchanged(driver: ChangeDriver) -> None:
    """A run that looks when another has just sent must not take the change for nobody's."""
    plan = plan_of(driver, "one")
    first, second = (driver.task for _ in range(2))
    meanwhile: list[BaseException] = []

    def other_run_dies(_: Call) -> None:
        if not meanwhile:
            driver.watch = lambda client: Watched(client, sent=break_off)
            with pytest.raises(MemoryError) as died:
                finish(driver.world, first, [plan.id])
            meanwhile.append(died.value)

    driver.watch = lambda client: Watched(client, asks=other_run_dies)
    with pytest.raises(Refused, match="another run has begun to change one"):
        finish(driver.world, second, [plan.id])
    driver.watch = Watched
    assert driver.states(plan) == {"one": "applying"}
    driver.clock.sleep(600)
    assert driver.run(plan) == {"one": "verified"}


def test_what_somebody_changed_after_it_was_broken_off_is_left_and_shown_to_whoever_rolls_it_back(
    driver: ChangeDriver,
) -> None:
    plan = plan_of(driver, "one")
    driver.watch = lambda client: Watched(client, sent=break_off)
    with pytest.raises(MemoryError):
        driver.go_on(plan)
    driver.watch = Watched
    half_open("one")
    theirs = block_of("one")
    driver.clock.sleep(600)
    assert driver.run(plan) == {"one": "unverified"}
    with pytest.raises(Refused, match="changed by somebody else since"):
        driver.rollback(plan)
    assert block_of("one") == theirs


def verified_again(driver: ChangeDriver, plan: Plan) -> dict[str, str]:
    verify_again(driver.world, driver.task, plan.id)
    return driver.states(plan)


@contextmanager
def reading(*tables: str) -> Iterator[list[str]]:
    """Yield the queries that ask these tables for more than the row of one resource."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        words = " ".join(statement.split())
        if words.startswith("SELECT") and any(f"FROM {table}" in words for table in tables) and "uid = ?" not in words:
            asked.append(words.replace(", ?", ""))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield asked
    finally:
        event.remove(Engine, "before_cursor_execute", note)


def test_looking_again_at_many_resources_reads_how_far_they_are_once(driver: ChangeDriver) -> None:
    one, many = plan_of(driver, "one"), plan_of(driver, "two", "three", "four")
    queries = []
    for plan in (one, many):
        driver.run(plan)
        with reading("plan_step", "plan_call", "audit", "edition", "asset JOIN body") as asked:
            verified_again(driver, plan)
        queries.append(asked)
    assert queries[0] == queries[1]
    assert [query for query in queries[0] if "FROM plan_call" in query], "the journal was read"


@pytest.mark.parametrize(("days", "state"), [(6, "reverted"), (8, "unverified")])
def test_looking_again_finds_what_somebody_has_reverted(driver: ChangeDriver, days: int, state: str) -> None:
    plan = plan_of(driver, "one", "two")
    driver.run(plan)
    fault("one")
    driver.clock.sleep(days * 86_400)
    assert verified_again(driver, plan) == {"one": state, "two": "verified"}
    assert {f.name: f.state for f in driver.findings().values() if f.name == "one"} == {"one": "reopened"}


def test_what_is_verified_again_is_never_what_is_under_way(driver: ChangeDriver) -> None:
    plan = plan_of(driver, "one")
    with driver.home.tenant("aozora").write(instant(driver.clock.now()), "p") as writer:
        uid = plan.steps[0].target.uid
        writer.plans.put_progress(Progress(plan.id, uid, "applying", instant(driver.clock.now()), before={}))
    assert verified_again(driver, plan) == {"one": "applying"}


def test_what_became_protected_after_the_plan_was_made_is_not_touched(driver: ChangeDriver) -> None:
    plan = plan_of(driver, "one", "two")
    driver.agree(protected=["arn:aws:s3:::one"])
    assert driver.run(plan) == {"one": "stale", "two": "verified"}
    assert (block_of("one"), block_of("two")) == (None, ALL_ON)


def test_without_the_policy_that_found_the_fault_nothing_is_done(driver: ChangeDriver) -> None:
    plan = plan_of(driver, "one")
    driver.catalog = replace(driver.catalog, policies=[])
    assert driver.run(plan) == {"one": "failed"}
    assert block_of("one") is None
