"""What another kind of detector found: no plan, exception or record of policies' findings has to do with it."""

import pytest
from msgspec.structs import replace

from model.canonical import instant
from model.fault import Refused
from model.finding import CATEGORIES, JUDGED, Category, Fact, Finding, finding_uid, judged, resolve
from model.person import Actor
from model.plan import Plan, Progress
from model.suppression import Suppression
from pipeline.changing.plans import Wanted, make_plan
from pipeline.scanning.reverts import with_note
from pipeline.tenants.exceptions import SETTLED, grant, withdraw
from store.home import Home
from store.tenant import TenantStore
from tests.conftest import MovingClock
from tests.filled import asset, fill, verdict
from tests.recorded_clouds import TENANT

OTHERS = sorted(set(CATEGORIES) - JUDGED)
END = "2026-07-01T00:00:00.000000Z"


@pytest.fixture
def store(home: Home, clock: MovingClock) -> TenantStore:
    """Return the store of a tenant with findings of a policy on five of its seven buckets."""
    fill(home, clock, "aozora")
    return home.tenant("aozora")


def put(store: TenantStore, clock: MovingClock, category: Category, number: int = 0) -> Finding:
    """Put a finding of another detector beside one of a policy: of the same id, at the same resource."""
    with store.write(instant(clock.now()), "p") as writer:
        found = writer.finding(verdict(number).finding_uid)
        assert found is not None
        uid = finding_uid(category, found.scope, found.policy, found.resource)
        made = replace(found, uid=uid, category=category)
        writer.put_findings([made])
        writer.put_facts([Fact(uid, "open", made.opened_at)], "")
    return made


def planned(store: TenantStore, clock: MovingClock, *resources: str) -> Plan:
    wanted = Wanted("aws.s3.block-public-access", "", resources=resources)
    return make_plan(store, TENANT, wanted, Actor("mori", ("analyst",), ("aozora",)), clock)


def record(store: TenantStore, clock: MovingClock) -> None:
    """Record what the findings are now, as a scan does at its end."""
    with store.write(instant(clock.now()), "p") as writer:
        writer.record(SETTLED, "all", findings=writer.findings_digest())


@pytest.mark.parametrize("category", OTHERS)
def test_a_playbook_remediates_nothing_that_no_policy_found(
    store: TenantStore, clock: MovingClock, category: Category
) -> None:
    kept = put(store, clock, category)
    with store.write(instant(clock.now()), "p") as writer:  # the policy's own is remediated
        writer.put_findings(resolve(one, "passes", kept.opened_at)[0] for one in judged(writer.findings(uids=[UID])))
    assert [step.target.name for step in planned(store, clock).steps] == ["b1", "b2", "b3", "b4"]
    for name in (kept.uid, kept.resource, kept.name):
        with pytest.raises(Refused):
            planned(store, clock, name)


UID = verdict(0).finding_uid


@pytest.mark.parametrize("category", OTHERS)
def test_an_exception_for_an_account_accepts_what_policies_find_and_nothing_else(
    store: TenantStore, clock: MovingClock, category: Category
) -> None:
    kept = put(store, clock, category)
    for_account = Suppression("s", "sandbox", "sato", instant(clock.now()), END, scope=kept.scope)
    assert grant(store, [for_account], "sato", clock) == 5
    with store.read() as reader:
        assert list(reader.findings()) == [kept]
    with store.write(instant(clock.now()), "p") as writer:
        writer.put_findings([accepted := replace(kept, state="suppressed", suppressed_by="a person's verdict")])
    assert withdraw(store, "s", "sato", clock) == 5
    with store.read() as reader:
        assert reader.finding(kept.uid) == accepted


def test_records_vouch_for_what_scans_judge_and_for_its_category(store: TenantStore, clock: MovingClock) -> None:
    record(store, clock)
    for category in OTHERS:
        put(store, clock, category)
    assert store.implied_fault() == ""
    with store.read() as reader:
        before = reader.finding(UID)
    assert before is not None
    for category in CATEGORIES:
        with store.write(instant(clock.now()), "p") as writer:
            writer.put_findings([replace(before, category=category)])
        assert bool(store.implied_fault()) is (category != "posture"), category


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_reverted_change_is_noted_at_what_a_policy_found(
    store: TenantStore, clock: MovingClock, category: Category
) -> None:
    kept = put(store, clock, category)
    at = instant(clock.now())
    with store.write(at, "p") as writer:
        writer.plans.put_progress(Progress("plan-1", asset(0).uid, "reverted", at))
    with store.read() as reader:
        assert ("plan-1" in with_note(reader, kept, at).message.en) is (category in JUDGED)
