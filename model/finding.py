"""Verdicts, and the findings that come of them."""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Literal, TypeGuard, TypeVar, get_args

from msgspec import Struct
from msgspec.structs import replace

from model.canonical import digest
from model.text import Text

Status = Literal["pass", "fail", "unknown", "not_applicable"]
Severity = Literal["informational", "low", "medium", "high", "critical"]
SEVERITIES: tuple[Severity, ...] = ("informational", "low", "medium", "high", "critical")
# What found it: policies of ours, customers' own policies, rules over events, advisories of packages, the service
# itself. Only the kind of detector that opened a finding closes it.
Category = Literal["posture", "policy", "threat", "vulnerability", "service"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
# What a scan judges, and a verification after a change: nothing else of a store is theirs to settle.
JudgedCategory = Literal["posture", "policy"]
JUDGED: frozenset[JudgedCategory] = frozenset(get_args(JudgedCategory))
CATEGORY_WORDS: dict[Category, Text] = {
    "posture": Text(en="configuration", ja="設定不備"),
    "policy": Text(en="own policy", ja="お客様のポリシー"),
    "threat": Text(en="threat", ja="脅威"),
    "vulnerability": Text(en="vulnerability", ja="脆弱性"),
    "service": Text(en="service", ja="サービス"),
}
# The last part of an own policy's id begins so: none of ours ever does, whatever the catalog gains.
OWN_POLICY = "own-"
State = Literal["open", "in_progress", "reopened", "suppressed", "resolved"]
ACTIVE: frozenset[State] = frozenset({"open", "in_progress", "reopened"})
# What is not resolved: a suppressed finding is still there, and is looked at like any other.
LIVE: frozenset[State] = ACTIVE | {"suppressed"}


class Element(Struct, frozen=True):
    """One element of a resource that was judged by itself; `key` identifies it by content."""

    key: str
    status: Status
    message: Text | None = None
    reason: str = ""


class Source(Struct, frozen=True):
    """What somebody else's check says of the same resource, where it asks the same as a policy of ours.

    `check` is named as in `same_as`: `checkov:CKV_K8S_16`. Where it says another thing than ours, the two disagree.
    """

    check: str
    status: Literal["pass", "fail"]


class Verdict(Struct, frozen=True):
    """What one policy says of one resource; there is exactly one per pair and region.

    `reason` states why the status is unknown. `message` is set on fail, `elements` holds what did not pass. `key` is
    the asset's: it distinguishes an account's settings in each region. `sources` are others' checks that ask the same.
    """

    policy: str
    severity: Severity
    kind: str
    resource: str
    name: str
    scope: str
    region: str
    status: Status
    reason: str = ""
    message: Text | None = None
    elements: tuple[Element, ...] = ()
    key: str = ""
    sources: tuple[Source, ...] = ()

    @property
    def disagreeing(self) -> tuple[Source, ...]:
        """Return the sources that say pass where ours says fail, or fail where ours says pass."""
        return tuple(s for s in self.sources if {s.status, self.status} == {"pass", "fail"})

    @property
    def category(self) -> JudgedCategory:
        """Return whether a policy of ours has judged, or one of the customer's own."""
        return judged_category(self.policy)

    @property
    def finding_uid(self) -> str:
        """Return the finding's identity within its tenant; it outlives re-scans and re-orderings."""
        return finding_uid(self.category, self.scope, self.policy, self.resource, self.key)

    @property
    def asset_uid(self) -> str:
        """Return the identity of the asset that was judged."""
        return digest(self.scope, self.kind, self.resource, self.key)


class Finding(Struct, frozen=True):
    """What a detector found, with its life: a failed verdict (OCSF 2003), or what another detector saw (2002, 2004).

    Moments are RFC 3339 in UTC. `kind` is the resource's, `category` the detector's. `policy` is the id of what found
    it: a policy, a rule, an advisory. `changed_at` is when its state last changed, `updated_at` when anything of it did
    (empty where it was not kept yet). `sources` are others' checks that ask the same, with what they said when it was
    last judged.
    """

    uid: str
    asset_uid: str
    policy: str
    severity: Severity
    kind: str
    resource: str
    name: str
    scope: str
    region: str
    state: State
    message: Text
    elements: tuple[Element, ...]
    opened_at: str
    changed_at: str
    resolved_because: str = ""
    unverified_since: str = ""
    unverified_because: str = ""
    suppressed_by: str = ""
    updated_at: str = ""
    sources: tuple[Source, ...] = ()
    category: Category = "posture"


# Types alone know the difference. `NewType` does the same, but mypy 2.4 breaks off at one of a Struct.
if TYPE_CHECKING:

    class JudgedFinding(Finding, frozen=True):
        """A finding of a category that scans judge: what they settle takes no other. `is_judged` says which are."""

else:
    JudgedFinding = Finding
AnyFinding = TypeVar("AnyFinding", bound=Finding)


class Fact(Struct, frozen=True):
    """«Finding X became Y»: written in the finding's own transaction, people are notified of it in a second one."""

    finding: str
    became: State
    at: str


# Why a finding is resolved whose region or scope was taken out of the tenant's file: nothing was remediated.
UNWATCHED = "no longer watched"
WITHDRAWN = "the policy was withdrawn"

Transition = tuple[JudgedFinding | None, Fact | None]


def judged_category(policy: str) -> JudgedCategory:
    """Return the category of what a policy finds, by the policy's id."""
    return "policy" if policy.rpartition(".")[2].startswith(OWN_POLICY) else "posture"


def finding_uid(category: Category, scope: str, policy: str, resource: str, key: str = "") -> str:
    """Return the identity of a finding within its tenant: of which category, what found it (`policy`), and where.

    That is a resource of a scope; `key` distinguishes an account's settings in each region. What scans judge has the
    identity of before there were categories. All else has its category in it, so that no verdict ever means the finding
    of another detector, however policies and rules are called.
    """
    judged = (scope, policy, resource, key)
    return digest(*judged) if category in JUDGED else digest(category, *judged)


def is_judged(finding: Finding) -> TypeGuard[JudgedFinding]:
    """Return whether a finding is of a category that scans judge."""
    return finding.category in JUDGED


def judged(findings: Iterable[Finding]) -> Iterator[JudgedFinding]:
    """Yield those of the findings that scans judge."""
    return (finding for finding in findings if is_judged(finding))


def advance(before: JudgedFinding | None, verdict: Verdict, at: str, suppressed_by: str = "") -> Transition:
    """Return the finding after a verdict, and the fact to notify of; (None, None) where nothing is to be recorded.

    `before` is the finding until now, None where there was none; `at` is the moment (RFC 3339).

    `suppressed_by` names the exception that holds for it now; without one, a suppressed finding that fails is reopened.

    Unknown is never a reason to open or to resolve: an active finding stays, marked as unverified.
    """
    if verdict.status == "fail":
        failed, fact = _failed(before, verdict, at)
        return (failed, fact) if not suppressed_by else _accepted(before, failed, suppressed_by, at)
    if before is None or before.state not in LIVE:
        return before, None
    if verdict.status == "unknown":
        return unverified(before, verdict.reason, at), None
    because = "passes" if verdict.status == "pass" else "not applicable any more"
    return resolve(replace(before, sources=verdict.sources), because, at)


def unverified(finding: AnyFinding, cause: str, at: str) -> AnyFinding:
    """Return the finding marked as not verified for a cause, since the moment `at` or an earlier one."""
    after = replace(finding, unverified_since=finding.unverified_since or at, unverified_because=cause)
    return _updated(finding, after, at)


def resolve(finding: AnyFinding, because: str, at: str) -> tuple[AnyFinding, Fact]:
    """Return the finding as resolved at the moment `at`, `because` of what, with the fact that reports it."""
    after = replace(
        finding,
        state="resolved",
        changed_at=at,
        updated_at=at,
        resolved_because=because,
        suppressed_by="",
        unverified_since="",
        unverified_because="",
    )
    return after, Fact(finding.uid, "resolved", at)


def suppress(finding: AnyFinding, by: str, at: str) -> tuple[AnyFinding, Fact | None]:
    """Return the finding as suppressed by an exception (`by`, its id), with the fact unless it was so before.

    `at` is the moment (RFC 3339).
    """
    after = replace(finding, state="suppressed", suppressed_by=by)
    if finding.state == "suppressed":
        return _updated(finding, after, at), None
    return replace(after, changed_at=at, updated_at=at, resolved_because=""), Fact(finding.uid, "suppressed", at)


def reopen(finding: AnyFinding, at: str) -> tuple[AnyFinding, Fact]:
    """Return a suppressed finding as reopened: its exception has ended."""
    after = replace(finding, state="reopened", changed_at=at, updated_at=at, suppressed_by="")
    return after, Fact(finding.uid, "reopened", at)


def as_of(finding: Finding, last: Fact, at: str) -> Finding:
    """Return a finding as it stood at the moment `at`, by the last fact until then.

    Its texts and evidence are those known now; why it was resolved, suppressed or not verified is known only where
    nothing became of it since.
    """
    if finding.changed_at > last.at:
        finding = replace(finding, state=last.became, changed_at=last.at, resolved_because="", suppressed_by="")
    if finding.updated_at > at:
        finding = replace(finding, updated_at=last.at)
    if finding.unverified_since > at:
        finding = replace(finding, unverified_since="", unverified_because="")
    return finding


def _accepted(before: JudgedFinding | None, failed: JudgedFinding, by: str, at: str) -> Transition:
    if before is not None and before.state == "suppressed":
        same = {"changed_at": before.changed_at, "updated_at": before.updated_at}
        return _updated(before, replace(failed, state="suppressed", suppressed_by=by, **same), at), None
    return suppress(failed, by, at)


def _failed(before: JudgedFinding | None, verdict: Verdict, at: str) -> tuple[JudgedFinding, Fact | None]:
    assert verdict.message is not None, "a failed verdict has a message"
    if before is None:
        return _first(verdict, verdict.message, at), Fact(verdict.finding_uid, "open", at)
    seen_again = replace(
        before,
        severity=verdict.severity,
        name=verdict.name,
        region=verdict.region,
        message=verdict.message,
        elements=verdict.elements,
        sources=verdict.sources,
        unverified_since="",
        unverified_because="",
    )
    if before.state in ACTIVE:
        return _updated(before, seen_again, at), None
    return reopen(replace(seen_again, resolved_because=""), at)


def _updated(before: AnyFinding, after: AnyFinding, at: str) -> AnyFinding:
    """Return the finding after something that may have changed nothing."""
    return before if after == before else replace(after, updated_at=at)


def _first(verdict: Verdict, message: Text, at: str) -> JudgedFinding:
    return JudgedFinding(
        uid=verdict.finding_uid,
        asset_uid=verdict.asset_uid,
        policy=verdict.policy,
        severity=verdict.severity,
        kind=verdict.kind,
        resource=verdict.resource,
        name=verdict.name,
        scope=verdict.scope,
        region=verdict.region,
        state="open",
        message=message,
        elements=verdict.elements,
        opened_at=at,
        changed_at=at,
        updated_at=at,
        sources=verdict.sources,
        category=verdict.category,
    )
