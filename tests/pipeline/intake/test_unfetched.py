"""What lies at the cloud and was not fetched: by source and day, as it was when it was asked; by the real SDK."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from contract.days import day_of
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from model.canonical import instant
from model.contract_record import SuspensionRecord
from model.coverage import Period, Unfetched
from model.log_volume import LogPiece
from model.tenant import AwsLogs
from pipeline.clock import SystemClock
from pipeline.intake.unfetched import ask_unfetched
from pipeline.tenants.applied import known_tenant
from pipeline.tenants.coverage import log_coverage
from pipeline.tenants.entrance import Entrance
from pipeline.tenants.gate import NotEntitled
from tests.contracts import on_record
from tests.log_bucket import BUCKET, NAME, QUEUE, SOURCE, Bucket
from tests.worlds import world_of

pytestmark = pytest.mark.process
NOW = datetime.now(UTC)
TODAY, YESTERDAY = day_of(NOW), day_of(NOW) - timedelta(days=1)
PERIOD = Period(YESTERDAY, TODAY)


def key(day: date, name: str) -> str:
    """Return the key of what was delivered at the beginning of a day in Japan, which is 15:00 of the day before."""
    at = datetime(day.year, day.month, day.day, tzinfo=UTC) - timedelta(hours=9)
    folder = f"AWSLogs/{ACCOUNT}/CloudTrail/us-east-2/{at:%Y/%m/%d}"
    return f"{folder}/{ACCOUNT}_CloudTrail_us-east-2_{at:%Y%m%dT%H%M}Z_{name}.json.gz"


@pytest.fixture
def bucket(tmp_path: Path, emulator: Emulator) -> Bucket:
    made = Bucket(tmp_path / "home", emulator)
    for day, name in ((YESTERDAY, "a"), (YESTERDAY, "b"), (TODAY, "c"), (YESTERDAY - timedelta(days=1), "old")):
        made.s3.put_object(Bucket=BUCKET, Key=key(day, name), Body=b"x" * 10)
    return made


def entrance(bucket: Bucket, buckets: tuple[str, ...] = (BUCKET,)) -> Entrance:
    spec = replace(known_tenant(bucket.home, NAME, NOW), logs=[AwsLogs(SOURCE, ACCOUNT, QUEUE, list(buckets))])
    return Entrance(world_of(bucket.home, SystemClock()), spec, "look")


def rows(found: list[Unfetched]) -> list[tuple[str, int | None, int | None, str]]:
    return [(one.day, one.objects, one.bytes, one.cause or one.how) for one in found]


@pytest.mark.article(12)
def test_what_was_not_fetched_is_known_by_day_and_stands_in_the_coverage(bucket: Bucket) -> None:
    with bucket.home.tenant(NAME).observe(instant(NOW), "p") as writer:
        for name, state in (("a", "done"), ("c", "open")):
            day = YESTERDAY if name == "a" else TODAY
            piece = LogPiece(SOURCE, name, "etag", f"s3://{BUCKET}/{key(day, name)}", instant(NOW), state)  # type: ignore[arg-type]
            writer.logs.put_piece(piece)
    asked = entrance(bucket)
    found = ask_unfetched(asked, PERIOD, "mio")
    assert rows(found) == [(YESTERDAY.isoformat(), 1, 10, "listing"), (TODAY.isoformat(), 1, 10, "listing")]
    covered = log_coverage(bucket.home, asked.tenant, PERIOD, datetime.now(UTC))
    assert [one.unfetched for one in covered.sources] == found


def test_a_bucket_that_cannot_be_listed_leaves_its_source_unknown_with_the_cause(bucket: Bucket) -> None:
    found = ask_unfetched(entrance(bucket, (BUCKET, "nobodys-bucket")), PERIOD, "mio")
    assert rows(found) == [(day.isoformat(), None, None, "NoSuchBucket") for day in (YESTERDAY, TODAY)]


@pytest.mark.article(11)
def test_while_the_service_is_suspended_nothing_is_asked(bucket: Bucket) -> None:
    on_record(bucket.home, NAME, SuspensionRecord(instant(NOW), "a flood"), instant(NOW))
    with pytest.raises(NotEntitled):
        ask_unfetched(entrance(bucket), PERIOD, "mio")
