"""Verdicts from memory are those that judging anew would give."""

import itertools
from collections.abc import Mapping

import pytest
from msgspec.structs import replace

from catalog.expression import EvaluationError, Expression, compiled
from catalog.fields_read import Roots
from collectors.aws.engine import collect
from detectors.posture.judge import Known, Moment, Related, judge
from detectors.posture.posture import Posture
from model.asset import Asset, Listing
from model.finding import Verdict
from tests.conftest import MovingClock
from tests.recorded_clouds import Replies, catalog, types_of

MOMENT = Moment(MovingClock().now())
POLICIES = {policy.id: policy for policy in catalog().policies}


def asset(kind: str, **body: object) -> Asset:
    return Asset(kind, "arn:1", "1", "123456789012", "ap-northeast-1", dict(body), "")


def test_equal_configurations_keep_their_own_names() -> None:
    policy, known = POLICIES["aws.ec2.ebs-volume-unencrypted"], Known()
    one = asset("aws.ec2.volume", VolumeId="vol-1", Encrypted=False)
    other = replace(one, resource="arn:2", name="2", region="us-east-1", key="us-east-1")
    for each in (one, other):
        verdict = known.judge(policy, each, {}, MOMENT)
        assert verdict == judge(policy, each, {}, MOMENT)
        assert (verdict.status, verdict.resource, verdict.region) == ("fail", each.resource, each.region)


def test_what_could_not_be_read_is_no_configuration() -> None:
    policy, known = POLICIES["aws.kms.key-rotation-off"], Known()
    seen = asset(
        "aws.kms.key", Metadata={"KeyManager": "CUSTOMER", "KeyState": "Enabled", "KeySpec": "SYMMETRIC_DEFAULT"}
    )
    denied = replace(seen, unknown={"RotationEnabled": "kms:GetKeyRotationStatus AccessDenied"})
    throttled = replace(seen, unknown={"RotationEnabled": "kms:GetKeyRotationStatus Throttling"})
    reported = [known.judge(policy, each, {}, MOMENT) for each in (seen, denied, throttled)]
    assert reported == [judge(policy, each, {}, MOMENT) for each in (seen, denied, throttled)]
    assert len({(verdict.status, verdict.reason) for verdict in reported}) == 3


@pytest.mark.parametrize("others", [("ok", "public"), ("public", "ok")], ids=" then ".join)
def test_the_neighbours_count(others: tuple[str, str]) -> None:
    policy, known = POLICIES["aws.s3.public-access-block-off"], Known()
    bucket = asset("aws.s3.bucket")
    switches = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")
    blocked = {"PublicAccessBlock": dict.fromkeys(switches, True)}
    accounts = {"ok": asset("aws.s3.account-block", **blocked), "public": asset("aws.s3.account-block")}
    reported = [known.judge(policy, bucket, {"account": Related((accounts[o],))}, MOMENT).status for o in others]
    assert reported == [{"ok": "pass", "public": "fail"}[o] for o in others]


def test_an_accident_is_not_remembered() -> None:
    policy, volume = POLICIES["aws.ec2.ebs-volume-unencrypted"], asset("aws.ec2.volume", Encrypted=True)
    answers = iter([EvaluationError("no time left"), True])

    def evaluate(_: Mapping[str, object]) -> object:
        match next(answers):
            case EvaluationError() as accident:
                raise accident
            case value:
                return value

    def compile_(source: str, roots: Roots) -> Expression:
        return replace(compiled(source, roots), evaluate=evaluate)

    shaky, known = replace(policy, compile_=compile_), Known()
    assert [known.judge(shaky, volume, {}, MOMENT).status for _ in range(3)] == ["unknown", "pass", "pass"]


def test_memory_is_bounded() -> None:
    policy, known = POLICIES["aws.ec2.ebs-volume-unencrypted"], Known(most=3)
    for number in range(10):
        each = asset("aws.ec2.volume", VolumeId=f"vol-{number}", Encrypted=number % 2 == 0)
        assert known.judge(policy, each, {}, MOMENT) == judge(policy, each, {}, MOMENT)
        assert len(known._clean) + len(known._faulty) <= 3


def test_a_policy_that_meets_nothing_equal_is_not_looked_up_for_ever() -> None:
    policy, known = POLICIES["aws.ec2.ebs-volume-unencrypted"], Known()
    volumes = [replace(asset("aws.ec2.volume", Encrypted=True), scope=str(number)) for number in range(600)]
    for each in volumes:
        known.judge(policy, each, {}, MOMENT)
    assert len(known._clean) + len(known._faulty) == 500
    assert known.judge(policy, volumes[0], {}, MOMENT) == judge(policy, volumes[0], {}, MOMENT)


def stated_by(assets: list[Asset], posture: Posture) -> list[Verdict]:
    at_once = itertools.chain.from_iterable(posture.see(each) for each in assets)
    return sorted([*at_once, *posture.end()], key=lambda v: (v.policy, v.resource, v.key))


def test_an_account_is_judged_as_without_memory(replies: Replies) -> None:
    """Each asset also comes with each of its details unknown, under another name: near things are distinguished."""
    events = list(collect(replies, types_of(catalog(), "aws"), replies.place))
    assets = [event for event in events if isinstance(event, Asset)]
    assert not [event for event in events if isinstance(event, Listing) and event.cause]
    every = list(assets)
    for each in assets:
        for field in each.body:
            body = {k: v for k, v in each.body.items() if k != field}
            every.append(replace(each, resource=f"{each.resource}/without/{field}", body=body))
            unknown = {field: "Throttling"}
            every.append(replace(each, resource=f"{each.resource}/unknown/{field}", body=body, unknown=unknown))
    remembered = stated_by(every, Posture(catalog().policies, MOMENT))
    assert remembered == stated_by(every, Posture(catalog().policies, MOMENT, Known(most=1)))
    assert len(remembered) > 1000
