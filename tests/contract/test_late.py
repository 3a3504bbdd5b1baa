"""What is recorded late counts once somebody else has confirmed it; what would have been otherwise is listed."""

from datetime import date, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import recording
from contract.days import begins
from contract.differences import differences, lines
from contract.gate import decide
from contract.recording import is_late
from contract.records import Book
from contract.taking_over import records_of
from model.contract_record import (
    ContractRecord,
    Effective,
    ItemRecord,
    JudgementRecord,
    NoticeRecord,
    SettingRecord,
    SuspensionRecord,
    What,
)
from model.tenant import Contract
from pipeline.tenants.terms import terms
from tests.contracts import EVIDENCE

NOW = datetime.fromisoformat("2026-06-10T05:00:00Z")
AT = "2026-06-10T05:00:00.000000Z"
FILE = records_of(Contract(date(2026, 1, 1)), terms().menus, "2026-01-01T00:00:00.000000Z", "p", EVIDENCE)
SINCE = "2026-06-01"
LATE = ContractRecord(len(FILE) + 1, SuspensionRecord(SINCE, "a flood"), SINCE, AT, "rin", late=True)


def judged(decision: str, person: str, *, late: bool = False) -> ContractRecord:
    what = JudgementRecord(LATE.number, decision, "why")  # type: ignore[arg-type]
    return ContractRecord(LATE.number + 1, what, AT, AT, person, late=late)


@pytest.mark.parametrize(
    ("more", "suspended", "waits"),
    [
        ([], False, True),
        ([judged("confirmed", "rin")], False, True),  # by hand, past the door
        ([judged("confirmed", "sora")], True, False),
        ([judged("rejected", "sora")], False, False),
    ],
)
def test_it_counts_by_somebody_elses_word(more: list[ContractRecord], suspended: bool, waits: bool) -> None:
    book = Book([*FILE, LATE, *more], terms())
    assert (book.state(begins("2026-06-05")).phase == "suspended") is suspended
    assert (LATE in book.waiting) is (waits and not more)


@pytest.mark.parametrize(
    ("wanted", "problem"),
    [
        (judged("confirmed", "rin"), "was recorded late by rin; somebody else has to confirm it"),
        (judged("confirmed", "sora"), ""),
        (judged("rejected", "rin"), ""),
        (judged("confirmed", "sora", late=True), "it is judged on from now on"),
    ],
)
def test_who_may_confirm_it(wanted: ContractRecord, problem: str) -> None:
    said = recording.why_not([*FILE, LATE], terms(), wanted)
    assert (problem in said) if problem else said == ""


@pytest.mark.parametrize(
    ("effective", "late"),
    [
        ("2026-06-10", False),
        ("2026-06-09", True),
        ("2026-06-11", False),
        (AT, False),
        ("2026-06-10T04:59:59.999999Z", True),
        ("2026-06-10T05:00:01Z", False),
    ],
)
def test_a_day_is_late_by_its_day_and_a_moment_by_the_moment(effective: Effective, late: bool) -> None:
    assert is_late(effective, NOW) is late


def test_what_would_have_been_decided_otherwise_is_listed() -> None:
    before = Book(FILE, terms())
    found = differences(before, before.with_more(LATE), begins(SINCE), NOW)
    assert {one.action for one in found} == {
        "onboard", "look", "plan", "change", "logs.take",
    }  # fmt: skip
    for one in found:
        assert (one.since, one.until, one.was.clause, one.would.clause) == (begins(SINCE), NOW, "7(1)", "11")
    texts = list(lines(LATE, found[:1], waits=True))
    assert texts[1].en == (
        "2026-06-01 00:00 to 2026-06-10 14:00, onboard: was allowed (Article 7(1)), would have been refused "
        "(Article 11); it stays as it was decided."
    )
    assert "許可（第7条第1項）と判断済み" in texts[1].ja
    assert [text.en for text in lines(LATE, [], waits=False)] == ["Nothing would have been decided otherwise."]


DAYS = st.integers(0, 120).map(lambda days: date.fromordinal(date(2026, 2, 1).toordinal() + days))
WHATS: st.SearchStrategy[What] = st.one_of(
    st.tuples(DAYS, st.integers(0, 30)).map(
        lambda span: SuspensionRecord(
            span[0].isoformat(), "a flood", date.fromordinal(span[0].toordinal() + span[1]).isoformat()
        )
    ),
    DAYS.map(lambda day: NoticeRecord("provider", "form", day, day, prescribed=True)),
    DAYS.map(lambda day: ItemRecord("base", date(2026, 1, 1), day)),
    DAYS.map(lambda _: SettingRecord("licence.grace_days", 3)),
)


@given(st.lists(WHATS, max_size=3), WHATS, DAYS)
def test_the_list_is_what_each_day_says(there: list[What], what: What, since: date) -> None:
    """The oracle decides on every day with and without the record."""
    records = [ContractRecord(len(FILE) + n, one, SINCE, AT, "p") for n, one in enumerate(there, start=1)]
    before = Book([*FILE, *records], terms())
    after = before.with_more(ContractRecord(len(before.every) + 1, what, "2026-01-01", AT, "p"))
    first, last = begins(since.isoformat()), begins("2026-06-10")
    found = differences(before, after, first, last)
    days = [begins(date.fromordinal(n).isoformat()) for n in range(since.toordinal(), date(2026, 6, 10).toordinal())]
    for at in days:
        for action in ("look", "rollback", "notice"):
            told = any(one.action == action and one.since <= at < one.until for one in found)
            assert told is (decide(action, before, at).allowed != decide(action, after, at).allowed)
    assert all(one.since < one.until for one in found)
    assert all(a.since <= b.since for a, b in pairwise([one for one in found if one.action == "look"]))
