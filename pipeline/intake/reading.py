"""Kept events are read again by time: by a person, for a purpose, on record."""

import io
from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct

from intake.events import Event, read
from model.canonical import instant, parse_instant
from model.fault import Refused
from model.log_source import LogSource
from pipeline.log_segments import Segments
from store.tenant import TenantStore

READ = "logs.read"


class Wanted(Struct, frozen=True):
    """Events of a source from a moment on, and before another; who reads them for which purpose, and when."""

    source: LogSource
    since: datetime
    until: datetime
    person: str
    purpose: str
    now: datetime


def moment(text: str) -> datetime:
    """Return the moment that is written, in UTC without an offset; raises `Refused` for a text that is none."""
    try:
        return parse_instant(text)
    except ValueError:
        raise Refused(f"{text!r} is no moment; write it as 2026-06-01T00:00:00Z") from None


def kept(store: TenantStore, segments: Segments, wanted: Wanted) -> Iterator[bytes]:
    """Yield the events that are wanted as they came; that they are read is recorded in the store before the first is.

    An event without a time of its own is among those that came with it. Raises `Refused` where a segment is not as it
    was sealed.
    """
    if not wanted.purpose.strip():
        raise Refused("say what the events are read for (--purpose): it is recorded")
    since, until = instant(wanted.since), instant(wanted.until)
    with store.write(instant(wanted.now), wanted.person) as writer:
        found = writer.logs.segments(wanted.source.id, since, until)
        detail = {"since": since, "until": until, "purpose": wanted.purpose, "segments": len(found)}
        writer.record(READ, wanted.source.id, **detail)
    for segment in found:
        for raw in segments.read(segment):
            at = next((one.at for one in read(wanted.source, io.BytesIO(raw)) if isinstance(one, Event)), "")
            if not at or since <= at < until:
                yield raw
