"""What a scan records of what it saw, on recorded replies of the demonstration's company."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from clouds.call_failed import CallFailed
from collectors.aws.collector import AwsCollector
from collectors.aws.reader import ReadCloud
from collectors.aws.resource_types import ResourceType
from model.asset import Place
from model.canonical import instant
from model.clock import Clock
from model.fault import Refused
from model.finding import CATEGORIES, JUDGED, WITHDRAWN, Category, Finding, finding_uid
from model.tenant import AwsScope, Contract, SuddenLoss, Tenant
from pipeline.assembly import Catalog
from pipeline.providers.provider import Scope
from pipeline.scanning.scan import Summary
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import known
from tests.recorded_clouds import TENANT, Replies, catalog, catalog_of_services
from tests.worlds import entered, scanned_in, seeing, world_of
from workers.child import Child


class Without:
    """Leaves rows out of a listing: the resources are gone."""

    def __init__(self, inner: ReadCloud, op: str, path: str) -> None:
        self._inner, self._op, self._path = inner, op, path

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Any:
        for page in self._inner.pages(service, region, op, args):
            yield page | {self._path: []} if op == self._op else page

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> Any:
        return self._inner.call(service, region, op, args)

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        return self._inner.piece(url, start, length)

    def pause(self, seconds: float) -> None: ...
    def forget(self, region: str) -> None: ...


@pytest.fixture
def run(home: Home, clock: MovingClock, replies: Replies, checkov: Child) -> Any:
    known(home, "aozora", "2026-06-01T00:00:00.000000Z")

    def again(
        cloud: ReadCloud | None = None,
        place: Place | None = None,
        chosen: Catalog | None = None,
        tenant: Tenant = TENANT,
    ) -> Summary:
        clock.sleep(3600)
        providers = seeing(cloud or replies, place or replies.place)
        return scanned_in(world_of(home, clock, providers, checkov=lambda: checkov), tenant, chosen or catalog())

    return again


def findings(home: Home, state: str) -> dict[str, str]:
    with home.tenant("aozora").read() as reader:
        return {f.uid: f.resolved_because for f in reader.findings(None) if f.state == state}


def test_a_second_look_at_the_same_writes_nothing(run: Any, home: Home) -> None:
    first = run()
    second = run()
    assert first.new_rows == first.assets > 0
    assert (second.new_rows, second.facts) == (0, {})
    assert second.verdicts == first.verdicts


def test_gone_resources_end_and_their_findings_resolve_with_the_reason(run: Any, home: Home, replies: Replies) -> None:
    run()
    before = findings(home, "open")
    run(Without(replies, "list_buckets", "Buckets"))
    resolved = findings(home, "resolved")
    assert set(resolved.values()) == {"the resource is gone"}
    with home.tenant("aozora").read() as reader:
        kinds = {asset.kind for asset in reader.current_assets()}
        names = {f.kind for f in reader.findings()}
    assert "aws.s3.bucket" not in kinds
    assert "aws.s3.bucket" not in names
    assert "aws.s3.account-block" in kinds
    assert set(resolved) < set(before)
    back = run()
    assert back.facts == {"reopened": len(resolved)}


def test_what_suddenly_shows_far_less_ends_nothing_until_the_next_look(run: Any, home: Home, replies: Replies) -> None:
    run()
    before = findings(home, "open")
    tenant = replace(TENANT, sudden_loss=SuddenLoss(least=1))
    summary = run(Without(replies, "list_buckets", "Buckets"), tenant=tenant)
    (cause,) = (gap.cause for gap in summary.gaps if gap.kind == "aws.s3.bucket")
    assert cause.startswith("SuddenLoss 0/")
    assert findings(home, "open") == before
    with home.tenant("aozora").read() as reader:
        assert {f.unverified_because for f in reader.findings() if f.kind == "aws.s3.bucket"} == {cause}
    run(Without(replies, "list_buckets", "Buckets"), tenant=tenant)
    assert set(findings(home, "resolved").values()) == {"the resource is gone"}


def test_a_withdrawn_policy_resolves_its_findings(run: Any, home: Home) -> None:
    run()
    kept = [p for p in catalog().policies if p.service != "s3"]
    run(chosen=replace(catalog(), policies=tuple(kept)))
    assert set(findings(home, "resolved").values()) == {"the policy was withdrawn"}


def one_at_a_bucket(home: Home) -> Finding:
    with home.tenant("aozora").read() as reader:
        return next(found for found in reader.findings() if found.kind == "aws.s3.bucket")


def put(home: Home, clock: MovingClock, finding: Finding) -> Finding:
    with home.tenant("aozora").write(instant(clock.now()), "p") as writer:
        writer.put_findings([finding])
    return finding


@pytest.mark.parametrize("category", sorted(set(CATEGORIES) - JUDGED))
def test_what_another_detector_found_outlives_every_scan(
    run: Any, home: Home, clock: MovingClock, replies: Replies, category: Category
) -> None:
    """Also where the policy of its name was withdrawn, its asset is gone or unread, or nobody looks there any more."""
    some = catalog_of_services("s3")
    run(chosen=some)
    policies = one_at_a_bucket(home)
    uid = finding_uid(category, policies.scope, policies.policy, policies.resource)
    kept = put(home, clock, replace(policies, uid=uid, category=category))
    fewer = replace(some, policies=tuple(policy for policy in some.policies if policy.id != policies.policy))
    none = replace(some, types={}, policies=())
    looks: dict[str, Callable[[], Summary]] = {
        "open": partial(run, chosen=some),
        WITHDRAWN: partial(run, chosen=fewer),
        "reopened": partial(run, chosen=some),
        "the resource is gone": partial(run, Without(replies, "list_buckets", "Buckets"), chosen=some),
        "no longer watched": partial(run, chosen=replace(none, policies=some.policies)),
    }
    became = []
    for look in looks.values():
        look()
        with home.tenant("aozora").read() as reader:
            assert reader.finding(uid) == kept
            assert uid not in {fact.finding for fact, _ in reader.facts()}
            now = reader.finding(policies.uid)
            assert now is not None
            became.append(now.resolved_because or now.state)
    assert became[:4] == list(looks)[:4], "what a policy found goes on as ever"
    assert home.tenant("aozora").implied_fault() == ""


def test_a_verdict_never_advances_the_finding_of_another_detector(run: Any, home: Home, clock: MovingClock) -> None:
    """Not even where somebody has given it the identity of a policy's."""
    some = catalog_of_services("s3")
    run(chosen=some)
    kept = put(home, clock, replace(one_at_a_bucket(home), category="threat", state="resolved"))
    run(chosen=some)
    with home.tenant("aozora").read() as reader:
        assert reader.finding(kept.uid) == kept


def test_a_region_that_is_no_longer_watched_ends_its_assets(run: Any, home: Home, replies: Replies) -> None:
    run()
    run(place=replace(replies.place, regions=("ap-northeast-1",)))
    with home.tenant("aozora").read() as reader:
        assert {asset.region for asset in reader.current_assets()} == {"ap-northeast-1", "global"}
    assert set(findings(home, "resolved").values()) == {"no longer watched"}


def test_regions_that_could_not_be_listed_end_nothing(run: Any, home: Home, replies: Replies) -> None:
    run()
    with home.tenant("aozora").read() as reader:
        before = {asset.uid for asset in reader.current_assets()}
    place = replace(replies.place, regions=("ap-northeast-1",), unread={"regions": "ec2:DescribeRegions AccessDenied"})
    summary = run(place=place)
    with home.tenant("aozora").read() as reader:
        assert {asset.uid for asset in reader.current_assets()} == before
    assert any(gap.region == "other-regions" for gap in summary.gaps)
    assert "resolved" not in summary.facts


def test_a_scope_that_cannot_be_entered_ends_nothing_while_another_is_read(
    home: Home, clock: MovingClock, replies: Replies
) -> None:
    known(home, "aozora", "2026-06-01T00:00:00.000000Z")
    two = replace(TENANT, scopes=[AwsScope(aws="123456789012"), AwsScope(aws="210987654321")])

    def connect(scope: Scope, types: Sequence[ResourceType], _clock: Clock) -> AwsCollector:
        if scope.id == "210987654321":
            raise Refused("AWS does not accept the credentials")
        return AwsCollector(replies, replies.place, types)

    summary = scanned_in(world_of(home, clock, entered(connect)), two, catalog())
    assert [gap.cause for gap in summary.gaps if gap.scope == "210987654321"] == ["AWS does not accept the credentials"]
    assert summary.facts["open"] > 0

    def closed(*_: object) -> AwsCollector:
        raise Refused("AWS does not accept the credentials")

    clock.sleep(60)
    before = findings(home, "open")
    summary = scanned_in(world_of(home, clock, entered(closed)), two, catalog())
    assert [(gap.scope, gap.cause) for gap in summary.gaps] == [
        (scope.aws, "AWS does not accept the credentials") for scope in two.scopes
    ]
    assert (summary.assets, summary.facts) == (0, {})
    assert findings(home, "open") == before
    with home.tenant("aozora").read() as reader:
        assert {f.unverified_because for f in reader.findings()} == {"AWS does not accept the credentials"}


def test_a_tenant_without_any_account_is_refused(home: Home, clock: MovingClock, replies: Replies) -> None:
    known(home, "aozora", "2026-06-01T00:00:00.000000Z")
    world = world_of(home, clock, seeing(replies, replies.place))
    with pytest.raises(Refused, match="no account to look at"):
        scanned_in(world, replace(TENANT, scopes=[]), catalog())


@pytest.mark.parametrize(
    ("contract", "why"),
    [
        (Contract(start=MovingClock().now().date().replace(day=2)), "begins on 2026-06-02"),
        (
            Contract(
                start=MovingClock().now().date().replace(year=2025),
                last_day=MovingClock().now().date().replace(month=5),
            ),
            "ended on 2026-05-01",
        ),
    ],
)
def test_outside_the_term_nothing_is_looked_at(contract: Contract, why: str, home: Home, clock: MovingClock) -> None:
    known(home, "aozora", "2026-06-01T00:00:00.000000Z", contract)

    def never(*_: object) -> AwsCollector:
        raise AssertionError("nobody may look")

    with pytest.raises(Refused, match=why):
        scanned_in(world_of(home, clock, entered(never)), replace(TENANT, contract=contract), catalog())
    with home.tenant("aozora").read() as reader:
        assert reader.last_run() is None


def test_the_audit_chain_names_each_scan(run: Any, home: Home) -> None:
    run()
    run()
    assert home.tenant("aozora").audit_fault() == ""


def test_a_listing_that_fails_with_anything_is_a_gap(run: Any, home: Home, replies: Replies) -> None:
    class Odd(Without):
        def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Any:
            if op == "describe_volumes":
                yield {"Volumes": ["not a mapping"]}
            elif op == "list_keys":
                raise CallFailed("ThrottlingException")
            else:
                yield from super().pages(service, region, op, args)

    run()
    summary = run(Odd(replies, "", ""))
    causes = {(gap.kind, gap.cause) for gap in summary.gaps}
    assert ("aws.kms.key", "kms:ListKeys ThrottlingException") in causes
    assert any(kind == "aws.ec2.volume" and "malformed" in cause for kind, cause in causes)
    assert summary.facts == {}


class Twice(Without):
    """Shows each bucket twice: the listing changed while it paged."""

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Any:
        for page in self._inner.pages(service, region, op, args):
            yield page
            if op == "list_buckets":
                yield page


def test_a_resource_that_is_listed_twice_is_judged_and_reported_once(run: Any, home: Home, replies: Replies) -> None:
    once = run(Twice(replies, "", ""))
    assert run().facts == {}
    with home.tenant("aozora").read() as reader:
        facts = [fact.finding for fact, _ in reader.facts()]
    assert len(facts) == len(set(facts)) == once.facts["open"]
