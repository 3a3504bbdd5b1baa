"""Every count of findings has beside it what was covered (Article 12)."""

import ast
import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from itertools import pairwise

import pytest

from cli.tables import FindingsContext, print_findings, print_summary
from model.coverage import LogCoverage, summary
from model.tenant import Contract, Tenant
from model.text import LANGUAGES, Language, Text
from pipeline.scanning.scan import Summary
from reports.html import render
from reports.report import LookedAt, Subject, build
from store.rows import Run
from tests.architecture.project import ROOT, SOURCES

AT = "2026-06-01T03:00:00.000000Z"
RUN = Run("r", "j", "s", AT, AT, {"verdicts": {"pass": 997, "unknown": 3}, "assets": 7})
LINE = summary(99.7, 0, LogCoverage("2026-05-03", "2026-06-01", [], [], []))
NAME = Text("A", "ア")
# What prints a number of findings in words is found by this; with what prints it, and how it is made to.
_AFTER, _BEFORE = re.compile(r"^ findings?\b"), re.compile(r"\bfindings?: $")
_IN_TEMPLATES = re.compile(r"findings\|length|by_severity\.values\(\)\|sum")


def page(language: Language) -> str:
    looked = LookedAt(RUN, [], LogCoverage("2026-05-03", "2026-06-01", [], [], []))
    return render(build(Subject("aozora", NAME, ()), looked, [], {}, AT), language)


def scan_summary(_: Language) -> str:
    tenant = Tenant("aozora", NAME, contract=Contract(date(2026, 1, 1)))
    print_summary(Summary("r", 7, 0, {}, {}, [], {}, {}), tenant, LINE)
    return ""


def findings(run: Run | None, language: Language) -> str:
    print_findings([], FindingsContext(run, [], LINE), language)
    return ""


RENDERERS: dict[str, list[Callable[[Language], str]]] = {
    "reports/templates/report.html": [page],
    "cli/tables.py print_summary": [scan_summary],
    "cli/tables.py print_findings": [partial(findings, RUN), partial(findings, None)],
}
# What counts findings that something was done to, and says nothing of how many there are.
OTHERS = {
    "cli/exceptions.py import_": "those that exceptions suppress now",
    "cli/exceptions.py withdraw": "those that are open again",
    "cli/assets.py _tag": "those that a tag changes",
    "cli/exceptions.py add": "those that it suppresses",
}


def counts(tree: ast.AST) -> Iterator[str]:
    """Yield the functions that put a number of findings into a text."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and any(map(is_count, ast.walk(node))):
            yield node.name


def is_count(node: ast.AST) -> bool:
    parts = node.values if isinstance(node, ast.JoinedStr) else []
    for first, second in pairwise(parts):
        match first, second:
            case ast.FormattedValue(), ast.Constant(value=str(text)) if _AFTER.search(text):
                return True
            case ast.Constant(value=str(text)), ast.FormattedValue() if _BEFORE.search(text):
                return True
    return False


def test_every_place_that_counts_findings_is_known() -> None:
    found = {
        f"{file.relative_to(ROOT)} {name}"
        for file in SOURCES
        if file.relative_to(ROOT).parts[0] != "demo"
        for name in counts(ast.parse(file.read_text(encoding="utf-8")))
    }
    templates = [
        one for one in ROOT.glob("*/templates/*.html") if _IN_TEMPLATES.search(one.read_text(encoding="utf-8"))
    ]
    assert found | {str(one.relative_to(ROOT)) for one in templates} == RENDERERS.keys() | OTHERS.keys()


@pytest.mark.article(12)
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", RENDERERS)
def test_what_was_covered_stands_beside(
    name: str, language: Language, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    for make in RENDERERS[name]:
        text = make(language) + capsys.readouterr().out
        assert LINE.of("en" if name.endswith("print_summary") else language) in text
