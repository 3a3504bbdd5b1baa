"""Messages of a feed that cannot be dealt with now come again, and are dealt with then: a feed in memory."""

import io
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from model.canonical import instant
from model.log_feed import FeedMessage, LogObject, OpenObject
from model.log_volume import LogPiece
from pipeline.intake.abandoning import abandon
from pipeline.intake.fetching import Fetched, Fetcher, Post
from pipeline.intake.sources import signs_of, source_called
from pipeline.intake.taking import Incoming, Intake, Line
from pipeline.intake.volume import volumes
from pipeline.log_segments import Segments
from pipeline.log_spool import FETCHED, Spool
from store.database import StoreFault
from store.home import Home
from tests.cloudtrail import lines
from tests.conftest import MovingClock
from tests.contracts import known

TENANT, SOURCE = "aozora", "aws.cloudtrail"
CONTENT = "\n".join(lines(1, 5)).encode()


class OneObject:
    """A feed that announces one object until its message is deleted."""

    def __init__(self, clock: MovingClock) -> None:
        s3 = {"bucket": {"name": "logs"}, "object": {"key": "a", "eTag": "0" * 32}}
        body = {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "s3": s3}]}
        self.messages = [FeedMessage("m1", "r1", json.dumps(body), clock.now(), 1)]

    def receive(self, wait_seconds: int, hidden_seconds: int) -> Sequence[FeedMessage]:
        return list(self.messages)

    def delete(self, message: FeedMessage) -> None:
        self.messages.remove(message)

    def hide(self, message: FeedMessage, seconds: int) -> None: ...

    def open(self, wanted: LogObject) -> OpenObject:
        return OpenObject(wanted.etag, len(CONTENT), io.BytesIO(CONTENT))

    def close(self) -> None: ...


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_what_cannot_be_kept_now_is_fetched_when_it_comes_again(home: Home, clock: MovingClock, tmp_path: Path) -> None:
    known(home, TENANT, "2026-06-01T00:00:00.000000Z")
    store, feed, handed = home.tenant(TENANT), OneObject(clock), list[Fetched]()
    spool = Spool(tmp_path / "sealed", TENANT, FETCHED)
    fetcher = Fetcher(Post(feed, SOURCE, signs_of(SOURCE), spool, store, clock, "p", handed.append))
    (tmp_path / "sealed").mkdir()
    (tmp_path / "sealed" / "spool").write_text("no folder", encoding="utf-8")
    with pytest.raises(StoreFault, match="cannot be written"):
        fetcher.fetch()
    (tmp_path / "sealed" / "spool").unlink()
    assert fetcher.fetch()
    intake = Intake(TENANT, store, Segments(tmp_path, TENANT), source_called(SOURCE), clock, "p", "customer")
    line = Line(intake, [one.incoming for one in handed])
    line.read(100)
    line.write()
    (found,) = volumes(store)
    assert (found.offered, found.processed, feed.messages) == (5, 5, [])


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_what_was_fetched_and_damaged_where_it_waited_is_one_thing_set_aside(home: Home, clock: MovingClock) -> None:
    """How many records it had was not counted when it came: it is counted as one, as an object that is gone is."""
    known(home, TENANT, "2026-06-01T00:00:00.000000Z")
    store, done = home.tenant(TENANT), list[str]()
    intake = Intake(TENANT, store, Segments(Path(), TENANT), source_called(SOURCE), clock, "p", "customer")
    piece = LogPiece(SOURCE, "a" * 64, "a" * 32, "s3://logs/a", instant(clock.now()), records=3)
    abandon(intake, Incoming(piece, io.BytesIO, lambda: done.append("a")))
    (found,) = volumes(store)
    assert (found.offered, found.malformed, found.waiting, done) == (1, 1, 0, ["a"])
    assert found.reasons == {"damaged where it waited": 1}
