"""Whoever sends monitoring logs, and knows of each record that was sent what has to become of it."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from msgspec import Struct

from model.canonical import digest
from model.log_volume import LogPiece, Volume
from pipeline.intake.pushing import Taken
from pipeline.intake.reading import Wanted, kept
from pipeline.intake.sources import source_called
from pipeline.intake.volume import volumes
from pipeline.log_segments import Segments
from store.tenant import TenantStore
from tests.cloudtrail import lines

SOURCE = "aws.cloudtrail"
NOW = datetime.now(UTC)  # the same event is the same line, however often it is sent
_HOUR_AGO = (NOW - timedelta(hours=1)).isoformat()
# The service remembers events for 48 hours, and takes none that are older.
_TOO_LATE = (NOW - timedelta(hours=49)).isoformat()


class Body(Struct, frozen=True):
    """What is sent at once: events, some of them twice, events from more than two days ago, and lines that are none.

    A body may have an idempotency key.
    """

    events: Sequence[str]
    late: Sequence[str] = ()
    broken: int = 0
    key: str = ""

    @property
    def content(self) -> bytes:
        half = len(self.events) // 2
        broken = [f"{{broken {number}" for number in range(self.broken)]
        return "\n".join([*self.events[:half], *broken, *self.late, *self.events[half:]]).encode()

    @property
    def records(self) -> int:
        return len(self.events) + len(self.late) + self.broken

    @property
    def id(self) -> str:
        """Return by which id the service knows it: that of its key, else of its content."""
        return digest("key", self.key) if self.key else sha256(self.content).hexdigest()


def body(number: int, *, critical: bool = False, many: int = 6) -> Body:
    """Return a body by its number: some of the events are those of the one before, and one is there twice."""
    first = many * number
    events = lines(first - 2 if number else first, first + many - 1, _HOUR_AGO)
    events.append(events[-1])
    if critical:
        events += [one.replace("GetObject", "StopLogging") for one in lines(10**9 + number, 10**9 + number, _HOUR_AGO)]
    late = lines(2 * 10**9 + number, 2 * 10**9 + number + number % 3, _TOO_LATE)
    return Body(events, late, broken=number % 3, key=f"key-{number}" if number % 2 else "")


class Sent:
    """What a sender knows of what it has sent: what was answered, and of what died only what its repeat says."""

    def __init__(self) -> None:
        self.offered = self.repeated = self.refused = 0
        self.taken: dict[str, Body] = {}

    def answered(self, body: Body, taken: Taken, died: bool = False) -> None:
        """Note the answer to a body, also where an attempt before it `died` unanswered.

        A body that was not known before can have come to be known by nothing but that attempt.
        """
        assert taken.offered == body.records
        is_new = body.id not in self.taken
        assert is_new or not died, "whether a repeat that died was counted nobody can know from outside"
        times = 2 if died and taken.duplicate else 1
        self.taken[body.id] = body
        self.offered += times * body.records
        self.repeated += (times - is_new) * body.records
        first = is_new and times == 1
        assert (taken.accepted, taken.duplicate) == ((body.records, 0) if first else (0, body.records))

    def was_refused(self, body: Body) -> None:
        self.offered += body.records
        self.refused += body.records

    @property
    def events(self) -> set[str]:
        """Return the events that have to be processed, each once."""
        return {event for body in self.taken.values() for event in body.events}

    def sums(self) -> Mapping[str, int]:
        """Return what has to be counted once nothing waits."""
        all_ = self.taken.values()
        inner = sum(len(body.events) for body in all_) - len(self.events)
        return {
            "offered": self.offered,
            "processed": len(self.events),
            "malformed": sum(body.broken for body in all_),
            "duplicate": inner + self.repeated,
            "too_late": sum(len(body.late) for body in all_),
            "refused": self.refused,
            "expired": 0,
            "waiting": 0,
        }


def pieces(store: TenantStore, sent: Sent) -> Iterator[LogPiece]:
    """Yield how far the bodies are that were taken in."""
    with store.read() as reader:
        for id_ in sent.taken:
            piece = reader.logs.piece(SOURCE, id_)
            assert piece, "answered with 202, and not known"
            yield piece


def kept_events(store: TenantStore, segments: Segments) -> list[str]:
    """Return the events that are kept, as a person reads them again."""
    day = timedelta(days=1)
    wanted = Wanted(source_called(SOURCE), NOW - day, NOW + day, "mio", "case 7", datetime.now(UTC))
    return [raw.decode() for raw in kept(store, segments, wanted)]


def assert_sums(store: TenantStore, sent: Sent) -> Volume:
    """Check that offered is the sum of what became of each record, at whatever moment; return what was counted.

    What waits is taken from how far each body is, what was offered from the sender: neither of them from the sums.
    """
    found = next(iter(volumes(store)))
    waiting = sum(piece.offered - piece.records for piece in pieces(store, sent))
    ended = found.processed + found.malformed + found.duplicate + found.too_late + found.refused + found.expired
    assert (found.offered, found.refused) == (sent.offered, sent.refused)
    assert ended + waiting == found.offered
    return found


def assert_identity(store: TenantStore, segments: Segments, sent: Sent) -> set[str]:
    """Check the sums, and that what was processed is kept, once; return the events that are kept."""
    found, events = assert_sums(store, sent), kept_events(store, segments)
    assert (len(events), len(set(events))) == (found.processed, found.processed)
    assert set(events) <= sent.events
    return set(events)


def assert_complete(store: TenantStore, segments: Segments, sent: Sent) -> None:
    """Check that nothing waits, and that everything became what the sender knows that it has to."""
    missing = sent.events - assert_identity(store, segments, sent)
    assert not missing, sorted(one[:100] for one in missing)
    found = next(iter(volumes(store)))
    assert {name: getattr(found, name) for name in sent.sums()} == sent.sums()
