"""CSV for spreadsheets: RFC 4180, in one language, and no cell that a spreadsheet takes for a formula."""

import csv
import io
import re
from collections.abc import Iterable, Iterator

from model.canonical import parse_instant
from model.clock import CONTRACT_ZONE
from model.finding import CATEGORY_WORDS, SEVERITIES, Finding
from model.text import Text
from reports.export import Export
from reports.wording import SEVERITY, STATE, TEXTS, second_sources

# Without it Excel takes a CSV file for the system's own encoding, Shift_JIS in Japan, and shows no Japanese.
_BYTE_ORDER_MARK = "\ufeff"
_HEADINGS: tuple[Text, ...] = (
    TEXTS["state"],
    Text(en="Severity", ja="重大度"),
    Text(en="Policy", ja="ポリシー"),
    Text(en="Title", ja="問題"),
    TEXTS["resource"],
    Text(en="Name", ja="名前"),
    Text(en="Kind", ja="種類"),
    Text(en="Account", ja="アカウント"),
    TEXTS["region"],
    TEXTS["evidence"],
    TEXTS["sources"],
    TEXTS["controls"],
    Text(en="First seen (Japan time)", ja="初回検出（日本時間）"),
    Text(en="Last seen (Japan time)", ja="最終確認（日本時間）"),
    TEXTS["fix"],
    TEXTS["category"],  # of the last ones: a program may go by the places of the others
)
_PROVIDER = Text(en="Service provider", ja="サービス提供者")
# OWASP's list (CSV Injection), NUL of its ASVS 1.2.10, and the wide forms, which Japanese input makes as easily; behind
# what is not seen too (blanks, U+200B and its like): a program that drops it when it reads would find a formula.
_UNSEEN = r"[\s\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff]"
_FORMULA = re.compile(rf"[\t\r\n\0]|{_UNSEEN}*[=+\-@＝＋－＠]")


def write(findings: Iterable[Finding], export: Export) -> Iterator[str]:
    """Yield the header and a row for each finding, the worst first."""
    headings = (*_HEADINGS, _PROVIDER) if export.provider else _HEADINGS
    yield _BYTE_ORDER_MARK + _row([heading.of(export.language) for heading in headings])
    for finding in sorted(findings, key=lambda f: (-SEVERITIES.index(f.severity), f.policy, f.resource, f.region)):
        yield _row(_cells(finding, export))


def _cells(finding: Finding, export: Export) -> list[str]:
    language, form = export.language, export.policies.get(finding.policy)
    return [
        _state(finding, export),
        SEVERITY[finding.severity].of(language),
        finding.policy,
        form.title.of(language) if form else "",
        finding.resource,
        finding.name,
        finding.kind,
        _account(finding.scope),
        finding.region,
        finding.message.of(language),
        second_sources(finding, language),
        ", ".join(form.controls) if form else "",
        _moment(finding.opened_at),
        _moment(export.last_seen(finding)),
        form.fix.of(language) if form else "",
        CATEGORY_WORDS[finding.category].of(language),
        *([export.provider.of(language)] if export.provider else []),
    ]


def _row(cells: Iterable[str]) -> str:
    line = io.StringIO()
    csv.writer(line, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerow([_defused(cell) for cell in cells])
    return line.getvalue()


def _defused(cell: str) -> str:
    """Return a cell that no spreadsheet computes: one that would be a formula begins with an apostrophe."""
    return f"'{cell}" if _FORMULA.match(cell) else cell


def _state(finding: Finding, export: Export) -> str:
    state = STATE[finding.state].of(export.language)
    if not finding.unverified_since:
        return state
    unverified = TEXTS["unverified"].of(export.language)
    return f"{state}（{unverified}）" if export.language == "ja" else f"{state} ({unverified})"


def _account(scope: str) -> str:
    """Return an account as AWS's console shows it: plain, Excel makes 1.23457E+11 of it and drops leading noughts."""
    return f"{scope[:4]}-{scope[4:8]}-{scope[8:]}" if re.fullmatch("[0-9]{12}", scope) else scope


def _moment(text: str) -> str:
    return f"{parse_instant(text).astimezone(CONTRACT_ZONE):%Y-%m-%d %H:%M:%S}" if text else ""
