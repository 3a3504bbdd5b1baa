"""State for an instant: what was known then, and what was in force."""

from datetime import UTC, date, datetime

import msgspec
import pytest

from contract.recording import effective_of
from contract.records import Book, ContractState, decide_term, known
from model.canonical import instant
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    ItemRecord,
    JudgementRecord,
    LicenceRecord,
    NoticeRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    What,
)
from model.tenant import Contract
from pipeline.tenants.terms import terms
from tests.contracts import why_not

START = date(2026, 4, 1)
ORDER: list[tuple[What, str]] = [
    (OrderRecord(START), "2026-04-01"),
    (AcceptanceRecord(1), "2026-03-20"),
    (ItemRecord("base", START), "2026-04-01"),
    (AcceptanceRecord(3), "2026-03-20"),
]
RECORDED = datetime(2026, 3, 1, tzinfo=UTC)


def records(*more: tuple[What, str]) -> list[ContractRecord]:
    """Return the records of a contract, the n-th recorded on the n-th day of March 2026."""
    return [
        ContractRecord(number, what, effective, instant(RECORDED.replace(day=number)), "keiko")
        for number, (what, effective) in enumerate([*ORDER, *more], start=1)
    ]


def state(found: list[ContractRecord], moment: datetime) -> ContractState:
    return Book(found, terms()).state(moment)


def view(found: list[ContractRecord], moment: datetime) -> Contract | None:
    return Book(found, terms()).view(moment)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


SUSPENDED = SuspensionRecord("2026-05-10T01:30:00Z", "logs flood the service", "2026-05-11T01:30:00Z")
NOTICE = NoticeRecord("customer", "form", date(2026, 6, 1), date(2026, 7, 31), prescribed=True)


@pytest.mark.parametrize(
    ("more", "moment", "allowed", "clause"),
    [
        ([], "2026-03-31T14:59:59Z", False, "7(1)"),
        ([], "2026-03-31T15:00:00Z", True, "7(1)"),
        ([(SUSPENDED, "2026-05-10T01:30:00Z")], "2026-05-10T01:29:59Z", True, "7(1)"),
        ([(SUSPENDED, "2026-05-10T01:30:00Z")], "2026-05-10T01:30:00Z", False, "11"),
        ([(SUSPENDED, "2026-05-10T01:30:00Z")], "2026-05-11T01:29:59Z", False, "11"),
        ([(SUSPENDED, "2026-05-10T01:30:00Z")], "2026-05-11T01:30:00Z", True, "7(1)"),
        ([(NOTICE, "2026-06-01")], "2026-07-31T14:59:59Z", True, "7(1)"),
        ([(NOTICE, "2026-06-01")], "2026-07-31T15:00:00Z", False, "7(2)"),
    ],
)
def test_the_term_by_the_moment(more: list[tuple[What, str]], moment: str, allowed: bool, clause: str) -> None:
    decision = decide_term(state(records(*more), at(moment)))
    assert (decision.allowed, decision.clause) == (allowed, clause)


@pytest.mark.article(5)
def test_nothing_is_in_force_before_it_is_accepted() -> None:
    ordered = records()[:1]
    assert decide_term(state(ordered, at("2026-06-01T00:00:00Z"))).clause == "5(1)"
    assert view(ordered, at("2026-06-01T00:00:00Z")) is None
    late = records((ItemRecord("own-policies", date(2026, 5, 1)), "2026-05-01"), (AcceptanceRecord(5), "2026-05-20"))
    in_force = {day: "own-policies" in state(late, at(f"2026-05-{day}T03:00:00Z")).items for day in (10, 19, 20, 31)}
    assert in_force == {10: False, 19: False, 20: True, 31: True}


def test_an_item_ends_by_another_record() -> None:
    ended = records(
        (ItemRecord("own-policies", date(2026, 5, 1)), "2026-05-01"),
        (AcceptanceRecord(5), "2026-04-20"),
        (ItemRecord("own-policies", date(2026, 5, 1), date(2026, 6, 30)), "2026-05-01"),
        (AcceptanceRecord(7), "2026-06-01"),
    )
    assert "own-policies" in state(ended, at("2026-06-30T14:59:59Z")).items
    assert "own-policies" in state(ended, at("2026-05-15T00:00:00Z")).items, "it was agreed before its end was known"
    assert "own-policies" not in state(ended, at("2026-06-30T15:00:00Z")).items
    for moment, options in (("2026-06-30T03:00:00Z", ["own-policies"]), ("2026-07-01T03:00:00Z", [])):
        shown = view(ended, at(moment))
        assert shown is not None
        assert shown.options == options


@pytest.mark.article(11)
@pytest.mark.parametrize(
    ("lifted", "moment", "suspended"),
    [
        ("2026-05-10T05:00:00Z", "2026-05-10T04:59:59Z", True),
        ("2026-05-10T05:00:00Z", "2026-05-10T05:00:00Z", False),
        ("2026-05-12", "2026-05-11T01:00:00Z", True),
        ("2026-05-12", "2026-05-11T01:30:00Z", False),
        ("2026-05-01", "2026-05-10T03:00:00Z", False),
    ],
)
def test_a_suspension_lasts_until_it_is_lifted(lifted: str, moment: str, suspended: bool) -> None:
    judged = JudgementRecord(5, "lifted", "the source was fixed")
    found = state(records((SUSPENDED, "2026-05-10T01:30:00Z"), (judged, lifted)), at(moment))
    assert (found.suspended is not None) is suspended


def test_what_was_known_and_what_was_in_force_are_two_questions() -> None:
    every = records(
        (SettingRecord("changes.customer_approves", True), "2026-05-01"),
        (SettingRecord("changes.customer_approves", False), "2026-05-01"),
    )
    may = at("2026-05-02T00:00:00Z")
    earlier, before = (known(every, at(f"2026-03-{day}T12:00:00Z")) for day in ("05", "04"))
    asked = [(every, may), (earlier, may), (before, may), (earlier, at("2026-04-30T14:59:59Z"))]
    found = [Book(records, terms()).setting("changes.customer_approves", moment) for records, moment in asked]
    assert found == [False, True, False, False]


@pytest.mark.article(9)
def test_a_withdrawn_notice_ends_nothing() -> None:
    every = records((NOTICE, "2026-06-01"), (JudgementRecord(5, "withdrawn", "with our consent"), "2026-06-10"))
    assert state(every, at("2026-08-01T00:00:00Z")).last_day is None


@pytest.mark.parametrize(
    ("what", "effective", "problem"),
    [
        (OrderRecord(date(2027, 4, 1)), "2027-04-01", "an order is on record already (record 1)"),
        (ItemRecord("base", date(2026, 6, 1)), "2026-06-01", "overlaps with the record 3"),
        (ItemRecord("own-policies", date(2026, 3, 1)), "2026-03-01", "is effective before the contract"),
        (ItemRecord("coffee", date(2026, 5, 1)), "2026-05-01", "has no item 'coffee'"),
        (ItemRecord("own-policies", date(2026, 5, 1), date(2026, 4, 30)), "2026-05-01", "ends before it begins"),
        (AcceptanceRecord(9), "2026-05-01", "there is no record 9"),
        (AcceptanceRecord(1), "2026-05-01", "the record 1 is accepted already"),
        (AcceptanceRecord(2), "2026-05-01", "the record 2 is nothing that is accepted"),
        (JudgementRecord(1, "lifted", "why"), "2026-05-01", "the record 1 is nothing that is lifted"),
        (SuspensionRecord("2026-05-10", "why", "2026-05-09"), "2026-05-10", "ends before it begins"),
        (SuspensionRecord("2026-05-10", "why", "2026-02-30"), "2026-05-10", "'2026-02-30' is no day and no moment"),
        (
            LicenceRecord("cloud-security-product", date(2026, 5, 1), date(2026, 4, 1), date(2026, 5, 1)),
            "2026-05-01",
            "ends before",
        ),
        (
            NoticeRecord("customer", "form", date(2026, 6, 2), date(2026, 7, 1)),
            "2026-06-02",
            "before 2026-07-02",
        ),
        (JudgementRecord(1, "confirmed", "why"), "2026-05-01", "the record 1 is nothing that is confirmed"),
        (SettingRecord("changes.customer_approves", True), "2026-02-30", "is no day and no moment"),
    ],
)
def test_what_cannot_be_recorded(what: What, effective: str, problem: str) -> None:
    assert problem in why_not(records(), what, effective)


def test_what_can_be_recorded() -> None:
    assert why_not([], OrderRecord(START), "2026-04-01") == ""
    assert "record the order first" in why_not([], ItemRecord("base", START), "2026-04-01")
    assert "no base item is agreed" in why_not(records()[:2], ItemRecord("own-policies", START), "2026-04-01")
    for what in (ItemRecord("own-policies", date(2026, 5, 1)), SUSPENDED, NOTICE):
        assert why_not(records(), what, effective_of(what, "2026-05-01")) == ""


@pytest.mark.article(7, 9)
@pytest.mark.parametrize(
    ("arrived", "way", "judged", "undecided", "last_day"),
    [
        # The term ends on 2027-03-31: the safe day is 2027-02-27, the latest 2027-02-28 (Article 7(2)).
        (date(2027, 2, 27), "form", None, False, date(2027, 3, 31)),
        (date(2027, 2, 28), "form", None, True, date(2027, 3, 31)),
        (date(2027, 2, 28), "form", "confirmed", False, date(2027, 3, 31)),
        (date(2027, 2, 28), "form", "rejected", False, None),
        (date(2027, 2, 1), "by-word", None, True, date(2027, 3, 31)),
        (date(2027, 2, 1), "by-word", "confirmed", False, date(2027, 3, 31)),
    ],
)
def test_on_what_is_unclear_a_person_decides(
    arrived: date, way: str, judged: str | None, undecided: bool, last_day: date | None
) -> None:
    notice = NoticeRecord("customer", way, arrived, date(2027, 3, 31), prescribed=way == "form")
    more: list[tuple[What, str]] = [(notice, arrived.isoformat())]
    if judged is not None:
        more.append((msgspec.convert({"of": 5, "decision": judged, "reason": "why"}, JudgementRecord), "2027-03-01"))
    found = state(records(*more), at("2027-03-02T00:00:00Z"))
    assert (found.undecided is not None, found.last_day) == (undecided, last_day)
    assert found.undecided in (None, 5)


@pytest.mark.article(2)
def test_an_option_ends_with_the_base() -> None:
    every = records(
        (ItemRecord("own-policies", date(2026, 5, 1)), "2026-05-01"),
        (AcceptanceRecord(5), "2026-04-20"),
        (ItemRecord("base", START, date(2026, 6, 30)), "2026-04-01"),
        (AcceptanceRecord(7), "2026-06-01"),
    )
    found = {day: state(every, at(f"2026-{day}T03:00:00Z")).items for day in ("04-15", "06-30", "07-01")}
    assert found == {"04-15": {"base"}, "06-30": {"base", "own-policies"}, "07-01": set()}


@pytest.mark.article(5)
@pytest.mark.parametrize(
    ("accepted", "moment", "phase", "clause"),
    [
        ("2026-03-20", "2026-03-31T14:59:59Z", "not begun", "7(1)"),
        ("2026-03-20", "2026-03-31T15:00:00Z", "running", "7(1)"),
        ("2026-04-10", "2026-03-25T00:00:00Z", "not begun", "7(1)"),
        ("2026-04-10", "2026-04-09T14:59:59Z", "not begun", "5(1)"),
        ("2026-04-10", "2026-04-09T15:00:00Z", "running", "7(1)"),
    ],
)
def test_nothing_runs_before_the_order_is_accepted(accepted: str, moment: str, phase: str, clause: str) -> None:
    every = records()
    every[1] = msgspec.structs.replace(every[1], effective=accepted)
    found = state(every, at(moment))
    decision = decide_term(found)
    assert (found.phase, decision.clause, decision.allowed) == (phase, clause, phase == "running")


@pytest.mark.article(5)
def test_an_order_is_accepted_before_it_begins() -> None:
    ordered = records()[:1]
    assert why_not(ordered, AcceptanceRecord(1), "2026-03-20") == ""
    notice = NoticeRecord("customer", "form", date(2026, 3, 1), date(2026, 4, 30))
    assert why_not(records(), notice, "2026-03-01") == ""
