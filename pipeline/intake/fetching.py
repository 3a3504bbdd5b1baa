"""Monitoring logs that lie at a cloud and are announced by a queue: fetched when there is room, deleted when written.

What waits waits at the source: only a little is fetched ahead of what is processed. A message is deleted once all that
it announces is written; whoever is killed before finds it again.
"""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime, timedelta

from msgspec import Struct

from clouds.call_failed import CallFailed, Foreign, NotThere, Replaced
from intake.accounting import repeated
from intake.announcements import announced
from intake.lane import CriticalSigns
from intake.limits import LIMITS
from intake.unpacking import BrokenStreamError, unpacked
from model.canonical import digest, instant
from model.clock import Clock
from model.fault import Refused
from model.log_feed import FeedMessage, LogFeed, LogObject, OpenObject
from model.log_volume import Aside, LogCount, LogPiece, What, slot_of
from pipeline.intake.taking import Incoming
from pipeline.log_spool import Spool, WaitingPiece
from pipeline.logs import logger
from store.tenant import TenantStore

_LOG = logger()
# For so long nobody else receives a message; what is not done after a third of it is held for longer.
_HIDDEN = timedelta(minutes=5)
_WAIT_SECONDS = 1
_MOST_MESSAGES, _MOST_BYTES = 20, 64 * 2**20
# The disk is that of all tenants, and an object may have 5 TB.
_MOST_OBJECT_BYTES = 2**30
_CHUNK = 2**18
_WHY: dict[type[CallFailed], str] = {
    Foreign: "bucket of nobody here",
    NotThere: "gone before it was read",
    Replaced: "replaced before it was read",
}


class Fetched(Struct, frozen=True):
    """A piece that was fetched, when the cloud announced it, and whether a critical event may be in it."""

    incoming: Incoming
    sent: datetime
    critical: bool


class Post(Struct, frozen=True):
    """One feed of a tenant: where it comes from, for which source, and where what is fetched waits and is counted.

    `hand` is given what was fetched. The person is who takes it in.
    """

    feed: LogFeed
    source: str
    signs: CriticalSigns
    spool: Spool
    store: TenantStore
    clock: Clock
    person: str
    hand: Callable[[Fetched], None]


class _Unread(Struct, frozen=True):
    """Why an object is not read, and its length in bytes as far as that is known."""

    why: str
    bytes: int = 0


class _Held:
    """A message that was received, and what of it is not written yet."""

    def __init__(self, message: FeedMessage, until: datetime) -> None:
        self.message = message
        self.until = until
        self.left: set[str] = set()
        self.bytes = 0


class Fetcher:
    """Fetches one feed. One thread fetches at a time; others say what is written."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._lock = threading.Lock()
        self._held: dict[str, _Held] = {}

    def fetch(self) -> bool:
        """Fetch what is announced, as far as there is room; False where nothing was.

        All that is received is tried. Raises `CallFailed`, and `Refused` where something cannot be kept.
        """
        self._hold_on()
        if self._is_full():
            return False
        messages = self._post.feed.receive(_WAIT_SECONDS, int(_HIDDEN.total_seconds()))
        problem: CallFailed | Refused | None = None
        for message in messages:
            try:
                self._take(message)
            except (CallFailed, Refused) as failure:
                problem = failure
        if problem:
            raise problem
        return bool(messages)

    def close(self) -> None:
        """Drop the feed's connections."""
        self._post.feed.close()

    def _is_full(self) -> bool:
        with self._lock:
            waiting = sum(one.bytes for one in self._held.values())
            return len(self._held) >= _MOST_MESSAGES or waiting >= _MOST_BYTES

    def _hold_on(self) -> None:
        """Keep messages that are not done yet from coming again."""
        now = self._post.clock.now()
        with self._lock:
            ending = [one for one in self._held.values() if one.until - now < _HIDDEN * 2 / 3]
        for held in ending:
            held.until = now + _HIDDEN
            try:
                self._post.feed.hide(held.message, int(_HIDDEN.total_seconds()))
            except CallFailed as failure:  # deleted in this moment, or held for too long: it comes again, as a repeat
                _LOG.warning("a message could not be held", source=self._post.source, code=failure.code)
                return  # where nothing answers, no other is asked about

    def _take(self, message: FeedMessage) -> None:
        """Fetch what a message announces; one that cannot be dealt with now comes again."""
        with self._lock:
            if message.id in self._held:  # it came again, although it was held
                self._held[message.id].message = message
                return
            held = self._held[message.id] = _Held(message, self._post.clock.now() + _HIDDEN)
        with ExitStack() as failing:
            failing.callback(self._let_go, message)
            self._fetch_all(held)
            failing.pop_all()
        self._written(held, message.id)

    def _let_go(self, message: FeedMessage) -> None:
        """Let a message come again; what was fetched of it is written all the same, and is a part of it then."""
        with self._lock:
            del self._held[message.id]

    def _fetch_all(self, held: _Held) -> None:
        message = held.message
        found = announced(message.body)
        held.left = {_part_id(one) for one in found.objects} | {message.id}
        if found.aside:
            self._set_aside(message.id, found.aside, len(message.body.encode(errors="replace")))
        for wanted in found.objects:
            self._fetch_one(held, wanted)

    def _fetch_one(self, held: _Held, wanted: LogObject) -> None:
        name, part = f"s3://{wanted.bucket}/{wanted.key}", _part_id(wanted)
        opened = self._opened(wanted)
        if isinstance(opened, _Unread):
            self._set_aside(name, opened.why, opened.bytes)
            self._written(held, part)
            return
        # By what it holds: not every announcement has the etag, and what was replaced since is another piece.
        id_ = digest("object", wanted.bucket, wanted.key, opened.etag)
        with opened.stream:
            waiting = self._post.spool.put(self._post.source, id_, _chunks(opened))
        with self._lock:
            held.bytes += waiting.bytes
        piece = LogPiece(self._post.source, id_, opened.etag, name, instant(self._post.clock.now()))
        incoming = Incoming(piece, lambda: self._post.spool.open(waiting), self._end_of(held, part, waiting))
        self._post.hand(Fetched(incoming, held.message.sent, self._is_critical(incoming)))

    def _opened(self, wanted: LogObject) -> OpenObject | _Unread:
        """Return an object, opened, or why it never will be read; raises `CallFailed` where that may pass."""
        try:
            opened = self._post.feed.open(wanted)
        except (NotThere, Replaced, Foreign) as failure:
            return _Unread(_WHY[type(failure)])
        if opened.length > _MOST_OBJECT_BYTES:
            opened.stream.close()
            return _Unread("too large", opened.length)
        return opened

    def _end_of(self, held: _Held, part: str, waiting: WaitingPiece) -> Callable[[], None]:
        def done() -> None:
            self._post.spool.remove(waiting)
            with self._lock:
                held.bytes -= waiting.bytes
            self._written(held, part)

        return done

    def _is_critical(self, incoming: Incoming) -> bool:
        with incoming.opened() as stream:
            try:
                return self._post.signs.may_hold(unpacked(stream, LIMITS))
            except BrokenStreamError:  # what stands before is found when it is read
                return False

    def _written(self, held: _Held, id_: str) -> None:
        """Note that a part of a message is dealt with; delete the message with the last one."""
        with self._lock:
            held.left.discard(id_)
            if held.left or self._held.get(held.message.id) is not held:
                return
            del self._held[held.message.id]
        try:
            self._post.feed.delete(held.message)
        except CallFailed as failure:  # it comes again, and is a repeat
            _LOG.warning("a message could not be deleted", source=self._post.source, code=failure.code)

    def _set_aside(self, name: str, why: str, size: int) -> None:
        """Count a thing that came and cannot be read, with its place; it is a repeat where its message came again."""
        post, now = self._post, self._post.clock.now()
        what: Sequence[What] = ("offered", "accepted", "malformed")
        counts = [LogCount(post.source, slot_of(now), one, "customer", 1, size) for one in what]
        aside = Aside(post.source, digest("message", name), name[:200], name[:200], why, instant(now), 1, size)
        with post.store.observe(instant(now), post.person) as writer:
            if writer.logs.asides(post.source, aside.piece, 1):
                counts = repeated(post.source, 1, size, now)
            writer.logs.add(counts)
            writer.logs.set_aside([aside])


def _part_id(wanted: LogObject) -> str:
    return digest("object", wanted.bucket, wanted.key, wanted.etag)


def _chunks(opened: OpenObject) -> Iterator[bytes]:
    while chunk := opened.stream.read(_CHUNK):
        yield chunk
