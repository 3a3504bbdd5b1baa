"""The report as one HTML file: no script, nothing loaded from elsewhere, prints on A4."""

from model.finding import CATEGORY_WORDS, Severity
from model.tenant import SUDDEN_LOSS
from model.text import Language
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
        sudden_loss=any(SUDDEN_LOSS in gap.cause for gap in report.coverage.gaps),
    )


def _bars(by_severity: dict[Severity, int]) -> list[tuple[Severity, int, float]]:
    """Return for each severity its number and the length of its bar in percent of the longest."""
    longest = max(by_severity.values(), default=0) or 1
    return [(severity, number, 100 * number / longest) for severity, number in by_severity.items()]
