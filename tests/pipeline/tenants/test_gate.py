"""Nothing enters a cloud, and nothing is sent, that the gate does not allow; counted where it would arrive."""

import io
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from demo.stand_ins.aws_emulator import Emulator
from model.call import Call
from model.canonical import instant
from model.clock import Clock
from model.contract_action import Phase
from model.contract_record import LicenceRecord, SuspensionRecord
from model.fault import Refused
from model.plan import Plan
from model.tenant import Channel, Contract, Suspension
from notifier.message import Ways
from pipeline.changing.carrying_out import finish, make_rollback, verify_again
from pipeline.notifying.notify import notify
from pipeline.onboarding.reach import check
from pipeline.providers.provider import Scope
from pipeline.providers.registry import PROVIDERS
from pipeline.scanning.scan import scan
from pipeline.serving.jobs import queue_scheduled
from pipeline.tenants.gate import NotEntitled
from pipeline.world import World
from tests.changing import AWS, BLOCK, MIO, ChangeDriver, Watched, buckets
from tests.conftest import MovingClock
from tests.contracts import agreed, applied, on_record
from tests.homes import home_at
from tests.worlds import entered, world_of

Done = Callable[["Case"], object]


class Case:
    """A tenant with a finding, an approved plan, one that was carried out, and something to notify of."""

    def __init__(self, folder: Path, clock: MovingClock) -> None:
        home = home_at(str(folder))
        home.create()
        buckets("one", "two")
        channels = [Channel("screen", "console")]
        self.driver = ChangeDriver(home, clock, BLOCK, replace(AWS, channels=channels))
        self.driver.scan()
        self.changed = self._plan("one")
        self.driver.run(self.driver.approve(self.changed))
        self.approved = self.driver.approve(self._plan("two"))
        self.rollback = self.driver.approve(self.driver.rollback(self.changed))
        self.reached = Counter[str]()
        self.screen = io.StringIO()

    def _plan(self, name: str) -> Plan:
        return self.driver.plan(resources=(name,))

    @property
    def world(self) -> World:
        """Return a world that counts whatever enters a cloud."""
        inner = {one.name: one.opening() for one in PROVIDERS}

        def connect(scope: Scope, types: Sequence[Any], clock: Clock) -> Any:
            self.reached["entered"] += 1
            return inner["aws"].connect(scope, types, clock)

        def watch(client: Any) -> Any:
            self.reached["entered to change"] += 1
            return Watched(
                client, asks=lambda _: self.reached.update(["asked"]), sends=lambda _: self.reached.update(["sent"])
            )

        driver = self.driver
        world = world_of(driver.home, driver.clock, entered(connect, watch))
        return replace(world, ways=Ways(self.screen, driver.clock.now))

    @property
    def arrived(self) -> int:
        """Return how much has reached a cloud or a channel."""
        return self.reached.total() + len(self.screen.getvalue())

    def put_into(self, phase: Phase) -> None:
        """Bring the contract into a phase, by what is recorded of it."""
        driver, at = self.driver, instant(self.driver.clock.now())
        if phase == "ended":
            agreed(driver.home, driver.tenant, Contract(date(2026, 1, 1), date(2026, 5, 31)), at)
        elif phase == "suspended":
            flood = Suspension(date(2026, 6, 1), "a flood")
            agreed(driver.home, driver.tenant, Contract(date(2026, 1, 1), suspended=[flood]), at)


# What people, the schedule and started jobs do, and in which phases the terms allow it.
DONE: dict[str, tuple[Done, str]] = {
    "scan": (lambda case: Counting(case).scan(), "running"),
    "onboard check": (lambda case: list(check(case.world, case.driver.tenant, case.driver.catalog)), "running"),
    "carry out a plan": (lambda case: finish(case.world, case.driver.task, [case.approved.id]), "running"),
    "carry out a rollback": (
        lambda case: finish(case.world, case.driver.task, [case.rollback.id]),
        "running, suspended, ended",
    ),
    "make a rollback": (
        lambda case: make_rollback(case.world, case.driver.tenant, case.changed.id, MIO),
        "running, suspended, ended",
    ),
    "verify again": (lambda case: verify_again(case.world, case.driver.task, case.changed.id), "running"),
    "notify": (lambda case: notify(case.world, case.driver.task, 0.0), "running, suspended"),
}


# So long ago that the days of grace are over, too.
LAPSED = LicenceRecord("cloud-security-product", date(2026, 1, 1), date(2026, 4, 1), date(2026, 1, 1))


class Counting(ChangeDriver):
    """A driver whose world counts."""

    def __init__(self, case: Case) -> None:
        self.__dict__.update(case.driver.__dict__)
        self._case = case

    @property
    def world(self) -> World:
        return self._case.world


@pytest.fixture
def case(emulator: Emulator, tmp_path: Path, clock: MovingClock) -> Case:
    return Case(tmp_path / "home", clock)


@pytest.mark.article(3, 5, 7, 11)
@pytest.mark.parametrize("phase", ["running", "suspended", "ended"])
@pytest.mark.parametrize("name", DONE)
def test_nothing_arrives_that_the_contract_does_not_allow(case: Case, name: str, phase: Phase) -> None:
    do, allowed = DONE[name]
    case.put_into(phase)
    before = case.arrived
    if phase in allowed.split(", "):
        do(case)
        assert case.arrived > before
        return
    refused = refusal(do, case)
    assert ("(Article " in refused) is (name != "notify"), "what is queued waits"
    assert case.arrived == before


def refusal(do: Done, case: Case) -> str:
    try:
        do(case)
    except Refused as refused:
        return str(refused)
    return ""


@pytest.mark.article(3)
def test_notifications_wait_until_there_is_a_licence_again(case: Case) -> None:
    driver = case.driver
    at = instant(driver.clock.now())
    on_record(driver.home, "aozora", LAPSED, at)
    waiting = notify(case.world, driver.task, 0.0)
    assert (waiting.deliveries, "licence" in waiting.problems[0]) == ({}, True)
    on_record(driver.home, "aozora", replace(LAPSED, last_day=date(2026, 12, 31)), at)
    assert notify(case.world, driver.task, 0.0).deliveries["sent"] > 0
    assert case.screen.getvalue()


@pytest.mark.article(3)
def test_nothing_more_is_sent_once_its_licence_has_lapsed(case: Case) -> None:
    driver = case.driver
    driver.agree(channels=[Channel("screen", "console"), Channel("another", "console")])

    class Screen(io.StringIO):
        def write(self, text: str) -> int:
            if not self.tell():
                at = instant(driver.clock.now())
                on_record(driver.home, "aozora", LAPSED, at)
            return super().write(text)

    task = replace(driver.task, tenant=driver.tenant)
    notified = notify(replace(case.world, ways=Ways(Screen(), driver.clock.now)), task, 0.0)
    assert (notified.deliveries, "(Article 3(2))" in notified.waits) == ({"sent": 1}, True)
    with task.store.read() as reader:
        assert len(reader.deliveries("queued")) == 1, "what is left waits"


@pytest.mark.parametrize(("phase", "queued"), [("running", 1), ("suspended", 0), ("ended", 0)])
def test_the_schedule_queues_for_whom_it_may(tmp_path: Path, clock: MovingClock, phase: Phase, queued: int) -> None:
    home = home_at(str(tmp_path / "home"))
    home.create()
    contract = {
        "running": AWS.agreed,
        "ended": replace(AWS.agreed, last_day=date(2026, 6, 1)),
        "suspended": replace(AWS.agreed, suspended=[Suspension(date(2026, 6, 1), "a flood")]),
    }[phase]
    applied(home, replace(AWS, contract=contract), instant(clock.now()))
    clock.sleep(18 * 3600)
    assert queue_scheduled(home, clock) == queued


def test_a_scan_ends_where_its_contract_is_suspended_meanwhile(case: Case) -> None:
    driver = case.driver
    counting = Counting(case)

    def suspend() -> None:
        at = instant(driver.clock.now())
        on_record(driver.home, "aozora", SuspensionRecord(at, "a flood"), at)

    driver.clock.sleep(60)
    task = replace(counting.task, go_on=suspend_once(suspend))
    with pytest.raises(NotEntitled, match="a flood"):
        scan(case.world, task)
    with driver.home.tenant("aozora").read() as reader:
        last = reader.last_run()
    assert last is not None
    assert last.id != task.run, "it did not come to its end"


def suspend_once(do: Callable[[], None]) -> Callable[[], None]:
    left = [do]

    def go_on() -> None:
        if left:
            left.pop()()

    return go_on


def test_nothing_more_of_a_wave_is_sent_once_its_contract_is_suspended(case: Case) -> None:
    driver, lock = case.driver, threading.Lock()
    buckets("three", "four", "five", "six")
    driver.scan()
    plan = driver.approve(driver.plan(resources=("three", "four", "five", "six")))
    last_wave = {step.target.name for step in plan.steps[2:]}
    sent, over = list[str](), list[bool]()

    def suspend(call: Call) -> None:
        with lock:
            if call.args["Bucket"] in last_wave and not over:
                over.append(True)
                at = instant(driver.clock.now())
                on_record(driver.home, "aozora", SuspensionRecord(at, "a flood"), at)

    driver.watch = lambda client: Watched(client, asks=suspend, sent=lambda call: sent.append(call.args["Bucket"]))
    with pytest.raises(Refused, match="a flood"):
        driver.run(plan)
    assert sent == [step.target.name for step in plan.steps[:2]]
