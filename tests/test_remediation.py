"""From a finding to a change and back: what people do, on the emulator."""

import boto3
import pytest
from botocore.exceptions import ClientError

from clouds.emulator import Emulator
from store.home import Home
from tests.changing import Desk
from tests.conftest import MovingClock

BLOCK = "aws.s3.block-public-access"
ALL_ON = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)


def buckets(*names: str) -> None:
    s3 = boto3.client("s3", region_name="ap-northeast-1")
    for name in names:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})


def block_of(name: str) -> dict[str, bool] | None:
    s3 = boto3.client("s3", region_name="ap-northeast-1")
    try:
        return dict(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        return None


@pytest.fixture
def desk(emulator: Emulator, home: Home, clock: MovingClock) -> Desk:
    buckets("one", "two")
    return Desk(home, clock, BLOCK)


def test_a_fault_is_planned_approved_mended_verified_and_taken_back(desk: Desk) -> None:
    desk.scan()
    plan = desk.plan()
    assert [step.target.name for step in plan.steps] == ["one", "two"]
    assert block_of("one") is None
    assert desk.run(desk.approve(plan)) == {"one": "verified", "two": "verified"}
    assert block_of("one") == block_of("two") == ALL_ON
    assert {f.state for f in desk.findings().values()} == {"resolved"}
    undo = desk.undo(plan)
    assert undo.approvals == 2
    assert desk.run(desk.approve(undo)) == {"one": "verified", "two": "verified"}
    assert desk.states(plan) == {"one": "undone", "two": "undone"}
    assert block_of("one") is None
    assert {f.state for f in desk.findings().values()} == {"reopened"}
    assert desk.scan().facts == {}
