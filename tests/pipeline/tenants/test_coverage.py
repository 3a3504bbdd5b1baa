"""What of a tenant was covered, from its store: logs by source and day, scans by day, with what was not."""

from datetime import UTC, date, datetime, timedelta

import pytest
from msgspec.structs import replace

from model.canonical import instant
from model.contract_record import SuspensionRecord
from model.coverage import Period
from model.fault import Refused
from model.log_volume import LogCount, LogHeard, LogPiece, Segment, slot_of
from model.tenant import AwsLogs
from pipeline.tenants.coverage import coverage_in, line_beside, period_of
from store.home import Home
from store.rows import Gap, Run
from tests.contracts import applied, on_record
from tests.filled import asset
from tests.recorded_clouds import TENANT

NAME, SOURCE = TENANT.tenant, "aws.cloudtrail"
NOW = datetime(2026, 6, 4, 3, tzinfo=UTC)  # noon of 4 June in Japan
QUEUE = "https://sqs.ap-northeast-1.amazonaws.com/123456789012/trail"
SPEC = replace(TENANT, logs=[AwsLogs(SOURCE, "123456789012", QUEUE, ["aozora-trail"])])
PERIOD = Period(date(2026, 6, 1), date(2026, 6, 4))


@pytest.fixture
def kept(home: Home) -> Home:
    """Return a home in which logs of two sources came in, and scans ended."""
    applied(home, SPEC, "2026-01-01T00:00:00.000000Z")
    came, done = datetime(2026, 6, 1, 14, 59, 55, tzinfo=UTC), datetime(2026, 6, 1, 15, 0, 5, tzinfo=UTC)
    counts = [
        LogCount(SOURCE, slot_of(came), "offered", "customer", 10, 100),
        LogCount(SOURCE, slot_of(done), "processed", "customer", 7),
        LogCount(SOURCE, slot_of(done), "malformed", "customer", 1),
    ]
    verdicts = {"pass": 996, "fail": 1, "unknown": 3}
    with home.tenant(NAME).write(instant(NOW), "p") as writer:
        writer.logs.add(counts)
        writer.logs.keep(Segment(SOURCE, "s", "2026-06-02", slot_of(done), instant(came), instant(came), 7, 50))
        writer.logs.put_piece(LogPiece(SOURCE, "p", "c", "", instant(came), "open", 8, 80, 10))
        writer.put_assets([asset(1)], "2026-06-02T02:00:00.000000Z")
        writer.logs.put_heard([LogHeard("gcp.audit", instant(came), instant(came))])
        for number, ended in enumerate(("2026-06-01T03:00:00.000000Z", "2026-06-02T03:00:00.000000Z")):
            writer.start_run(Run(f"r{number}", f"j{number}", "s", ended, "", {}))
            gaps = [Gap("123456789012", "aws.s3.bucket", "global", "Policy", "AccessDenied", 3)] if number else []
            writer.finish_run(f"r{number}", ended, {"verdicts": verdicts, "assets": 7}, gaps)
    with home.service.observe(instant(NOW), "p") as session:
        session.log_runs.note("one", "2026-05-01T00:00:00.000000Z", "2026-06-02T15:00:00.000000Z")
        session.log_runs.note("two", "2026-06-02T15:30:00.000000Z", instant(NOW))
    suspended = SuspensionRecord("2026-06-03T16:00:00Z", "a flood", "2026-06-03T17:00:00Z")
    on_record(home, NAME, suspended, "2026-06-03T16:00:00.000000Z", "2026-06-03T16:00:00Z")
    return home


@pytest.mark.article(12)
def test_each_source_and_day_has_a_row_with_what_became_of_records(kept: Home) -> None:
    found = coverage_in(kept, SPEC, PERIOD, NOW).logs
    rows = {(one.source, one.day[8:]): one for one in found.sources}
    assert len(rows) == 8, "the other source was heard once, and is expected since"
    names = ("waiting_before", "received", "analysed", "malformed", "waiting", "stored")
    assert {day: tuple(getattr(rows[SOURCE, day], name) for name in names) for day in ("01", "02", "03", "04")} == {
        "01": (0, 10, 0, 0, 10, 0),
        "02": (10, 0, 7, 1, 2, 7),
        "03": (2, 0, 0, 0, 2, 0),
        "04": (2, 0, 0, 0, 2, 0),
    }
    assert [rows[SOURCE, day].state for day in ("01", "02")] == ["heard", "not heard"]
    assert {rows["gcp.audit", day].state for day in ("01", "02", "03", "04")} == {"not heard"}


@pytest.mark.parametrize(("day", "waiting"), [(1, 0), (2, 10), (3, 2)])
def test_what_waited_before_is_known_of_any_day(kept: Home, day: int, waiting: int) -> None:
    found = coverage_in(kept, SPEC, Period(date(2026, 6, day), date(2026, 6, 4)), NOW).logs
    assert next(one for one in found.sources if one.source == SOURCE).waiting_before == waiting


@pytest.mark.article(12)
def test_stops_of_ours_and_suspensions_are_gaps_with_their_minutes(kept: Home) -> None:
    found = coverage_in(kept, SPEC, PERIOD, NOW).logs
    assert [(one.cause, one.clause, one.minutes) for one in found.gaps] == [("stop", "", 30), ("contract", "11", 60)]
    minutes = {one.day[8:]: (one.stopped_minutes, one.not_allowed_minutes) for one in found.days}
    assert minutes == {"01": (0, 0), "02": (0, 0), "03": (30, 0), "04": (0, 60)}


def test_where_nothing_of_ours_runs_now_the_gap_goes_on_until_now(kept: Home) -> None:
    later = NOW + timedelta(hours=2)
    *_, last = coverage_in(kept, SPEC, PERIOD, later).logs.gaps
    assert (last.cause, last.since, last.until) == ("stop", instant(NOW), instant(later))


def test_a_day_without_a_scan_is_unknown_and_gaps_stand_at_their_scope(kept: Home) -> None:
    found = coverage_in(kept, SPEC, PERIOD, NOW).scans
    assert [(one.run, one.known_percent) for one in found] == [("r0", 99.7), ("r1", 99.7), ("", None), ("", None)]
    assert [(one.scope, one.state, len(one.gaps)) for one in found[0].scopes] == [("123456789012", "nothing seen", 0)]
    assert [(one.scope, one.state, len(one.gaps)) for one in found[1].scopes] == [("123456789012", "in part", 1)]


def test_the_line_is_of_the_last_seven_days_or_those_before_a_past_moment(kept: Home) -> None:
    # Before 1 June the contract had not begun: three days, and six.
    assert line_beside(kept, NAME, NOW).en == (
        "coverage: 99.7 % of the judgements could be made, 1 gap; "
        "logs of 7 days: 0 of 2 sources heard each day, 3 gaps (4,410 min), not fetched: unknown"
    )
    then = "2026-06-01T14:59:59.999999Z"
    assert line_beside(kept, NAME, NOW, then).en == (
        "coverage: 99.7 % of the judgements could be made, 0 gaps; "
        "logs of 7 days: 0 of 2 sources heard each day, 1 gap (8,640 min), not fetched: unknown"
    )


@pytest.mark.parametrize(
    ("on", "month", "expected"),
    [
        (None, "", ("2026-05-29", "2026-06-04")),
        (date(2026, 2, 28), "", ("2026-02-28", "2026-02-28")),
        (None, "2026-02", ("2026-02-01", "2026-02-28")),
        (None, "2024-02", ("2024-02-01", "2024-02-29")),
        (None, "2025-12", ("2025-12-01", "2025-12-31")),
        (None, "2026-06", ("2026-06-01", "2026-06-04")),
        (None, "2026-07", "2026-07 has not come yet"),
        (None, "2026-13", "is no month"),
        (None, "2026-6", "is no month"),
        (None, "0000-01", "is no month"),
        (None, "９９９９-01", "is no month"),
        (None, "9999-12", "is no day of this service"),
        (date(2026, 6, 5), "", "has not come yet"),
        (date(2026, 6, 1), "2026-06", "cannot be asked for at once"),
    ],
)
def test_which_days_are_asked_for(on: date | None, month: str, expected: tuple[str, str] | str) -> None:
    if isinstance(expected, str):
        with pytest.raises(Refused, match=expected):
            period_of(on, month, NOW)
        return
    found = period_of(on, month, NOW)
    assert (found.first.isoformat(), found.last.isoformat()) == expected
