"""What of a tenant's logs is let in by its stage (Article 11), and what is counted of that which is not."""

import io
from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from intake.limits import LIMITS
from intake.unpacking import BrokenStreamError, unpacked
from model.canonical import instant, parse_instant
from model.log_stage import Stage
from model.log_volume import LogCount, Stop, slot_of
from store.tenant import TenantStore

# In these stages nobody looks at what is not let in; else it is read, and refused.
_PROBED: tuple[Stage, ...] = ("suspended", "probing")
# By what came in so many days the records of what was not looked at are estimated; where nothing did, by this size.
_KNOWN, _BYTES_OF_A_RECORD = timedelta(days=7), 1_000


class Room(Struct, frozen=True):
    """The stage of a tenant's logs, and whether more of them are let in within this minute.

    Where they are not, and it is only `probed` how much comes, nobody looks at what they hold.
    """

    stage: Stage
    is_there: bool

    @property
    def is_probed(self) -> bool:
        """Return whether only the size or the number of what comes is to be looked at."""
        return self.stage in _PROBED and not self.is_there


def room(store: TenantStore, now: datetime) -> Room:
    """Return whether more of a tenant's records are let in within the minute of now, as its store says."""
    minute = now.replace(second=0, microsecond=0)
    with store.read() as reader:
        admission = reader.stages.admission()
        if admission.records_per_minute is None:
            return Room(admission.stage, is_there=True)
        counts = reader.logs.counts(instant(minute), instant(minute + timedelta(minutes=1)))
    customers = [one for one in counts if one.cause == "customer"]
    offered, refused = (sum(one.records for one in customers if one.what == what) for what in ("offered", "refused"))
    return Room(admission.stage, offered - refused < admission.records_per_minute)


def suspended_in(moves: Iterable[tuple[str, str]], now: datetime) -> list[Stop]:
    """Return from when to when a tenant's logs were suspended, or probed, until now.

    `moves` say when their stage became what.
    """
    found, since = list[Stop](), None
    for at, after in moves:
        if after == "suspended":
            since = since or parse_instant(at)
        elif since and after in ("normal", "limited"):
            found.append((since, parse_instant(at)))
            since = None
    return [*found, (since, now)] if since else found


def count_not_taken(store: TenantStore, source: str, body: bytes, now: datetime, person: str) -> None:
    """Count a body of a source that was not taken in by its size alone: nobody looks at what it holds.

    Its records are estimated by what those of the source have on average in the tenant's store; a person or machine
    sent it, now.
    """
    size = _unpacked_size(body)
    with store.observe(instant(now), person) as writer:
        mean = writer.logs.mean_bytes(source, instant(now - _KNOWN)) or _BYTES_OF_A_RECORD
        records = max(1, round(size / mean))
        writer.logs.add([LogCount(source, slot_of(now), "not fetched", "customer", records, size)])


def count_not_fetched(store: TenantStore, source: str, messages: int, now: datetime, person: str) -> None:
    """Count messages of a source's feed that came and were not received, as many records as those usually announce.

    The tenant's store knows how many those had lately; a person or the schedule looked, now.
    """
    with store.observe(instant(now), person) as writer:
        mean = writer.logs.mean_records(source, instant(now - _KNOWN)) or 1.0
        records = max(1, round(messages * mean))
        writer.logs.add([LogCount(source, slot_of(now), "not fetched", "customer", records)])


def _unpacked_size(body: bytes) -> int:
    size = 0
    try:
        for chunk in unpacked(io.BytesIO(body), LIMITS):
            size += len(chunk)
    except BrokenStreamError:
        return max(size, len(body))
    return size
