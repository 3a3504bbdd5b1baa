"""The intake of a home, and pushes to it, in processes that kill themselves (SIGKILL) at a point.

A point is `KIND:NUMBER`, and `none:0` never comes. Of both: `commit:N` and `committed:N`, before the N-th commit of any
store, and after the N-th session with one. Of the intake: `segment:N`, the N-th segment is written and not committed;
`leave:N`, what is in the N-th file that waited is committed, and the file is there yet; `fetch:N`, before the N-th part
of objects is written; `delete:N`, before the N-th message is deleted. Of a push: `write:N`, before the N-th part of
its file is written; `written:N`, its file is there; `answer:1`, before it is answered. Of the daily work: `purge:1`,
what expired is counted, and its files are there yet.
"""

import dataclasses
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

import msgspec
from msgspec.structs import replace
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from catalog import access as access_files
from catalog.folder import config_folder
from intake.events import Event
from model.clock import Clock
from model.log_feed import FeedMessage, LogFeed, LogObject, OpenObject
from model.log_volume import Segment
from model.person import SCHEDULE, Actor
from notifier.message import Ways
from pipeline.access.authorization import Authorizer
from pipeline.clock import SystemClock
from pipeline.installation import open_home
from pipeline.intake.pushing import Push, Taken, push
from pipeline.intake.service import Spools
from pipeline.intake.upkeep import tidy
from pipeline.log_segments import Segments
from pipeline.log_spool import FETCHED, PUSHED, Spool, WaitingPiece
from pipeline.providers.aws import opening  # noqa: F401 - forks find the SDK imported
from pipeline.providers.aws import provider as aws
from pipeline.providers.provider import Feed
from pipeline.world import world_in
from store.home import Home
from tests.intake_service import process
from tests.log_sender import SOURCE
from tests.servers.reaper import Reaper


class _Segments(Segments):
    """Segments, whose writing is counted."""

    def __init__(self, home: Path, tenant: str, reaper: Reaper) -> None:
        super().__init__(home, tenant)
        self._reaper = reaper

    def write(self, segment: Segment, events: Sequence[Event]) -> int:
        written = super().write(segment, events)
        self._reaper.comes("segment")
        return written

    def remove_before(self, day: date) -> None:
        self._reaper.comes("purge")
        super().remove_before(day)


class _Spool(Spool):
    """A spool whose files' writing and removal are counted."""

    def __init__(self, home: Path, tenant: str, kind: str, reaper: Reaper) -> None:
        super().__init__(home, tenant, kind)
        self._reaper = reaper
        self._writing = "fetch" if kind == FETCHED else "write"

    def put(self, source: str, id_: str, chunks: Iterable[bytes], *, critical: bool = False) -> WaitingPiece:
        waiting = super().put(source, id_, self._counted(chunks), critical=critical)
        self._reaper.comes("written")
        return waiting

    def remove(self, waiting: WaitingPiece) -> None:
        self._reaper.comes("leave")
        super().remove(waiting)

    def _counted(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        for chunk in chunks:
            self._reaper.comes(self._writing)
            yield chunk


class _Feed:
    """A feed that leaves the receipts of what it received in a file, and whose deletions are counted."""

    def __init__(self, inner: LogFeed, receipts: Path, reaper: Reaper) -> None:
        self._inner, self._receipts, self._reaper = inner, receipts, reaper
        self.is_empty = False

    def receive(self, wait_seconds: int, hidden_seconds: int) -> Sequence[FeedMessage]:
        found = self._inner.receive(0, hidden_seconds)
        self.is_empty = not found
        with self._receipts.open("a", encoding="utf-8") as file:
            file.writelines(f"{one.receipt}\n" for one in found)
        return found

    def delete(self, message: FeedMessage) -> None:
        self._reaper.comes("delete")
        self._inner.delete(message)

    def hide(self, message: FeedMessage, seconds: int) -> None:
        self._inner.hide(message, seconds)

    def open(self, wanted: LogObject) -> OpenObject:
        return self._inner.open(wanted)

    def close(self) -> None:
        self._inner.close()


def receipts_in(folder: Path) -> Path:
    """Return where a home's child leaves the receipts of the messages that it received."""
    return folder / "receipts"


def live(folder: str, point: str, feeds: str = "0") -> None:
    """Process what waits, and what so many feeds announce, until nothing is left."""
    reaper, clock, there, entered = listening(point), SystemClock(), Path(folder), list[_Feed]()
    feeds_of_aws = aws.PROVIDER.feeds
    assert feeds_of_aws

    def enter(feed: Feed, clock: Clock) -> _Feed:
        entered.append(_Feed(feeds_of_aws.enter(feed, clock), receipts_in(there), reaper))
        return entered[-1]

    world = replace(
        world_in(there, open_home(there), clock, Ways(io.StringIO(), clock.now)),
        segments=lambda tenant: _Segments(there, tenant, reaper),
        providers=[dataclasses.replace(aws.PROVIDER, feeds=dataclasses.replace(feeds_of_aws, enter=enter))],
    )
    spools = Spools(_spools(there, PUSHED, reaper), _spools(there, FETCHED, reaper))
    process(world, spools, lambda: len(entered) == int(feeds) and all(one.is_empty for one in entered))


def send(folder: str, wanted: str, answer: str, point: str) -> None:
    """Push what a file holds; the answer is another file."""
    reaper, there = listening(point), Path(folder)
    taken = pushed(there, open_home(there), msgspec.json.decode(Path(wanted).read_bytes(), type=Push), reaper)
    reaper.comes("answer")
    Path(answer).write_text(json.dumps(msgspec.to_builtins(taken)), encoding="utf-8")


def age(folder: str, tenant: str, days: str, point: str) -> None:
    """Do the daily work on a tenant's logs as it is done so many days later."""
    reaper, clock, there = listening(point), SystemClock(), Path(folder)
    later = clock.now() + timedelta(days=int(days))
    tidy(open_home(there).tenant(tenant), _Segments(there, tenant, reaper), later, SCHEDULE)


def pushed(folder: Path, home: Home, wanted: Push, reaper: Reaper) -> Taken:
    """Push as the tenant's machine, whoever may come in between."""
    return push(machine_in(home, wanted.tenant), _spools(folder, PUSHED, reaper), wanted, SystemClock())


def machine_in(home: Home, tenant: str) -> Authorizer:
    """Return the stores of a home as a machine of a tenant's may use them, which pushes."""
    machine = Actor("m", (), (tenant,), kind="machine", action="logs.push", source=SOURCE)
    return Authorizer(home, access_files.load(config_folder()), machine, SystemClock())


def listening(point: str) -> Reaper:
    """Return what counts this process's commits, and ends it at a point."""
    reaper = Reaper(point)
    event.listen(Engine, "commit", lambda _connection: reaper.comes("commit"))
    event.listen(Pool, "checkin", lambda _dbapi, _record: reaper.comes("committed"))
    return reaper


def _spools(folder: Path, kind: str, reaper: Reaper) -> Callable[[str], Spool]:
    return lambda tenant: _Spool(folder, tenant, kind, reaper)
