"""What of a tenant's logs lies at the cloud and was not fetched: asked of the cloud, kept by source and day."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date

from clouds.call_failed import CallFailed
from model.canonical import instant
from model.coverage import Period, Unfetched, day_name
from model.fault import Refused
from model.log_feed import Delivered, DeliveredObject
from pipeline.providers.provider import DeliveryQuery, Feed
from pipeline.tenants.entrance import Entrance
from pipeline.tenants.gate import NotEntitled

_SCHEME = "s3://"


def ask_unfetched(entrance: Entrance, period: Period, person: str) -> list[Unfetched]:
    """Ask a tenant's clouds what of a period was not fetched; write it, in a person's name, and return it.

    A source of which a feed cannot be listed is unknown, with the cause. Raises `NotEntitled` where the entrance's
    action is not allowed: who lists what lies there enters the customer's clouds to read.
    """
    by_source, now = defaultdict[str, list[Feed]](list), entrance.world.clock.now()
    for feed in entrance.feeds():
        by_source[feed.source].append(feed)
    found = [one for source, feeds in sorted(by_source.items()) for one in _of_source(entrance, source, feeds, period)]
    with entrance.world.home.tenant(entrance.tenant.tenant).observe(instant(now), person) as writer:
        writer.logs.put_unfetched(found)
    return found


def _of_source(entrance: Entrance, source: str, feeds: Sequence[Feed], period: Period) -> Iterator[Unfetched]:
    """Yield what of a source was not fetched, for each day of a period that has begun."""
    now = entrance.world.clock.now()
    days = [day for day in map(date.isoformat, period.days) if day <= day_name(instant(now))]
    try:
        left, how = _left(entrance, source, feeds, period)
    except NotEntitled:
        raise
    except (CallFailed, Refused) as failure:
        cause = failure.code if isinstance(failure, CallFailed) else str(failure)
        yield from (Unfetched(source, day, cause=cause, at=instant(now)) for day in days)
        return
    for day in days:
        there = [one for one in left if day_name(instant(one.at)) == day]
        sizes = [one.size for one in there if one.size is not None]
        gone = len(there) - len(sizes)
        yield Unfetched(source, day, len(there), None if gone else sum(sizes), gone, how, at=instant(now))


def _left(entrance: Entrance, source: str, feeds: Sequence[Feed], period: Period) -> tuple[list[DeliveredObject], str]:
    """Return what was delivered to feeds and not fetched, and how that is known; raises as `Entrance.delivered`."""
    known, left, how = _fetched(entrance, source), list[DeliveredObject](), set[str]()
    until = min(period.until, entrance.world.clock.now())
    for feed in feeds:
        for bucket, found in entrance.delivered(feed, DeliveryQuery(period.since, until, known)).items():
            left += [one for one in found.objects if one.key not in known.get(bucket, ())]
            how.add(_how(found))
    return left, ", ".join(sorted(how))


def _fetched(entrance: Entrance, source: str) -> dict[str, set[str]]:
    """Return the keys of the objects of a source that were fetched, by bucket."""
    found = defaultdict[str, set[str]](set)
    with entrance.world.home.tenant(entrance.tenant.tenant).read() as reader:
        for name in reader.logs.fetched(source, _SCHEME):
            bucket, _, key = name.removeprefix(_SCHEME).partition("/")
            found[bucket].add(key)
    return dict(found)


def _how(found: Delivered) -> str:
    return f"{found.how}, {len(found.unread)} digest files not read" if found.unread else found.how
