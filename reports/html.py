"""The report as one HTML file: no script, nothing loaded from elsewhere, prints on A4."""

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from model.canonical import parse_instant
from model.clock import CONTRACT_ZONE
from model.finding import Severity
from model.text import Language, Text
from reports.proposals import WEIGHTS
from reports.report import Report
from reports.wording import SEVERITY, STATE, TEXTS, second_sources

_TEMPLATES = Path(__file__).parent / "templates"


def render(report: Report, language: Language) -> str:
    """Return the report in a language; customers' texts are escaped."""
    # Autoescape for every template: names and messages come from customers' accounts.
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["text"] = lambda text: _of(text, language)
    environment.filters["moment"] = lambda text: _moment(parse_instant(text), language)
    environment.filters["day"] = lambda text: str(parse_instant(text).astimezone(CONTRACT_ZONE).date())
    environment.filters["sources"] = lambda finding: second_sources(finding, language)
    return environment.get_template("report.html").render(
        report=report,
        language=language,
        t={name: text.of(language) for name, text in TEXTS.items()},
        severity={name: text.of(language) for name, text in SEVERITY.items()},
        state={name: text.of(language) for name, text in STATE.items()},
        weights=WEIGHTS,
        bars=_bars(report.by_severity),
        style=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
    )


def _of(text: Text, language: Language) -> str:
    return text.of(language)


def _moment(moment: datetime, language: Language) -> str:
    local = moment.astimezone(CONTRACT_ZONE)
    if language == "ja":
        return f"{local.year}年{local.month}月{local.day}日 {local:%H:%M}(日本時間)"
    return f"{local.day} {local:%B %Y, %H:%M} (Japan time)"


def _bars(by_severity: dict[Severity, int]) -> list[tuple[Severity, int, float]]:
    """Return for each severity its number and the length of its bar in percent of the longest."""
    longest = max(by_severity.values(), default=0) or 1
    return [(severity, number, 100 * number / longest) for severity, number in by_severity.items()]
