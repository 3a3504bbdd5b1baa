"""How much came in of a tenant's logs, and when a source was heard last."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from contract.days import begins
from model.canonical import instant
from model.log_source import LogSource
from model.log_volume import LogCount, Volume, volume_of
from model.text import Text
from pipeline.tenants.log_rates import committed
from store.tenant import TenantStore


class Heard(Struct, frozen=True):
    """A source of logs that can be taken in, and the slot in which it was heard last, empty for never."""

    source: str
    name: Text
    last_heard: str


class TenantVolume(Struct, frozen=True):
    """How much came in of a tenant's logs, by source, and the committed rate in records a minute.

    Until 14 days are known, and nothing is agreed, that is none: the tenant has an equal part of half the capacity.
    """

    tenant: str
    committed_per_minute: int | None
    sources: list[Volume]


def volume_in(tenant: str, store: TenantStore, now: datetime, since: date | None = None) -> TenantVolume:
    """Return how much came in of a tenant's logs until now, as its store says.

    That is since a day's beginning (Asia/Tokyo), or at all.
    """
    since_when = instant(begins(since.isoformat())) if since else ""
    return TenantVolume(tenant, committed(store, now), volumes(store, since_when))


def volumes(store: TenantStore, since: str = "") -> list[Volume]:
    """Return how much came in of each source that was heard, since a moment or at all."""
    by_source: dict[str, list[LogCount]] = defaultdict(list)
    with store.read() as reader:
        for count in reader.logs.sums(since):
            if count.what != "not fetched":  # a source of which nothing was taken in has no volume
                by_source[count.source].append(count)
        reasons = reader.logs.reasons(since)
    return [
        replace(volume_of(source, counts), reasons=reasons.get(source, {}))
        for source, counts in sorted(by_source.items())
    ]


def heard(store: TenantStore, known: Mapping[str, LogSource]) -> list[Heard]:
    """Return the known sources, each with when it was heard last."""
    last = {one.source: one.last_heard for one in volumes(store)}
    return [Heard(id_, source.text, last.get(id_, "")) for id_, source in sorted(known.items())]
