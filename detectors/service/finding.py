"""Findings of category service: what was noticed of a tenant's logs, or of one source of them."""

from msgspec.structs import replace

from model.canonical import digest
from model.finding import ACTIVE, Fact, Finding, Severity, State, finding_uid
from model.text import Text

# A finding as it is from now on, and the fact of it.
Change = tuple[Finding, Fact]
SCOPE, KIND = "logs", "hinomi.log-source"


def uid_of(policy: str, source: str) -> str:
    """Return the identity of the finding of one kind (its policy) about a source, empty for all of them."""
    return finding_uid("service", SCOPE, policy, source or SCOPE)


def opened(policy: str, source: str, severity: Severity, said: Text, at: str) -> Finding:
    """Return a finding of one kind (its policy) about a source, empty for all, that is open since the moment `at`.

    It has a severity, and says what was found (`said`).
    """
    resource = source or SCOPE
    return Finding(
        uid=uid_of(policy, source),
        asset_uid=digest(SCOPE, KIND, resource),
        policy=policy,
        severity=severity,
        kind=KIND,
        resource=resource,
        name=resource,
        scope=SCOPE,
        region="",
        state="open",
        message=said,
        elements=(),
        opened_at=at,
        changed_at=at,
        updated_at=at,
        category="service",
    )


def is_active(before: Finding | None) -> bool:
    """Return whether a finding is there and active."""
    return before is not None and before.state in ACTIVE


def begun(before: Finding | None, found: Finding) -> Change | None:
    """Return what is to be written where something is found anew; None where an exception accepts it."""
    if before is not None and before.state == "suppressed":
        return None
    became: State = "open" if before is None else "reopened"
    return replace(found, state=became), Fact(found.uid, became, found.changed_at)
