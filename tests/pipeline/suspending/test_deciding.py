"""From the flood to the suspension in the service: decided once, done in the contract, said at once."""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from contract.gate import decide
from contract.suspension import StageSettings
from contract.suspension_settings import InForce
from contract.suspensions import suspended_until
from model.contract_record import SuspensionRecord
from model.log_stage import LogAdmission
from model.person import SCHEDULE
from model.suspension_case import SuspensionCase
from pipeline.intake.measuring import Disk, MachineMinute, MachineTenant
from pipeline.suspending.deciding import Deciding
from pipeline.suspending.judging import lift
from pipeline.suspending.minutes import Ages, Stages, TenantCame, measured
from pipeline.tenants.applied import book_of
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import known
from tests.homes import home_at
from tests.pipeline.suspending.floods import CALM, COMMITTED, FLOODING, JUDGEMENT, Floods, as_

FLOOD = 10 * COMMITTED


@pytest.fixture
def floods(tmp_path: Path, clock: MovingClock) -> Floods:
    home = home_at(str(tmp_path / "home"))
    home.create()
    return Floods(home, clock)


@pytest.mark.article(11)
@pytest.mark.parametrize(
    ("reason", "affects"),
    [
        ("waiting", {"wait": 61}),
        ("disk", {"growth": 1_000_000, "free": 200_000_000}),
        ("intake", {"refusing_us": 16_000_000}),  # of 60 seconds more than a quarter
    ],
)
def test_a_flood_that_affects_all_is_suspended(floods: Floods, reason: str, affects: dict[str, Any]) -> None:
    floods.minutes(5, FLOOD, **affects)
    assert floods.stages() == [("watch", "rate"), ("limited", "rate")]
    floods.minute(FLOOD, **affects)
    assert floods.stages()[2:] == [("suspended", reason)]
    assert floods.stages(CALM) == []
    store, now = floods.home.tenant(FLOODING), floods.clock.now() + timedelta(seconds=7)
    book = book_of(store)
    decision = decide("logs.take", book, now)
    assert (decision.allowed, decision.clause) == (False, "11")
    assert all(decide(action, book, now).allowed for action in ("look", "plan", "logs.process", "notify"))
    assert decide("logs.take", book_of(floods.home.tenant(CALM)), now).allowed


@pytest.mark.article(11)
def test_what_it_rests_on_stands_in_the_audit_chain(floods: Floods) -> None:
    floods.come(FLOODING, 5_000, cause="repeat")
    floods.minutes(6, FLOOD, wait=61)
    change = floods.changes()[-1]
    case = msgspec.json.decode(change.document, type=SuspensionCase)
    store = floods.home.tenant(FLOODING)
    [record] = [one for one in book_of(store).every if isinstance(one.what, SuspensionRecord)]
    assert record.evidence is not None
    assert record.evidence.sha256 == hashlib.sha256(change.document.encode()).hexdigest()
    assert isinstance(record.what, SuspensionRecord)
    assert (record.what.scope, record.what.flood, record.person) == ("logs", change.id, SCHEDULE)
    assert (case.outcome, case.reason, case.judgement, case.edition) == ("suspended", "waiting", JUDGEMENT, "2026")
    assert [minute.records for minute in case.minutes] == [FLOOD] * 6
    assert {minute.others_records for minute in case.minutes} == {50}
    assert case.minutes[0].left_out == {"repeat": 5_000}
    assert [(one.after, one.reason) for one in case.changes] == [("watch", "rate"), ("limited", "rate")]
    assert CALM not in change.document
    assert store.audit_fault() == ""


@pytest.mark.article(11)
def test_customer_and_staff_are_notified_once(floods: Floods) -> None:
    floods.minutes(6, FLOOD, wait=61)
    with floods.home.tenant(FLOODING).read() as reader:
        [finding] = [one for one in reader.findings(None) if one.policy == "service.log-suspension"]
        facts = [fact for fact, _ in reader.facts() if fact.finding == finding.uid]
    assert (finding.state, [fact.became for fact in facts]) == ("open", ["open"])
    assert finding.message
    assert "Fees go on as agreed" in finding.message.en
    assert floods.screen.getvalue().count("停止期間") == 1
    floods.minutes(3, FLOOD, wait=61)
    assert floods.screen.getvalue().count("停止期間") == 1


@pytest.mark.article(11)
def test_with_room_for_all_a_flood_ends_in_limited_and_with_the_calm(floods: Floods) -> None:
    floods.minutes(9, FLOOD)
    assert floods.stages() == [("watch", "rate"), ("limited", "rate")]
    with floods.home.tenant(FLOODING).read() as reader:
        assert reader.stages.admission() == LogAdmission("limited", COMMITTED, reader.stages.admission().at)
    floods.minutes(3, 50)
    assert floods.stages()[2:] == [("normal", "calm")]
    with floods.home.tenant(FLOODING).read() as reader:
        assert reader.stages.admission().records_per_minute is None


@pytest.mark.article(11)
def test_after_the_period_logs_are_let_in_by_shares(floods: Floods) -> None:
    floods.minutes(6, FLOOD, wait=61)
    for records in (FLOOD, *[0] * 61):
        floods.minute(records, decide=False)
    floods.minutes(1, FLOOD // 5)
    assert floods.stages()[3:] == [("probing", "period")]
    shares = []
    for _ in range(12):
        floods.minute(50)
        with floods.home.tenant(FLOODING).read() as reader:
            shares.append(reader.stages.admission().records_per_minute)
    assert [share for n, share in enumerate(shares) if not n or share != shares[n - 1]][-5:] == [0, 25, 50, 100, None]
    assert floods.stages()[4:] == [("normal", "calm")]
    with floods.home.tenant(FLOODING).read() as reader:
        [finding] = [one for one in reader.findings(None) if one.policy == "service.log-suspension"]
    assert finding.state == "resolved"


@pytest.mark.article(11)
def test_by_the_numbers_of_all_it_takes_an_hour(tmp_path: Path, clock: MovingClock) -> None:
    home = home_at(str(tmp_path / "home"))
    home.create()
    floods = Floods(home, clock, own={})
    floods.minutes(59, FLOOD, wait=61)
    assert floods.stages() == [("watch", "rate"), ("limited", "rate")]
    floods.minute(FLOOD, wait=61)
    assert floods.stages()[2:] == [("suspended", "waiting")]


@pytest.mark.article(11)
def test_two_services_decide_once(home: Home, clock: MovingClock) -> None:
    floods = Floods(home, clock)
    second = floods.another("m2")
    for _ in range(8):
        floods.minute(FLOOD, wait=61, decide=False)
        floods.clock.sleep(6)
        second.step()
        floods.deciding.step()
        floods.clock.sleep(-6)
    assert floods.stages() == [("watch", "rate"), ("limited", "rate"), ("suspended", "waiting")]
    assert floods.screen.getvalue().count("停止期間") == 1


@pytest.mark.article(11)
@pytest.mark.parametrize("jump", [-4, 24 * 60])
def test_a_clock_that_jumps_begins_the_windows_anew(floods: Floods, jump: int) -> None:
    floods.minutes(4, FLOOD, wait=61)
    floods.clock.sleep(jump * 60)
    floods.minutes(5, FLOOD, wait=61)
    assert ("suspended", "waiting") not in floods.stages()
    floods.minutes(2, FLOOD, wait=61)
    assert floods.stages().count(("suspended", "waiting")) == 1


def test_a_break_of_some_minutes_is_caught_up_with(floods: Floods) -> None:
    floods.minutes(2, FLOOD, wait=61)
    for _ in range(3):
        floods.minute(FLOOD, wait=61, decide=False)
    floods.deciding = floods.another()
    floods.minute(FLOOD, wait=61)
    assert floods.stages()[2:] == [("suspended", "waiting")]


def test_who_decides_on_a_minute_while_another_one_gathers_it_changes_nothing(floods: Floods) -> None:
    second = floods.another("m2")
    floods.minutes(5, FLOOD, wait=61)
    floods.minute(FLOOD, wait=61, decide=False)
    floods.clock.sleep(6)
    editions = floods.editions

    def overtaken() -> Sequence[InForce]:
        floods.deciding.step()
        return editions

    late = Deciding(floods.world, "m1", floods.measured, overtaken)
    late.step()
    second.step()
    assert floods.stages()[2:] == [("suspended", "waiting")]
    with floods.home.service.read() as session:
        assert len(session.log_stages.minutes("")) == 6
        assert session.log_stages.decisions() == []


@pytest.mark.article(11)
def test_who_is_massive_again_in_the_minute_of_a_lifting_changes_once_in_it(floods: Floods) -> None:
    floods.minutes(7, FLOOD, wait=61)
    lift(as_(floods), FLOODING, "it was fixed", floods.clock)
    floods.minute(FLOOD, wait=61)
    assert floods.stages()[3:] == [("normal", "lifted")]
    floods.minute(FLOOD, wait=61)
    assert floods.stages()[4:] == [("watch", "rate")]


@pytest.mark.article(11)
def test_of_whom_nothing_can_be_read_in_a_minute_the_stage_stays(floods: Floods) -> None:
    floods.minutes(5, FLOOD, wait=61)
    store = floods.home.tenant(FLOODING)
    change = "UPDATE contract_record SET document = replace(document, '{0}', '{1}')"
    with store._database.write() as connection:
        connection.exec_driver_sql(change.format("suspension.watch_minutes", "suspension.watch_minuteX"))
    floods.minute(FLOOD, wait=61)
    with store._database.write() as connection:
        connection.exec_driver_sql(change.format("suspension.watch_minuteX", "suspension.watch_minutes"))
    assert floods.stages() == [("watch", "rate"), ("limited", "rate")]
    floods.minute(FLOOD, wait=61)
    assert floods.stages()[2:] == [("suspended", "waiting")]


@pytest.mark.article(11)
def test_what_cannot_be_done_yet_stays_decided_and_is_done_once_it_can(floods: Floods) -> None:
    floods.minutes(7, FLOOD, wait=61)
    lift(as_(floods), FLOODING, "it was fixed", floods.clock)
    floods.minutes(3, FLOOD, wait=61)
    store = floods.home.tenant(FLOODING)
    with store._database.write() as connection:
        [hash_] = connection.exec_driver_sql("SELECT hash FROM audit WHERE seq = 1").one()
        connection.exec_driver_sql("UPDATE audit SET hash = 'x' WHERE seq = 1")
    floods.deciding = floods.another()
    floods.minutes(3, FLOOD, wait=61)
    with floods.home.service.read() as session:
        assert [one.state for one in session.log_stages.decisions()] == ["decided"]
    with store._database.write() as connection:
        connection.exec_driver_sql(f"UPDATE audit SET hash = '{hash_}' WHERE seq = 1")
    floods.minute(FLOOD, wait=61)
    assert floods.stages()[-1] == ("suspended", "waiting")
    assert suspended_until(book_of(store).suspensions, floods.clock.now() + timedelta(seconds=7)) is not None


@pytest.mark.article(11)
def test_two_services_let_in_what_the_newest_stage_says(floods: Floods) -> None:
    """Whoever decides on a minute goes by what the store says, not by what it wrote itself some minutes before."""
    first, second = floods.deciding, floods.another()
    floods.minutes(4, FLOOD)
    floods.deciding = second
    floods.minutes(3, 50)
    assert floods.stages()[-1] == ("normal", "calm")
    floods.minutes(2, FLOOD)
    floods.deciding = first
    floods.minutes(1, FLOOD)
    with floods.home.tenant(FLOODING).read() as reader:
        assert (floods.stages()[-1][0], reader.stages.admission().stage) == ("limited", "limited")


def test_ones_own_records_are_none_of_the_others() -> None:
    came = {name: TenantCame(100, COMMITTED, StageSettings()) for name in (FLOODING, CALM)}
    machine = MachineMinute(1_000, 10**9, {FLOODING: MachineTenant({500: 900}), CALM: MachineTenant({3: 50})})
    minute, _, _ = measured(0, [machine], came, Stages())
    assert {name: one.others_p99_s for name, one in minute.tenants.items()} == {FLOODING: 3, CALM: 500}


def test_calm_minutes_are_those_of_the_last_seven_days() -> None:
    ages = Ages()
    for day in range(1, 10):
        ages = ages.with_minute(f"2026-06-0{day}", {100 if day < 3 else 5: 10})
    assert (ages.p99, sorted(ages.days)) == (5, [f"2026-06-0{day}" for day in range(3, 10)])


def test_what_a_tenant_takes_of_the_disk_is_what_waits_its_store_and_what_is_kept(home: Home) -> None:
    known(home, FLOODING, "2026-06-01T00:00:00.000000Z")
    store = home.tenant(FLOODING)
    sizes, waiting = [store.size()], [100, 400]
    with store.observe("2026-06-01T00:00:00.000000Z", "p") as writer:
        writer.logs.remember(
            "aws.cloudtrail", [f"{number:064}" for number in range(5_000)], "2026-06-01T00:00:00.000000Z"
        )
    sizes.append(store.size())
    assert (sizes[1] > sizes[0] + 5_000 * 64) == (sizes[0] > 0), "a file is of the home's disk, PostgreSQL is not"
    seen = iter(a + b for a, b in zip(waiting, sizes, strict=True))
    disk = Disk(lambda _: next(seen), lambda: 10**9)
    assert disk.growth(FLOODING, 7) == 7, "before is not known"
    assert disk.growth(FLOODING, 7) == 7 + 300 + sizes[1] - sizes[0]
