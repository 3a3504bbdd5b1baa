"""What most of a customer's logs were lately, for whoever looks for the cause: types of events, and who caused them."""

import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta

from intake.events import Event, read
from model.canonical import instant
from model.fault import Refused
from model.log_volume import Segment
from model.suspension_case import CaseAdvice
from pipeline.intake.sources import sources
from pipeline.log_segments import Segments
from store.tenant import TenantStore

# So many of the newest segments are looked at of each source, and so many names of each kind are said.
_SEGMENTS, _NAMES = 5, 5
_LATELY = timedelta(hours=2)


def advice(store: TenantStore, segments: Segments, now: datetime) -> CaseAdvice:
    """Return what most of the events in a store were lately until now, by a sample of the newest segments.

    Principals are pseudonyms under the tenant's key: the same within a tenant, others between tenants.
    """
    types, principals, sampled = Counter[str](), Counter[str](), 0
    for event in _sample(store, segments, now):
        sampled += 1
        types[event.type] += 1
        if event.principal:
            principals[segments.pseudonym(event.principal)] += 1
    return CaseAdvice(sampled, types.most_common(_NAMES), principals.most_common(_NAMES))


def _sample(store: TenantStore, segments: Segments, now: datetime) -> Iterator[Event]:
    for source in sources().values():
        with store.read() as reader:
            kept = reader.logs.segments(source.id, instant(now - _LATELY), instant(now))
        for segment in kept[-_SEGMENTS:]:
            for raw in _read(segments, segment):
                for one in read(source, io.BytesIO(raw)):
                    if isinstance(one, Event):
                        yield one


def _read(segments: Segments, segment: Segment) -> list[bytes]:
    try:
        return segments.read(segment)
    except Refused:  # expired, or damaged: others are there
        return []
