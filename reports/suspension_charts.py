"""The two charts of a suspension's case: what came in, and what that affected. Pure."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from msgspec.structs import replace

from contract.suspension_texts import STAGES
from model.canonical import parse_instant
from model.clock import CONTRACT_ZONE, in_japan
from model.suspension_case import CaseMinute, SuspensionCase
from model.text import Language
from reports import suspension_numbers as numbers
from reports.charts import Chart, Level, number, size, unit_of
from reports.suspension_wording import CHART, CHART_TEXT, CHART_UNITS, FLOOD, TEXTS, worded

_MINUTE = timedelta(minutes=1)
_MOST_LABELS = 9
_STEPS = (5, 10, 15, 30, 60, 120, 240, 480, 720, 1440)


def volume_chart(case: SuspensionCase, language: Language) -> Chart:
    """Return the records of each minute, by powers of ten, beside the committed rate and what is massive."""
    series, said = numbers.line_up(case), _volume_said(case)
    values = [None if one is None else float(one.records) for one in series]
    threshold, committed = said["threshold"], said["committed"]
    drawn = replace(
        _chart("volume", case, language, values, said),
        unit=CHART_UNITS["volume"].of(language),
        levels=(
            Level(numbers.volume(case).threshold, TEXTS["massive_line"].of(language).format(threshold), "limit"),
            Level(case.committed, TEXTS["committed_line"].of(language).format(committed), "base"),
        ),
        events=tuple(_events(case, len(series), language)),
        marked=_marked(series, lambda one: numbers.is_massive(case, one)),
        mark=TEXTS["massive_mark"].of(language),
        is_log=True,
    )
    is_low = any(value is not None and value < drawn.axis.ticks[0] for value in values)
    return replace(drawn, description=drawn.description + CHART_TEXT["low"].of(language)) if is_low else drawn


def volume_sentence(case: SuspensionCase, language: Language) -> str:
    """Return how many of the minutes that count were massive, in a sentence."""
    return FLOOD.of(language).format(**_volume_said(case))


def _volume_said(case: SuspensionCase) -> dict[str, str]:
    found = numbers.volume(case)
    return {
        "massive": str(found.massive),
        "window": str(found.window),
        "threshold": number(found.threshold),
        "percent": str(numbers.setting(case, "massive_percent")),
        "committed": number(case.committed),
        "late_window": str(found.late_window),
        "late": str(found.late),
        "peak_at": clock(found.peak.at),
        "peak": number(found.peak.records),
    }


def impact_chart(case: SuspensionCase, language: Language) -> Chart | None:
    """Return what was affected in each minute, by the reason of the case; None where that is no number a minute."""
    made = _IMPACTS.get(case.reason)
    return made(case, language) if made else None


def _waiting(case: SuspensionCase, language: Language) -> Chart:
    return _limited(case, language, numbers.waiting(case), lambda one: one.others_p99_s)


def _intake(case: SuspensionCase, language: Language) -> Chart:
    return _limited(case, language, numbers.intake(case), lambda one: one.refusing_percent)


def _limited(
    case: SuspensionCase, language: Language, run: numbers.Exceeded, of: Callable[[CaseMinute], float]
) -> Chart:
    """Return a chart of a number beside its limit; minutes beyond the limit are marked."""
    series = numbers.line_up(case)
    values = [None if one is None else of(one) for one in series]
    marked = _marked(series, lambda one: of(one) > run.limit)
    limit, most = number(run.limit), number(max(value for value in values if value is not None))
    said = {"limit": limit, "beyond": str(len(marked)), "run": str(run.minutes), "most": most}
    return replace(
        _chart(case.reason, case, language, values, said),
        unit=CHART_UNITS[case.reason].of(language),
        levels=(Level(run.limit, TEXTS["limit_line"].of(language).format(limit), "limit"),),
        marked=marked,
        mark=TEXTS["beyond_mark"].of(language),
    )


def _disk(case: SuspensionCase, language: Language) -> Chart:
    found = numbers.growth(case)
    free = [None if one is None else one.free_bytes for one in numbers.line_up(case)]
    known = [one for one in free if one is not None] or [0]
    hours = numbers.setting(case, "disk_hours")
    needed = hours * found.per_hour
    unit, factor = unit_of(max(known))
    said = {
        "first": size(known[0]),
        "last": size(known[-1]),
        "minutes": str(found.minutes),
        "total": size(found.total),
        "own": size(found.own),
        "hours": str(hours),
        "needed": size(needed),
    }
    values = [None if one is None else one / factor for one in free]
    line = TEXTS["growth_line"].of(language).format(hours)
    return replace(
        _chart("disk", case, language, values, said), unit=unit, levels=(Level(needed / factor, line, "limit"),)
    )


def _backlog(case: SuspensionCase, language: Language) -> Chart:
    limit = numbers.backlog_limit(case)
    values = [None if one is None else float(one.backlog) for one in numbers.line_up(case)]
    said = {"limit": number(limit), "last": number(next(one for one in reversed(values) if one is not None))}
    return replace(
        _chart("backlog", case, language, values, said),
        unit=CHART_UNITS["backlog"].of(language),
        levels=(Level(limit, TEXTS["threshold_line"].of(language).format(number(limit)), "limit"),),
    )


_IMPACTS = {"waiting": _waiting, "disk": _disk, "intake": _intake, "backlog": _backlog}


def _chart(
    name: str, case: SuspensionCase, language: Language, values: Sequence[float | None], said: dict[str, str]
) -> Chart:
    """Return a chart of values, by its name, with a text that says in numbers (`said`) what it shows of the case."""
    begin, end = step_moment(case, 0), step_moment(case, len(values))
    ends = {"begin": clock(begin, has_day=True), "end": clock(end, has_day=True)}
    text = CHART_TEXT[name].of(language).format(**said | ends)
    if missing := sum(one is None for one in values):
        text += CHART_TEXT["missing"].of(language).format(missing=missing)
    return Chart(name, CHART[name].of(language), text, "", values, tuple(_times(case, len(values))))


def _marked(series: Sequence[CaseMinute | None], is_marked: Callable[[CaseMinute], bool]) -> frozenset[int]:
    return frozenset(step for step, one in enumerate(series) if one is not None and is_marked(one))


def _times(case: SuspensionCase, minutes: int) -> Iterator[tuple[int, str]]:
    """Yield the labels of the time axis: round times of the day in Japan, not too many."""
    every = next((one for one in _STEPS if minutes / one <= _MOST_LABELS), _STEPS[-1])
    first = numbers.begin(case).astimezone(CONTRACT_ZONE)
    for step in range(minutes):
        at = first + _MINUTE * step
        if (at.hour * 60 + at.minute) % every == 0:
            yield step, f"{at:%H:%M}"


def _events(case: SuspensionCase, minutes: int, language: Language) -> Iterator[tuple[float, str]]:
    """Yield the changes of stage that are within the minutes, by the minutes since the first one began."""
    begin = numbers.begin(case)
    for one in case.changes:
        step = (parse_instant(one.at) - begin) / _MINUTE
        if 0 <= step <= minutes:
            yield step, worded(STAGES, one.after).of(language)


def step_moment(case: SuspensionCase, step: float) -> str:
    """Return when a step of the charts begins, which is a minute (RFC 3339)."""
    return (numbers.begin(case) + _MINUTE * step).isoformat()


def clock(text: str, *, has_day: bool = False) -> str:
    """Return the time of a moment in Japan, with its day where that is asked for (`has_day`)."""
    said = in_japan(parse_instant(text))
    return said if has_day else said.partition(" ")[2]
