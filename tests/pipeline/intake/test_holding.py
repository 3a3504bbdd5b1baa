"""Messages of a feed that cannot be dealt with now come again, and are dealt with then: a feed in memory."""

import io
import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import BinaryIO

import pytest

from clouds.call_failed import CallFailed, Forbidden, NotThere
from model.log_feed import FeedMessage, LogObject, OpenObject
from model.log_volume import LogPiece, Volume
from pipeline.intake.abandoning import abandon
from pipeline.intake.fetching import Fetched, Fetcher, Post
from pipeline.intake.processing import Processor
from pipeline.intake.sources import signs_of, source_called
from pipeline.intake.taking import Incoming, Intake, LogLine
from pipeline.intake.volume import volumes
from pipeline.log_segments import Segments
from pipeline.log_spool import FETCHED, Spool
from pipeline.sealing import Damaged
from store.database import StoreFault
from store.home import Home
from tests.cloudtrail import lines
from tests.conftest import MovingClock
from tests.contracts import known

TENANT, SOURCE = "aozora", "aws.cloudtrail"
CONTENT = "\n".join(lines(1, 5)).encode()


class OneObject:
    """A feed that announces one object, by its key alone, until its message is deleted."""

    def __init__(self, clock: MovingClock) -> None:
        self.messages, self.content, self.hidden = list[FeedMessage](), b"", 0
        self.length: int | None = None
        self.failing = dict[str, CallFailed]()  # by an object's key, or what is asked for
        self._clock = clock
        self.announce(CONTENT)

    def announce(self, content: bytes, key: str = "a") -> None:
        """Let the object of a key have a content, as all have, and announce it."""
        s3 = {"bucket": {"name": "logs"}, "object": {"key": key}}
        body = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}
        message = FeedMessage(sha256(content).hexdigest(), "r", json.dumps(body), self._clock.now(), 1)
        self.messages, self.content = [*self.messages, message], content

    def receive(self, wait_seconds: int, hidden_seconds: int) -> Sequence[FeedMessage]:
        return list(self.messages)

    def delete(self, message: FeedMessage) -> None:
        self.messages.remove(message)

    def waiting(self) -> int:
        return len(self.messages)

    def hide(self, message: FeedMessage, seconds: int) -> None:
        self.hidden += 1
        if failure := self.failing.get("hide"):
            raise failure

    def open(self, wanted: LogObject) -> OpenObject:
        if failure := self.failing.get(wanted.key):
            raise failure
        etag = sha256(self.content).hexdigest()[:32]
        return OpenObject(etag, self.length or len(self.content), io.BytesIO(self.content))

    def close(self) -> None: ...


class Office:
    """A tenant, and what fetches for it and processes what was fetched."""

    def __init__(self, home: Home, clock: MovingClock, folder: Path) -> None:
        known(home, TENANT, "2026-06-01T00:00:00.000000Z")
        self.store, self.feed, self._handed = home.tenant(TENANT), OneObject(clock), list[Fetched]()
        spool = Spool(folder, TENANT, FETCHED)
        post = Post(self.feed, SOURCE, signs_of(SOURCE), spool, self.store, clock, "p", self._handed.append)
        self.fetcher = Fetcher(post)
        self.intake = Intake(
            TENANT, self.store, Segments(folder, TENANT), source_called(SOURCE), clock, "p", "customer"
        )

    def process(self) -> Volume:
        """Process what was fetched; return what became of it."""
        line = LogLine(self.intake, [one.incoming for one in self._handed])
        line.read(100)
        line.write()
        self._handed.clear()
        (found,) = volumes(self.store)
        return found


@pytest.fixture
def office(home: Home, clock: MovingClock, tmp_path: Path) -> Office:
    return Office(home, clock, tmp_path / "sealed")


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_what_cannot_be_kept_now_is_fetched_when_it_comes_again(office: Office, tmp_path: Path) -> None:
    (tmp_path / "sealed").mkdir()
    (tmp_path / "sealed" / "spool").write_text("no folder", encoding="utf-8")
    with pytest.raises(StoreFault, match="cannot be written"):
        office.fetcher.fetch()
    (tmp_path / "sealed" / "spool").unlink()
    assert office.fetcher.fetch()
    found = office.process()
    assert (found.offered, found.processed, office.feed.messages) == (5, 5, [])


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_an_object_that_is_announced_by_its_key_alone_is_known_by_what_it_holds(office: Office) -> None:
    """CloudTrail announces no etags; what is written again under the same name is another object."""
    assert office.fetcher.fetch()
    office.process()
    office.feed.announce("\n".join(lines(4, 9)).encode())
    assert office.fetcher.fetch()
    found = office.process()
    assert (found.offered, found.processed, found.duplicate, office.feed.messages) == (11, 9, 2, [])


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
@pytest.mark.parametrize("failure", [Forbidden("AccessDenied"), CallFailed("SlowDown")])
def test_what_cannot_be_fetched_keeps_nothing_else_that_was_received_with_it(
    office: Office, failure: CallFailed
) -> None:
    """Each receipt counts for the dead-letter queue: what is received is tried."""
    office.feed.failing = {"a": failure}
    office.feed.announce("\n".join(lines(6, 9)).encode(), "b")
    with pytest.raises(CallFailed, match=failure.code):
        office.fetcher.fetch()
    found = office.process()
    assert (found.offered, found.processed, len(office.feed.messages)) == (4, 4, 1)


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_what_is_set_aside_is_a_repeat_where_its_message_comes_again(office: Office) -> None:
    office.feed.failing = {"a": NotThere("NoSuchKey"), "hide": CallFailed("ServiceUnavailable")}
    for _ in range(3):
        assert office.fetcher.fetch()
        office.feed.announce(CONTENT)
    (found,) = volumes(office.store)
    assert (found.offered, found.malformed, found.duplicate, found.customer) == (3, 1, 2, 1)


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_an_object_that_would_fill_the_disk_is_set_aside_unread(office: Office) -> None:
    """S3 takes objects of 5 TB; the disk is that of all tenants."""
    office.feed.length = 5 * 10**12
    assert office.fetcher.fetch()
    (found,) = volumes(office.store)
    assert (found.offered, found.reasons, office.feed.messages) == (1, {"too large": 1}, [])


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_of_what_is_damaged_an_empty_piece_before_it_is_no_part(office: Office) -> None:
    done = list[str]()

    def incoming(name: str, opened: Callable[[], BinaryIO]) -> Incoming:
        piece = LogPiece(SOURCE, name * 64, name * 32, name, "2026-06-01T00:00:00.000000Z")
        return Incoming(piece, opened, lambda: done.append(name))

    def damaged() -> BinaryIO:
        raise Damaged("was changed")

    with ThreadPoolExecutor(1) as writers:
        processor = Processor(writers)
        processor.commit(TENANT, 100)
        for one in (incoming("a", io.BytesIO), incoming("b", damaged)):
            processor.add(office.intake, one, critical=False)
        end = time.monotonic() + 5
        while len(done) < 2 and time.monotonic() < end:
            processor.turn()
    (found,) = volumes(office.store)
    assert (found.offered, found.malformed, sorted(done)) == (1, 1, ["a", "b"])


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_a_message_that_cannot_be_held_any_more_keeps_no_other(office: Office, clock: MovingClock) -> None:
    """It was deleted in this moment, or was held too long: SQS does not say so by a code of its own."""
    assert office.fetcher.fetch()
    office.feed.failing = {"hide": CallFailed("InvalidParameterValue")}
    clock.sleep(200)
    office.feed.announce("\n".join(lines(6, 9)).encode())
    assert office.fetcher.fetch()
    found = office.process()
    assert (found.processed, office.feed.messages) == (9, [])


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_what_was_fetched_and_damaged_where_it_waited_is_one_thing_set_aside(office: Office) -> None:
    """How many records it had was not counted when it came: it is counted as one, as an object that is gone is."""
    done = list[str]()
    piece = LogPiece(SOURCE, "a" * 64, "a" * 32, "s3://logs/a", "2026-06-01T00:00:00.000000Z", records=3)
    abandon(office.intake, Incoming(piece, io.BytesIO, lambda: done.append("a")))
    (found,) = volumes(office.store)
    assert (found.offered, found.malformed, found.waiting, done) == (1, 1, 0, ["a"])
    assert found.reasons == {"damaged where it waited": 1}


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_nothing_more_is_fetched_while_twenty_messages_wait_and_these_are_held(
    office: Office, clock: MovingClock
) -> None:
    for number in range(18):
        office.feed.announce("\n".join(lines(number, number)).encode())
    assert office.fetcher.fetch()
    office.feed.announce(b"{}")
    assert office.fetcher.fetch(), "there is room for one more"
    assert not office.fetcher.fetch()
    assert office.feed.hidden == 0
    clock.sleep(150)
    assert not office.fetcher.fetch()
    assert office.feed.hidden == 20, "they are not done: nobody else is to receive them"
    office.process()
    assert office.feed.messages == []
    office.feed.announce(b"[]")
    assert office.fetcher.fetch()
