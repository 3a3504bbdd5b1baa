"""What of a tenant's logs is let in by its stage (Article 11), and what is counted of that which is not."""

import io
from collections.abc import Sequence
from datetime import datetime, timedelta

from intake.limits import LIMITS
from intake.unpacking import BrokenStreamError, unpacked
from model.canonical import instant, parse_instant
from model.log_stage import LogAdmission, Stage, StageRow
from model.log_volume import LogCount, Stop, slot_of
from store.reader import Reader
from store.tenant import TenantStore

# In these stages nobody looks at what is not let in; else it is read, and refused.
PROBED: tuple[Stage, ...] = ("suspended", "probing")
# By what came in so many days the records of what was not looked at are estimated; where nothing did, by this size.
_KNOWN, _BYTES_OF_A_RECORD = timedelta(days=7), 1_000


def has_room(reader: Reader, admission: LogAdmission, now: datetime) -> bool:
    """Return whether more of a tenant's records are let in within the minute of now, by what came in of it.

    The reader has that, the admission says how many may come.
    """
    if admission.records_per_minute is None:
        return True
    minute = now.replace(second=0, microsecond=0)
    counts = reader.logs.counts(instant(minute), instant(minute + timedelta(minutes=1)))
    came = {
        what: sum(one.records for one in counts if (one.what, one.cause) == (what, "customer"))
        for what in ("offered", "refused")
    }
    return came["offered"] - came["refused"] < admission.records_per_minute


def suspended_in(changes: Sequence[StageRow], now: datetime) -> list[Stop]:
    """Return from when to when a tenant's logs were suspended, or probed, by the changes of its stage until now."""
    found, since = list[Stop](), None
    for one in changes:
        if one.after == "suspended":
            since = since or parse_instant(one.at)
        elif since and one.after in ("normal", "limited"):
            found.append((since, parse_instant(one.at)))
            since = None
    return [*found, (since, now)] if since else found


def is_admitted(store: TenantStore, now: datetime) -> bool:
    """Return whether more of a tenant's records are let in now, as its store says."""
    with store.read() as reader:
        return has_room(reader, reader.stages.admission(), now)


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
