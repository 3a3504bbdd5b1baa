"""Days of the contracts' zone as moments. Pure."""

from datetime import UTC, date, datetime, time, timedelta

from model.canonical import instant, parse_instant
from model.clock import CONTRACT_ZONE
from model.contract_record import Effective, is_day
from model.fault import Refused

_FIRST_YEAR, _LAST_YEAR = 1970, 9000
EVER, NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


def day_of(at: datetime) -> date:
    """Return the day of a moment in Asia/Tokyo."""
    return at.astimezone(CONTRACT_ZONE).date()


def begins(effective: Effective) -> datetime:
    """Return the first moment of a day, or the moment itself."""
    if is_day(effective):
        return datetime.combine(date.fromisoformat(effective), time(0), CONTRACT_ZONE)
    return parse_instant(effective)


def until_end_of(last_day: date | None) -> datetime:
    """Return the first moment after a last day; without one, there is none."""
    return begins((last_day + timedelta(days=1)).isoformat()) if last_day else NEVER


def end_of(day: date) -> str:
    """Return the last moment of a day in Asia/Tokyo, RFC 3339 in UTC.

    Raises `Refused` for a day outside the years of this service.
    """
    if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
        raise Refused(f"{day.isoformat()} is no day of this service")
    start = datetime.combine(day, time(0), CONTRACT_ZONE)
    return instant(start + timedelta(days=1) - timedelta(microseconds=1))


def as_of(day: date | None, now: datetime) -> str:
    """Return the moment as of which something is asked for: a day's end, or the empty text for now.

    Raises `Refused` for a day that has not come: today's answer would look like that day's.
    """
    today = now.astimezone(CONTRACT_ZONE).date()
    if day and day > today:
        raise Refused(f"{day.isoformat()} has not come yet: in Japan it is {today.isoformat()}")
    return end_of(day) if day else ""
