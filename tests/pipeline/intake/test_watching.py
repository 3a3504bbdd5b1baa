"""Floods and silence as they are written: by the minutes' counts, once, and while the contract allows it."""

from datetime import timedelta

import pytest

from detectors.service import flood, silence
from model.canonical import instant
from model.contract_record import SettingRecord, SuspensionRecord
from model.log_volume import Cause, LogCount, LogRate, slot_of
from pipeline.intake.upkeep import tidy
from pipeline.intake.watching import Watch, watch
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE, committed
from store.home import Home
from store.tenant import TenantStore
from tests.conftest import MovingClock
from tests.contracts import known, on_record

TENANT, SOURCE = "aozora", "aws.cloudtrail"


@pytest.fixture
def store(home: Home) -> TenantStore:
    known(home, TENANT, "2026-06-01T00:00:00.000000Z")
    return home.tenant(TENANT)


def come(store: TenantStore, clock: MovingClock, records: int, cause: Cause = "customer") -> None:
    now = clock.now()
    with store.observe(instant(now), "p") as writer:
        writer.logs.add([LogCount(SOURCE, slot_of(now), "offered", cause, records)])


def minutes(store: TenantStore, clock: MovingClock, *records: int, cause: Cause = "customer") -> list[int]:
    """Let records come in minutes, and look after each; return how many facts there were."""
    facts = []
    for number in records:
        come(store, clock, number, cause)
        clock.sleep(60)
        facts.append(watch(store, Watch(clock.now(), 100)))
    return facts


def states(store: TenantStore) -> dict[str, str]:
    with store.read() as reader:
        return {one.policy: one.state for one in reader.findings(None)}


def test_a_flood_is_told_when_it_begins_when_it_is_worse_and_when_it_is_over(
    store: TenantStore, clock: MovingClock
) -> None:
    assert minutes(store, clock, 50, *[400] * 6, *[2_000] * 6) == [0] * 5 + [1, 0] + [0] * 4 + [1, 0]
    assert states(store) == {flood.POLICY: "open"}
    assert minutes(store, clock, *[50] * 31) == [0] * 29 + [1, 0]
    assert states(store) == {flood.POLICY: "resolved"}
    with store.read() as reader:
        assert [fact.became for fact, _ in reader.facts()] == ["open", "open", "resolved"]


@pytest.mark.parametrize("cause", ["own", "repeat", "catch-up", "back-fill"])
def test_what_is_not_the_customers_doing_is_no_flood(store: TenantStore, clock: MovingClock, cause: Cause) -> None:
    assert sum(minutes(store, clock, *[5_000] * 7, cause=cause)) == 0


def test_a_source_that_was_heard_is_missed_and_what_was_filled_back_is_not_heard(
    store: TenantStore, clock: MovingClock
) -> None:
    for _ in range(30):
        come(store, clock, 1)
        clock.sleep(3_600)
    assert watch(store, Watch(clock.now(), 100)) == 0
    clock.sleep(2.5 * 3_600)
    come(store, clock, 1, "back-fill")
    assert watch(store, Watch(clock.now(), 100)) == 1
    assert states(store) == {silence.POLICY: "open"}
    come(store, clock, 1)
    assert watch(store, Watch(clock.now(), 100)) == 1
    assert states(store) == {silence.POLICY: "resolved"}


@pytest.mark.article(11)
def test_while_logs_are_not_taken_in_nobody_is_said_to_be_silent(
    home: Home, store: TenantStore, clock: MovingClock
) -> None:
    for _ in range(30):
        come(store, clock, 1)
        clock.sleep(3_600)
    watch(store, Watch(clock.now(), 100))
    on_record(
        home,
        TENANT,
        SuspensionRecord(instant(clock.now()), "a flood", instant(clock.now() + timedelta(days=1))),
        instant(clock.now()),
    )
    for _ in range(24):
        clock.sleep(3_600)
        assert watch(store, Watch(clock.now(), 100)) == 0
    clock.sleep(60)
    assert watch(store, Watch(clock.now(), 100)) == 0, "nothing could be heard until now"
    clock.sleep(3.1 * 3_600)
    assert watch(store, Watch(clock.now(), 100)) == 1


def test_the_committed_rate_is_agreed_else_observed_else_not_known(
    home: Home, store: TenantStore, clock: MovingClock
) -> None:
    assert committed(store, clock.now()) is None
    come(store, clock, 500, "back-fill")
    clock.sleep(40 * 24 * 3_600)
    tidy(store, None, clock.now(), "p")
    assert committed(store, clock.now()) is None, "what was filled back says nothing of what will come"
    began = clock.now()
    for day in range(14):
        for minute in range(30):
            clock.moment = began + timedelta(days=day, minutes=minute)
            come(store, clock, 1_000 + day)
            come(store, clock, 9_000, "own")
    tidy(store, None, clock.now(), "p")
    assert committed(store, clock.now()) is None, "14 days are not over"
    clock.moment = began + timedelta(days=14)
    tidy(store, None, clock.now(), "p")
    assert committed(store, clock.now()) == 1_007, "the 19,959th of 20,160 minutes, by their records"
    with store.read() as reader:
        assert reader.logs.rate() == LogRate(instant(began), instant(began + timedelta(days=14)), 1_007)
    on_record(home, TENANT, SettingRecord(RECORDS_PER_MINUTE, 6_000), instant(clock.now()))
    assert committed(store, clock.now()) == 6_000
