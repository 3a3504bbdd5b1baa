"""Licences of designated products: known or not, valid or lapsed, and what goes on after a lapse (Article 3)."""

from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from contract.days import begins
from contract.gate import decide
from contract.licences import Licence, licence_on
from contract.records import Book
from contract.showing import summary
from contract.taking_over import records_of
from model.contract_action import Action, Phase
from model.contract_record import ContractRecord, JudgementRecord, LicenceRecord, SettingRecord, What
from model.tenant import Contract
from model.terms import Product
from model.text import Text
from pipeline.tenants.terms import terms
from tests.contracts import EVIDENCE, why_not

PRODUCT = "cloud-security-product"
START, END = date(2026, 4, 1), date(2026, 9, 30)
LICENCE = LicenceRecord(PRODUCT, START, END, date(2026, 3, 1))
AT = "2026-03-01T00:00:00.000000Z"
STOP = SettingRecord("licence.on_lapse", "stop")
CONFIRM = SettingRecord("licence.on_lapse", "confirm")


def book(*more: tuple[What, str]) -> Book:
    found = records_of(Contract(START), terms().menus, AT, "p", EVIDENCE)
    for what, effective in more:
        found.append(ContractRecord(len(found) + 1, what, effective, AT, "p"))
    return Book(found, terms())


NUMBER = len(book().records) + 1  # of the licence, which comes first
HELD = (LICENCE, "2026-04-01")
CONFIRMING = [HELD, (CONFIRM, "2026-04-01")]
LAPSED = (JudgementRecord(NUMBER, "lapsed", "r"), "2026-11-05")
REJECTED = (JudgementRecord(NUMBER, "rejected", "not theirs"), "2026-05-01")


def graced(days: int) -> list[tuple[What, str]]:
    return [HELD, (SettingRecord("licence.grace_days", days), "2026-04-01")]


def later(first: str) -> tuple[What, str]:
    """Return a licence of the year after."""
    return LicenceRecord(PRODUCT, date.fromisoformat(first), date(2027, 12, 31), START), first


@pytest.mark.article(3)
@pytest.mark.parametrize(
    ("more", "moment", "phase"),
    [
        ([], "2031-01-01T00:00:00Z", "running"),  # a contract without any licence on record is never stopped by itself
        ([HELD], "2026-09-30T14:59:59Z", "running"),
        ([HELD], "2026-09-30T15:00:00Z", "grace"),
        ([HELD], "2026-10-30T14:59:59Z", "grace"),
        ([HELD], "2026-10-30T15:00:00Z", "unlicensed"),
        ([HELD, (STOP, "2026-04-01")], "2026-09-30T14:59:59Z", "running"),
        ([HELD, (STOP, "2026-04-01")], "2026-09-30T15:00:00Z", "unlicensed"),
        (CONFIRMING, "2028-09-30T15:00:00Z", "grace"),
        ([*CONFIRMING, LAPSED], "2026-11-04T14:59:59Z", "grace"),
        ([*CONFIRMING, LAPSED], "2026-11-04T15:00:00Z", "unlicensed"),
        (graced(3), "2026-10-03T14:59:59Z", "grace"),
        (graced(3), "2026-10-03T15:00:00Z", "unlicensed"),
        (graced(0), "2026-09-30T15:00:00Z", "unlicensed"),
        ([HELD, REJECTED], "2026-12-01T00:00:00Z", "running"),
        ([later("2027-01-01")], "2026-12-31T00:00:00Z", "running"),  # one that is to come has not lapsed
        ([HELD, later("2026-10-01")], "2026-12-01T00:00:00Z", "running"),
        ([HELD, later("2026-10-05")], "2026-10-04T00:00:00Z", "grace"),
        ([HELD, later("2026-10-05")], "2026-10-05T00:00:00Z", "running"),
    ],
)
def test_the_phase_by_the_licences_on_record(more: list[tuple[What, str]], moment: str, phase: Phase) -> None:
    assert book(*more).state(datetime.fromisoformat(moment)).phase == phase


@pytest.mark.article(3)
@pytest.mark.parametrize(("first", "last_day"), [("2026-10-01", "2027-12-31"), ("2026-10-02", "2026-09-30")])
def test_licences_that_follow_each_other_without_a_break_end_together(first: str, last_day: str) -> None:
    found = book(HELD, later(first)).state(datetime.fromisoformat("2026-09-01T00:00:00Z"))
    assert found.licence.last_day == date.fromisoformat(last_day)


@pytest.mark.article(3)
def test_collection_and_alerts_go_on_for_a_while_and_nothing_is_changed() -> None:
    asked: dict[Action, bool] = {"look": True, "notify": True, "plan": False, "change": False, "rollback": True}
    for action, allowed in asked.items():
        decision = decide(action, book(HELD), datetime.fromisoformat("2026-10-01T00:00:00Z"))
        assert (decision.allowed, decision.clause) == (allowed, "3(2)")
        assert "2026-10-30" in decision.reason.en
        assert "2026-10-30" in decision.reason.ja


@pytest.mark.article(3)
@pytest.mark.parametrize(
    ("day", "entitled", "billable"),
    [
        ("2026-09-30", True, True),
        ("2026-10-01", False, True),
        ("2027-12-01", False, True),
        ("2026-03-31", False, False),
    ],
)
def test_the_fee_is_owed_although_the_service_is_not_due(day: str, entitled: bool, billable: bool) -> None:
    said = summary(book(HELD), begins(day))
    assert (said.entitled.value, said.billable.value) == (entitled, billable)


@pytest.mark.article(3)
def test_a_licence_counts_while_its_product_is_designated() -> None:
    products = {PRODUCT: Product(Text("p", "p"), last_day=date(2026, 6, 30))}
    designated = Book(book(HELD).records, replace(terms(), products=products))
    phases = {day: designated.state(begins(day)).phase for day in ("2026-06-30", "2026-07-01")}
    assert phases == {"2026-06-30": "running", "2026-07-01": "grace"}


@pytest.mark.article(3)
@pytest.mark.parametrize(
    ("what", "problem"),
    [
        (replace(LICENCE, product="own-scanner"), "'own-scanner' is no designated product"),
        (replace(LICENCE, last_day=date(2026, 3, 31)), "ends before it begins"),
        (LICENCE, ""),
        (JudgementRecord(1, "lapsed", "r"), "the record 1 is nothing that is lapsed"),
    ],
)
def test_what_can_be_recorded_of_licences(what: What, problem: str) -> None:
    said = why_not(book().records, what, "2026-06-01")
    assert (problem in said) if problem else said == ""


DAYS = st.integers(0, 60).map(lambda days: START + timedelta(days=days))
SPANS = st.lists(st.tuples(DAYS, st.integers(0, 20)), max_size=5)


@pytest.mark.article(3)
@given(SPANS, DAYS)
def test_a_day_is_valid_lapsed_or_unknown(spans: list[tuple[date, int]], day: date) -> None:
    found = [Licence(n, PRODUCT, first, first + timedelta(days=length)) for n, (first, length) in enumerate(spans)]
    held = {one.first_day + timedelta(days=n) for one in found for n in range((one.last_day - one.first_day).days + 1)}
    said = licence_on(found, day)
    assert said.valid is (day in held)
    assert said.has_lapsed is (day not in held and any(each < day for each in held))
    if said.valid:
        last = day
        while last + timedelta(days=1) in held:
            last += timedelta(days=1)
        assert said.last_day == last, "up to the last day without a break"
    elif said.has_lapsed:
        assert said.last_day == max(each for each in held if each < day)
