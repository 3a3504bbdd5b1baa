"""What of a tenant's logs is let in by its stage (Article 11), and what is counted of that which is not."""

import io
from datetime import datetime, timedelta

from intake.limits import LIMITS
from intake.unpacking import BrokenStreamError, unpacked
from model.canonical import instant
from model.log_stage import LogAdmission, Stage
from model.log_volume import LogCount, slot_of
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


def _unpacked_size(body: bytes) -> int:
    size = 0
    try:
        for chunk in unpacked(io.BytesIO(body), LIMITS):
            size += len(chunk)
    except BrokenStreamError:
        return max(size, len(body))
    return size
