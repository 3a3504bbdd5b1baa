"""The report as one HTML file: no script, nothing loaded from elsewhere, prints on A4."""

from typing import Any

from model.coverage import total
from model.finding import CATEGORY_WORDS, Severity
from model.tenant import SUDDEN_LOSS
from model.text import Language
from reports.covered import COLUMNS, moment, reason_text, unfetched_text
from reports.pages import page
from reports.proposals import WEIGHTS
from reports.report import Report
from reports.wording import SEVERITY, STATE, TEXTS, second_sources


def render(report: Report, language: Language) -> str:
    """Return the report in a language; customers' texts are escaped."""
    return page(
        "report.html",
        language,
        report.provider,
        report=report,
        sources=lambda finding: second_sources(finding, language),
        t={name: text.of(language) for name, text in TEXTS.items()},
        severity={name: text.of(language) for name, text in SEVERITY.items()},
        category={name: text.of(language) for name, text in CATEGORY_WORDS.items()},
        state={name: text.of(language) for name, text in STATE.items()},
        weights=WEIGHTS,
        bars=_bars(report.by_severity),
        covered=_covered(report, language),
        sudden_loss=any(SUDDEN_LOSS in gap.cause for gap in report.coverage.gaps),
    )


def _covered(report: Report, language: Language) -> dict[str, Any]:
    """Return what was covered of logs, in words: a row for each thing that is counted, with a cell for each source."""
    logs = report.logs
    rows = total(logs.sources)
    heard = {one.source: sum(day.source == one.source and day.state == "heard" for day in logs.sources) for one in rows}
    counted = [(name, [f"{getattr(one, key):,}" for one in rows]) for key, name in COLUMNS.items()]
    return {
        "line": report.covered.of(language),
        "sources": [one.source for one in rows],
        "heard": [f"{heard[one.source]} / {len(logs.days)}" for one in rows],
        "rows": [(name.of(language), cells) for name, cells in counted],
        "unfetched": [unfetched_text(one).of(language) for one in rows],
        "gaps": [
            (moment(one.since), moment(one.until), one.minutes, reason_text(one).of(language)) for one in logs.gaps
        ],
    }


def _bars(by_severity: dict[Severity, int]) -> list[tuple[Severity, int, float]]:
    """Return for each severity its number and the length of its bar in percent of the longest."""
    longest = max(by_severity.values(), default=0) or 1
    return [(severity, number, 100 * number / longest) for severity, number in by_severity.items()]
