"""What a report says, before it is laid out."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Struct

from model.coverage import LogCoverage, percent_known, summary
from model.finding import CATEGORIES, SEVERITIES, Category, Finding, Severity, is_judged
from model.suppression import Suppression
from model.text import Text
from reports.proposals import Advice, Proposal, propose
from store.rows import Gap, Run


class Group(Struct, frozen=True):
    """The findings of one policy."""

    advice: Advice
    findings: tuple[Finding, ...]


class Coverage(Struct, frozen=True):
    """What was looked at and what was not: nought findings mean nothing without it."""

    scopes: tuple[str, ...]
    policies: int
    judged: int
    passed: int
    unknown: int
    not_applicable: int
    assets: int
    gaps: tuple[Gap, ...]

    @property
    def known_percent(self) -> float:
        """Return the share of judgements that could be made, in percent, cut off after one digit, never rounded up."""
        return percent_known(self.judged, self.unknown)


class LookedAt(Struct, frozen=True):
    """What was looked at: the last scan, what it could not read, and what was covered of the logs beside it."""

    run: Run
    gaps: Sequence[Gap]
    logs: LogCoverage


class Accepted(Struct, frozen=True):
    """Findings of one policy that one exception suppresses: still there, known and accepted for a time."""

    advice: Advice
    exception: Suppression
    findings: tuple[Finding, ...]


class Report(Struct, frozen=True):
    """One edition of a report; never changed afterwards.

    `by_category` counts the active findings, of all categories that there are some of; what is listed is of policies.
    The criteria say when massive logs are suspended (Article 11).
    """

    tenant: Text
    tenant_id: str
    made_at: str
    scanned_at: str
    by_severity: dict[Severity, int]
    proposals: tuple[Proposal, ...]
    groups: tuple[Group, ...]
    coverage: Coverage
    logs: LogCoverage
    unverified: int
    accepted: tuple[Accepted, ...] = ()
    provider: Text | None = None
    by_category: dict[Category, int] = {}
    proposes: bool = True
    criteria: tuple[Text, ...] = ()

    @property
    def covered(self) -> Text:
        """Return in one line what was covered: it stands beside the count of findings."""
        return summary(self.coverage.known_percent, len(self.coverage.gaps), self.logs)

    @property
    def unlisted(self) -> int:
        """Return the number of active findings that no policy found, and that are only counted here."""
        return sum(self.by_category.values()) - sum(self.by_severity.values())


class Subject(Struct, frozen=True):
    """Whom a report is about, the exceptions that hold for them, by id, and the provider's name.

    Without proposals in the contract (Article 2) it `proposes` nothing. The criteria are those by which massive logs of
    theirs would be suspended (Article 11).
    """

    id: str
    name: Text
    scopes: tuple[str, ...]
    exceptions: Mapping[str, Suppression] = {}
    provider: Text | None = None
    proposes: bool = True
    criteria: tuple[Text, ...] = ()


def build(
    subject: Subject, looked: LookedAt, findings: Sequence[Finding], advice: Mapping[str, Advice], at: str
) -> Report:
    """Return the report on a subject's findings as of its last scan; suppressed ones stand apart.

    Only findings of policies with `advice` are in it; those of other detectors are counted. There is none without what
    was `looked` at (Article 12); `at` is when the report is made.
    """
    run = looked.run
    verdicts: dict[str, int] = run.summary["verdicts"]
    reported = [finding for finding in findings if is_judged(finding) and finding.policy in advice]
    others = [finding for finding in findings if not is_judged(finding) and finding.state != "suppressed"]
    known = [finding for finding in reported if finding.state != "suppressed"]
    count = Counter(finding.severity for finding in known)
    categories = Counter(finding.category for finding in [*known, *others])
    return Report(
        tenant=subject.name,
        tenant_id=subject.id,
        made_at=at,
        scanned_at=run.finished_at,
        by_severity={severity: count[severity] for severity in reversed(SEVERITIES)},
        proposals=tuple(propose(known, advice)) if subject.proposes else (),
        groups=tuple(_groups(known, advice)),
        coverage=Coverage(
            scopes=subject.scopes,
            policies=len(advice),
            judged=verdicts.get("pass", 0) + verdicts.get("fail", 0),
            passed=verdicts.get("pass", 0),
            unknown=verdicts.get("unknown", 0),
            not_applicable=verdicts.get("not_applicable", 0),
            assets=run.summary["assets"],
            gaps=tuple(looked.gaps),
        ),
        logs=looked.logs,
        unverified=sum(bool(finding.unverified_since) for finding in known),
        accepted=tuple(_accepted([finding for finding in reported if finding.state == "suppressed"], subject, advice)),
        provider=subject.provider,
        proposes=subject.proposes,
        criteria=subject.criteria,
        by_category={category: categories[category] for category in CATEGORIES if categories[category]},
    )


def _accepted(findings: Sequence[Finding], subject: Subject, advice: Mapping[str, Advice]) -> list[Accepted]:
    by_exception: dict[tuple[str, str], list[Finding]] = {}
    for finding in findings:
        if finding.suppressed_by in subject.exceptions:
            by_exception.setdefault((finding.suppressed_by, finding.policy), []).append(finding)
    accepted = [Accepted(advice[p], subject.exceptions[e], tuple(members)) for (e, p), members in by_exception.items()]
    return sorted(accepted, key=lambda b: (b.exception.expires_at, b.advice.policy))


def _groups(findings: Sequence[Finding], advice: Mapping[str, Advice]) -> list[Group]:
    by_policy: dict[str, list[Finding]] = {}
    for finding in findings:
        by_policy.setdefault(finding.policy, []).append(finding)
    groups = [
        Group(advice[policy], tuple(sorted(members, key=lambda f: (f.resource, f.region))))
        for policy, members in by_policy.items()
    ]
    return sorted(groups, key=lambda g: (-SEVERITIES.index(g.advice.severity), -len(g.findings), g.advice.policy))
