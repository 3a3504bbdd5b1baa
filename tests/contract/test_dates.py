"""The days of terms, invoices and notices: tables from outside, rows by the Civil Code's words, what always holds."""

import csv
from collections.abc import Callable
from datetime import date, timedelta
from itertools import islice, pairwise
from pathlib import Path

import pytest
from dateutil.relativedelta import relativedelta  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from contract.dates import (
    Term,
    due,
    earliest_last_day,
    invoice_by,
    last_day,
    next_term,
    notice_latest,
    notice_safe_by,
    term,
    term_on,
    terms,
)
from model.fault import Refused

DAY = timedelta(days=1)
DAYS = st.dates(date(1970, 1, 1), date(8990, 12, 31))
FIRST, END = date(1970, 1, 1), date(9000, 12, 31)


def table(file: Path) -> list[dict[str, date]]:
    with file.open(encoding="utf-8", newline="") as lines:
        return [{name: date.fromisoformat(cell) for name, cell in row.items()} for row in csv.DictReader(lines)]


@pytest.mark.article(7, 8, 9)
@pytest.mark.shared
def test_the_table_of_contracts(shared_folder: Path) -> None:
    rows = table(shared_folder / "terms" / "dates.csv")
    assert len(rows) > 25
    for row in rows:
        first, notice = term(row["start"]), row["midterm_notice_on"]
        renewed = next_term(first)
        assert row == {
            "start": first.first_day,
            "last_day": first.last_day,
            "renewed_first_day": renewed.first_day,
            "renewed_last_day": renewed.last_day,
            "invoice_by": first.invoice_by,
            "due": first.due,
            "nonrenewal_notice_safe_by": first.notice_safe_by,
            "nonrenewal_notice_latest": first.notice_latest,
            "midterm_notice_on": notice,
            "midterm_earliest_last_day": earliest_last_day(notice),
        }


@pytest.mark.article(9)
@pytest.mark.shared
def test_the_table_of_notices(shared_folder: Path) -> None:
    rows = table(shared_folder / "terms" / "midterm_notice.csv")
    assert len(rows) > 10
    assert [row["earliest_last_day"] for row in rows] == [earliest_last_day(row["notice_on"]) for row in rows]


@pytest.mark.article(7)
@pytest.mark.parametrize(
    ("first", "last"),
    [
        ("2024-04-01", "2025-03-31"),  # Article 143(1): from the beginning of a month, by the calendar
        ("2023-03-15", "2024-03-14"),  # Article 143(2): the day before the corresponding day
        ("2023-03-01", "2024-02-29"),
        ("2024-03-01", "2025-02-28"),
        ("2023-02-28", "2024-02-27"),
        ("2024-02-29", "2025-02-28"),  # its proviso: there is no corresponding day
        ("1999-03-01", "2000-02-29"),  # of centuries, every fourth has the day
        ("2099-03-01", "2100-02-28"),
        ("2024-12-31", "2025-12-30"),
    ],
)
def test_a_term_is_one_year_with_its_first_day(first: str, last: str) -> None:
    assert last_day(date.fromisoformat(first)) == date.fromisoformat(last)


@pytest.mark.article(9)
@pytest.mark.parametrize(
    ("notice", "last"),
    [
        ("2025-01-14", "2025-02-14"),  # Article 140: counted from the 15th
        ("2025-01-30", "2025-02-28"),  # Article 143(2): February has no 31st
        ("2024-01-29", "2024-02-29"),
        ("2024-01-28", "2024-02-28"),
        ("2025-02-28", "2025-03-31"),  # counted from 1 March
        ("2025-12-31", "2026-01-31"),
    ],
)
def test_notice_in_mid_term_is_a_month_ahead(notice: str, last: str) -> None:
    assert earliest_last_day(date.fromisoformat(notice)) == date.fromisoformat(last)


@pytest.mark.article(7)
@pytest.mark.parametrize(
    ("last", "safe", "latest"),
    [
        ("2025-03-15", "2025-02-14", "2025-02-15"),
        ("2025-03-31", "2025-02-27", "2025-02-28"),  # the month has no corresponding day: its end in its place
        ("2024-03-31", "2024-02-28", "2024-02-29"),
        ("2025-03-29", "2025-02-27", "2025-02-27"),
        ("2025-06-30", "2025-05-29", "2025-05-31"),  # a month from 1 June is June
        ("2025-12-30", "2025-11-29", "2025-11-29"),  # from 1 December it ends on the 31st, too late
    ],
)
def test_notice_of_the_end(last: str, safe: str, latest: str) -> None:
    day = date.fromisoformat(last)
    assert [notice_safe_by(day), notice_latest(day)] == [date.fromisoformat(safe), date.fromisoformat(latest)]


@pytest.mark.article(8)
@pytest.mark.parametrize(
    ("first", "invoice", "paid"),
    [
        ("2025-01-31", "2025-01-31", "2025-02-28"),
        ("2024-01-01", "2024-01-31", "2024-02-29"),
        ("2025-12-15", "2025-12-31", "2026-01-31"),
    ],
)
def test_invoices(first: str, invoice: str, paid: str) -> None:
    day = date.fromisoformat(first)
    assert [invoice_by(day), due(day)] == [date.fromisoformat(invoice), date.fromisoformat(paid)]


@pytest.mark.article(7)
def test_a_renewal_follows_the_term_before_and_not_the_first() -> None:
    """A contract of 29 February goes on from 1 March, also in years that have a 29 February."""
    chain = list(islice(terms(date(2024, 2, 29)), 6))
    assert [one.first_day for one in chain[:2]] == [date(2024, 2, 29), date(2025, 3, 1)]
    assert (chain[3].last_day, chain[4].first_day) == (date(2028, 2, 29), date(2028, 3, 1))
    assert chain[1] == Term(
        first_day=date(2025, 3, 1),
        last_day=date(2026, 2, 28),
        invoice_by=date(2025, 3, 31),
        due=date(2025, 4, 30),
        notice_safe_by=date(2026, 1, 27),
        notice_latest=date(2026, 1, 31),
    )


@pytest.mark.article(7, 8)
@given(DAYS)
def test_the_days_of_a_term_are_in_order(start: date) -> None:
    one = term(start)
    assert start <= one.invoice_by < one.due < one.notice_safe_by <= one.notice_latest < one.last_day
    assert one.last_day - one.notice_latest <= timedelta(days=31)
    assert one.last_day - start in (timedelta(days=364), timedelta(days=365))


@pytest.mark.article(7)
@given(DAYS)
def test_no_day_is_later_than_the_latest(last: date) -> None:
    latest = notice_latest(last + 62 * DAY)
    assert earliest_last_day(latest) <= last + 62 * DAY < earliest_last_day(latest + DAY)


@pytest.mark.article(7)
@given(DAYS | st.just(date(2024, 2, 29)), st.integers(0, 40 * 365))
def test_each_day_from_the_start_lies_in_one_term(start: date, later: int) -> None:
    day = min(start + later * DAY, date(8999, 1, 1))
    found = term_on(start, day)
    assert found.first_day <= day <= found.last_day
    assert term_on(start, found.last_day + DAY) == next_term(found)


@pytest.mark.article(7)
@pytest.mark.parametrize("start", [date(2024, 2, 29), date(2023, 3, 1), date(2025, 12, 31), date(2026, 4, 1)])
def test_terms_have_no_gap_and_no_overlap(start: date) -> None:
    chain = list(islice(terms(start), 40))
    assert all(after.first_day - before.last_day == DAY for before, after in pairwise(chain))
    assert [term_on(start, one.first_day) for one in chain] == chain
    assert [term_on(start, one.last_day) for one in chain] == chain


def test_the_only_difference_from_dateutil_is_where_there_is_no_corresponding_day() -> None:
    """Which takes the month's end for the corresponding day, and so ends those terms a day earlier."""
    starts = [date(2000, 1, 1) + number * DAY for number in range((date(2040, 1, 1) - date(2000, 1, 1)).days)]
    theirs = relativedelta(years=1, days=-1)
    different = [start for start in starts if last_day(start) != start + theirs]
    assert different == [date(year, 2, 29) for year in range(2000, 2040, 4)]
    assert [last_day(start) - (start + theirs) for start in different] == [DAY] * 10


@pytest.mark.parametrize("compute", [term, last_day, invoice_by, due, notice_safe_by, notice_latest, earliest_last_day])
@pytest.mark.parametrize("day", [date.min, FIRST - DAY, END + DAY, date.max])
def test_days_outside_the_years_of_the_service_are_refused(compute: Callable[[date], object], day: date) -> None:
    with pytest.raises(Refused, match=f"{day} is no day of this service; its years are 1970 to 9000"):
        compute(day)


@pytest.mark.parametrize(
    ("compute", "within", "outside"),
    [
        (last_day, date(9000, 1, 1), date(9000, 1, 2)),
        (due, date(9000, 11, 30), date(9000, 12, 1)),
        (earliest_last_day, date(9000, 11, 30), date(9000, 12, 1)),
        (notice_safe_by, date(1970, 2, 2), date(1970, 2, 1)),
        (notice_latest, date(1970, 2, 1), date(1970, 1, 31)),
    ],
)
def test_so_are_days_that_lead_there(compute: Callable[[date], date], within: date, outside: date) -> None:
    assert FIRST <= compute(within) <= END
    with pytest.raises(Refused, match="is no day of this service"):
        compute(outside)


def test_the_last_term_of_the_service() -> None:
    chain = terms(date(8999, 1, 1))
    assert [next(chain).last_day, next(chain).last_day] == [date(8999, 12, 31), END]
    with pytest.raises(Refused, match="9001-01-01"):
        next(chain)


@pytest.mark.parametrize(
    ("start", "day", "problem"),
    [
        (date(2026, 4, 1), date(2026, 3, 31), "2026-03-31 lies before the contract's start, 2026-04-01"),
        (date(1969, 4, 1), date(2026, 3, 31), "1969-04-01 is no day"),
        (date(2026, 4, 1), date(9001, 1, 1), "9001-01-01 is no day"),
        (date(2026, 4, 1), date(9000, 4, 1), "9001-03-31 is no day"),
    ],
)
def test_days_in_no_term_are_refused(start: date, day: date, problem: str) -> None:
    with pytest.raises(Refused, match=problem):
        term_on(start, day)
