"""Monitoring logs of one source of a tenant taken in: read in chunks, each batch accounted for in one transaction.

What a batch was counted as, which of its events came in, and how far each piece is are written together: whoever is
killed in between goes on behind the last batch, and nothing is lost or counted twice. Writers of a tenant's store come
one after another, and each goes on from where the piece is by then: of two who read the same piece, one writes.
"""

import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import islice
from typing import BinaryIO

from msgspec import Struct
from msgspec.structs import replace

from intake.accounting import Arrival, Record, account, key_of, repeated, segment_of, size_of, with_time
from intake.batches import MOST_RECORDS, Batch, PiecePart
from intake.events import Control, Event, read
from intake.own import NOBODY, Own
from model.canonical import digest, instant, parse_instant
from model.clock import Clock
from model.fault import Refused
from model.log_source import LogSource
from model.log_volume import Cause, LogCount, LogPiece, Stop, What, slot_of
from pipeline.log_segments import Segments
from pipeline.tenants.gate import ask
from store.logs import Logs
from store.tenant import TenantStore
from store.writer import Writer

# An event that comes again within this time is a repeat.
REMEMBERED = timedelta(hours=48)


class KeyReused(Refused):
    """An idempotency key came with another body before."""


class Intake(Struct, frozen=True):
    """One source of a tenant's logs as it is taken in by a person, the schedule or a machine.

    `cause` is whose doing it is that records come, where nothing more is known of one. Events from when nothing of
    ours took logs in (`stops`) are caught up with.
    """

    tenant: str
    store: TenantStore
    segments: Segments
    source: LogSource
    clock: Clock
    person: str
    cause: Cause
    own: Own = NOBODY
    stops: tuple[Stop, ...] = ()


class Incoming(Struct, frozen=True):
    """A piece that is to be taken in, what opens it as a stream, and what is to be `done` once it is written whole."""

    piece: LogPiece
    opened: Callable[[], BinaryIO]
    done: Callable[[], None] = lambda: None


class LogLine:
    """Pieces of one source one after another: records are read in chunks and written in batches.

    A transaction has at most so many records (`most`). One thread reads or writes at a time.
    """

    def __init__(self, intake: Intake, pieces: Iterable[Incoming], most: int = MOST_RECORDS) -> None:
        self._intake = intake
        self._most = most
        self._pieces = iter(pieces)
        self._records = self._read()
        self._held: Record | None = None  # it did not fit into the batch
        self._batch = Batch(most)
        self._done: deque[Callable[[], None]] = deque()  # of the pieces that are not written whole, in their order
        self._took_ns = 0
        self.is_read = False
        self.kept_bytes = 0  # on disk, of all that was written

    def read(self, most: int, seconds: float = float("inf")) -> int:
        """Read up to so many records, and for so long; return how many.

        It ends earlier where the batch `is_due`, and where everything `is_read`. Raises what opening and reading a
        piece raises, and `KeyReused` where another piece has the same id.
        """
        began, until, number = time.thread_time_ns(), time.perf_counter() + seconds, 0
        self._batch.wait_from(self._intake.clock.now())
        try:
            while number < most and not self.is_read:
                record = self._held or next(self._records, None)
                self._held = record
                if record is None:
                    self.is_read = True
                elif not self._batch.add(record):
                    break
                else:
                    self._held = None
                    number += 1
                    if time.perf_counter() >= until:
                        break
        finally:
            self._took_ns += time.thread_time_ns() - began
        return number

    @property
    def is_due(self) -> bool:
        """Return whether the batch is to be written now."""
        if self.is_read:
            return bool(self._batch.parts)
        full = self._held is not None or self._batch.is_late(self._intake.clock.now())
        return self.has_read and full

    @property
    def waited_since(self) -> list[tuple[str, int]]:
        """Return since when the records in the batch have waited: when each piece came, and how many are of it."""
        return [(part.piece.taken_at, len(part.records)) for part in self._batch.parts if part.records]

    @property
    def has_read(self) -> bool:
        """Return whether there are records in the batch."""
        return len(self._batch) > 0

    def write(self) -> list[LogCount]:
        """Write the batch; return what was counted, once it stands.

        Raises `NotEntitled` where the contract does not allow it (any more), and `StoreFault` where it cannot be
        written: nothing of the batch is then.
        """
        batch, took, began = self._batch, self._took_ns, time.thread_time_ns()
        self._took_ns = 0
        ask(self._intake.store, self._intake.tenant, "logs.process", self._intake.clock.now())
        counts, kept = _write(self._intake, batch.parts, lambda: (took + time.thread_time_ns() - began) // 1_000)
        self.kept_bytes += kept
        self._batch = Batch(self._most)
        if batch.parts and not (last := batch.parts[-1]).ended:
            self._batch.begin(_further(last.piece, last.records))
        for part in batch.parts:
            if part.ended:
                self._done.popleft()()
        return counts

    def _read(self) -> Iterator[Record]:
        """Yield the records of the pieces, and note in the batch of which piece they are."""
        for incoming in self._pieces:
            piece = self._stored(incoming.piece)
            self._done.append(incoming.done)
            self._batch.begin(piece)
            if piece.state == "open":
                with incoming.opened() as stream:
                    yield from islice(_records(self._intake.source, stream), piece.records, None)
            self._batch.end()

    def _stored(self, piece: LogPiece) -> LogPiece:
        """Return how far a piece is."""
        with self._intake.store.read() as reader:
            return came_before(reader.logs, piece) or piece


def came_before(logs: Logs, piece: LogPiece) -> LogPiece | None:
    """Return how far a piece is that came before; raises `KeyReused` where another one has the same id."""
    before = logs.piece(piece.source, piece.id)
    if before and before.content != piece.content:
        raise KeyReused("the idempotency key came with another body before; use a key of its own for each body")
    return before


def take(intake: Intake, incoming: Incoming, batch: int = MOST_RECORDS) -> Counter[What]:
    """Take an incoming piece in, on from where its intake was broken off; return what was counted now.

    A transaction has at most so many records (`batch`). A piece that was taken in before is a repeat: it is counted,
    and changes nothing else. Raises `NotEntitled` where the contract does not allow it (any more), and what opening and
    reading the piece raises.
    """
    ask(intake.store, intake.tenant, "logs.take", intake.clock.now())
    line, counted = LogLine(intake, [incoming], batch), Counter[What]()
    while not line.is_read:
        line.read(batch)
        if line.is_due:
            for one in line.write():
                counted[one.what] += one.records
    return counted


def _records(source: LogSource, stream: BinaryIO) -> Iterator[Record]:
    """Yield what a stream holds, but for the transport's own messages: no record of the customer's is among them."""
    return (one for one in read(source, stream) if not isinstance(one, Control))


def _further(piece: LogPiece, records: Sequence[Record]) -> LogPiece:
    return replace(piece, records=piece.records + len(records), bytes=piece.bytes + sum(map(size_of, records)))


def _write(intake: Intake, parts: Sequence[PiecePart], cpu_us: Callable[[], int]) -> tuple[list[LogCount], int]:
    """Write parts of pieces in one transaction; `cpu_us` gives what they have taken until then.

    Return what was counted, and how many bytes of it are kept.
    """
    now, counts, fresh, kept = intake.clock.now(), list[LogCount](), dict[str, Event](), 0
    with intake.store.observe(instant(now), intake.person) as writer:
        known, first = _known(intake, writer, parts, now), None
        for part in parts:
            if part.piece.state == "done":
                counts += _again(part.piece, now)
                continue
            rest = _rest(writer, part)
            counts += _write_part(intake, writer, rest, known | fresh.keys(), fresh)
            first = first or (rest.piece if fresh else None)
        if first:  # the segment is named by a place that no other batch begins at: this one moves its piece on
            events, arrival = list(fresh.values()), _arrival(intake, first, now)
            segment = segment_of(events, arrival, digest(first.id, first.records))
            kept = intake.segments.write(segment, events)
            writer.logs.keep(replace(segment, bytes=kept))
            writer.logs.remember(intake.source.id, fresh, instant(now))
        counts = with_time(counts, cpu_us())
        writer.logs.add(counts)
    return counts, kept


def _known(intake: Intake, writer: Writer, parts: Sequence[PiecePart], now: datetime) -> set[str]:
    """Return the keys of events that came before, within the time when what waited came, too."""
    keys = (key_of(one) for part in parts for one in part.records if isinstance(one, Event))
    came = min([now, *(parse_instant(part.piece.taken_at) for part in parts if part.piece.offered)])
    return writer.logs.known(intake.source.id, keys, instant(came - REMEMBERED))


def _again(piece: LogPiece, now: datetime) -> list[LogCount]:
    """Return the counts of a piece that was done before.

    What waited was counted once when it came: it is only left from before its file was removed.
    """
    return [] if piece.offered else repeated(piece.source, piece.records, piece.bytes, now)


def _rest(writer: Writer, part: PiecePart) -> PiecePart:
    """Return what of a part is not written yet: others may have gone on with its piece, or ended it (it expired)."""
    stored = writer.logs.piece(part.piece.source, part.piece.id) or part.piece
    written = len(part.records) if stored.state == "done" else max(0, stored.records - part.piece.records)
    return PiecePart(stored, part.records[written:], part.ended)


def _write_part(
    intake: Intake, writer: Writer, part: PiecePart, known: set[str], fresh: dict[str, Event]
) -> list[LogCount]:
    """Write how far a part's piece is and what is set aside of it; return its counts, and add to what is `fresh`."""
    made = account(part.records, known, _arrival(intake, part.piece, intake.clock.now()))
    fresh |= made.fresh
    writer.logs.set_aside(made.aside)
    further = _further(part.piece, part.records)
    writer.logs.put_piece(replace(further, state="done") if part.ended else further)
    return made.counts


def _arrival(intake: Intake, piece: LogPiece, now: datetime) -> Arrival:
    came = parse_instant(piece.taken_at) if piece.offered else now
    late_before = "" if intake.cause == "back-fill" else instant(came - REMEMBERED)  # whoever fills back is never late
    offered_in = slot_of(came) if piece.offered else ""
    stops = tuple((instant(since), instant(until)) for since, until in intake.stops)
    return Arrival(piece.source, piece.id, now, intake.cause, intake.own, late_before, offered_in, stops)
