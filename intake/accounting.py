"""What becomes of records that came in: each is counted once when it came and once by what became of it. Pure."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from itertools import groupby

from msgspec import Struct
from msgspec.structs import replace

from intake.events import Event, Malformed
from intake.own import NOBODY, Own
from model.canonical import instant
from model.clock import CONTRACT_ZONE
from model.log_volume import Aside, Cause, LogCount, Segment, What, slot_of

Record = Event | Malformed
_LONGEST_KEY = 64
_CAME: tuple[What, ...] = ("offered", "accepted")


class Arrival(Struct, frozen=True):
    """How records came in: as a part of which piece of which source, when, and whose doing it is.

    Unless more is known of one: what we leave ourselves (`own`) and repeats are not the customer's. Events from before
    a moment (`late_before`, RFC 3339) come too late: repeats of them would not be known any more. What waited was
    counted as offered in an earlier slot (`offered_in`), and whose doing it is is set right there. A customer's events
    from when nothing of ours ran (`stops`, from a moment to another) come now because of that.
    """

    source: str
    piece: str
    at: datetime
    cause: Cause
    own: Own = NOBODY
    late_before: str = ""
    offered_in: str = ""
    stops: tuple[tuple[str, str], ...] = ()


class Accounting(Struct, frozen=True):
    """What is to be written of records: counts, the events that are new by their keys, and what is set aside."""

    counts: list[LogCount]
    fresh: dict[str, Event]
    aside: list[Aside]


def size_of(record: Record) -> int:
    """Return the bytes of a record as it came, unpacked."""
    return len(record.raw) if isinstance(record, Event) else record.bytes


def key_of(event: Event) -> str:
    """Return by what an event is known again: its id, and of one that is long a digest."""
    return event.id if len(event.id) <= _LONGEST_KEY else blake2b(event.id.encode(), digest_size=16).hexdigest()


def account(records: Sequence[Record], known: Collection[str], arrival: Arrival) -> Accounting:
    """Return what is to be written of the records of an arrival.

    An event is a repeat where its key is `known` from before, or one of the records before it has the same.
    """
    fresh: dict[str, Event] = {}
    became: defaultdict[tuple[What, Cause], list[Record]] = defaultdict(list)
    for record in records:
        what = _became(record, known, fresh, arrival.late_before)
        became[what, _cause(record, what, arrival)].append(record)
    slot, came, counts = slot_of(arrival.at), dict[Cause, tuple[int, int]](), list[LogCount]()
    for (what, cause), some in became.items():
        number, size = len(some), sum([len(one.raw) if isinstance(one, Event) else one.bytes for one in some])
        before = came.get(cause, (0, 0))
        came[cause] = before[0] + number, before[1] + size
        counts.append(LogCount(arrival.source, slot, what, cause, number, size))
    if arrival.offered_in:
        counts += _moved(came, arrival)
    else:
        counts += offered(arrival.source, slot, came)
    is_whole = all(what != "malformed" for what, _ in became)
    return Accounting(counts, fresh, [] if is_whole else list(_aside(records, arrival)))


def with_time(counts: Sequence[LogCount], cpu_us: int) -> list[LogCount]:
    """Return counts with the processor's time that they took together (microseconds).

    It is shared by what became of the records: what is counted together is billed to whose doing it is.
    """
    whole = sum(one.records for one in counts if one.what not in _CAME) or 1
    return [one if one.what in _CAME else replace(one, cpu_us=cpu_us * one.records // whole) for one in counts]


def offered(source: str, slot: str, came: Mapping[Cause, tuple[int, int]]) -> list[LogCount]:
    """Return the counts of records of a source that came in a slot: by cause, how many, and their bytes."""
    return [LogCount(source, slot, what, cause, *sums) for cause, sums in came.items() for what in _CAME]


def segment_of(events: Sequence[Event], arrival: Arrival, id_: str) -> Segment:
    """Return as what segment, by its id, the events of an arrival are kept.

    One without a time of its own has that of its arrival.
    """
    times = [event.at or instant(arrival.at) for event in events]
    day = arrival.at.astimezone(CONTRACT_ZONE).date().isoformat()
    return Segment(arrival.source, id_, day, slot_of(arrival.at), min(times), max(times), len(events), 0)


def repeated(source: str, records: int, size: int, at: datetime) -> list[LogCount]:
    """Return the counts of a whole piece of a source that came in before and comes again `at` a moment.

    It has so many records, and this size in bytes.
    """
    return [LogCount(source, slot_of(at), what, "repeat", records, size) for what in (*_CAME, "duplicate")]


def refused(source: str, records: int, size: int, at: datetime) -> list[LogCount]:
    """Return the counts of records of a source that were not taken in `at` a moment, and of their size in bytes."""
    what: tuple[What, ...] = ("offered", "refused")
    return [LogCount(source, slot_of(at), one, "customer", records, size) for one in what]


def _moved(came: Mapping[Cause, tuple[int, int]], arrival: Arrival) -> list[LogCount]:
    """Return what takes from the cause of an arrival, in the slot in which it was counted, what was another's doing."""
    others = {cause: sums for cause, sums in came.items() if cause != arrival.cause}
    records, size = (sum(sums[place] for sums in others.values()) for place in (0, 1))
    taken = {arrival.cause: (-records, -size)} if others else {}
    return offered(arrival.source, arrival.offered_in, {**others, **taken})


def _became(record: Record, known: Collection[str], fresh: dict[str, Event], late_before: str) -> What:
    if isinstance(record, Malformed):
        return "malformed"
    if record.at and record.at < late_before:
        return "too late"
    key = record.id if len(record.id) <= _LONGEST_KEY else key_of(record)  # a call less for each event
    if key in known or key in fresh:
        return "duplicate"
    fresh[key] = record
    return "processed"


def _cause(record: Record, what: What, arrival: Arrival) -> Cause:
    if isinstance(record, Event) and arrival.own.has(record.principal):
        return "own"
    if what == "duplicate":
        return "repeat"
    if arrival.stops and arrival.cause == "customer" and isinstance(record, Event) and _is_caught_up(record, arrival):
        return "catch-up"
    return arrival.cause


def _is_caught_up(event: Event, arrival: Arrival) -> bool:
    return any(since <= event.at < until for since, until in arrival.stops)


def _aside(records: Sequence[Record], arrival: Arrival) -> Iterator[Aside]:
    """Yield what is set aside: records on end with the same reason are one row, however many a flood of them has."""
    for reason, group in groupby(records, lambda one: one.reason if isinstance(one, Malformed) else None):
        if reason is not None:
            found = list(group)
            first, last = found[0].position, found[-1].position
            size = sum(map(size_of, found))
            at = instant(arrival.at)
            yield Aside(arrival.source, arrival.piece, first, last, reason, at, len(found), size)
