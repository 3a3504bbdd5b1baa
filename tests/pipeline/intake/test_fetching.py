"""Logs that a queue announces: fetched, accounted for, and only then deleted; by the real SDK against the emulator."""

import gzip
import io
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from demo.stand_ins.aws_emulator import Emulator
from model.canonical import digest, instant
from model.contract_record import SuspensionRecord
from model.log_stage import Stage, StageRow
from notifier.message import Ways
from pipeline.clock import SystemClock
from pipeline.intake.feeding import Feeding
from pipeline.intake.volume import volumes
from pipeline.log_spool import FETCHED, spools_in
from pipeline.tenants.applied import filed_tenant
from pipeline.world import world_in
from tests.cloudtrail import lines
from tests.contracts import on_record
from tests.intake_service import process_all
from tests.log_bucket import BUCKET, FOLDER, NAME, SOURCE, Bucket

pytestmark = pytest.mark.process


@pytest.fixture
def bucket(tmp_path: Path, emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    for name, value in emulator.environment().items():
        monkeypatch.setenv(name, value)
    return Bucket(tmp_path / "home", emulator)


def hour(first: int, last: int, age: timedelta = timedelta(hours=1)) -> list[str]:
    return lines(first, last, (datetime.now(UTC) - age).isoformat())


def test_what_is_announced_is_processed_once_and_then_deleted(bucket: Bucket) -> None:
    same = hour(1, 20)
    bucket.put("a", same)
    bucket.put("b", [*hour(15, 30), *hour(31, 33, timedelta(hours=50))])
    found = bucket.processed()
    assert (found.offered, found.processed, found.duplicate, found.too_late, found.waiting) == (39, 30, 6, 3, 0)
    assert (found.customer, found.causes) == (33, {"customer": 33, "repeat": 6})
    bucket.put("a", same)
    again = bucket.processed()
    assert (again.offered, again.processed, again.duplicate) == (59, 30, 26), "the same object and content"
    bucket.put("a", hour(40, 41))
    assert bucket.processed().processed == 32
    assert not [one for one in (bucket.folder / FETCHED).rglob("*") if one.is_file()]


def test_what_cannot_be_read_is_set_aside_with_its_place_and_the_rest_goes_on(bucket: Bucket) -> None:
    def announce(name: str, key: str) -> str:
        s3 = {"bucket": {"name": name}, "object": {"key": key, "eTag": "d41d8cd98f00b204e9800998ecf8427e"}}
        return json.dumps({"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]})

    bucket.say("no announcement")
    bucket.say(announce("midori-logs", "theirs"))
    bucket.say(announce(BUCKET, "gone"))
    bucket.put("replaced", hour(1, 3))
    bucket.put("replaced", hour(4, 6))
    bucket.s3.put_object(Bucket=BUCKET, Key=f"{FOLDER}/cut.json.gz", Body=gzip.compress(b"x" * 100_000)[:-9])
    bucket.put("good", hour(10, 19))
    found = bucket.processed()
    assert (found.processed, found.waiting, found.offered) == (13, 0, 13 + found.malformed)
    assert found.reasons == {
        "bucket of nobody here": 1,
        "cut off": 1,
        "gone before it was read": 1,
        "not JSON": 1,
        "replaced before it was read": 1,
    }
    with bucket.home.tenant(NAME).read() as reader:
        (aside,) = reader.logs.asides(SOURCE, digest("message", "s3://midori-logs/theirs"), 10)
    assert aside.first == "s3://midori-logs/theirs"


@pytest.mark.article(11)
def test_while_the_contract_does_not_allow_it_nothing_is_fetched_and_nothing_is_lost(bucket: Bucket) -> None:
    bucket.put("a", hour(1, 5))
    now = datetime.now(UTC)
    on_record(bucket.home, NAME, SuspensionRecord(instant(now), "a flood"), instant(now))
    began = time.monotonic()
    process_all(bucket.folder, bucket.home, lambda: time.monotonic() - began > 0.5)
    assert (volumes(bucket.home.tenant(NAME)), bucket.left()) == ([], 2), "the test message of the bucket, too"


@pytest.mark.article(11)
def test_while_logs_are_suspended_only_the_number_of_messages_is_looked_at(bucket: Bucket) -> None:
    bucket.put("a", hour(1, 5))
    assert bucket.processed().processed == 5
    now, clock = datetime.now(UTC), SystemClock()
    flood = SuspensionRecord(instant(now), "a flood", scope="logs")
    on_record(bucket.home, NAME, flood, instant(now))
    with ThreadPoolExecutor(1) as threads:
        world = world_in(bucket.folder, bucket.home, clock, Ways(io.StringIO(), clock.now))
        feeding = Feeding(world, spools_in(bucket.folder, FETCHED), threads, lambda *_: None)
        feeding.know(filed_tenant(bucket.home, NAME))
        for name in ("b", "c", "d"):
            feeding.look()
            until = time.monotonic() + 20
            while not all(one.waiting is not None and not one.busy for one in feeding._feeds[NAME]):
                assert time.monotonic() < until
                time.sleep(0.01)
            bucket.put(name, hour(10, 19))
            feeding._feeds[NAME][0].due_at = 0
    with bucket.home.tenant(NAME).read() as reader:
        counts = [one for one in reader.logs.counts("", "9999") if one.what == "not fetched"]
    # Of the bucket's two messages before one was its own test: pieces had 5 records on average.
    assert (sum(one.records for one in counts), {one.cause for one in counts}) == (10, {"customer"})
    assert bucket.left() == 3, "none was received"


@pytest.mark.article(11)
def test_what_was_announced_in_a_suspension_is_filled_back_once(bucket: Bucket) -> None:
    now = datetime.now(UTC)
    changes: tuple[tuple[int, Stage, Stage], ...] = (
        (-10, "limited", "suspended"),
        (10, "suspended", "probing"),
        (20, "probing", "normal"),
    )
    with bucket.home.tenant(NAME).observe(instant(now), "p") as writer:
        for minutes, before, after in changes:
            at = instant(now + timedelta(minutes=minutes))
            writer.stages.add(StageRow(after, at, before, after, "waiting", ""))
    same = hour(1, 5, timedelta(days=3))
    bucket.put("a", same)
    found = bucket.processed()
    assert (found.customer, found.causes, found.too_late) == (0, {"back-fill": 5}, 0)
    bucket.put("a", same)
    again = bucket.processed()
    assert (again.processed, again.duplicate) == (5, 5)


def test_the_cause_of_what_was_announced_while_nothing_of_ours_ran_is_our_stop(bucket: Bucket) -> None:
    now = datetime.now(UTC)
    with bucket.home.service.observe(instant(now), "p") as session:  # until 10 minutes ago, when it stopped
        session.log_runs.note("one", instant(now - timedelta(days=2)), instant(now - timedelta(minutes=10)))
    bucket.put("a", hour(1, 5))
    found = bucket.processed()
    assert (found.customer, found.causes) == (0, {"catch-up": 5})
