"""Granting, withdrawing and importing exceptions; each leaves a record with its author and its reason."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date, timedelta

from msgspec.structs import replace

from contract.days import end_of
from model.canonical import digest, instant
from model.clock import CONTRACT_ZONE, Clock
from model.fault import Refused
from model.finding import LIVE, Fact, Finding, reopen, suppress
from model.suppression import FULL_ID, Suppression, suppressing
from store.tenant import TenantStore
from store.writer import Writer

LONGEST = timedelta(days=366)
_ARN_PARTS = 5  # before the resource: arn, partition, service, region, account


def expiry(day: date, clock: Clock) -> str:
    """Return the last moment of the day on which an exception ends; raises `Refused` for one past or too far."""
    today = clock.now().astimezone(CONTRACT_ZONE).date()
    if day < today:
        raise Refused(f"the exception would have ended already on {day}")
    if day > today + LONGEST:
        raise Refused(f"an exception lasts at most {LONGEST.days} days; grant it anew then")
    return end_of(day)


# After exceptions or tags have changed: what all findings are since.
SETTLED = "findings.settled"


def named(suppression: Suppression, policies: Collection[str]) -> Suppression:
    """Return an exception with its id; raises `Refused` for one that names nothing, no reason, or no such policy."""
    if not suppression.reason.strip():
        raise Refused("an exception needs a reason")
    criteria = [suppression.policy, suppression.scope, suppression.region, suppression.resource, suppression.tag]
    if not any((*criteria[:2], _said_of(suppression.resource), criteria[4])):
        raise Refused("an exception names at least a policy, an account, a resource or a tag")
    if suppression.resource and not suppression.resource.startswith(FULL_ID) and not any(criteria[:2]):
        # Names are chosen in the customer's account: one that fits must not be enough.
        raise Refused("a resource's name goes with a policy or an account; or give its full id")
    if suppression.policy and suppression.policy not in policies:
        raise Refused(f"no policy is called {suppression.policy!r}; see `hinomi catalog list`")
    if suppression.tag and "=" not in suppression.tag.strip("="):
        raise Refused(f"{suppression.tag!r} is no tag; write it as key=value")
    return replace(suppression, id=digest(*criteria, suppression.author, suppression.created_at)[:16])


def _said_of(resource: str) -> str:
    """Return what a pattern says of resources' names; one such as `arn:aws:s3:::*` means all of them."""
    own = resource.split(":", _ARN_PARTS)[_ARN_PARTS:] if resource.startswith(FULL_ID) else [resource]
    return "".join(own).strip("*")


def grant(store: TenantStore, suppressions: Sequence[Suppression], actor: str, clock: Clock) -> int:
    """Write suppressions to the store and suppress at once what they are meant for; return how many findings that are.

    The audit chain names the actor, at the clock's time.
    """
    at = instant(clock.now())
    with store.write(at, actor) as writer:
        writer.put_suppressions(suppressions)
        became = settle(writer, at)
        for one in suppressions:
            writer.record("exception.granted", one.id, **_recorded(one))
        writer.record(SETTLED, "all", findings=writer.findings_digest())
        return became["suppressed"]


def _recorded(suppression: Suppression) -> dict[str, str]:
    """Return what is recorded of an exception: everything that says what it accepts, why and until when."""
    named = ("reason", "expires_at", "policy", "scope", "region", "resource", "tag")
    return {name: getattr(suppression, name) for name in named if getattr(suppression, name)}


def withdraw(store: TenantStore, id_: str, actor: str, clock: Clock) -> int:
    """End an exception (`id_`) of the store before its day; return how many findings are reopened by that.

    The audit chain names the actor, at the clock's time. Raises `Refused` where none of this id holds.
    """
    at = instant(clock.now())
    with store.write(at, actor) as writer:
        found = next((s for s in writer.suppressions(at) if s.id == id_), None)
        if found is None:
            raise Refused(f"no exception {id_!r} holds now; see `hinomi exceptions list`")
        writer.put_suppressions([replace(found, withdrawn_at=at)])
        became = settle(writer, at)
        writer.record("exception.withdrawn", id_)
        writer.record(SETTLED, "all", findings=writer.findings_digest())
        return became["reopened"]


def tag(store: TenantStore, resource: str, tag_: str, actor: str, clock: Clock, *, there: bool) -> int:
    """Put a tag of ours (`tag_`) on the store's records of a resource; return how many findings that changes.

    Where `there` is not set, take it off. The audit chain names the actor, at the clock's time. Raises `Refused` for
    what is not `key=value`, and where no resource is called so.
    """
    if "=" not in tag_.strip("="):
        raise Refused(f"{tag_!r} is no tag; write it as key=value")
    at = instant(clock.now())
    with store.write(at, actor) as writer:
        uids = writer.uids_of(resource)
        if not uids:
            raise Refused(f"no resource is called {resource!r}; see `hinomi assets list`")
        for uid in uids:
            writer.tag_asset(uid, tag_, there=there)
        became = settle(writer, at)
        writer.record("asset.tagged" if there else "asset.untagged", resource, tag=tag_)
        writer.record(SETTLED, "all", findings=writer.findings_digest())
        return became.total()


def settle(writer: Writer, at: str) -> Counter[str]:
    """Suppress what an exception is meant for, reopen what none is meant for any more; count what became of them.

    Exceptions accept what policies find: one for an account hides no threat there.
    """
    suppressions, tags = writer.suppressions(at), writer.asset_tags()
    after: list[Finding] = []
    facts: list[Fact] = []
    for finding in writer.judged_findings(LIVE):
        accepted = suppressing(suppressions, finding, tags)
        if accepted:
            changed, fact = suppress(finding, accepted.id, at)
        elif finding.state == "suppressed":
            changed, fact = reopen(finding, at)
        else:
            continue
        after.append(changed)
        facts += [fact] if fact else []
    writer.put_findings(after)
    writer.put_facts(facts, "")
    return Counter(fact.became for fact in facts)
