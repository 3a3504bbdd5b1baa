"""Monitoring logs that a customer's machines push: what is taken in is counted, and kept until it is processed."""

import hashlib
import io
import time
from collections.abc import Callable
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from contract.suspensions import suspended_until
from intake.accounting import offered, refused, repeated, size_of, with_time
from intake.events import Control, Event, Malformed, read
from intake.limits import LIMITS
from model.canonical import digest, instant
from model.clock import Clock
from model.fault import Refused
from model.log_source import LogSource
from model.log_volume import Cause, LogCount, LogPiece, slot_of
from pipeline.access.authorization import Authorizer
from pipeline.access.tries import TooMany
from pipeline.intake.admission import Room, count_not_taken, room
from pipeline.intake.sources import source_called
from pipeline.intake.taking import came_before
from pipeline.log_spool import Spool
from pipeline.tenants.applied import book_of
from pipeline.tenants.gate import NotEntitled, ask
from store.tenant import TenantStore

SPOOL_MEGABYTES = "logs.spool_megabytes"
# A push is small; more than this it has no reason to unpack to.
_LIMITS = replace(LIMITS, unpacked=64 * 2**20)
_RETRY_SECONDS = 5.0


class TooLarge(Refused):
    """What is pushed unpacks to more than a push may hold."""


class Push(Struct, frozen=True):
    """What a machine sends: for which tenant, of which source, and by which idempotency key, if it has one."""

    tenant: str
    source: str
    body: bytes
    key: str = ""


class Taken(Struct, frozen=True):
    """How many records were offered, and how many of them were taken in; the others came in before."""

    offered: int
    accepted: int
    duplicate: int


class _Measured(Struct, frozen=True):
    """What a body holds: how many records of how many bytes, and whether a critical event is among them."""

    records: int
    bytes: int
    critical: bool


def push(authorizer: Authorizer, spools: Callable[[str], Spool], wanted: Push, clock: Clock) -> Taken:
    """Take in what is wanted of the machine that the authorizer lets in, and return how much it was, once it is kept.

    A body that came before, or with a key that came before, is a repeat. `spools` gives where each tenant's logs wait,
    the clock the time. Raises `NotAllowed`, `NotEntitled`, `TooLarge`, `KeyReused` for a key that came with another
    body, and `TooMany` where there waits as much as may: what is offered is counted as refused then.
    """
    store = authorizer.tenant("logs.push", wanted.tenant)
    source, now = source_called(wanted.source), clock.now()
    found_room = _room(store, wanted, now, authorizer.actor.name)
    began, found = time.thread_time_ns(), _measured(source, wanted.body)
    sha256 = hashlib.sha256(wanted.body).hexdigest()
    id_ = digest("key", wanted.key) if wanted.key else sha256
    piece = LogPiece(source.id, id_, sha256, "", instant(now), offered=found.records)
    pushed = _Pushed(store, authorizer.actor.name, clock, piece, found, began)
    if not found.records:
        return Taken(0, 0, 0)
    if pushed.is_repeat():
        return pushed.again()
    if not found_room.is_there:
        raise pushed.refuse("more comes than is committed, and the tenant is limited (Article 11); try again later")
    spool, most = spools(wanted.tenant), book_of(store).setting(SPOOL_MEGABYTES, now)
    if isinstance(most, int) and spool.is_full(most * 2**20):
        raise pushed.refuse("as much waits as may wait; try again later")
    return pushed.taken(lambda: spool.put(source.id, id_, [wanted.body], critical=found.critical))


class _Pushed(Struct, frozen=True):
    """One push on its way into a tenant's store: who pushes, the piece that it is, what it holds, and since when.

    That is the time of the thread.
    """

    store: TenantStore
    person: str
    clock: Clock
    piece: LogPiece
    found: _Measured
    began_ns: int

    def is_repeat(self) -> bool:
        """Return whether the piece came before; raises `KeyReused` where another one of the same key did."""
        with self.store.read() as reader:
            return came_before(reader.logs, self.piece) is not None

    def again(self) -> Taken:
        """Count the push as a repeat."""
        with self.store.observe(self.piece.taken_at, self.person) as writer:
            writer.logs.add(self._repeated())
        return self._as_repeat

    def refuse(self, why: str) -> TooMany:
        """Count the push as refused, with what that took; return what is said of it."""
        counts = refused(self.piece.source, self.found.records, self.found.bytes, self.clock.now())
        with self.store.observe(self.piece.taken_at, self.person) as writer:
            writer.logs.add(with_time(counts, (time.thread_time_ns() - self.began_ns) // 1_000))
        return TooMany(_RETRY_SECONDS, why)

    def taken(self, keep: Callable[[], object]) -> Taken:
        """Keep the piece, and write that it waits.

        Both are one after another with whoever else writes to the store: neither another body with the same key comes
        between them, nor the removal of what was given up.
        """
        came: dict[Cause, tuple[int, int]] = {"customer": (self.found.records, self.found.bytes)}
        with self.store.observe(self.piece.taken_at, self.person) as writer:
            if came_before(writer.logs, self.piece):  # somebody was faster
                writer.logs.add(self._repeated())
                return self._as_repeat
            keep()
            now = self.clock.now()  # the piece and its count are of one slot: whose doing it is is set right there
            writer.logs.put_piece(replace(self.piece, taken_at=instant(now)))
            writer.logs.add(offered(self.piece.source, slot_of(now), came))
        return Taken(self.found.records, self.found.records, 0)

    @property
    def _as_repeat(self) -> Taken:
        return Taken(self.found.records, 0, self.found.records)

    def _repeated(self) -> list[LogCount]:
        return repeated(self.piece.source, self.found.records, self.found.bytes, self.clock.now())


def _room(store: TenantStore, wanted: Push, now: datetime, person: str) -> Room:
    """Return whether more of a tenant's logs are let in now, where what comes may be looked at.

    Raises `NotEntitled`, and `TooMany` while it is only probed how much comes: then only the size is looked at.
    """
    try:
        ask(store, wanted.tenant, "logs.take", now)
    except NotEntitled:
        if suspended_until(book_of(store).suspensions, now):
            count_not_taken(store, wanted.source, wanted.body, now, person)
        raise
    found = room(store, now)
    if found.is_probed:
        count_not_taken(store, wanted.source, wanted.body, now, person)
        raise TooMany(_RETRY_SECONDS, "the tenant's logs are let in by and by after a suspension; try again later")
    return found


def _measured(source: LogSource, body: bytes) -> _Measured:
    """Return what a body holds; raises `TooLarge` for one that unpacks to too much."""
    records, size, critical = 0, 0, False
    for one in read(source, io.BytesIO(body), _LIMITS):
        match one:
            case Control():
                continue
            case Malformed(reason="a bomb"):
                raise TooLarge("what is pushed unpacks to more than a push may hold; send it in parts")
            case Event(critical=True):
                critical = True
        records, size = records + 1, size + size_of(one)
    return _Measured(records, size, critical)
