"""What was affected by massive logs, by the reason of the case: a sentence, a figure, rows of numbers. Pure."""

from collections.abc import Callable, Iterator

from model.suspension_case import CaseMinute, SuspensionCase
from model.text import Language, Text, printable
from reports import suspension_numbers as numbers
from reports.charts import number, size
from reports.suspension_wording import COLUMNS, FACTS, FIGURES, WHY, counted

Row = tuple[str, str]
_UNKNOWN = "–"
_SIGNS = {"s": "秒", "h": "時間", "%": "%"}


def sentence(case: SuspensionCase, language: Language) -> str:
    """Return the reason of a case in a sentence with its numbers."""
    values: dict[str, Callable[[SuspensionCase], dict[str, str]]] = {
        "waiting": _waiting_values,
        "disk": _disk_values,
        "intake": _intake_values,
        "backlog": _backlog_values,
        "massive": lambda _case: {},
    }
    if case.reason not in values:
        return printable(case.reason)
    return WHY[case.reason].of(language).format(**values[case.reason](case))


def rows(case: SuspensionCase, language: Language) -> list[Row]:
    """Return what was affected as rows of a measure and its value; none where the reason is no impact of its own."""
    made: dict[str, Callable[[SuspensionCase, Language], Iterator[Row]]] = {
        "waiting": _waiting_rows,
        "disk": _disk_rows,
        "intake": _intake_rows,
        "backlog": _backlog_rows,
    }
    return list(made[case.reason](case, language)) if case.reason in made else []


def figure(case: SuspensionCase, language: Language) -> Row | None:
    """Return the one value that shows the impact best, and what it is; None where there is none."""
    match case.reason:
        case "waiting":
            waited = numbers.waiting(case)
            value, limit = _short(number(waited.most), "s", language), number(waited.limit)
        case "disk":
            value = _short(_hours(numbers.growth(case).hours), "h", language)
            limit = str(numbers.setting(case, "disk_hours"))
        case "intake":
            taken = numbers.intake(case)
            value, limit = _short(number(taken.most), "%", language), number(taken.limit)
        case "backlog":
            value = _short(_backlog_hours(case), "h", language)
            limit = str(numbers.setting(case, "backlog_hours"))
        case _:
            return None
    return value, FIGURES[case.reason].of(language).format(limit)


def column(case: SuspensionCase) -> tuple[Text, Callable[[CaseMinute], str]] | None:
    """Return the head of a column of the appendix, and what stands in it of a minute; None where nothing does."""
    cells: dict[str, Callable[[CaseMinute], str]] = {
        "waiting": lambda one: number(one.others_p99_s),
        "disk": lambda one: _UNKNOWN if one.free_bytes is None else size(one.free_bytes),
        "intake": lambda one: number(one.refusing_percent),
        "backlog": lambda one: number(one.backlog),
    }
    return (COLUMNS[case.reason], cells[case.reason]) if case.reason in cells else None


def _waiting_values(case: SuspensionCase) -> dict[str, str]:
    found = numbers.waiting(case)
    return {"run": str(found.minutes), "limit": number(found.limit), "most": number(found.most)}


def _disk_values(case: SuspensionCase) -> dict[str, str]:
    found = numbers.growth(case)
    return {
        "minutes": str(found.minutes),
        "hours": _hours(found.hours),
        "percent": number(found.percent),
        "limit": str(numbers.setting(case, "disk_hours")),
        "part": str(numbers.setting(case, "disk_percent")),
    }


def _intake_values(case: SuspensionCase) -> dict[str, str]:
    found = numbers.intake(case)
    return {"run": str(found.minutes), "limit": number(found.limit), "most": number(found.most)}


def _backlog_values(case: SuspensionCase) -> dict[str, str]:
    return {"hours": _backlog_hours(case), "limit": str(numbers.setting(case, "backlog_hours"))}


def _waiting_rows(case: SuspensionCase, language: Language) -> Iterator[Row]:
    found, last = numbers.waiting(case), numbers.last_minute(case)
    said = {
        "seconds": numbers.setting(case, "waiting_seconds"),
        "percent": numbers.setting(case, "waiting_percent"),
        "calm": number(case.calm_p99_s),
    }
    needed = numbers.setting(case, "waiting_minutes")
    yield FACTS["limit"].of(language).format(**said), counted("seconds", found.limit, language)
    yield FACTS["waiting_run"].of(language).format(needed=needed), counted("minutes", found.minutes, language)
    yield FACTS["waiting_most"].of(language), counted("seconds", found.most, language)
    most = max(one.others_records for one in case.minutes)
    yield FACTS["others"].of(language), counted("records", most, language)
    yield FACTS["committed"].of(language), counted("records", case.committed, language)
    yield FACTS["capacity"].of(language), counted("records", last.capacity, language)


def _disk_rows(case: SuspensionCase, language: Language) -> Iterator[Row]:
    found = numbers.growth(case)
    yield FACTS["growth"].of(language).format(minutes=found.minutes), size(found.total)
    yield FACTS["own"].of(language), f"{size(found.own)} ({_short(number(found.percent), '%', language)})"
    yield FACTS["free"].of(language), _UNKNOWN if found.free is None else size(found.free)
    limit = numbers.setting(case, "disk_hours")
    yield FACTS["full"].of(language).format(limit=limit), _short(_hours(found.hours), "h", language)


def _intake_rows(case: SuspensionCase, language: Language) -> Iterator[Row]:
    found = numbers.intake(case)
    said = {"limit": number(found.limit), "needed": numbers.setting(case, "intake_minutes")}
    yield FACTS["intake_run"].of(language).format(**said), counted("minutes", found.minutes, language)
    yield FACTS["intake_most"].of(language), counted("percent", found.most, language)
    refused = sum(one.refused for one in case.minutes)
    yield FACTS["refused"].of(language), counted("records", refused, language)


def _backlog_rows(case: SuspensionCase, language: Language) -> Iterator[Row]:
    limit = numbers.setting(case, "backlog_hours")
    yield FACTS["backlog"].of(language), counted("records", numbers.last_minute(case).backlog, language)
    yield FACTS["backlog_hours"].of(language).format(limit=limit), _short(_backlog_hours(case), "h", language)


def _backlog_hours(case: SuspensionCase) -> str:
    """Return the backlog at the end in hours of the committed rate."""
    return _hours(numbers.times(numbers.last_minute(case).backlog, 60 * case.committed))


def _hours(hours: float | None) -> str:
    return _UNKNOWN if hours is None else number(hours)


def _short(value: str, sign: str, language: Language) -> str:
    """Return a value with the sign of its unit, as a figure has it."""
    return f"{value} {sign}" if language == "en" else f"{value}{_SIGNS[sign]}"
