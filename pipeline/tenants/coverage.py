"""What of a tenant's logs and configurations was covered on some days, as the stores say (Article 12)."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias

from msgspec import Struct

from contract.allowance import barred
from contract.days import as_of, day_of, end_of
from intake.stops import stops_of
from model.canonical import instant, parse_instant
from model.coverage import (
    LogCoverage,
    LogGap,
    Period,
    SourceKnown,
    Unfetched,
    cover_source,
    day_name,
    minutes_by_day,
    percent_known,
    summary,
)
from model.fault import Refused
from model.log_volume import LogCount, Stop, volume_of
from model.tenant import Tenant
from model.text import Text
from pipeline.tenants.applied import book_of, filed_tenant
from pipeline.tenants.gate import ask
from pipeline.tenants.scopes import named
from store.home import Home
from store.reader import Reader
from store.rows import Gap, Run
from store.tenant import TenantStore

# Whether a scope was read on a day: by a scan whole, in part, or not; or a scan ended, and nothing was seen there.
ScopeState: TypeAlias = Literal["read", "in part", "not read", "nothing seen"]
# What stands beside counts is of so many days, a report of so many.
BESIDE_DAYS, REPORT_DAYS, _SHOWN_DAYS = 7, 30, 7
_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}")
_STOPPED = Text("nothing of ours took logs in", "当社側の受け入れ処理の停止")


class ScopeDay(Struct, frozen=True):
    """What the day's last scan read of a scope, and what it could not, each with its cause."""

    scope: str
    state: ScopeState
    gaps: list[Gap]


class ScanDay(Struct, frozen=True):
    """What the last scan that ended on a day could judge; without one (`run` is empty) nothing is known of the day.

    `known_percent` is the share of judgements that could be made.
    """

    day: str
    run: str = ""
    finished_at: str = ""
    known_percent: float | None = None
    scopes: list[ScopeDay] = []


class TenantCoverage(Struct, frozen=True):
    """What of a tenant was covered from a day to another: of logs by source and day, of configurations by day."""

    tenant: str
    first: str
    last: str
    logs: LogCoverage
    scans: list[ScanDay]


def period_of(on: date | None, month: str, now: datetime) -> Period:
    """Return the days that are asked for: one (`on`), a month as 2026-06 as far as it has come by `now`, or seven.

    Raises `Refused` for what is no day or month of this service, has not come yet, or is both.
    """
    today = day_of(now)
    if on and month:
        raise Refused("a day and a month cannot be asked for at once")
    if month:
        return _month(month, today)
    if on:
        as_of(on, now)
        return Period(on, on)
    return last_days(_SHOWN_DAYS, now)


def last_days(number: int, now: datetime) -> Period:
    """Return so many days up to today."""
    today = day_of(now)
    return Period(today - timedelta(days=number - 1), today)


def coverage_in(home: Home, tenant: Tenant, period: Period, now: datetime) -> TenantCoverage:
    """Return what of a tenant was covered in a period until now, as the stores of a home say.

    Raises `NotEntitled` where the contract does not allow that it is read, and `Refused` where its records do not hold.
    """
    store = home.tenant(tenant.tenant)
    ask(store, tenant.tenant, "read", now)
    logs = log_coverage(home, tenant, period, now)
    with store.read() as reader:
        scans = [_scan_day(reader, tenant, day) for day in period.days]
    return TenantCoverage(tenant.tenant, logs.first, logs.last, logs, scans)


def log_coverage(home: Home, tenant: Tenant, period: Period, now: datetime) -> LogCoverage:
    """Return what of a tenant's logs was covered in a period until now, as the stores of a home say.

    A source has rows if the tenant's file names a feed of it, or it was ever heard. Raises `Refused` where the
    contract's records do not hold.
    """
    store = home.tenant(tenant.tenant)
    known = _known(store, tenant, period)
    gaps = [*_stopped(home, period, now), *_not_allowed(store, period, now)]
    return LogCoverage(
        first=period.first.isoformat(),
        last=period.last.isoformat(),
        sources=[row for source, one in sorted(known.items()) for row in cover_source(source, period, one)],
        days=minutes_by_day(period, gaps),
        gaps=sorted(gaps, key=lambda one: (one.since, one.cause)),
    )


def line_beside(home: Home, tenant: str, now: datetime, at: str = "") -> Text:
    """Return the line that stands beside a count of a tenant's findings in a home now, or `at` a past moment.

    What cannot be known, it says.
    """
    then = parse_instant(at) if at else now
    with home.tenant(tenant).read() as reader:
        run = reader.last_run(at)
        unread = len(reader.gaps(run.id)) if run else 0
    try:
        logs: LogCoverage | None = log_coverage(
            home, filed_tenant(home, tenant), last_days(BESIDE_DAYS, then), min(then, now)
        )
    except Refused:
        logs = None
    return summary(known_percent(run) if run else None, unread, logs)


def known_percent(run: Run) -> float:
    """Return the share of a run's judgements that could be made, in percent."""
    verdicts: Mapping[str, int] = run.summary.get("verdicts", {})
    return percent_known(verdicts.get("pass", 0) + verdicts.get("fail", 0), verdicts.get("unknown", 0))


def _month(month: str, today: date) -> Period:
    try:
        if not _MONTH.fullmatch(month):
            raise ValueError
        first = date.fromisoformat(f"{month}-01")
        end_of(first)
    except ValueError:
        raise Refused(f"{month!r} is no month; write 2026-06") from None
    if first > today:
        raise Refused(f"{month} has not come yet: in Japan it is {today.isoformat()}")
    after = (first.replace(day=28) + timedelta(days=4)).replace(day=1)
    return Period(first, min(after - timedelta(days=1), today))


def _known(store: TenantStore, tenant: Tenant, period: Period) -> dict[str, SourceKnown]:
    """Return what is known of each source that has rows."""
    since, until = instant(period.since), instant(period.until)
    later, counts = defaultdict[str, list[LogCount]](list), defaultdict[str, list[LogCount]](list)
    kept = defaultdict[str, dict[str, int]](dict)
    with store.read() as reader:
        for one in reader.logs.sums(since):
            later[one.source].append(one)
        for one in reader.logs.hours(since, until):
            counts[one.source].append(one)
        for source, slot, number in reader.logs.kept(since, until):
            day = day_name(slot)
            kept[source][day] = kept[source].get(day, 0) + number
        waiting, heard = reader.logs.waiting_by_source(), reader.logs.heard()
        asked = reader.logs.unfetched(period.first.isoformat(), period.last.isoformat())
    unfetched = defaultdict[str, dict[str, Unfetched]](dict)
    for left in asked:
        unfetched[left.source][left.day] = left
    expected = {one.source for one in tenant.logs or ()} | heard.keys() | counts.keys()
    # What waits now, without what has come to wait since then: so nothing from before has to be counted again.
    before = {one: max(0, waiting.get(one, 0) - volume_of(one, later[one]).waiting) for one in expected}
    return {one: SourceKnown(before[one], counts[one], kept[one], unfetched[one]) for one in expected}


def _stopped(home: Home, period: Period, now: datetime) -> Iterator[LogGap]:
    """Yield when nothing of ours took logs in, up to now; where it never did, there was nothing that could stop."""
    with home.service.read() as session:
        runs = session.log_runs.all()
    stops = stops_of([*runs, (instant(now), instant(now))]) if runs else []
    for since, until in _clipped(stops, period, now):
        yield LogGap(instant(since), instant(until), "stop", _STOPPED)


def _not_allowed(store: TenantStore, period: Period, now: datetime) -> Iterator[LogGap]:
    end = min(period.until, now)
    if period.since < end:
        for one in barred("logs.take", book_of(store), period.since, end):
            yield LogGap(instant(one.since), instant(one.until), "contract", one.reason, one.clause)


def _clipped(stops: Sequence[Stop], period: Period, now: datetime) -> Iterator[Stop]:
    end = min(period.until, now)
    for since, until in stops:
        if since < end and until > period.since:
            yield max(since, period.since), min(until, end)


def _scan_day(reader: Reader, tenant: Tenant, day: date) -> ScanDay:
    run = reader.last_run(end_of(day))
    if run is None or day_name(run.finished_at) != day.isoformat():
        return ScanDay(day.isoformat())
    gaps, seen = reader.gaps(run.id), set(reader.scopes(run.finished_at))
    scopes = sorted({*(one.id for one in named(tenant).found), *seen, *(one.scope for one in gaps)})
    found = [_scope_day(scope, [one for one in gaps if one.scope == scope], scope in seen) for scope in scopes]
    return ScanDay(day.isoformat(), run.id, run.finished_at, known_percent(run), found)


def _scope_day(scope: str, gaps: list[Gap], is_seen: bool) -> ScopeDay:
    whole = any(not one.kind for one in gaps)
    state: ScopeState = "not read" if whole else "in part" if gaps else "read" if is_seen else "nothing seen"
    return ScopeDay(scope, state, gaps)
