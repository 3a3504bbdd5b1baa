"""One piece of monitoring logs taken in: read in batches, each accounted for in one transaction.

What a batch was counted as, which of its events came in, and how far the piece is are written together: whoever is
killed in between goes on behind the last batch, and nothing is lost or counted twice.
"""

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from intake.accounting import Arrival, Record, account, key_of, repeated, segment_of, size_of
from intake.batches import MOST_RECORDS, batches
from intake.events import Control, Event, read
from intake.own import NOBODY, Own
from model.canonical import digest, instant
from model.clock import Clock
from model.fault import Refused
from model.log_source import LogSource
from model.log_volume import Cause, LogCount, LogPiece, What
from pipeline.log_segments import Segments
from pipeline.tenants.gate import ask
from store.tenant import TenantStore
from store.writer import Writer

# An event that comes again within this time is a repeat.
REMEMBERED = timedelta(hours=48)
_HELD_FOR = timedelta(seconds=20)


class BeingTaken(Refused):
    """Another process takes the source in now."""


class KeyReused(Refused):
    """An idempotency key came with another body before."""


class Intake(Struct, frozen=True):
    """One source of a tenant's logs as one process takes it in (`holder`, for a person); no other does meanwhile.

    `cause` is whose doing it is that records come, where nothing more is known of one.
    """

    tenant: str
    store: TenantStore
    segments: Segments
    source: LogSource
    clock: Clock
    holder: str
    person: str
    cause: Cause
    own: Own = NOBODY

    @property
    def lease(self) -> str:
        """Return what is held while the source is taken in."""
        return f"logs/{self.source.id}"

    @contextmanager
    def writing(self, now: datetime) -> Iterator[Writer]:
        """Yield a writer at a moment, while nobody else takes the source in; else raises `BeingTaken`."""
        with self.store.observe(instant(now), self.person) as writer:
            if not writer.leases.hold(self.lease, self.holder, instant(now), instant(now + _HELD_FOR)):
                raise BeingTaken(
                    f"{self.source.id} of {self.tenant} is being taken in by another process; try again later"
                )
            yield writer

    def let_go(self) -> None:
        """Let others take the source in."""
        with self.store.observe(instant(self.clock.now()), self.person) as writer:
            writer.leases.let_go(self.lease, self.holder)


def take(intake: Intake, piece: LogPiece, stream: BinaryIO, batch: int = MOST_RECORDS) -> Counter[What]:
    """Take a piece in from a stream, on from where its intake was broken off; return what was counted now.

    A transaction has at most so many records (`batch`).

    A piece that was taken in before is a repeat: it is counted, and changes nothing else. Raises `NotEntitled` where
    the contract does not allow it (any more), `BeingTaken` where another process takes the same source in, and
    `KeyReused` where another piece has the same id.
    """
    ask(intake.store, intake.tenant, "logs.take", intake.clock.now())
    counted: Counter[What] = Counter()
    before = _begin(intake, piece, counted)
    if before.state == "done":
        return counted
    try:
        for made in _written(intake, before, stream, batch):
            _note(made, counted)
    finally:
        intake.let_go()
    return counted


def _begin(intake: Intake, piece: LogPiece, counted: Counter[What]) -> LogPiece:
    """Return how far the piece is; one that is done is counted once more."""
    now = intake.clock.now()
    with intake.writing(now) as writer:
        writer.logs.forget_before(instant(now - REMEMBERED))
        before = writer.logs.piece(piece.source, piece.id)
        if before and before.content != piece.content:
            raise KeyReused("the idempotency key came with another body before; use a key of its own for each body")
        if before and before.state == "done":
            counts = repeated(piece.source, before.records, before.bytes, now)
            writer.logs.add(counts)
            _note(counts, counted)
            writer.leases.let_go(intake.lease, intake.holder)
    return before or piece


def _written(intake: Intake, piece: LogPiece, stream: BinaryIO, most: int) -> Iterator[list[LogCount]]:
    """Write what is left of a piece in batches; yield the counts of each that stands."""
    left, began = islice(_records(intake.source, stream), piece.records, None), time.process_time_ns()
    for batch in batches(left, intake.clock.now, most):
        ask(intake.store, intake.tenant, "logs.process", intake.clock.now())
        took = (time.process_time_ns() - began) // 1_000
        began = time.process_time_ns()
        piece, counts = _write(intake, piece, batch, took)
        yield counts
    with intake.writing(intake.clock.now()) as writer:
        writer.logs.put_piece(replace(piece, state="done"))


def _records(source: LogSource, stream: BinaryIO) -> Iterator[Record]:
    """Yield what a stream holds, but for the transport's own messages: no record of the customer's is among them."""
    return (one for one in read(source, stream) if not isinstance(one, Control))


def _write(intake: Intake, piece: LogPiece, batch: Sequence[Record], cpu_us: int) -> tuple[LogPiece, list[LogCount]]:
    now = intake.clock.now()
    late_before = "" if intake.cause == "back-fill" else instant(now - REMEMBERED)  # whoever fills back is never late
    arrival = Arrival(piece.source, piece.id, now, intake.cause, intake.own, late_before)
    size = piece.bytes + sum(map(size_of, batch))
    further = replace(piece, records=piece.records + len(batch), bytes=size)
    with intake.writing(now) as writer:
        known = writer.logs.known(piece.source, (key_of(one) for one in batch if isinstance(one, Event)))
        made = account(batch, known, arrival, cpu_us)
        writer.logs.remember(piece.source, made.fresh, instant(now))
        if made.fresh:
            events = list(made.fresh.values())
            segment = segment_of(events, arrival, digest(piece.id, piece.records))
            writer.logs.keep(replace(segment, bytes=intake.segments.write(segment, events)))
        writer.logs.set_aside(made.aside)
        writer.logs.add(made.counts)
        writer.logs.put_piece(further)
    return further, made.counts


def _note(counts: Sequence[LogCount], counted: Counter[What]) -> None:
    for one in counts:
        counted[one.what] += one.records
