"""What is due of a contract at a moment: days ahead of ends, lapses, and what waits for a person."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.days import begins
from contract.records import Book
from contract.reminders import due
from contract.taking_over import records_of
from model.contract_record import (
    ContractRecord,
    JudgementRecord,
    LicenceRecord,
    NoticeRecord,
    SettingRecord,
    SuspensionRecord,
    What,
)
from model.tenant import Contract
from pipeline.tenants.terms import terms
from tests.contracts import EVIDENCE

START = date(2026, 4, 1)
AT = "2026-03-01T00:00:00.000000Z"
LICENCE = LicenceRecord("cloud-security-product", START, date(2026, 9, 30), date(2026, 3, 1))
LONG = replace(LICENCE, last_day=date(2030, 12, 31))
UNKNOWN = "licence-unknown:2026-04-01"


def book(*whats: What, late: bool = False) -> Book:
    found = records_of(Contract(START), terms().menus, AT, "p", EVIDENCE)
    for what in whats:
        found.append(ContractRecord(len(found) + 1, what, START.isoformat(), AT, "mori", EVIDENCE, late=late))
    return Book(found, terms())


def ids(found: Book, day: str) -> list[str]:
    return [one.id for one in due(found, begins(day))]


# The term is 2026-04-01 to 2027-03-31; its safe day for notice is 2027-02-27 (Article 7(2)).
@pytest.mark.article(3, 7)
@pytest.mark.parametrize(
    ("whats", "day", "wanted"),
    [
        ([], "2026-01-30", []),  # it begins in 61 days; eligibility counts from the start on
        ([], "2026-01-31", ["contract-begins:2026-04-01:60"]),
        ([], "2026-03-31", ["contract-begins:2026-04-01:7"]),
        ([], "2026-04-01", [UNKNOWN]),
        ([], "2027-01-10", [UNKNOWN, "contract-renews:2027-03-31:60"]),
        ([], "2027-04-01", ["licence-unknown:2027-04-01"]),
        ([LICENCE], "2026-08-01", ["licence-ends:2026-09-30:60"]),
        ([LICENCE], "2026-07-31", []),
        ([LICENCE], "2026-08-31", ["licence-ends:2026-09-30:30"]),
        ([LICENCE], "2026-09-23", ["licence-ends:2026-09-30:7"]),
        ([LICENCE], "2026-09-30", ["licence-ends:2026-09-30:7"]),
        ([LICENCE], "2026-10-01", ["licence-lapsed:2026-09-30:2026-10-01"]),
        ([LICENCE], "2026-10-02", ["licence-lapsed:2026-09-30:2026-10-02"]),
        ([LICENCE], "2026-10-31", ["licence-stopped:2026-09-30"]),
        ([LICENCE], "2026-12-01", ["licence-stopped:2026-09-30"]),
        ([LICENCE, SettingRecord("licence.on_lapse", "stop")], "2026-10-01", ["licence-stopped:2026-09-30"]),
        ([LONG], "2026-12-28", []),
        ([LONG], "2026-12-29", ["contract-renews:2027-03-31:60"]),
        ([LONG], "2027-01-28", ["contract-renews:2027-03-31:30"]),
        ([LONG], "2027-02-27", ["contract-renews:2027-03-31:7"]),
        ([LONG], "2027-02-28", []),
        ([LONG, NoticeRecord("customer", "form", START, date(2026, 7, 31), prescribed=True)], "2026-07-25",
         ["contract-ends:2026-07-31:7"]),
        ([LONG, NoticeRecord("customer", "form", START, date(2026, 7, 31), prescribed=True)], "2026-08-01",
         ["contract-ended:2026-07-31"]),
        ([LONG, NoticeRecord("customer", "phone", START, date(2027, 3, 31))], "2026-05-01", ["undecided:6"]),
        ([LONG, SuspensionRecord("2026-05-01", "a flood")], "2026-05-02", []),
    ],
)  # fmt: skip
def test_what_is_due(whats: list[What], day: str, wanted: list[str]) -> None:
    assert ids(book(*whats), day) == wanted


def test_a_contract_without_an_order_or_a_base_item_is_named() -> None:
    assert [one.id for one in due(Book([], terms()), begins("2026-06-01"))] == ["not-ordered"]
    bare = Book([*book(LONG).every[:2], *book(LONG).every[4:]], terms())
    assert ids(bare, "2026-06-01") == ["no-base:2026-04-01"]


def test_what_waits_for_a_person_is_due_until_they_have_judged() -> None:
    waiting = book(SuspensionRecord("2026-04-02", "a flood"), late=True)
    assert ids(waiting, "2026-06-01") == [UNKNOWN, "waiting:5"]
    judged = ContractRecord(6, JudgementRecord(5, "rejected", "r"), "2026-05-01", AT, "rin")
    assert ids(Book([*waiting.every, judged], terms()), "2026-06-01") == [UNKNOWN]
    odd = records_of(Contract(date(2026, 1, 1), date(2027, 6, 1)), terms().menus, AT, "p", EVIDENCE)
    (licence, taken) = due(Book(odd, terms()), begins("2026-06-01"))
    assert (licence.id, taken.id) == ("licence-unknown:2026-01-01", "taken-over")
    assert "no year's end" in taken.text.en
    assert "満了日" in taken.text.ja


def test_every_text_is_in_both_languages_and_names_its_clause() -> None:
    days = ("2026-04-01", "2026-08-01", "2026-10-01", "2026-11-20", "2027-02-01", "2027-03-20")
    for found in (book(), book(LICENCE), book(LICENCE, SettingRecord("licence.on_lapse", "confirm"))):
        for one in (one for day in days for one in due(found, begins(day))):
            assert one.clause
            assert one.text.en != one.text.ja


@given(st.dates(date(2026, 3, 1), date(2028, 12, 31)), st.booleans())
def test_each_is_said_once_however_often_it_is_asked(first: date, licensed: bool) -> None:
    """From one day on, what was said has the same id whenever it comes again; only a lapse is said daily."""
    found, said = book(LICENCE) if licensed else book(), list[str]()
    for number in range(40):
        moment = datetime.combine(first, datetime.min.time()) + timedelta(days=number)
        said += [one for one in ids(found, moment.date().isoformat()) if one not in said]
    assert len([one for one in said if one.startswith("licence-ends:2026-09-30")]) <= 3
    assert len([one for one in said if one.startswith("licence-stopped")]) <= 1
    lapses = [one for one in said if one.startswith("licence-lapsed")]
    assert len(lapses) == len(set(lapses)) <= 30
