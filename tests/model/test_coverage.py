"""What was covered of logs: each record is in one column of one day, and what was not covered is said."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.canonical import instant
from model.coverage import (
    LogCoverage,
    LogGap,
    Period,
    SourceDay,
    SourceKnown,
    Unfetched,
    cover_source,
    minutes_by_day,
    summary,
    total,
)
from model.log_volume import OUTCOMES, LogCount, Outcome, slot_of
from model.text import LANGUAGES, Text

SOURCE = "aws.cloudtrail"
# 1 June in Japan begins at 15:00 UTC of 31 May.
FIRST, MIDNIGHT = date(2026, 6, 1), datetime(2026, 5, 31, 15, tzinfo=UTC)
COLUMNS: dict[Outcome, str] = {
    "processed": "analysed", "malformed": "malformed", "duplicate": "duplicate", "too late": "too_late",
    "refused": "refused", "expired": "expired",
}  # fmt: skip
WHY = Text("w", "w")


class One(NamedTuple):
    """A record by the hours after midnight of 1 June at which it came and came to its end, if it did."""

    came: int
    ended: int | None
    became: Outcome

    def counts(self) -> list[LogCount]:
        def at(hour: int) -> str:
            return slot_of(MIDNIGHT + timedelta(hours=hour))

        ended = [] if self.ended is None else [LogCount(SOURCE, at(self.ended), self.became, "customer", 1, 10)]
        return [LogCount(SOURCE, at(self.came), what, "customer", 1, 10) for what in ("offered", "accepted")] + ended


HOURS = st.integers(-30, 71)
RECORDS = st.lists(
    st.tuples(HOURS, st.none() | st.integers(0, 60), st.sampled_from(OUTCOMES)).map(
        lambda one: One(one[0], None if one[1] is None else min(71, one[0] + one[1]), one[2])
    )
)


def covered(records: list[One]) -> list[SourceDay]:
    """Return what three days from 1 June on covered of records."""
    counts = [count for one in records for count in one.counts() if count.slot >= slot_of(MIDNIGHT)]
    waiting = sum(one.came < 0 and (one.ended is None or one.ended >= 0) for one in records)
    return cover_source(SOURCE, Period(FIRST, date(2026, 6, 3)), SourceKnown(waiting, counts))


@given(RECORDS)
def test_each_record_is_in_one_column_of_the_day_of_its_end_and_waits_until_then(records: list[One]) -> None:
    days = covered(records)
    for number, day in enumerate(days):
        begin, end = number * 24, number * 24 + 24
        assert day.received == sum(begin <= one.came < end for one in records)
        waiting = [sum(one.came < t and (one.ended is None or one.ended >= t) for one in records) for t in (begin, end)]
        assert [day.waiting_before, day.waiting] == waiting
        ended = Counter(one.became for one in records if one.ended is not None and begin <= one.ended < end)
        assert {what: getattr(day, column) for what, column in COLUMNS.items()} == {w: ended[w] for w in OUTCOMES}
        assert day.waiting_before + day.received == day.waiting + ended.total()
    (whole,) = total(days)
    columns = sum(getattr(whole, column) for column in COLUMNS.values())
    assert whole.waiting_before + whole.received == whole.waiting + columns
    assert (whole.waiting_before, whole.waiting) == (days[0].waiting_before, days[-1].waiting)


def test_days_are_those_of_japan_and_a_day_without_anything_is_there() -> None:
    days = covered([One(-1, -1, "processed"), One(23, 23, "processed"), One(24, 24, "processed")])
    said = [(one.day, one.state, one.analysed) for one in days]
    assert said == [("2026-06-01", "heard", 1), ("2026-06-02", "heard", 1), ("2026-06-03", "not heard", 0)]


def test_what_was_only_filled_back_was_not_heard() -> None:
    at = slot_of(MIDNIGHT)
    counts = [LogCount(SOURCE, at, what, "back-fill", 5) for what in ("offered", "processed")]
    (day,) = cover_source(SOURCE, Period(FIRST, FIRST), SourceKnown(0, counts))
    assert (day.state, day.received, day.analysed) == ("filled back", 5, 5)


@pytest.mark.parametrize(
    ("since", "until", "expected"),
    [
        (0, 1, [1, 0]),
        (23 * 60, 25 * 60, [60, 60]),
        (-60, 0, [0, 0]),
        (-60, 72 * 60, [1440, 1440]),
        (48 * 60, 9e3, [0, 0]),
    ],
)
def test_a_gap_is_so_many_minutes_of_each_day(since: int, until: int, expected: list[int]) -> None:
    edges = [instant(MIDNIGHT + timedelta(minutes=one)) for one in (since, until)]
    gap = LogGap(edges[0], edges[1], "contract", WHY, "11")
    found = minutes_by_day(Period(FIRST, date(2026, 6, 2)), [gap])
    assert [one.not_allowed_minutes for one in found] == expected
    assert [one.stopped_minutes for one in found] == [0, 0]


def row(source: str, day: int, state: str = "heard", objects: int | None = None) -> SourceDay:
    name = f"2026-06-0{day}"
    left = None if objects is None else Unfetched(source, name, objects, 10 * objects, how="listing", at=name)
    return SourceDay(source, name, state, unfetched=left)  # type: ignore[arg-type]


def logs(rows: list[SourceDay], gaps: list[LogGap]) -> LogCoverage:
    period = Period(FIRST, date(2026, 6, 2))
    return LogCoverage("2026-06-01", "2026-06-02", rows, minutes_by_day(period, gaps), gaps)


GAP = LogGap(instant(MIDNIGHT), instant(MIDNIGHT + timedelta(seconds=61)), "stop", WHY)
HEARD = [row("a", 1), row("a", 2)]
LINES = {
    "logs: no source is set up": logs([], []),
    "logs of 2 days: 1 of 1 source heard each day, 0 gaps (0 min), not fetched: unknown": logs(HEARD, []),
    "logs of 2 days: 1 of 2 sources heard each day, 1 gap (2 min), not fetched: unknown": logs(
        [*HEARD, row("b", 1), row("b", 2, "filled back")], [GAP]
    ),
    "logs of 2 days: 0 of 1 source heard each day, 0 gaps (0 min), not fetched: 3 objects": logs(
        [row("a", 1, "not heard", 1), row("a", 2, "heard", 2)], []
    ),
    "logs of 2 days: 1 of 1 source heard each day, 0 gaps (0 min), not fetched: unknown ": logs(
        [row("a", 1, "heard", 0), row("a", 2)], []
    ),
    "logs: unknown": None,
}


@pytest.mark.parametrize("said", LINES)
def test_one_line_says_what_was_covered(said: str) -> None:
    assert summary(98.2, 1, LINES[said]).en == (
        f"coverage: 98.2 % of the judgements could be made, 1 gap; {said.strip()}"
    )


def test_one_line_says_that_nothing_was_scanned() -> None:
    made = summary(None, 0, None)
    assert made == Text("coverage: nothing was scanned yet; logs: unknown", "確認範囲：診断は未実施。ログ：不明")
    assert all(made.of(language) for language in LANGUAGES)


def test_sizes_that_are_unknown_of_one_day_are_unknown_of_all() -> None:
    one, other = row("a", 1, "heard", 1), SourceDay("a", "2026-06-02", "heard", unfetched=Unfetched("a", "d", 2, None))
    (whole,) = total([one, other])
    assert whole.unfetched is not None
    assert (whole.unfetched.objects, whole.unfetched.bytes) == (3, None)
