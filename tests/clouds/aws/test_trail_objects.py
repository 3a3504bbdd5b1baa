"""What CloudTrail delivered to a bucket: by its digest files and by the listing; the real SDK against the emulator.

The forms of keys and of digests are those of CloudTrail's user guide: «Getting and viewing your CloudTrail log files»,
«CloudTrail digest file structure».
"""

import gzip
import json
from collections.abc import Iterable
from datetime import UTC, datetime

import botocore.session
import pytest

from clouds.aws.read import AwsClient
from clouds.aws.trail_objects import TrailPlace, delivered
from clouds.call_failed import CallFailed, NotThere
from demo.stand_ins.aws_emulator import Emulator
from tests.conftest import MovingClock, lead_to

pytestmark = pytest.mark.process

REGION, BUCKET, ACCOUNT, ORG = "ap-northeast-1", "aozora-trail", "111122223333", "o-exampleorgid"
SINCE, UNTIL = datetime(2026, 6, 1, tzinfo=UTC), datetime(2026, 6, 2, tzinfo=UTC)


def log(name: str, day: str = "01", hour: str = "10", folder: str = f"AWSLogs/{ACCOUNT}") -> str:
    at = f"202606{day}T{hour}05Z"
    return f"{folder}/CloudTrail/us-east-2/2026/06/{day}/{ACCOUNT}_CloudTrail_us-east-2_{at}_{name}.json.gz"


def digest(end: str, day: str = "01") -> str:
    name = f"{ACCOUNT}_CloudTrail-Digest_us-east-2_trail_us-east-2_202606{day}T{end}31Z.json.gz"
    return f"AWSLogs/{ACCOUNT}/CloudTrail-Digest/us-east-2/2026/06/{day}/{name}"


class Trail:
    """A bucket into which CloudTrail delivers."""

    def __init__(self, emulator: Emulator, clock: MovingClock) -> None:
        self.s3 = emulator.client("s3", REGION)
        self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": REGION})
        self.client = AwsClient(botocore.session.Session(), clock)

    def put(self, *keys: str, size: int = 10) -> None:
        for key in keys:
            self.s3.put_object(Bucket=BUCKET, Key=key, Body=b"x" * size)

    def put_digest(self, key: str, named: Iterable[tuple[str, str]]) -> None:
        files = [{"s3Bucket": bucket, "s3Object": name, "hashAlgorithm": "SHA-256"} for bucket, name in named]
        said = {"digestStartTime": "2026-06-01T10:00:31Z", "digestEndTime": "2026-06-01T11:00:31Z", "logFiles": files}
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=gzip.compress(json.dumps(said).encode()))

    def found(self, bucket: str = BUCKET) -> tuple[dict[str, int | None], str, list[str]]:
        made = delivered(self.client, TrailPlace(bucket, REGION), SINCE, UNTIL)
        return {one.key: one.size for one in made.objects}, made.how, made.unread


@pytest.fixture
def trail(emulator: Emulator, clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> Trail:
    lead_to(emulator, monkeypatch)
    return Trail(emulator, clock)


def test_without_digests_it_is_what_is_listed_of_the_time(trail: Trail) -> None:
    inside = [log("a"), log("b", hour="23"), log("c", folder=f"AWSLogs/{ORG}/{ACCOUNT}")]
    trail.put(*inside, size=7)
    trail.put(log("before", "00"), log("after", "02"), log("later", "03"), "AWSLogs/elsewhere/CloudTrail/x", "other/y")
    trail.put(log("i").replace("/CloudTrail/", "/CloudTrail-Insight/"))
    assert trail.found() == (dict.fromkeys(inside, 7), "listing", [])


def test_what_a_digest_names_and_is_gone_counts_without_a_size(trail: Trail) -> None:
    here, gone, late = log("a"), log("gone"), log("late", hour="23")
    trail.put(here, late)
    trail.put_digest(digest("1100"), [(BUCKET, here), (BUCKET, gone)])
    trail.put_digest(digest("0001", "02"), [(BUCKET, log("late-gone", hour="23")), (BUCKET, log("next", "02", "00"))])
    expected = {here: 10, gone: None, late: 10, log("late-gone", hour="23"): None}
    assert trail.found() == (expected, "digest files and listing", [])


def test_a_digest_that_was_tampered_with_neither_adds_what_is_anothers_nor_hides_anything(trail: Trail) -> None:
    here = log("a")
    trail.put(here)
    trail.put_digest(
        digest("1100"),
        [("midori-trail", log("theirs")), (BUCKET, "secrets/x"), (BUCKET, log("i", folder="AWSLogs/999999999999"))],
    )
    assert trail.found() == ({here: 10}, "digest files and listing", [])


@pytest.mark.parametrize(
    "body",
    [b"", b"no gzip", gzip.compress(b"{"), gzip.compress(b'{"logFiles": {}}'), gzip.compress(b"x" * 999)[:-9]],
    ids=["empty", "no gzip", "no JSON", "another form", "cut off"],
)
def test_a_digest_that_cannot_be_read_leaves_the_listing_and_is_named(trail: Trail, body: bytes) -> None:
    here = log("a")
    trail.put(here)
    trail.s3.put_object(Bucket=BUCKET, Key=digest("1100"), Body=body)
    assert trail.found() == ({here: 10}, "listing", [digest("1100")])


def test_a_listing_of_several_pages_is_read_to_its_end(trail: Trail) -> None:
    keys = [log(f"{number:04}") for number in range(1005)]  # a page has a thousand
    trail.put(*keys, size=1)
    assert trail.found() == (dict.fromkeys(keys, 1), "listing", [])


def test_a_bucket_in_which_cloudtrail_has_no_folder_is_no_empty_one(trail: Trail) -> None:
    trail.put(f"team/{log('a')}")
    with pytest.raises(NotThere):
        trail.found()
    made = delivered(trail.client, TrailPlace(BUCKET, REGION, ("AWSLogs/", "team/AWSLogs/")), SINCE, UNTIL)
    assert [one.key for one in made.objects] == [f"team/{log('a')}"]


def test_what_must_not_or_cannot_be_listed_is_no_empty_listing(trail: Trail) -> None:
    with pytest.raises(CallFailed, match="NoSuchBucket"):
        trail.found("nobodys-trail")
