"""What is kept of what came in, and how long."""

from datetime import datetime, timedelta

from contract.days import begins, day_of
from model.canonical import instant, parse_instant
from pipeline.intake.taking import REMEMBERED
from pipeline.log_segments import Segments
from pipeline.tenants.applied import book_of
from pipeline.tenants.log_rates import observe
from store.tenant import TenantStore

RETENTION_DAYS = "logs.retention_days"
# Thirteen months, however long they are: a month and the same month of the year before can be compared.
KEPT = timedelta(days=397)
# Slots of ten seconds become minutes after a day; whoever was away for longer than a week finds finer ones.
_FINE, _LOOKS_BACK = timedelta(days=1), timedelta(days=8)


def tidy(store: TenantStore, segments: Segments | None, now: datetime, person: str) -> None:
    """Add a store's counts up to minutes where they are a day old, and purge what was kept long enough by `now`.

    What the first days say of the committed rate is settled before. Events are kept in the `segments`, if there are
    any, for as many days as the contract says, and no piece waits for longer: its machine is gone. A person or the
    schedule does it. Raises `Refused` where the contract's records do not hold.
    """
    fine = (now - _FINE).replace(second=0, microsecond=0)
    days = book_of(store).setting(RETENTION_DAYS, now)
    first = day_of(now) - timedelta(days=days) if isinstance(days, int) else None
    with store.observe(instant(now), person) as writer:
        if first:
            writer.logs.expire(first.isoformat())
            writer.logs.give_up_before(instant(begins(first.isoformat())))
        observe(writer, now)
        writer.logs.roll_up(instant(fine - _LOOKS_BACK), instant(fine))
        writer.logs.purge_before(instant(now - KEPT))
        waiting_since = writer.logs.waiting_since()  # repeats of what came until then may be in what waits
        came = min(now, parse_instant(waiting_since)) if waiting_since else now
        writer.logs.forget_before(instant(came - REMEMBERED))
    if first and segments:
        segments.remove_before(first)
