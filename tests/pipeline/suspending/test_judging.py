"""Without a standing judgement a lead confirms, in time and by their own name; a lead lifts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from contract.suspension_settings import InForce
from contract.suspensions import suspended_until
from model.canonical import encode, instant, parse_instant
from model.contract_record import SuspensionRecord
from model.fault import Refused
from model.log_stage import Stage
from model.person import HOST
from model.text import Language
from pipeline.access.authorization import NotAllowed
from pipeline.suspending.carrying_out import Decided, carry_out
from pipeline.suspending.judging import Confirmation, confirm, lift
from pipeline.suspending.listing import SuspensionView, views
from pipeline.suspending.listing import case_of as case_in
from pipeline.suspending.minutes import Stages
from pipeline.suspending.reading import PageWanted, case, page
from pipeline.suspending.standing import JudgedBy
from pipeline.tenants.applied import book_of
from store.log_stages import LogDecision
from tests.conftest import MovingClock
from tests.contracts import on_record
from tests.homes import home_at
from tests.pipeline.suspending.floods import CALM, COMMITTED, FLOODING, STANDING, Floods, as_

FLOOD = 10 * COMMITTED
WHY = "agreed by telephone with the customer"


@pytest.fixture
def floods(tmp_path: Path, clock: MovingClock) -> Floods:
    home = home_at(str(tmp_path / "home"))
    home.create()
    return Floods(home, clock, editions=[])


def seen(floods: Floods, tenant: str = FLOODING) -> list[SuspensionView]:
    store = floods.home.tenant(tenant)
    with store.read() as reader:
        rows = reader.stages.all()
    return views(rows, book_of(store), floods.clock.now())


@pytest.mark.article(11)
@pytest.mark.parametrize(
    ("editions", "why"),
    [
        ([], "holds no standing judgement"),
        ([InForce("2026", STANDING[0].effective, None)], "holds no standing judgement"),
        (None, "who may not judge here"),
    ],
)
def test_without_a_standing_judgement_it_is_proposed(floods: Floods, editions: list[InForce] | None, why: str) -> None:
    if editions is None:  # one of those who judged has left
        floods.editions = STANDING
        with floods.home.service.observe(instant(floods.clock.now()), "p") as session:
            [mio] = [one for one in session.people.all() if one.id == "mio"]
            session.people.put(
                type(mio)(mio.id, mio.name, "ja", mio.roles, "all", mio.created_at, disabled_at=mio.created_at)
            )
    floods.minutes(8, FLOOD, wait=61)
    assert floods.stages()[2:] == [("proposed", "waiting")]
    assert suspended_until(book_of(floods.home.tenant(FLOODING)).suspensions, floods.clock.now()) is None
    with floods.home.tenant(FLOODING).read() as reader:
        assert why in reader.stages.all()[-1].document
    assert floods.screen.getvalue().count("停止を提案") == 1
    assert [one.state for one in seen(floods)] == ["open"]


@pytest.mark.article(11)
def test_a_new_customer_is_only_proposed(floods: Floods, clock: MovingClock) -> None:
    floods.editions = STANDING
    clock.moment -= timedelta(days=20)  # heard first 20 days before
    floods.minutes(7, FLOOD, wait=61)
    assert floods.stages()[2:] == [("proposed", "waiting")]


@pytest.mark.article(11)
def test_what_a_lead_confirms_holds_at_once_and_the_stage_follows(floods: Floods) -> None:
    floods.minutes(6, FLOOD, wait=61)
    made = confirm(as_(floods), FLOODING, Confirmation(WHY, hours=3), floods.clock)
    book, now = book_of(floods.home.tenant(FLOODING)), floods.clock.now()
    assert (made.person, suspended_until(book.suspensions, now)) == ("rei", now + timedelta(hours=3))
    assert made.evidence is not None
    assert made.evidence.file == f"suspension-{floods.changes()[-1].id}.json"
    floods.minutes(1, FLOOD, wait=61)
    assert floods.stages()[3:] == [("suspended", "confirmed")]
    assert [(one.state, one.by, one.scope) for one in seen(floods)] == [("in force", "rei", "logs")]
    for _ in range(177):
        floods.minute(0, decide=False)
    floods.minutes(1, 0)
    assert floods.stages()[4:] == []
    floods.minutes(3, 0)
    assert floods.stages()[4:] == [("probing", "period")]
    assert floods.home.tenant(FLOODING).audit_fault() == ""


@pytest.mark.article(11)
def test_a_lead_lifts_and_all_is_normal(floods: Floods) -> None:
    floods.editions = STANDING
    floods.minutes(6, FLOOD, wait=61)
    floods.minutes(2, FLOOD)
    assert [one.what for one in lift(as_(floods), FLOODING, WHY, floods.clock)]
    assert suspended_until(book_of(floods.home.tenant(FLOODING)).suspensions, floods.clock.now()) is None
    with floods.home.tenant(FLOODING).read() as reader:
        assert reader.stages.admission().records_per_minute is None
    floods.minutes(1, 50)
    assert floods.stages()[3:] == [("normal", "lifted")]
    assert [one.state for one in seen(floods)] == ["lifted"]
    with pytest.raises(Refused, match="is not suspended"):
        lift(as_(floods), FLOODING, WHY, floods.clock)


def no_more(floods: Floods) -> None:
    floods.clock.sleep(2 * 3_600)


def confirmed(floods: Floods) -> None:
    confirm(as_(floods), FLOODING, Confirmation(WHY), floods.clock)


def calm(floods: Floods) -> None:
    floods.minutes(3, 50)


@pytest.mark.article(11)
@pytest.mark.parametrize(
    ("before", "who", "wanted", "tenant", "problem"),
    [
        (None, ("rei",), Confirmation(WHY), CALM, "no suspension is proposed"),
        (None, ("rei",), Confirmation(WHY, proposal="0" * 16), FLOODING, "there is no proposal"),
        (no_more, ("rei",), Confirmation(WHY), FLOODING, "lapsed at"),
        (confirmed, ("rei",), Confirmation(WHY), FLOODING, "confirmed already"),
        (calm, ("rei",), Confirmation(WHY), FLOODING, "the stage became normal"),
        (None, ("rei",), Confirmation(" "), FLOODING, "say why"),
        (None, ("rei",), Confirmation(WHY, hours=721), FLOODING, "between 1 and 720 hours"),
        (None, ("rei", "analyst"), Confirmation(WHY), FLOODING, "may not"),
        (None, ("rei", "contract-manager"), Confirmation(WHY), FLOODING, "may not"),
        (None, (HOST.name, "host"), Confirmation(WHY), FLOODING, "may not"),
        (None, (HOST.name, "lead"), Confirmation(WHY), FLOODING, "signed in"),
        (None, ("schedule@service", "lead"), Confirmation(WHY), FLOODING, "signed in"),
    ],
)
def test_whoever_may_not_confirm_changes_nothing(
    floods: Floods,
    before: Callable[[Floods], None] | None,
    who: tuple[str, ...],
    wanted: Confirmation,
    tenant: str,
    problem: str,
) -> None:
    floods.minutes(6, FLOOD, wait=61)
    if before:
        before(floods)
    there = len(book_of(floods.home.tenant(tenant)).every)
    with pytest.raises((Refused, NotAllowed), match=problem):
        confirm(as_(floods, *who), tenant, wanted, floods.clock)
    assert len(book_of(floods.home.tenant(tenant)).every) == there


@pytest.mark.article(11)
@pytest.mark.parametrize(
    "statement", ["UPDATE stage_change SET document = replace(document, '1000', '1001')", "DELETE FROM stage_change"]
)
def test_a_case_that_was_altered_is_named_and_nobody_confirms_it(floods: Floods, statement: str) -> None:
    floods.minutes(6, FLOOD, wait=61)
    store = floods.home.tenant(FLOODING)
    assert store.implied_fault() == ""
    with store._database.write() as connection:
        connection.exec_driver_sql(statement)
    assert "is not the one that was recorded" in store.implied_fault()
    with pytest.raises(Refused, match="is not the one that was recorded"):
        confirm(as_(floods), FLOODING, Confirmation(WHY), floods.clock)


@pytest.mark.article(11)
def test_what_a_lead_records_to_follow_makes_a_suspension_longer(floods: Floods) -> None:
    floods.editions = STANDING
    floods.minutes(7, FLOOD, wait=61)
    store, now = floods.home.tenant(FLOODING), floods.clock.now()
    first = case(store, floods.changes()[-1].id, now)
    longer = SuspensionRecord(first.view.until, WHY, instant(now + timedelta(days=2)), "logs")
    on_record(floods.home, FLOODING, longer, instant(now), first.view.until)
    found = case(store, first.view.id, now + timedelta(hours=30))
    assert (found.story.until, found.story.ended_at) == (longer.until, "")
    assert [(one.decision, one.reason) for one in found.story.judgements] == [("extended", WHY)]
    ended = case(store, first.view.id, now + timedelta(days=3))
    assert ended.story.ended_at == longer.until
    floods.minutes(1, 0)
    with floods.home.service.read() as session:
        _, document = session.log_stages.stages()
    minute = msgspec.json.decode(document, type=Stages).tenants[FLOODING].until or 0
    until = instant(datetime.fromtimestamp(60 * minute, UTC))
    assert until == instant(parse_instant(str(longer.until)).replace(second=0, microsecond=0))


@pytest.mark.article(11)
def test_once_logs_are_taken_in_again_nobody_is_said_to_be_suspended(floods: Floods) -> None:
    """By a lead's word alone, massive logs while probing lead back to limited: what is within the rate is let in."""
    floods.minutes(6, FLOOD, wait=61)
    confirm(as_(floods), FLOODING, Confirmation(WHY), floods.clock)
    store = floods.home.tenant(FLOODING)
    steps: tuple[tuple[Stage, str], ...] = (("probing", "open"), ("limited", "resolved"))
    for after, state in steps:
        decided = Decided("probing", after, "massive", None, 60)
        at = instant(floods.clock.now())
        carry_out(
            floods.world, store, LogDecision(after, FLOODING, at, "decided", encode(decided).decode()), JudgedBy()
        )
        with store.read() as reader:
            [finding] = [one for one in reader.findings(None) if one.policy == "service.log-suspension"]
        assert finding.state == state


def test_a_page_is_recorded_once_however_often_it_is_read(floods: Floods) -> None:
    floods.minutes(6, FLOOD, wait=61)
    store, now = floods.home.tenant(FLOODING), floods.clock.now()
    found = case(store, floods.changes()[-1].id, now)
    languages: tuple[Language, ...] = ("ja", "en", "ja")
    for language in languages:
        page(store, found, None, PageWanted(language, "rei", instant(now)))
    with store.read() as reader:
        assert [one["language"] for one in reader.recorded("suspension.page")] == ["ja", "en"]


@pytest.mark.article(11)
def test_a_decision_that_somebody_wrote_into_the_service_store_suspends_nobody(floods: Floods) -> None:
    """Without a standing judgement where it is acted on: nor is less of the tenant's logs let in."""
    floods.minutes(6, FLOOD, wait=61)
    forged = replace(case_in(floods.changes()[-1]), outcome="suspended")
    document = encode(Decided("limited", "suspended", "waiting", forged, 60)).decode()
    now, store = floods.clock.now(), floods.home.tenant(FLOODING)
    with floods.home.service.observe(instant(now), "p") as session:
        session.log_stages.decide([LogDecision("f" * 16, FLOODING, instant(now), "decided", document)])
    floods.minutes(2, FLOOD, wait=61)
    assert suspended_until(book_of(store).suspensions, floods.clock.now() + timedelta(minutes=1)) is None
    assert ("suspended", "waiting") not in floods.stages()
    with store.read() as reader:
        assert reader.stages.admission().stage == "limited"
