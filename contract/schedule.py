"""When a tenant is scanned next: the newest slot of its schedule that has begun. Pure."""

from datetime import datetime, timedelta

from cronsim import CronSim, CronSimError

from model.canonical import digest
from model.clock import CONTRACT_ZONE
from model.tenant import Schedule

_FIELDS = 5


def fault(schedule: Schedule) -> str:
    """Return what is wrong with a schedule's cron expression, the empty text where nothing is."""
    if len(schedule.cron.split()) != _FIELDS:  # with a sixth, of seconds, CronSim would take it
        return f"{schedule.cron!r} is no cron expression; five fields, such as 0 3 * * *"
    try:
        next(CronSim(schedule.cron, datetime(2000, 1, 1, tzinfo=CONTRACT_ZONE)))
    except CronSimError as problem:
        return f"{schedule.cron!r} is no cron expression ({problem}); five fields, such as 0 3 * * *"
    except StopIteration:
        return f"{schedule.cron!r} names no day that ever comes"
    return ""


def newest_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the newest slot that has begun; those that nobody was there for are not made up for."""
    slot: datetime = next(CronSim(schedule.cron, now.astimezone(CONTRACT_ZONE) + timedelta(seconds=1), reverse=True))
    return slot


def delay(tenant: str, slot: datetime, schedule: Schedule) -> timedelta:
    """Return how much later than its slot a tenant's scan begins: the same for whoever computes it.

    The tenants are spread over the minutes that the schedule allows.
    """
    seconds = schedule.jitter_minutes * 60
    if not seconds:
        return timedelta(0)
    return timedelta(seconds=int(digest(tenant, int(slot.timestamp())), 16) % (seconds + 1))
