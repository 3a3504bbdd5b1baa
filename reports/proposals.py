"""Improvement proposals: findings grouped by what remediates them, the most worthwhile first."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from msgspec import Struct

from model.finding import SEVERITIES, Finding, Severity
from model.text import Text

# How much worse one severity is than the next; shown in the report with the formula.
WEIGHTS: dict[Severity, int] = {"critical": 10, "high": 5, "medium": 2, "low": 1, "informational": 0}


class Advice(Struct, frozen=True):
    """A policy's texts, as far as proposals need them; `remedy` is what remediates it, effort is for one resource."""

    policy: str
    severity: Severity
    title: Text
    risk: Text
    fix: Text
    remedy: str
    effort_hours: float
    controls: tuple[str, ...]


class Proposal(Struct, frozen=True):
    """One thing to do, with what it remediates; `score` orders proposals and means nothing else."""

    remedy: str
    lead: Advice
    also: tuple[Advice, ...]
    assets: int
    by_severity: dict[Severity, int]
    effort_hours: float
    score: float


def propose(findings: Iterable[Finding], advice: Mapping[str, Advice]) -> list[Proposal]:
    """Return proposals, the highest score first.

    score = Σ over the policies (severity weight × assets) ÷ effort, where the effort is the remedy's own for one
    resource (the largest among its policies).
    """
    groups: dict[str, list[Finding]] = defaultdict(list)
    for finding in findings:
        if finding.policy in advice:
            groups[advice[finding.policy].remedy].append(finding)
    proposals = [_proposal(remedy, members, advice) for remedy, members in groups.items()]
    return sorted(proposals, key=lambda p: (-p.score, p.remedy))


def _proposal(remedy: str, members: list[Finding], advice: Mapping[str, Advice]) -> Proposal:
    policies = {finding.policy: advice[finding.policy] for finding in members}
    ordered = sorted(policies.values(), key=lambda a: (-SEVERITIES.index(a.severity), a.policy))
    effort = max(a.effort_hours for a in ordered)
    by_severity: dict[Severity, int] = {}
    for finding in members:
        by_severity[finding.severity] = by_severity.get(finding.severity, 0) + 1
    weight = sum(WEIGHTS[finding.severity] for finding in members)
    return Proposal(
        remedy=remedy,
        lead=ordered[0],
        also=tuple(ordered[1:]),
        assets=len({finding.asset_uid for finding in members}),
        by_severity=by_severity,
        effort_hours=effort,
        score=round(weight / effort, 1),
    )
