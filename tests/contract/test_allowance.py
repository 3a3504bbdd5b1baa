"""When the contract did not allow that logs were taken in."""

from datetime import UTC, date, datetime

import pytest
from msgspec.structs import replace

from contract.allowance import barred
from contract.records import Book
from model.canonical import instant
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    ItemRecord,
    JudgementRecord,
    OrderRecord,
    SuspensionRecord,
    What,
)
from pipeline.tenants.terms import terms

SINCE, UNTIL = datetime(2026, 5, 30, 15, tzinfo=UTC), datetime(2026, 6, 5, 15, tzinfo=UTC)  # 31 May to 5 June, Japan
FIRST, RECORDED = date(2026, 6, 1), "2026-05-01T00:00:00.000000Z"
ORDERED: list[What] = [OrderRecord(FIRST), AcceptanceRecord(1), ItemRecord("base", FIRST), AcceptanceRecord(3)]


def book(*more: tuple[What, str]) -> Book:
    said = [*((what, "2026-05-01") for what in ORDERED), *more]
    return Book([ContractRecord(n, what, since, RECORDED, "p") for n, (what, since) in enumerate(said, 1)], terms())


SUSPENDED = (SuspensionRecord("2026-06-02T01:00:00Z", "flood", "2026-06-03"), "2026-06-02T01:00:00Z")
BRIEFLY = (SuspensionRecord("2026-06-02T01:00:00Z", "flood", "2026-06-02T01:10:00Z"), "2026-06-02T01:00:00Z")
LOGS_ALONE = (replace(BRIEFLY[0], scope="logs"), BRIEFLY[1])
LIFTED = (JudgementRecord(5, "lifted", "it is over"), "2026-06-02T02:30:00Z")
OTHER = (SuspensionRecord("2026-06-02T02:30:00Z", "another"), "2026-06-02T02:30:00Z")


@pytest.mark.article(11)
@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ([], []),
        ([SUSPENDED], [("02T01:00", "03T15:00", "11")]),  # a last day counts whole, to midnight in Japan
        ([BRIEFLY], [("02T01:00", "02T01:10", "11")]),
        ([LOGS_ALONE], [("02T01:00", "02T01:10", "11")]),
        ([SUSPENDED, LIFTED], [("02T01:00", "02T02:30", "11")]),
        ([SUSPENDED, LIFTED, OTHER], [("02T01:00", "02T02:30", "11"), ("02T02:30", "05T15:00", "11")]),
    ],
)
def test_suspensions_count_by_their_moments(more: list[tuple[What, str]], expected: list[tuple[str, str, str]]) -> None:
    found = barred("logs.take", book(*more), SINCE, UNTIL)
    begun = found.pop(0)
    assert (begun.since, begun.until, begun.clause) == (SINCE, datetime(2026, 5, 31, 15, tzinfo=UTC), "7(1)")
    assert [(instant(one.since)[8:16], instant(one.until)[8:16], one.clause) for one in found] == expected


def test_the_reason_names_the_suspension_and_no_day_of_asking() -> None:
    first, second = barred("logs.take", book(SUSPENDED), SINCE, UNTIL)
    assert first.reason.en == "has not begun"
    assert second.reason.en == "is suspended; fees go on: flood"


def test_without_an_order_nothing_was_allowed_at_all() -> None:
    (whole,) = barred("logs.take", Book([], terms()), SINCE, UNTIL)
    assert (whole.since, whole.until, whole.clause) == (SINCE, UNTIL, "5(1)")
