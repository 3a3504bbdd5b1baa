"""When nothing of ours took logs in: what lies between the times in which any process did."""

from collections.abc import Iterable
from datetime import timedelta

from model.canonical import parse_instant
from model.log_volume import Stop

# A process says so often that it runs; whoever was not heard of for longer has stopped.
SAID_EVERY = timedelta(seconds=10)
_LEAST = 3 * SAID_EVERY


def stops_of(runs: Iterable[tuple[str, str]]) -> list[Stop]:
    """Return the stops between runs, each from one moment to another (RFC 3339), in order; before the first is none.

    A pause that is no longer than it takes to say so is none.
    """
    found, until = list[Stop](), None
    for since, end in sorted((parse_instant(since), parse_instant(end)) for since, end in runs):
        if until is not None and since - until > _LEAST:
            found.append((until, since))
        until = end if until is None else max(until, end)
    return found
