"""What messages announce: the forms as AWS documents them, and whatever else may lie in a queue."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.announcements import MOST_CHARACTERS, Announced, announced
from model.log_feed import LogObject

BUCKET = "amzn-s3-demo-bucket"
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html, «Example: PutObject event»
S3: dict[str, Any] = {
    "Records": [
        {
            "eventVersion": "2.1",
            "eventSource": "aws:s3",
            "awsRegion": "us-west-2",
            "eventTime": "1970-01-01T00:00:00.000Z",
            "eventName": "ObjectCreated:Put",
            "userIdentity": {"principalId": "AIDAJDPLRKLG7UEXAMPLE"},
            "requestParameters": {"sourceIPAddress": "127.0.0.1"},
            "responseElements": {"x-amz-request-id": "C3D13FE58DE4C810", "x-amz-id-2": "FMyUVURIY8"},
            "s3": {
                "s3SchemaVersion": "1.0",
                "configurationId": "testConfigRule",
                "bucket": {
                    "name": BUCKET,
                    "ownerIdentity": {"principalId": "A3NL1KOZZKExample"},
                    "arn": f"arn:aws:s3:::{BUCKET}",
                },
                "object": {
                    "key": "HappyFace.jpg",
                    "size": 1024,
                    "eTag": "d41d8cd98f00b204e9800998ecf8427e",
                    "versionId": "096fKKXTRTtl3on89fVO.nfljtsv6qko",
                    "sequencer": "0055AED6DCD90281E5",
                },
            },
        }
    ]
}
# The same page, «Example: test event».
TEST = {
    "Service": "Amazon S3",
    "Event": "s3:TestEvent",
    "Time": "2014-10-13T15:57:02.089Z",
    "Bucket": BUCKET,
    "RequestId": "5582815E1AEA5ADF",
    "HostId": "8cLeGAmw098X5cv4Zkwcmo8vvZa3eH3eKxsPzbB9wrR+YstdA6Knx4Ip8EXAMPLE",
}
# https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html, «Object created»
BUS: dict[str, Any] = {
    "version": "0",
    "id": "17793124-05d4-b198-2fde-7ededc63b103",
    "detail-type": "Object Created",
    "source": "aws.s3",
    "account": "111122223333",
    "time": "2021-11-12T00:00:00Z",
    "region": "ca-central-1",
    "resources": ["arn:aws:s3:::amzn-s3-demo-bucket1"],
    "detail": {
        "version": "0",
        "bucket": {"name": "amzn-s3-demo-bucket1"},
        "object": {
            "key": "example-key",
            "size": 5,
            "etag": "b1946ac92492d2347c6235b4d2611184",
            "version-id": "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e",
            "sequencer": "617f08299329d189",
        },
        "request-id": "N4N7GDK58NMKJ12R",
        "requester": "123456789012",
        "source-ip-address": "1.2.3.4",
        "reason": "PutObject",
    },
}
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
TRAIL_KEY = (
    "AWSLogs/123456789012/CloudTrail/us-east-2/2013/12/13/"
    "123456789012_CloudTrail_us-west-2_20131213T1920Z_LnPgDQnpkSKEsppV.json.gz"
)
TRAIL: dict[str, Any] = {"s3Bucket": BUCKET, "s3ObjectKey": [TRAIL_KEY]}
PUT = LogObject(BUCKET, "HappyFace.jpg", "d41d8cd98f00b204e9800998ecf8427e", 1024)
BY_BUS = LogObject("amzn-s3-demo-bucket1", "example-key", "b1946ac92492d2347c6235b4d2611184", 5)
BY_TRAIL = LogObject(BUCKET, TRAIL_KEY)
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html
DIGEST = (
    "optional-prefix/AWSLogs/111122223333/CloudTrail-Digest/us-east-2/2015/08/17/"
    "111122223333_CloudTrail-Digest_us-east-2_your-trail-name_us-east-2_20150817T150131Z.json.gz"
)


def notification(message: object) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html, «HTTP/HTTPS notification»."""
    text = message if isinstance(message, str) else json.dumps(message)
    return {
        "Type": "Notification",
        "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
        "TopicArn": "arn:aws:sns:us-west-2:123456789012:MyTopic",
        "Subject": "My First Message",
        "Message": text,
        "Timestamp": "2012-05-02T00:54:06.655Z",
        "SignatureVersion": "1",
        "Signature": "EXAMPLEw6JRN...",
        "SigningCertURL": "https://sns.us-west-2.amazonaws.com/SimpleNotificationService-f3ecfb7224c7233f.pem",
    }


def s3_record(**changed: Any) -> dict[str, Any]:
    return {"Records": [S3["Records"][0] | changed]}


def s3_object(**changed: Any) -> dict[str, Any]:
    place = S3["Records"][0]["s3"]
    return s3_record(s3=place | {"object": place["object"] | changed})


@pytest.mark.parametrize(
    ("message", "objects"),
    [
        (S3, [PUT]),
        (notification(S3), [PUT]),
        ({"Records": S3["Records"] * 2}, [PUT, PUT]),
        (s3_record(eventName="ObjectCreated:CompleteMultipartUpload"), [PUT]),
        (s3_record(eventName="ObjectRemoved:Delete"), []),
        (s3_record(eventName="ObjectTagging:Put", s3="of another form"), []),
        (TEST, []),
        (notification(TEST), []),
        (BUS, [BY_BUS]),
        (notification(BUS), [BY_BUS]),
        (BUS | {"detail-type": "Object Deleted"}, []),
        (TRAIL, [BY_TRAIL]),
        (notification(TRAIL), [BY_TRAIL]),
        (notification("CloudTrail validation message."), []),
    ],
)
def test_each_form_announces_what_it_documents(message: object, objects: list[LogObject]) -> None:
    assert announced(json.dumps(message)) == Announced(tuple(objects))


@pytest.mark.parametrize(
    ("written", "key"),
    [  # «The object key name value is URL encoded in the event. For example, red flower.jpg becomes red+flower.jpg»
        ("red+flower.jpg", "red flower.jpg"),
        ("a%2Bb%25.gz", "a+b%.gz"),
        ("%E3%83%AD%E3%82%B0/%F0%9F%94%A5", "ログ/🔥"),
        ("ログ", "ログ"),
        ("a%00b", "a\0b"),
        ("100%", "100%"),
    ],
)
def test_a_key_of_s3s_own_form_is_decoded_and_no_other(written: str, key: str) -> None:
    assert [one.key for one in announced(json.dumps(s3_object(key=written))).objects] == [key]
    bus = BUS | {"detail": BUS["detail"] | {"object": {"key": written}}}
    assert announced(json.dumps(bus)).objects == (LogObject("amzn-s3-demo-bucket1", written),)
    assert [one.key for one in announced(json.dumps(TRAIL | {"s3ObjectKey": [written]})).objects] == [written]


@pytest.mark.parametrize(
    "key",
    [
        DIGEST,
        DIGEST.replace("optional-prefix/", ""),
        DIGEST.replace("AWSLogs/", "AWSLogs/o-exampleorgid/"),
        DIGEST.replace("CloudTrail-Digest", "CloudTrail-Insight"),
    ],
)
def test_what_holds_no_events_is_named_as_ignored(key: str) -> None:
    found = announced(json.dumps(TRAIL | {"s3ObjectKey": [TRAIL_KEY, key]}))
    assert found == Announced((BY_TRAIL,), (LogObject(BUCKET, key),))


@pytest.mark.parametrize("key", ["CloudTrail-Digest/x", f"{TRAIL_KEY}-CloudTrail-Digest_x", "AWSLogs/1/CloudTrail/x"])
def test_what_is_only_called_alike_is_read(key: str) -> None:
    assert announced(json.dumps(s3_object(key=key))).ignored == ()


NO_ANNOUNCEMENTS: list[object] = [
    None,
    7,
    [S3],
    {},
    {"Records": []},
    s3_record(eventSource="s3.amazonaws.com"),  # an event of CloudTrail itself
    BUS | {"source": "my.own"},
    TEST | {"Event": "s3:Other"},
    notification(notification(S3)),
    notification({}),
    {"Type": "SubscriptionConfirmation", "Message": "You have chosen to subscribe", "Token": "2336"},
]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("", "not JSON"),
        ("CloudTrail validation message.", "not JSON"),
        (json.dumps(S3)[:-1], "not JSON"),
        ("\ud800", "not JSON"),
        ("\0", "not JSON"),
        ('{"s3Bucket": "b", "s3ObjectKey": ["\\ud800"]}', "not JSON"),
        ("[" * 1_000_000, "no announcement"),
        ('{"a":' * 100_000, "nested too deep"),
        ('{"Records":' + "[" * 100_000, "nested too deep"),
        (" " * (MOST_CHARACTERS + 1), "too large"),
        *((json.dumps(message), "no announcement") for message in NO_ANNOUNCEMENTS),
        *(
            (json.dumps(message), "a wrong type")
            for message in (
                {"Records": None},
                {"Records": ["x"]},
                s3_record(eventName=None),
                s3_record(s3={}),
                s3_object(size="1024"),
                s3_object(size=-1),
                s3_object(eTag='x"\r\nHost: elsewhere'),
                {"Records": [S3["Records"][0], {"eventSource": "aws:s3", "eventName": "ObjectCreated:Put"}]},
                BUS | {"detail": []},
                TRAIL | {"s3ObjectKey": TRAIL_KEY},
                TRAIL | {"s3Bucket": ""},
                notification(S3) | {"Message": S3},
            )
        ),
        *(
            (json.dumps(message), "a wrong key")
            for message in (
                s3_object(key=""),
                s3_object(key="%FF"),
                s3_object(key="a/../b"),
                s3_object(key="a/%2E%2E/b"),
                TRAIL | {"s3ObjectKey": [TRAIL_KEY, "../other-bucket/x"]},
                TRAIL | {"s3ObjectKey": ["あ" * 342]},
            )
        ),
        (json.dumps(notification("not JSON")), "not JSON"),
    ],
)
def test_all_else_is_set_aside_whole_with_its_reason(body: str, why: str) -> None:
    assert announced(body) == Announced(aside=why)  # type: ignore[arg-type]


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.sampled_from([BUCKET, "aws:s3", "aws.s3"])
KEYS = st.sampled_from(["Records", "detail", "detail-type", "Type", "Message", "s3Bucket", "s3ObjectKey", "s3"])
JSON = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4))


@given(st.text(st.characters(), max_size=200) | JSON.map(json.dumps) | JSON.map(notification).map(json.dumps))
def test_no_text_raises(body: str) -> None:
    found = announced(body)
    assert not (found.aside and (found.objects or found.ignored))


@given(st.data())
def test_no_form_with_anything_in_a_place_raises(data: st.DataObject) -> None:
    forms: list[dict[str, Any]] = [S3, BUS, TRAIL]
    message: dict[str, Any] = json.loads(json.dumps(data.draw(st.sampled_from(forms))))
    at: Any = message
    while isinstance(at, dict | list) and at:
        key = data.draw(st.sampled_from(sorted(at)) if isinstance(at, dict) else st.just(0))
        if not isinstance(at[key], dict | list) or data.draw(st.booleans()):
            at[key] = data.draw(JSON)
            break
        at = at[key]
    found = announced(json.dumps(message))
    assert all(one.bucket and one.key for one in found.objects)
