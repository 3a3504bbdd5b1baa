"""How much of a source's monitoring logs came in, and what became of it."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal, get_args

from msgspec import Struct

from model.canonical import instant

# What is counted of records: that they came in, and then exactly one of the others.
Outcome = Literal["processed", "malformed", "duplicate", "too late", "refused", "expired"]
# What was not taken in at all is no part of what was offered: only its bytes are known, its records are estimated.
What = Literal[
    "offered", "accepted", "processed", "malformed", "duplicate", "too late", "refused", "expired", "not fetched"
]
OUTCOMES: tuple[Outcome, ...] = get_args(Outcome)
# Whose doing it is that a record came in: what is not the customer's does not count as their rate.
Cause = Literal["customer", "own", "repeat", "catch-up", "back-fill"]
SLOT_SECONDS = 10
# From a moment on, to another: when nothing was taken in because nothing of ours ran.
Stop = tuple[datetime, datetime]
# What the first slot of a minute ends with, and so that of a whole minute.
WHOLE_MINUTE = ":00.000000Z"


class LogCount(Struct, frozen=True):
    """A number of records of one source in one slot of ten seconds, with their bytes and what they took.

    The slot is its first moment (RFC 3339), the bytes are those of the records as they came, unpacked, the time is that
    of the processor in microseconds.
    """

    source: str
    slot: str
    what: What
    cause: Cause
    records: int
    bytes: int = 0
    cpu_us: int = 0


class LogPiece(Struct, frozen=True):
    """A whole thing that came in, such as a file, by its id, with what shows its content, such as the SHA-256.

    Of so many of its records it was counted what became of them; once it is done, these are all. Of one that waited,
    `offered` records were counted when it came; of others they are counted as they are read.
    """

    source: str
    id: str
    content: str
    name: str
    taken_at: str
    state: Literal["open", "done"] = "open"
    records: int = 0
    bytes: int = 0
    offered: int = 0


class Aside(Struct, frozen=True):
    """Records on end of one piece that were set aside for the same reason, from the first position to the last."""

    source: str
    piece: str
    first: str
    last: str
    reason: str
    at: str
    records: int
    bytes: int


class Segment(Struct, frozen=True):
    """Events that were processed together and are kept: so many records of one source and day (Asia/Tokyo).

    They were counted in the slot; their own times lie between two moments; `bytes` are those of the segment, sealed.
    """

    source: str
    id: str
    day: str
    slot: str
    first_at: str
    last_at: str
    records: int
    bytes: int


class LogHeard(Struct, frozen=True):
    """When a source was heard first and last, and its longest pause until then, in seconds (not those of our stops)."""

    source: str
    first: str
    last: str
    longest_pause: int = 0


class LogRate(Struct, frozen=True):
    """The committed rate that was observed of a tenant's logs between two moments, in records a minute."""

    since: str
    until: str
    records_per_minute: int


class Volume(Struct, frozen=True):
    """What came in of one source: `offered` is the sum of what became of records, those that wait yet among them.

    `customer` are those of them that are the customer's doing; `causes` says of those that have come to an end whose
    they were, `reasons` why malformed ones were set aside.
    """

    source: str
    offered: int
    customer: int
    processed: int
    waiting: int
    malformed: int
    duplicate: int
    too_late: int
    refused: int
    expired: int
    bytes: int
    cpu_seconds: float
    causes: Mapping[Cause, int]
    last_heard: str
    reasons: Mapping[str, int] = {}


def slot_of(at: datetime) -> str:
    """Return the first moment of the slot that a moment is in."""
    return instant(at.replace(second=at.second - at.second % SLOT_SECONDS, microsecond=0))


def minute_of(slot: str) -> str:
    """Return the slot of the minute that a slot is in."""
    return f"{slot[:16]}{WHOLE_MINUTE}"


def by_minute(counts: Iterable[LogCount]) -> list[LogCount]:
    """Return counts of slots together by minutes: a minute's slot is its first."""
    found: dict[tuple[str, str, What, Cause], LogCount] = {}
    for one in counts:
        key = (one.source, minute_of(one.slot), one.what, one.cause)
        before = found.get(key)
        found[key] = LogCount(
            *key,
            records=one.records + (before.records if before else 0),
            bytes=one.bytes + (before.bytes if before else 0),
            cpu_us=one.cpu_us + (before.cpu_us if before else 0),
        )
    return list(found.values())


def volume_of(source: str, counts: Iterable[LogCount]) -> Volume:
    """Return what counts of one source are together.

    What was offered and has come to no end yet is waiting: each record is in exactly one of the sums.
    """
    found = list(counts)
    ended = {what: sum(one.records for one in found if one.what == what) for what in OUTCOMES}
    offered = [one for one in found if one.what == "offered"]
    causes: Counter[Cause] = Counter()
    for one in found:
        causes[one.cause] += one.records if one.what in OUTCOMES else 0
    total = sum(one.records for one in offered)
    return Volume(
        source=source,
        offered=total,
        customer=sum(one.records for one in offered if one.cause == "customer"),
        processed=ended["processed"],
        waiting=total - sum(ended.values()),
        malformed=ended["malformed"],
        duplicate=ended["duplicate"],
        too_late=ended["too late"],
        refused=ended["refused"],
        expired=ended["expired"],
        bytes=sum(one.bytes for one in offered),
        cpu_seconds=sum(one.cpu_us for one in found) / 1_000_000,
        causes={cause: number for cause, number in sorted(causes.items()) if number},
        last_heard=max((one.slot for one in offered), default=""),
    )
