"""What people read in the terminal."""

import sys
from collections import Counter
from collections.abc import Collection, Iterable, Sequence

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from model.finding import CATEGORY_WORDS, SEVERITIES, Finding, Verdict
from model.template import TemplateLook
from model.tenant import Tenant
from model.text import Language, printable
from model.text import Text as Covered
from pipeline.scanning.scan import Summary
from store.rows import Gap, Run

STYLES = {"critical": "bold white on red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
_HEADINGS = {
    "en": ("severity", "resource", "region", "what is wrong"),
    "ja": ("重大度", "リソース", "リージョン", "問題"),
}


def print_verdicts(verdicts: Sequence[Verdict], policies: Collection[str], language: Language) -> int:
    """Print failed verdicts as a table, then what passed and what could not be known; return the unknowns.

    Messages are in the language; of the policies that judged, only the number is printed.
    """
    console = Console(highlight=False)
    failed = [v for v in verdicts if v.status == "fail"]
    if failed:
        console.print(_failures(failed, language))
    unknown = [v for v in verdicts if v.status == "unknown"]
    for (policy, reason), number in sorted(Counter((v.policy, v.reason) for v in unknown).items()):
        console.print(Styled(printable(f"unknown  {policy}: {reason} ({number})"), style="magenta"))
    count = Counter(v.status for v in verdicts)
    console.print(
        f"{count['fail']} failed, {count['pass']} passed, {count['unknown']} unknown, "
        f"{count['not_applicable']} not applicable; {len(policies)} policies"
    )
    return len(unknown)


def print_look(looked: TemplateLook, language: Language) -> None:
    """Print what was found in templates, by file and line, then what passed."""
    console = Console(highlight=False)
    table = Table(box=None, header_style="bold", pad_edge=False)
    headings = {"en": ("severity", "where", "resource", "what is wrong"), "ja": ("重大度", "場所", "リソース", "問題")}
    for heading in headings[language]:
        table.add_column(heading, overflow="fold")
    for one in looked.found:
        severity = Styled(one.severity or "-", style=STYLES[one.severity] if one.severity else "dim")
        where = Styled(f"{one.file}:{one.line}")
        table.add_row(severity, where, Styled(one.resource), Styled(one.title.of(language)))
    if looked.found:
        console.print(table)
    count = f"{len(looked.found)} failed, {looked.passed} passed, {looked.skipped} skipped by a comment"
    console.print(f"{count}; {len(looked.unread)} not read")


def _failures(failed: Sequence[Verdict], language: Language) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, heading in enumerate(_HEADINGS[language]):
        table.add_column(heading, overflow="fold", ratio=(None, 2, None, 3)[number])
    worst_first = sorted(failed, key=lambda v: (-SEVERITIES.index(v.severity), v.policy, v.resource, v.region))
    for verdict in worst_first:
        message = verdict.message.of(language) if verdict.message else ""
        # Styled, not markup: names come from customers' accounts.
        table.add_row(
            Styled(verdict.severity, style=STYLES[verdict.severity]),
            Styled(printable(verdict.name)),
            Styled(verdict.region),
            Styled(printable(message)),
        )
    return table


def plain_table(*headings: str) -> Table:
    """Return a table without rules whose first column, the one to copy, is never broken."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, no_wrap=number == 0, overflow="fold")
    return table


def print_lines(rows: Iterable[Struct]) -> None:
    """Print rows as JSON, a line each."""
    sys.stdout.writelines(msgspec.json.encode(row).decode() + "\n" for row in rows)


def print_rows(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print rows of texts under their headings; customers' texts are printed as they are, without what obeys."""
    table = plain_table(*headings)
    for row in rows:
        table.add_row(*(printable(cell) for cell in row))
    Console(highlight=False, markup=False).print(table)


def print_summary(summary: Summary, tenant: Tenant, covered: Covered) -> None:
    """Print the summary of a scan of a tenant, and beside it what was `covered`, and what could not be read."""
    count, facts = summary.verdicts, summary.facts
    print(f"{tenant.name.of('en')}: {summary.assets} resources seen, {summary.new_rows} new or changed")
    print(f"verdicts: {', '.join(f'{count.get(s, 0)} {s}' for s in ('fail', 'pass', 'unknown', 'not_applicable'))}")
    print(f"findings: {', '.join(f'{facts.get(s, 0)} {s}' for s in ('open', 'reopened', 'resolved'))}")
    print(covered.en)
    print_gaps(summary.gaps)
    if summary.raw:
        print(f"kept as they are, judged by nothing: {sum(summary.raw.values())} resources of {len(summary.raw)} types")
    for type_, number in summary.raw.items():
        print(f"    {printable(type_)}: {number}")
    for pair, number in summary.disagreed.items():
        policy, check = pair.split(" ")
        print(f"{check} disagrees with {policy}: {number} resources")


def print_gaps(gaps: Sequence[Gap]) -> None:
    """Print what could not be read: nought findings mean nothing without it."""
    if not gaps:
        print("coverage: everything was read")
    for gap in gaps:
        what = f"{gap.kind} {gap.detail or 'listing'}" if gap.kind else "everything"
        number = f" ({gap.assets} resources)" if gap.assets else ""
        print(f"coverage: {gap.scope} {gap.region} {what} not read: {gap.cause}{number}")


def nothing_known(at: str) -> str:
    """Return what is said where no scan has come to its end, or had by a past moment."""
    if at:
        return "no scan had come to its end by then: nothing is known of that day"
    return "no scan has come to its end yet: nothing is known"


def _findings(found: Sequence[Finding], language: Language) -> Table:
    """Return findings as a table, the worst first; with their categories where not all are of configurations."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    mixed = any(f.category != "posture" for f in found)
    state, category = ("state", "category") if language == "en" else ("状態", "分類")
    first, *others = _HEADINGS[language]
    for heading in (first, state, *([category] if mixed else []), *others):
        table.add_column(heading, overflow="fold")
    for f in sorted(found, key=lambda f: (-SEVERITIES.index(f.severity), f.policy, f.resource, f.region)):
        cells = [f"{f.state}, unverified" if f.unverified_since else f.state]
        cells += [CATEGORY_WORDS[f.category].of(language)] if mixed else []
        cells += [printable(f.name), f.region, printable(f.message.of(language))]
        table.add_row(Styled(f.severity, style=STYLES[f.severity]), *map(Styled, cells))
    return table


class FindingsContext(Struct, frozen=True):
    """What stands beside findings: the last run, None where there was none yet, its gaps, and what was covered.

    It is the last by a past moment `at` (empty: now).
    """

    run: Run | None
    gaps: Sequence[Gap]
    covered: Covered
    at: str = ""


def print_findings(found: Sequence[Finding], beside: FindingsContext, language: Language) -> None:
    """Print what was found, worst first, with what was covered `beside` it. Messages are in the language."""
    run, gaps, at = beside.run, beside.gaps, beside.at
    console = Console(highlight=False)
    if run is None:
        console.print(f"{nothing_known(at).capitalize()}.")
        console.print(beside.covered.of(language), markup=False)
        return
    if found:
        console.print(_findings(found, language))
    console.print(f"{len(found)} findings; last scan {run.finished_at}")
    console.print(beside.covered.of(language), markup=False)
    print_gaps(gaps)
