"""Changes of ours that somebody reverts: noticed at a scan within seven days, and reported."""

from collections.abc import Iterable
from datetime import timedelta

from msgspec.structs import replace

from model.canonical import instant, parse_instant
from model.finding import Fact, Finding, is_judged
from model.plan import Progress
from model.text import Text
from remediation.playbook import playbooks
from store.reader import Reader
from store.writer import Writer

WATCHED_FOR = timedelta(days=7)


def mark_reverted(writer: Writer, facts: Iterable[Fact]) -> None:
    """Mark the steps whose finding is there again, though it was remediated and verified within seven days."""
    reopened = {fact.finding: fact.at for fact in facts if fact.became == "reopened"}
    for finding in writer.findings(None, reopened):
        at = reopened[finding.uid]
        for done in _remediated(writer, finding, at):
            writer.plans.put_progress(replace(done, state="reverted", at=at, reason=f"{finding.policy} fails again"))
            writer.record("plan.reverted", done.plan, resource=finding.resource, policy=finding.policy)


def _remediated(reader: Reader, finding: Finding, at: str) -> Iterable[Progress]:
    since = instant(parse_instant(at) - WATCHED_FOR)
    for done in reader.plans.of_resources([finding.asset_uid], since):
        plan = reader.plans.one(done.plan) if done.state == "verified" else None
        if plan and not plan.undoes and finding.policy in playbooks()[plan.playbook].closes:
            yield done


def with_note(reader: Reader, finding: Finding, at: str) -> Finding:
    """Return a finding whose message says so where a change of ours was reverted, of late as seen `at` a moment.

    The reader has the plans. They remediate what policies find: what else was found there is no matter of theirs.
    """
    if not is_judged(finding):
        return finding
    since = instant(parse_instant(at) - WATCHED_FOR)
    reverted = [one.plan for one in reader.plans.of_resources([finding.asset_uid], since) if one.state == "reverted"]
    if not reverted:
        return finding
    note = Text(
        en=f"{finding.message.en} (remediated by the plan {reverted[-1]}, and reverted by somebody since)",
        ja=f"{finding.message.ja}（変更計画{reverted[-1]}で是正後、第三者が変更前の状態に戻した）",
    )
    return replace(finding, message=note)
