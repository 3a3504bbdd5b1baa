"""Whether a source that was heard is silent for more than three times its own longest pause, without our own stops."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from detectors.service.finding import Change, begun, is_active, opened
from model.canonical import instant, parse_instant
from model.clock import in_japan
from model.finding import Finding, resolve
from model.log_volume import LogHeard, Stop
from model.text import Text

POLICY = "service.log-source-silent"
# How long a source may be silent for each second of its longest pause, and how long any may: whoever was heard for a
# minute has no pauses to go by yet.
TIMES, LEAST, KNOWN_FOR = 3, timedelta(hours=1), timedelta(days=1)


def heard_at(before: LogHeard | None, source: str, slots: Sequence[str], stops: Sequence[Stop]) -> LogHeard | None:
    """Return when a source was heard, once it was in these slots, too (RFC 3339, in order); None for never.

    `before` is when it was heard until then. A pause counts without the part of it that was one of our stops.
    """
    known = before
    for slot in slots:
        if known is None:
            known = LogHeard(source, slot, slot)
        elif slot > known.last:
            pause = _without(parse_instant(known.last), parse_instant(slot), stops)
            known = replace(known, last=slot, longest_pause=max(known.longest_pause, int(pause.total_seconds())))
    return known


def silence(heard: LogHeard, before: Finding | None, now: datetime, stops: Sequence[Stop]) -> Change | None:
    """Return what is to be written of a source's silence by now, by when it was heard; None where nothing is.

    `before` is the finding as it was. Which of our own stops lie in the silence is said; they are no part of it.
    """
    last, at = parse_instant(heard.last), instant(now)
    most = max(LEAST, timedelta(seconds=heard.longest_pause * TIMES))
    is_silent = _without(last, now, stops) > most
    if before is not None and is_active(before):
        return None if is_silent else resolve(before, "the source is heard again", at)
    if not is_silent or last - parse_instant(heard.first) < KNOWN_FOR:
        return None
    return begun(before, opened(POLICY, heard.source, "medium", _said(heard, now, stops), at))


def _without(since: datetime, until: datetime, stops: Sequence[Stop]) -> timedelta:
    """Return how long it is between two moments, without our stops; these do not overlap."""
    ours = (min(until, end) - max(since, begin) for begin, end in stops)
    return until - since - sum((one for one in ours if one > timedelta()), timedelta())


def _said(heard: LogHeard, now: datetime, stops: Sequence[Stop]) -> Text:
    last, pause = parse_instant(heard.last), timedelta(seconds=heard.longest_pause)
    within = [(max(last, begin), end) for begin, end in stops if end > last and begin < now]
    english = "; ".join(f"{in_japan(begin)} to {in_japan(end)}" for begin, end in within)
    japanese = "、".join(f"{in_japan(begin)}～{in_japan(end)}" for begin, end in within)
    return Text(
        en=f"Nothing has come in since {in_japan(last)} (Japan time); the longest pause before was {_hours(pause).en}"
        + (f". Nothing was taken in because of a stop of the service from {english}" if within else ""),
        ja=f"{in_japan(last)}（日本時間）以降、監視ログを受信していない（これまでの最長の受信間隔は{_hours(pause).ja}）"
        + (f"。このうち{japanese}は、本サービスの停止により受信できなかった" if within else ""),
    )


def _hours(length: timedelta) -> Text:
    minutes = int(length.total_seconds()) // 60
    if not minutes:
        return Text(en="less than a minute", ja="1分未満")
    if minutes < 120:
        return Text(en=f"{minutes} minute{'' if minutes == 1 else 's'}", ja=f"{minutes}分")
    return Text(en=f"{minutes // 60} hours", ja=f"{minutes // 60}時間")
