"""Verdicts into findings and facts, whoever has judged: a scan, or whoever verifies a change."""

from collections.abc import Sequence

from model.finding import Fact, JudgedFinding, Verdict, advance, is_judged
from model.suppression import suppressing
from store.writer import Writer

Advance = tuple[JudgedFinding | None, JudgedFinding, Fact | None]


def advanced(writer: Writer, verdicts: Sequence[Verdict], at: str) -> list[Advance]:
    """Return what verdicts make of the writer's findings, with the exceptions that hold at the moment `at`.

    What another kind of detector opened is left as it is, also where a verdict should have its identity.
    """
    suppressions, tags = writer.suppressions(at), writer.asset_tags()  # a scan may take long
    before = {f.uid: f for f in writer.findings(None, [v.finding_uid for v in verdicts])}
    changes: list[Advance] = []
    for verdict in verdicts:
        old = before.get(verdict.finding_uid)
        if old is not None and not is_judged(old):
            continue
        accepted = suppressing(suppressions, verdict, tags) if verdict.status == "fail" else None
        new, fact = advance(old, verdict, at, accepted.id if accepted else "")
        if new is not None:
            changes.append((old, new, fact))
    return changes


def write_changes(writer: Writer, changes: Sequence[Advance], run: str) -> list[Fact]:
    """Write changes of findings, and the facts of them in a run, in the writer's transaction; return the facts."""
    facts = [fact for _, _, fact in changes if fact]
    writer.put_findings(new for old, new, _ in changes if new != old)
    writer.put_facts(facts, run)
    return facts
