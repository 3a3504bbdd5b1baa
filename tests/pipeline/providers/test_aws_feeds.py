"""Feeds of AWS: announcements of a bucket in a queue, objects as streams, and what stands in their way."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from msgspec.structs import replace

from clouds.call_failed import CallFailed, Forbidden, Foreign, NotThere, Replaced
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from intake.announcements import Announced, announced
from model.clock import Clock
from model.contract_record import Evidence
from model.fault import Refused
from model.log_feed import FeedMessage, LogFeed, LogObject
from model.tenant import AwsLogs, Tenant
from pipeline.clock import SystemClock
from pipeline.providers.aws import feeds
from pipeline.providers.provider import FeedOf
from pipeline.secrets import UNBOUND
from pipeline.tenants.entrance import Entrance
from pipeline.tenants.files import carry_out, plan
from pipeline.tenants.gate import NotEntitled
from store.home import Home
from tests.commands import run
from tests.conftest import MovingClock
from tests.contracts import known
from tests.recorded_clouds import TENANT
from tests.servers.http_servers import CUT, DENY, LOSE, PASS, denying_proxy, proxy
from tests.worlds import world_of

REGION, BUCKET, OTHER = "ap-northeast-1", "aozora-trail", "aozora-photos"
QUEUE = f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/trail"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/hinomi-logs"
LOGS = AwsLogs("aws.cloudtrail", ACCOUNT, QUEUE, [BUCKET])
KEY = "AWSLogs/123456789012/CloudTrail/ap-northeast-1/2026/06/01/log file+1.json.gz"
CONTENT = bytes(range(256)) * 8192  # more than one chunk, and no text
HIDDEN = 60
MESSAGE = FeedMessage("id", "receipt", "", SystemClock().now(), 1)


def entered(logs: AwsLogs = LOGS, clock: Clock | None = None) -> LogFeed:
    (feed,) = feeds.feeds_of(replace(TENANT, logs=[logs]), "between-us")
    return feeds.enter(feed, clock or SystemClock())


@pytest.fixture
def bucket(emulator: Emulator) -> Any:
    """A client of S3, where a bucket notifies a queue of what is created in it, and another one is beside it."""
    made = emulator.client("sqs", REGION).create_queue(QueueName="trail")
    assert made["QueueUrl"].endswith(f"/{ACCOUNT}/trail")
    s3 = emulator.client("s3", REGION)
    for name in (BUCKET, OTHER):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": REGION})
    arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:trail"
    notified = {"QueueConfigurations": [{"QueueArn": arn, "Events": ["s3:ObjectCreated:*"]}]}
    s3.put_bucket_notification_configuration(
        Bucket=BUCKET, NotificationConfiguration=notified, SkipDestinationValidation=True
    )
    return s3


@pytest.fixture
def feed(bucket: Any) -> Iterator[LogFeed]:
    feed = entered()
    yield feed
    feed.close()


def received(feed: LogFeed) -> list[FeedMessage]:
    return [*feed.receive(0, HIDDEN)]


def announcement(feed: LogFeed) -> tuple[FeedMessage, LogObject]:
    """Return the one message that announces an object."""
    found = [(one, announced(one.body)) for one in received(feed)]
    assert {each.aside for _, each in found} == {""}
    ((message, said),) = [(one, each) for one, each in found if each.objects]
    return message, said.objects[0]


def read(feed: LogFeed, wanted: LogObject) -> bytes:
    with feed.open(wanted).stream as stream:
        return stream.read()


@pytest.mark.process
def test_what_is_put_into_the_bucket_is_announced_read_and_deleted(bucket: Any, feed: LogFeed) -> None:
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
    message, wanted = announcement(feed)
    assert (wanted.bucket, wanted.key, wanted.size) == (BUCKET, KEY, len(CONTENT))
    assert (message.receives, abs((message.sent - SystemClock().now()).total_seconds()) < HIDDEN) == (1, True)
    opened = feed.open(wanted)
    with opened.stream as stream:
        assert (opened.length, opened.etag) == (len(CONTENT), wanted.etag)
        assert stream.read(10) == CONTENT[:10]
        assert stream.read() == CONTENT[10:]
    feed.delete(message)
    feed.delete(message)
    assert received(feed) == []


@pytest.mark.process
def test_a_message_comes_again_unless_it_is_deleted(bucket: Any, feed: LogFeed) -> None:
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=b"")
    message, wanted = announcement(feed)
    assert read(feed, wanted) == b""
    assert received(feed) == [], "it is hidden"
    feed.hide(message, 0)
    again, same = announcement(feed)
    assert (again.id, again.receives, same) == (message.id, 2, wanted)
    feed.delete(again)
    assert received(feed) == []


@pytest.mark.process
def test_a_foreign_bucket_is_never_asked_for(emulator: Emulator, bucket: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put_object(Bucket=OTHER, Key="x", Body=b"private")
    with proxy(emulator.url, lambda _: PASS) as (url, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        feed = entered()
        for name in (OTHER, f"{BUCKET}/../{OTHER}", "", BUCKET.upper(), f"arn:aws:s3:::{BUCKET}"):
            with pytest.raises(Foreign):
                feed.open(LogObject(name, "x"))
        feed.close()
    assert [one for one in asked if "GetCallerIdentity" not in one] == []


@pytest.mark.process
def test_it_can_be_said_what_became_of_an_object(bucket: Any, feed: LogFeed) -> None:
    etag = bucket.put_object(Bucket=BUCKET, Key=KEY, Body=b"one")["ETag"].strip('"')
    assert read(feed, LogObject(BUCKET, KEY, etag)) == b"one"
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=b"two")
    with pytest.raises(Replaced, match="PreconditionFailed"):
        feed.open(LogObject(BUCKET, KEY, etag))
    assert read(feed, LogObject(BUCKET, KEY)) == b"two"
    bucket.delete_object(Bucket=BUCKET, Key=KEY)
    for wanted in (LogObject(BUCKET, KEY, etag), LogObject(BUCKET, KEY)):
        with pytest.raises(NotThere, match="NoSuchKey"):
            feed.open(wanted)
    bucket.put_object(Bucket=BUCKET, Key="old", Body=b"x", StorageClass="GLACIER")
    with pytest.raises(Forbidden, match="InvalidObjectState"):
        feed.open(LogObject(BUCKET, "old"))


@pytest.mark.process
def test_a_queue_that_is_gone_is_not_taken_for_an_empty_one(emulator: Emulator, feed: LogFeed) -> None:
    emulator.client("sqs", REGION).delete_queue(QueueUrl=QUEUE)
    with pytest.raises(NotThere):
        feed.receive(0, HIDDEN)


@pytest.mark.process
@pytest.mark.parametrize(
    ("denied", "call"),
    [
        ("AmazonSQS.ReceiveMessage", lambda feed: feed.receive(0, HIDDEN)),
        ("AmazonSQS.DeleteMessage", lambda feed: feed.delete(MESSAGE)),
        ("AmazonSQS.ChangeMessageVisibility", lambda feed: feed.hide(MESSAGE, 0)),
        (f"GET /{BUCKET}/x", lambda feed: feed.open(LogObject(BUCKET, "x"))),
    ],
)
def test_what_is_not_allowed_is_said_to_be_so(
    emulator: Emulator,
    bucket: Any,
    monkeypatch: pytest.MonkeyPatch,
    denied: str,
    call: Callable[[LogFeed], object],
) -> None:
    with denying_proxy(emulator.url, denied) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        feed = entered()
        with pytest.raises(Forbidden):
            call(feed)
        feed.close()


@pytest.mark.process
def test_what_was_silent_is_asked_again_within_the_budget(
    emulator: Emulator, bucket: Any, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
    losing: list[str] = []
    with proxy(emulator.url, lambda request: LOSE if "ReceiveMessage" in request and losing else PASS) as (url, asked):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        feed = entered(clock=clock)
        losing.append("now")
        for times in (3, 6):  # each call anew, and no more often than any other call
            with pytest.raises(CallFailed) as failed:
                feed.receive(0, 0)
            assert type(failed.value) is CallFailed
            assert len([one for one in asked if "ReceiveMessage" in one]) == times
        losing.clear()
        assert announcement(feed)[1].key == KEY
    waited = [len(clock.slept)]
    for _ in range(2):  # nothing listens there any more
        with pytest.raises(CallFailed, match="EndpointConnectionError"):
            feed.receive(0, 0)
        waited.append(len(clock.slept))
    assert waited[0] < waited[1] < waited[2]
    feed.close()


@pytest.mark.process
def test_a_stream_that_breaks_off_is_no_end(bucket: Any, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket.put_object(Bucket=BUCKET, Key=KEY, Body=CONTENT)
    with proxy(emulator.url, lambda request: CUT if request.startswith(f"GET /{BUCKET}/") else PASS) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        feed = entered()
        with feed.open(LogObject(BUCKET, KEY)).stream as stream:
            for _ in range(2):
                with pytest.raises(CallFailed, match=r"ResponseStreamingError|IncompleteReadError"):
                    stream.read()
        feed.close()


@pytest.mark.process
def test_credentials_that_lead_to_another_account_are_refused(emulator: Emulator) -> None:
    with pytest.raises(Refused, match=f"the queue of 210987654321 lead to the account {ACCOUNT}"):
        entered(replace(LOGS, aws="210987654321"))


@pytest.mark.process
def test_a_role_is_entered_with_the_external_id_or_not_at_all(
    emulator: Emulator, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    with proxy(emulator.url, lambda request: DENY if "ExternalId=between-us" in request else PASS) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with pytest.raises(Refused, match=r"sts:AssumeRole AccessDenied"):
            entered(replace(LOGS, role=ROLE))
        own = entered(replace(LOGS, role=ROLE, external_id="their-own"))
        assert [one.receives for one in received(own)] == [1], "the bucket's own test of the queue"
        own.close()


@pytest.mark.process
def test_feeds_are_behind_the_gate_and_bound_to_the_tenant(home: Home, clock: MovingClock, bucket: Any) -> None:
    tenant = replace(TENANT, logs=[replace(LOGS, role=ROLE)])
    world = world_of(home, clock)
    known(home, tenant.tenant, "2026-06-01T00:00:00.000000Z")
    entrance = Entrance(world, tenant, "logs.take")
    (found,) = entrance.feeds()
    assert (found.source, found.id) == ("aws.cloudtrail", QUEUE)
    assert found.access.external_id == home.external_ids()[tenant.tenant]
    assert found.secrets.tenant == tenant.tenant
    opened = entrance.enter(found)
    assert [announced(one.body) for one in received(opened)] == [Announced()], "the bucket's own test of the queue"
    opened.close()
    clock.moment = clock.moment.replace(year=2020)
    for closed in (entrance.feeds, lambda: entrance.enter(found)):
        with pytest.raises(NotEntitled):
            closed()


def test_a_tenant_without_feeds_has_none_and_a_profile_is_nobodys_by_itself() -> None:
    assert list(feeds.feeds_of(TENANT, "x")) == []
    feed = FeedOf("aws", QUEUE, "aws.cloudtrail", replace(LOGS, profile="customer-b"), UNBOUND)
    with pytest.raises(Refused, match="belongs to no tenant"):
        feeds.enter(feed, SystemClock())


@pytest.mark.parametrize(
    ("logs", "what"),
    [
        (replace(LOGS, buckets=["midori-trail"]), f"the queue {QUEUE}"),
        (replace(LOGS, queue=f"{QUEUE}2"), f"the bucket {BUCKET}"),
        (replace(LOGS, queue=f"{QUEUE}2", buckets=["midori-trail", BUCKET]), f"the bucket {BUCKET}"),
    ],
)
def test_what_is_another_tenants_is_refused(home: Home, clock: MovingClock, logs: AwsLogs, what: str) -> None:
    def apply(tenant: Tenant) -> None:
        carry_out(home, plan(home, tenant), clock, "p", Evidence("tenant.yaml", "0" * 64))

    two = [LOGS, replace(LOGS, queue=f"{QUEUE}-west", buckets=[BUCKET])]  # one tenant's queues may share a bucket
    apply(replace(TENANT, logs=two))
    apply(replace(TENANT, logs=[LOGS], contract=replace(TENANT.agreed)))
    with pytest.raises(Refused, match=f"^{what} is another tenant's too"):
        plan(home, replace(TENANT, tenant="midori", logs=[logs]))
    apply(replace(TENANT, tenant="midori", logs=[replace(LOGS, queue=f"{QUEUE}2", buckets=["midori-trail"])]))


def test_a_file_without_logs_is_the_same_as_before_there_were_any(home: Home, clock: MovingClock) -> None:
    wanted = plan(home, TENANT)
    edition = carry_out(home, wanted, clock, "p", Evidence("tenant.yaml", "0" * 64))
    assert "logs" not in json.loads(edition.document)
    assert plan(home, replace(TENANT, logs=[LOGS])).changes[0].path == "logs"


@pytest.mark.parametrize(
    ("region", "suffix", "partition"),
    [("ap-northeast-1", "", "aws"), ("cn-north-1", ".cn", "aws-cn"), ("us-gov-west-1", "", "aws-us-gov")],
)
def test_the_policy_is_for_the_queue_and_the_buckets_only(
    capsys: pytest.CaptureFixture[str], reference: dict[str, Any], region: str, suffix: str, partition: str
) -> None:
    queue = f"https://sqs.{region}.amazonaws.com{suffix}/{ACCOUNT}/trail"
    status, out = run(capsys, "permissions", "aws", "--logs", queue, "--bucket", BUCKET, "--bucket", "aozora-more")
    assert status == 0
    resources = {
        action: statement["Resource"] for statement in json.loads(out)["Statement"] for action in statement["Action"]
    }
    arn, buckets = f"arn:{partition}:sqs:{region}:{ACCOUNT}:trail", [f"arn:{partition}:s3:::{BUCKET}"]
    buckets.append(f"arn:{partition}:s3:::aozora-more")
    assert resources == {
        "sqs:ReceiveMessage": [arn],
        "sqs:DeleteMessage": [arn],
        "sqs:ChangeMessageVisibility": [arn],
        "sqs:GetQueueAttributes": [arn],
        "s3:GetObject": [f"{one}/*" for one in buckets],
        "s3:ListBucket": buckets,
    }
    # What each action is about, by the Service Authorization Reference.
    about = {"sqs": "queue", "s3:GetObject": "object", "s3:ListBucket": "bucket"}
    for action in resources:
        prefix, name = action.split(":")
        assert about.get(action, about.get(prefix)) in reference[prefix]["privileges"][name]["resource_types"]
