"""What people read in the terminal."""

from collections import Counter
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text as Styled

from catalog.policies import Policy
from model.finding import SEVERITIES, Verdict
from model.text import Language

STYLES = {"critical": "bold white on red", "high": "red", "medium": "yellow", "low": "cyan", "informational": "dim"}
_HEADINGS = {
    "en": ("severity", "resource", "region", "what is wrong"),
    "ja": ("重大度", "リソース", "リージョン", "問題"),
}


def print_verdicts(verdicts: Sequence[Verdict], policies: Mapping[str, Policy], language: Language) -> int:
    """Print failed verdicts as a table, then what passed and what could not be known; return the unknowns."""
    console = Console(highlight=False)
    failed = [v for v in verdicts if v.status == "fail"]
    if failed:
        console.print(_failures(failed, language))
    unknown = [v for v in verdicts if v.status == "unknown"]
    for (policy, reason), number in sorted(Counter((v.policy, v.reason) for v in unknown).items()):
        console.print(Styled(f"unknown  {policy}: {reason} ({number})", style="magenta"))
    count = Counter(v.status for v in verdicts)
    console.print(
        f"{count['fail']} failed, {count['pass']} passed, {count['unknown']} unknown, "
        f"{count['not_applicable']} not applicable; {len(policies)} policies"
    )
    return len(unknown)


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
            Styled(verdict.name),
            Styled(verdict.region),
            Styled(message),
        )
    return table
