"""A policy's own cases, judged: the same way for ours and for customers' policies."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any

from catalog.policies import Other, Policy
from detectors.posture.judge import Moment, Related, judge
from detectors.posture.posture import Index, bound, names_of
from model.asset import Asset, Kind, Listing
from model.canonical import parse_instant
from model.fault import Fault
from model.finding import Status, Verdict

_CASE_NOW = datetime(2026, 1, 1, tzinfo=UTC)
_CASE_SCOPE = "123456789012"


def faults(
    policy: Policy, kinds: Mapping[str, Kind], around: AbstractContextManager[object] = nullcontext()
) -> Iterator[Fault]:
    """Yield a fault per case of a policy whose verdict is not what its author expects, or whose keys do not exist.

    What keys there are, the `kinds` say by name. Each case is judged within `around`.
    """
    cases = policy.form.cases
    expected: list[tuple[Status, list[dict[str, Any]]]] = [
        ("pass", cases.pass_),
        ("fail", cases.fail),
        ("unknown", cases.unknown),
        ("not_applicable", cases.not_applicable),
    ]
    for status, examples in expected:
        for number, case in enumerate(examples):
            try:
                with around:
                    problems = list(_problems(policy, kinds, case, status))
            except (AttributeError, TypeError, ValueError):
                problems = ["is no case: resources and settings are mappings, unknown is a list, now a moment"]
            yield from (policy.document.fault(("cases", status, number), problem) for problem in problems)


def _problems(policy: Policy, kinds: Mapping[str, Kind], case: dict[str, Any], expected: Status) -> Iterator[str]:
    known = {"r", "now", "settings", "unknown", "scope", "regions", *policy.compiled.others}
    if strange := sorted(case.keys() - known):
        yield f"the key {strange[0]!r} is not known in a case; known are {', '.join(sorted(known))}"
        return
    subject, related = situation(policy, case)
    for asset in (subject, *(a for r in related.values() for a in r.assets)):
        if strange := sorted(asset.body.keys() - kinds[asset.kind].fields):
            yield f"{asset.kind} has no field {strange[0]!r}"
    verdict = judged(policy, case)
    if verdict.status != expected:
        why = f" ({verdict.reason})" if verdict.reason else ""
        yield f"this case is judged {verdict.status}{why}, its author expects {expected}"


def judged(policy: Policy, case: dict[str, Any]) -> Verdict:
    """Return what a policy says of one of its cases."""
    subject, related = situation(policy, case)
    return judge(policy, subject, related, _moment(policy, case))


def _moment(policy: Policy, case: dict[str, Any]) -> Moment:
    now = parse_instant(case["now"]) if "now" in case else _CASE_NOW
    return Moment(now, {policy.id: case.get("settings", {})}, tuple(case.get("regions", [])))


def situation(policy: Policy, case: dict[str, Any]) -> tuple[Asset, dict[str, Related]]:
    """Return the asset of a case, and what its policy looks at beside it, by name."""
    subject = _asset(policy.form.kind, case.get("r", {}), case)
    related = {}
    names = names_of(subject, Moment(_CASE_NOW))
    for name, other in policy.compiled.others.items():
        if name in case:
            bodies = case[name] if other.many else [case[name]]
            related[name] = belonging(other, subject, [_asset(other.kind, body, {}) for body in bodies], names)
        else:  # where nothing is asked for, nothing need be read
            unread = Listing(subject.scope, other.kind, "global", "was not read")
            related[name] = Index({}, {} if other.key else {other.kind: [unread]}).find(other, subject, names)
        names[name] = bound(other, related[name])
    return subject, related


def belonging(other: Other, subject: Asset, around: Sequence[Asset], names: Mapping[str, Any]) -> Related:
    """Return what another name (`other`) stands for among the assets `around`, for the subject.

    What is referred to is taken as found, what belongs is looked for by `names`, which are known before it.
    """
    if other.by is None:
        return Related(tuple(around))
    return Index({other.kind: list(around)}, {}).find(other, subject, names)


def _asset(kind: str, body: dict[str, Any], case: dict[str, Any]) -> Asset:
    return Asset(
        kind=kind,
        resource="case",
        name="case",
        scope=str(case.get("scope", _CASE_SCOPE)),
        region="global",
        body=body,
        body_hash="",
        unknown=dict.fromkeys(case.get("unknown", []), "case"),
    )
