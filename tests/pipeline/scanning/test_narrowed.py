"""Policies that are asked for alone say the same, from fewer calls."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from catalog.policies import Policy
from collectors.aws import resource_types
from collectors.aws.collector import AwsCollector
from demo.company import Neighbours
from demo.stand_ins.process import StandIns
from detectors.posture.judge import Moment
from model.finding import Verdict
from model.tenant import Tenant
from pipeline.assembly import Catalog, assemble
from pipeline.bounds import Bounds
from pipeline.checkov_process import NotInstalled
from pipeline.providers.provider import Scope, opening_of
from pipeline.providers.registry import PROVIDERS
from pipeline.scanning.survey import survey
from pipeline.tenants.scopes import named
from tests.conftest import MovingClock
from tests.recorded_clouds import NOT_EMULATED, TENANT, Remembering, Replies, catalog, types_of
from tests.worlds import THIS_MACHINE, granting
from workers.child import Child


class Counted:
    """Plays replies back and notes what was asked."""

    def __init__(self, replies: Replies) -> None:
        self._replies = replies
        self.asked: list[tuple[str, str]] = []

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        self.asked.append((service, op))
        return self._replies.call(service, region, op, args)

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Any:
        self.asked.append((service, op))
        return self._replies.pages(service, region, op, args)

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        return self._replies.piece(url, start, length)

    def pause(self, seconds: float) -> None: ...
    def forget(self, region: str) -> None: ...


def look(
    known: Catalog, replies: Replies, checkov: Child
) -> tuple[dict[tuple[str, str], Verdict], list[tuple[str, str]]]:
    cloud = Counted(replies)
    seen = survey(
        AwsCollector(cloud, replies.place, types_of(known, "aws")), known, Moment(MovingClock().now()), checkov
    )
    return {(v.policy, v.finding_uid): v for o in seen for v in o.verdicts}, cloud.asked


@pytest.fixture(scope="module")
def whole(replies: Replies, checkov: Child) -> dict[tuple[str, str], Verdict]:
    return look(catalog(), replies, checkov)[0]


OF_AWS = [policy for policy in catalog().policies if policy.provider == "aws" and not policy.kinds & NOT_EMULATED]


@pytest.mark.parametrize("policy", OF_AWS, ids=lambda p: p.id)
def test_one_policy_alone_says_the_same(
    policy: Policy, replies: Replies, checkov: Child, whole: dict[tuple[str, str], Verdict]
) -> None:
    alone, _ = look(assemble(config_folder(), [policy]), replies, checkov)
    # Second sources are asked where they are chosen too.
    assert alone == {key: replace(verdict, sources=()) for key, verdict in whole.items() if key[0] == policy.id}
    assert alone, "nothing was compared"


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tenant]:
    """The demonstration's company in Azure, Google Cloud and a cluster, as a tenant; the environment leads to it."""
    folder = tmp_path_factory.mktemp("clouds")
    neighbours = Neighbours(folder)
    neighbours.build()
    stand_ins = StandIns(folder)
    with pytest.MonkeyPatch.context() as patch:
        for name, value in stand_ins.environment.items():
            patch.setenv(name, value)
        yield neighbours.of(replace(TENANT, scopes=[]))
    stand_ins.stop()


# By how many policies at least something of the company's is judged; of the others there is nothing to compare.
JUDGING = {"azure": 75, "gcp": 64, "kubernetes": 84}


@pytest.mark.process
@pytest.mark.parametrize("provider", JUDGING)
def test_one_policy_alone_says_the_same_elsewhere(provider: str, elsewhere: Tenant) -> None:
    with remembered(provider, elsewhere) as collectors:
        whole = verdicts(collectors, replace(catalog(), adopted=()))
        judging = {policy for policy, _ in whole}
        for policy in catalog().policies:
            if policy.id in judging:
                alone = verdicts(collectors, assemble(config_folder(), [policy]))
                assert alone == {key: verdict for key, verdict in whole.items() if key[0] == policy.id}
        assert len(judging) >= JUDGING[provider]


@pytest.mark.process
@pytest.mark.parametrize(("provider", "location"), [("azure", "japanwest"), ("gcp", "asia-northeast1")])
def test_what_lies_in_one_location_is_judged_as_before(provider: str, location: str, elsewhere: Tenant) -> None:
    known = replace(catalog(), adopted=())
    with remembered(provider, elsewhere) as collectors:
        whole = verdicts(collectors, known)
        places = [replace(collector.place, regions=(location,)) for collector in collectors]
        near = [replace(collector, place=place) for collector, place in zip(collectors, places, strict=True)]
        shown = {key: verdict for key, verdict in whole.items() if places[0].covers(verdict.region)}
        assert verdicts(near, known) == shown
        assert {verdict.region for verdict in shown.values()} < {verdict.region for verdict in whole.values()}


@contextmanager
def remembered(provider: str, tenant: Tenant) -> Iterator[list[Any]]:
    """Lend the collectors of a tenant's scopes of a provider; each asks its cloud once."""
    secrets, bounds = granting()(tenant), Bounds(THIS_MACHINE)
    bound = [replace(scope, secrets=secrets, bounds=bounds) for scope in named(tenant).found]
    collectors = [remembering(scope) for scope in bound if scope.provider == provider]
    yield collectors
    for collector in collectors:
        getattr(collector, client_of(collector)).end()


def verdicts(collectors: Iterable[Any], known: Catalog) -> dict[tuple[str, str], Verdict]:
    """Return what a catalog says of all that collectors see."""
    seen = [
        observation
        for collector in collectors
        for observation in survey(
            replace(collector, types=types_of(known, collector.types[0].kind.provider)),
            known,
            Moment(MovingClock().now()),
            NotInstalled(),
        )
    ]
    return {(v.policy, v.finding_uid): v for o in seen for v in o.verdicts}


def remembering(scope: Scope) -> Any:
    """Return a collector whose cloud answers from memory what it was asked before."""
    collector: Any = opening_of(scope, PROVIDERS).connect(scope, catalog().types[scope.provider], MovingClock())
    return replace(collector, **{client_of(collector): Remembering(getattr(collector, client_of(collector)))})


def client_of(collector: Any) -> str:
    """Return the name of the field in which a collector holds its client."""
    return "cloud" if hasattr(collector, "cloud") else "client"


def test_adopted_checks_alone_say_the_same(
    replies: Replies, checkov: Child, whole: dict[tuple[str, str], Verdict]
) -> None:
    chosen = [adopted for adopted in catalog().adopted if adopted.provider == "aws" and adopted.form.also is None]
    alone, _ = look(assemble(config_folder(), chosen), replies, checkov)
    ids = {adopted.id for adopted in chosen}
    assert alone == {key: verdict for key, verdict in whole.items() if key[0] in ids}
    assert len(alone) > 20


def test_what_no_policy_reads_is_not_asked(replies: Replies, checkov: Child) -> None:
    chosen = [p for p in catalog().policies if p.id in ("aws.kms.key-rotation-off", "aws.sqs.queue-policy-public")]
    asked = set(look(assemble(config_folder(), chosen), replies, checkov)[1])
    assert ("kms", "get_key_rotation_status") in asked
    assert ("kms", "get_key_policy") not in asked
    assert ("sqs", "get_queue_attributes") in asked  # the queue's ARN is among them
    assert {service for service, _ in asked} == {"kms", "sqs"}


def test_details_that_others_need_stay() -> None:
    types = {t.form.kind: t for t in resource_types.load()}
    assert set(types["aws.s3.bucket"].narrowed(["Versioning"]).form.details) == {"Location", "Versioning"}
    queue = types["aws.sqs.queue"]
    assert set(queue.narrowed([]).form.details) == {"Attributes"}
    named_by_url = replace(queue, form=replace(queue.form, name="$QueueUrl"))
    assert set(named_by_url.narrowed([]).form.details) == {"Attributes"}
    key = types["aws.kms.key"]
    asked_by_detail = key.form.details | {
        "Policy": replace(key.form.details["Policy"], args={"KeyId": "${Metadata.Arn}"})
    }
    needy = replace(key, form=replace(key.form, details=asked_by_detail))
    assert set(needy.narrowed(["Policy"]).form.details) == {"Metadata", "Policy"}
    assert types["aws.kms.key"].narrowed(types["aws.kms.key"].kind.fields) == types["aws.kms.key"]
