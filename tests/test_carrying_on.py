"""What becomes of started plans: those that stop by themselves, that are broken off, that somebody works against."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from clouds.emulator import Emulator
from model.call import Call
from model.canonical import instant
from model.fault import Refused
from model.plan import Plan, Progress
from pipeline.changes import carry_on, finish, verify_again
from tests.changing import ALL_ON, BLOCK, Desk, Watched, block_of, buckets, fault, half_open
from tests.conftest import MovingClock
from tests.homes import a_turn, home_at, tamper
from tests.servers import DENY, PASS, proxy

BUCKETS = ("one", "two", "three", "four")


@pytest.fixture
def desk(emulator: Emulator, tmp_path: Path, clock: MovingClock) -> Desk:
    home = home_at(str(tmp_path / "home"))
    home.create()
    buckets(*BUCKETS)
    desk = Desk(home, clock, BLOCK)
    desk.scan()
    return desk


def plan_of(desk: Desk, *names: str) -> Plan:
    return desk.approve(desk.plan(resources=names))


def go_on(desk: Desk) -> None:
    carry_on(desk.hands, a_turn(desk.home, desk.clock))


def test_a_plan_that_stops_by_itself_is_not_gone_on_with_until_somebody_starts_it_again(
    desk: Desk, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = plan_of(desk, *BUCKETS)
    with proxy(emulator.url, lambda request: DENY if request.startswith("PUT") else PASS) as (url, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(Refused, match="stops by itself: none of its first 4 resources came out well"):
            desk.run(plan)
        assert set(desk.states(plan).values()) == {"failed"}
        sent = len(seen)
        go_on(desk)
        assert len(seen) == sent, "the next scan does not try it again"


def test_one_plan_that_was_edited_keeps_no_other_from_its_end(desk: Desk, tmp_path: Path) -> None:
    edited, sound = plan_of(desk, "one"), plan_of(desk, "two")
    for plan in (edited, sound):
        desk.start(plan)
    edit = f"UPDATE plan SET document = replace(document, 'aki', 'ken') WHERE id = '{edited.id}'"
    tamper(str(tmp_path / "home"), "aozora", edit)
    with pytest.raises(Refused, match="somebody has edited it"):
        go_on(desk)
    assert desk.states(sound) == {"two": "verified"}
    assert block_of("one") is None


def test_a_job_finishes_the_plans_that_it_was_made_for(desk: Desk) -> None:
    """What is started meanwhile may need policies that the job has not loaded."""
    first, later = plan_of(desk, "one"), plan_of(desk, "two")
    for plan in (first, later):
        desk.start(plan)
    finish(desk.hands, [first.id], a_turn(desk.home, desk.clock))
    assert desk.states(first) == {"one": "verified"}
    assert block_of("two") is None
    go_on(desk)
    assert desk.states(later) == {"two": "verified"}


def break_off(_: Call) -> None:
    raise MemoryError


def test_what_another_run_has_begun_meanwhile_is_not_called_unchanged(desk: Desk) -> None:
    """A run that looks when another has just sent must not take the change for nobody's."""
    plan = plan_of(desk, "one")
    desk.start(plan)
    first, second = (a_turn(desk.home, desk.clock) for _ in range(2))
    meanwhile: list[BaseException] = []

    def other_run_dies(_: Call) -> None:
        if not meanwhile:
            desk.watch = lambda door: Watched(door, sent=break_off)
            with pytest.raises(MemoryError) as died:
                carry_on(desk.hands, first)
            meanwhile.append(died.value)

    desk.watch = lambda door: Watched(door, asks=other_run_dies)
    with pytest.raises(Refused, match="another run has begun to change one"):
        carry_on(desk.hands, second)
    desk.watch = Watched
    assert desk.states(plan) == {"one": "applying"}
    desk.clock.sleep(600)
    assert desk.run(plan) == {"one": "verified"}


def test_what_somebody_changed_after_it_was_broken_off_is_left_and_shown_to_whoever_takes_it_back(desk: Desk) -> None:
    plan = plan_of(desk, "one")
    desk.start(plan)
    desk.watch = lambda door: Watched(door, sent=break_off)
    with pytest.raises(MemoryError):
        go_on(desk)
    desk.watch = Watched
    half_open("one")
    theirs = block_of("one")
    desk.clock.sleep(600)
    assert desk.run(plan) == {"one": "unverified"}
    with pytest.raises(Refused, match="changed by somebody else since"):
        desk.undo(plan)
    assert block_of("one") == theirs


def verified_again(desk: Desk, plan: Plan) -> dict[str, str]:
    verify_again(desk.hands, plan.id, a_turn(desk.home, desk.clock))
    return desk.states(plan)


@pytest.mark.parametrize(("days", "state"), [(6, "reverted"), (8, "unverified")])
def test_looking_again_finds_what_somebody_has_taken_back(desk: Desk, days: int, state: str) -> None:
    plan = plan_of(desk, "one", "two")
    desk.run(plan)
    fault("one")
    desk.clock.sleep(days * 86_400)
    assert verified_again(desk, plan) == {"one": state, "two": "verified"}
    assert {f.name: f.state for f in desk.findings().values() if f.name == "one"} == {"one": "reopened"}


def test_what_is_verified_again_is_never_what_is_under_way(desk: Desk) -> None:
    plan = plan_of(desk, "one")
    desk.start(plan)
    with desk.home.tenant("aozora").write(instant(desk.clock.now()), "p") as writer:
        uid = plan.steps[0].target.uid
        writer.plans.put_progress(Progress(plan.id, uid, "applying", instant(desk.clock.now()), before={}))
    assert verified_again(desk, plan) == {"one": "applying"}


def test_what_became_protected_after_the_plan_was_made_is_not_touched(desk: Desk) -> None:
    plan = plan_of(desk, "one", "two")
    desk.tenant = replace(desk.tenant, protected=["arn:aws:s3:::one"])
    assert desk.run(plan) == {"one": "stale", "two": "verified"}
    assert (block_of("one"), block_of("two")) == (None, ALL_ON)


def test_without_the_policy_that_found_the_fault_nothing_is_done(desk: Desk) -> None:
    plan = plan_of(desk, "one")
    desk.house = replace(desk.house, policies=[])
    assert desk.run(plan) == {"one": "failed"}
    assert block_of("one") is None
