"""What of a tenant's monitoring logs was covered, by source and day, and what was not (Article 12). Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import groupby
from typing import Literal, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from model.canonical import parse_instant
from model.clock import CONTRACT_ZONE
from model.log_volume import OUTCOMES, LogCount
from model.text import Text

# Whether a source was heard on a day; what is known of it only because it was filled back was not.
HeardState: TypeAlias = Literal["heard", "filled back", "not heard"]
# Why nothing was taken in for some time: nothing of ours ran, or the contract did not allow it.
GapCause: TypeAlias = Literal["stop", "contract"]
_DAY = timedelta(days=1)
_SUMS = ("received", "analysed", "malformed", "duplicate", "too_late", "refused", "expired", "stored", "bytes")


class Period(Struct, frozen=True):
    """Days of Asia/Tokyo on end, from the first to the last, which counts."""

    first: date
    last: date

    @property
    def days(self) -> list[date]:
        """Return its days in order."""
        return [self.first + number * _DAY for number in range((self.last - self.first).days + 1)]

    @property
    def since(self) -> datetime:
        """Return its first moment."""
        return _begin(self.first)

    @property
    def until(self) -> datetime:
        """Return the first moment after it."""
        return _begin(self.last + _DAY)


class Unfetched(Struct, frozen=True):
    """What lies at the cloud of a source and day and was never taken in: objects and bytes, None where it is unknown.

    How many records are in it is known of what was read alone. `how` says what it was counted by, `cause` why it is
    unknown; of so many objects (`gone`) there is only the name left. It was asked `at` a moment.
    """

    source: str
    day: str
    objects: int | None = None
    bytes: int | None = None
    gone: int = 0
    how: str = ""
    cause: str = ""
    at: str = ""


class LogGap(Struct, frozen=True):
    """Between two moments (RFC 3339) nothing was taken in, for a reason; of a contract's with its clause."""

    since: str
    until: str
    cause: GapCause
    reason: Text
    clause: str = ""

    @property
    def minutes(self) -> int:
        """Return how many minutes it has, begun ones counted."""
        return _minutes(parse_instant(self.until) - parse_instant(self.since))


class SourceDay(Struct, frozen=True):
    """What came in of a source on a day (Asia/Tokyo), in records, and what became of records on that day.

    Each is in exactly one column: `waiting_before` and `received` together are all the others, with those that are
    `waiting` at the day's end. `stored` are those of the analysed that are kept still. What was `expired` is no longer
    among the analysed: it was kept long enough, or waited too long. What lies at the cloud and was not taken in is
    `unfetched`, None where nobody has asked.
    """

    source: str
    day: str
    state: HeardState
    waiting_before: int = 0
    received: int = 0
    analysed: int = 0
    waiting: int = 0
    malformed: int = 0
    duplicate: int = 0
    too_late: int = 0
    refused: int = 0
    expired: int = 0
    stored: int = 0
    bytes: int = 0
    unfetched: Unfetched | None = None


class DayGaps(Struct, frozen=True):
    """For how many minutes of a day nothing was taken in: nothing of ours ran, or the contract did not allow it."""

    day: str
    stopped_minutes: int
    not_allowed_minutes: int


class LogCoverage(Struct, frozen=True):
    """What was covered of a tenant's logs between two days, both counted: a row for each source and day.

    A source that is expected has a row for each day, whether it was heard or not.
    """

    first: str
    last: str
    sources: list[SourceDay]
    days: list[DayGaps]
    gaps: list[LogGap]


class SourceKnown(Struct, frozen=True):
    """What is known of one source: how many records waited before the period, its counts in it, and by day the rest.

    That is how many records are kept, and what was not fetched.
    """

    waiting: int
    counts: Sequence[LogCount]
    kept: Mapping[str, int] = {}
    unfetched: Mapping[str, Unfetched] = {}


def percent_known(judged: int, unknown: int) -> float:
    """Return the share of judgements that could be made, in percent, cut off after one digit, never rounded up."""
    wanted = judged + unknown
    return int(1000 * judged / wanted) / 10 if wanted else 0.0


def day_name(moment: str) -> str:
    """Return the day in Asia/Tokyo that a moment (RFC 3339) is in, as 2026-06-01."""
    return parse_instant(moment).astimezone(CONTRACT_ZONE).date().isoformat()


def cover_source(source: str, period: Period, known: SourceKnown) -> list[SourceDay]:
    """Return what was covered of a source on each day of a period, by what is known of it.

    What waits at a day's end is what waited before, and what came, without what has come to an end on it: an end counts
    on the day on which it came.
    """
    by_day: dict[str, list[LogCount]] = {}
    for one in known.counts:
        by_day.setdefault(day_name(one.slot), []).append(one)
    waiting, found = known.waiting, list[SourceDay]()
    for day in map(date.isoformat, period.days):
        made = _source_day(source, day, waiting, by_day.get(day, []))
        waiting = made.waiting
        found.append(_with(made, known))
    return found


def minutes_by_day(period: Period, gaps: Sequence[LogGap]) -> list[DayGaps]:
    """Return for each day of a period how many minutes of it lie in gaps, begun ones counted."""
    return [DayGaps(day.isoformat(), _within(day, gaps, "stop"), _within(day, gaps, "contract")) for day in period.days]


def total(days: Iterable[SourceDay]) -> list[SourceDay]:
    """Return one row for each source over its days, in the order of sources; a source was heard if on each day.

    The days are in order. `day` is the last one.
    """
    ordered = sorted(days, key=lambda one: one.source)
    return [_summed(list(group)) for _, group in groupby(ordered, lambda one: one.source)]


def summary(known_percent: float | None, unread: int, logs: LogCoverage | None) -> Text:
    """Return in one line what stands beside a count of findings: what could be judged, and what was covered of logs.

    Of the judgements so many percent could be made (`known_percent`, None where there was no scan), with so many gaps
    (`unread`). Without the `logs` nothing is known of them.
    """
    judged = Text("nothing was scanned yet", "診断は未実施")
    if known_percent is not None:
        judged = Text(
            f"{known_percent} % of the judgements could be made, {_counted(unread, 'gap')}",
            f"判定できた項目 {known_percent} %、読み取れなかったもの {unread}件",
        )
    covered = _logs_line(logs) if logs else Text("logs: unknown", "ログ：不明")
    return Text(f"coverage: {judged.en}; {covered.en}", f"確認範囲：{judged.ja}。{covered.ja}")


def _logs_line(logs: LogCoverage) -> Text:
    rows = total(logs.sources)
    if not rows:
        return Text("logs: no source is set up", "ログ：取得元の設定なし")
    heard, minutes = sum(one.state == "heard" for one in rows), sum(one.minutes for one in logs.gaps)
    left = [one.unfetched.objects if one.unfetched else None for one in rows]
    objects = None if None in left else sum(filter(None, left))
    return Text(
        f"logs of {len(logs.days)} days: {heard} of {_counted(len(rows), 'source')} heard each day, "
        f"{_counted(len(logs.gaps), 'gap')} ({minutes:,} min), not fetched: "
        + ("unknown" if objects is None else _counted(objects, "object")),
        f"ログ（{len(logs.days)}日間）：毎日受信した取得元 {heard}/{len(rows)}、"
        f"受け入れの中断 {len(logs.gaps)}件（{minutes:,}分）、"
        f"未取得 {'不明' if objects is None else f'{objects:,}件'}",
    )


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _begin(day: date) -> datetime:
    return datetime.combine(day, time(0), CONTRACT_ZONE)


def _source_day(source: str, day: str, waiting: int, counts: Sequence[LogCount]) -> SourceDay:
    ended = {what: sum(one.records for one in counts if one.what == what) for what in OUTCOMES}
    offered = [one for one in counts if one.what == "offered"]
    received = sum(one.records for one in offered)
    filled = sum(one.records for one in offered if one.cause == "back-fill")
    state: HeardState = "heard" if received > filled else "filled back" if filled else "not heard"
    return SourceDay(
        source=source,
        day=day,
        state=state,
        waiting_before=waiting,
        received=received,
        analysed=ended["processed"],
        waiting=waiting + received - sum(ended.values()),
        malformed=ended["malformed"],
        duplicate=ended["duplicate"],
        too_late=ended["too late"],
        refused=ended["refused"],
        expired=ended["expired"],
        bytes=sum(one.bytes for one in offered),
    )


def _with(made: SourceDay, known: SourceKnown) -> SourceDay:
    return replace(made, stored=known.kept.get(made.day, 0), unfetched=known.unfetched.get(made.day))


def _summed(days: Sequence[SourceDay]) -> SourceDay:
    states = {one.state for one in days}
    state: HeardState = "heard" if states == {"heard"} else "not heard" if "not heard" in states else "filled back"
    sums = {name: sum(getattr(one, name) for one in days) for name in _SUMS}
    return SourceDay(
        source=days[0].source,
        day=days[-1].day,
        state=state,
        waiting_before=days[0].waiting_before,
        waiting=days[-1].waiting,
        unfetched=_all_unfetched(days),
        **sums,
    )


def _all_unfetched(days: Sequence[SourceDay]) -> Unfetched | None:
    """Return what was not fetched over all days; None where one of them was not asked about, or is unknown."""
    found = [one.unfetched for one in days if one.unfetched and one.unfetched.objects is not None]
    if len(found) < len(days):
        return None
    sizes = [one.bytes for one in found]
    return Unfetched(
        source=days[0].source,
        day=days[-1].day,
        objects=sum(one.objects or 0 for one in found),
        bytes=None if None in sizes else sum(filter(None, sizes)),
        gone=sum(one.gone for one in found),
        how=", ".join(sorted({one.how for one in found})),
        at=min(one.at for one in found),
    )


def _within(day: date, gaps: Iterable[LogGap], cause: GapCause) -> int:
    begin, end = _begin(day), _begin(day + _DAY)
    return _minutes(sum(_parts(gaps, cause, begin, end), timedelta()))


def _parts(gaps: Iterable[LogGap], cause: GapCause, begin: datetime, end: datetime) -> Iterator[timedelta]:
    for one in gaps:
        if one.cause == cause:
            length = min(end, parse_instant(one.until)) - max(begin, parse_instant(one.since))
            yield max(timedelta(), length)


def _minutes(length: timedelta) -> int:
    return -(-length // timedelta(minutes=1))
