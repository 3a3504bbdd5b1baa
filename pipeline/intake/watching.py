"""Once a minute it is looked whether a tenant's logs are a flood, and whether a source of them is silent."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from detectors.service import flood, silence
from detectors.service.finding import Change, uid_of
from detectors.service.silence import heard_at
from model.canonical import instant
from model.finding import Finding
from model.log_volume import LogHeard, Stop
from model.person import SCHEDULE
from pipeline.intake.sources import sources
from pipeline.tenants.gate import decided
from store.tenant import TenantStore
from store.writer import Writer

_MINUTE = timedelta(minutes=1)


class Watch(Struct, frozen=True):
    """When it is looked, by which committed rate (records a minute), and when nothing of ours took logs in."""

    now: datetime
    committed: float
    stops: Sequence[Stop] = ()


def watch(store: TenantStore, at: Watch) -> int:
    """Write what is found of a tenant's logs; return how many facts people are to be notified of.

    While the contract does not allow that logs are taken in, nothing is looked at, and that is no pause of a source's.
    Raises `Refused` where the contract's records do not hold.
    """
    is_allowed = decided(store, "logs.take", at.now).allowed
    with store.observe(instant(at.now), SCHEDULE) as writer:
        if not is_allowed:
            known = writer.logs.heard().values()
            writer.logs.put_heard(replace(one, last=max(one.last, instant(at.now))) for one in known)
            return 0
        heard = _heard(writer, at.stops)
        uids = [uid_of(flood.POLICY, ""), *(uid_of(silence.POLICY, one.source) for one in heard)]
        before = {one.uid: one for one in writer.findings(None, uids)}
        changes = list(_changes(_minutes(writer, at.now), heard, before, at))
        writer.put_findings(finding for finding, _ in changes)
        writer.put_facts((fact for _, fact in changes), f"logs/{instant(at.now)}")
    return len(changes)


def _changes(
    minutes: Sequence[int], heard: Sequence[LogHeard], before: Mapping[str, Finding], at: Watch
) -> Iterator[Change]:
    if found := flood.flood(minutes, at.committed, before.get(uid_of(flood.POLICY, "")), instant(at.now)):
        yield found
    for one in heard:
        if found := silence.silence(one, before.get(uid_of(silence.POLICY, one.source)), at.now, at.stops):
            yield found


def _heard(writer: Writer, stops: Sequence[Stop]) -> list[LogHeard]:
    """Return when each source was heard, by now; and write it."""
    before, known = writer.logs.heard(), list[LogHeard]()
    for source in sources():
        old = before.get(source)
        now = heard_at(old, source, writer.logs.slots(source, old.last if old else ""), stops)
        if now is not None:
            known.append(now)
    writer.logs.put_heard(one for one in known if one != before.get(one.source))
    return known


def _minutes(writer: Writer, now: datetime) -> list[int]:
    """Return the records that the customer caused in each of the last whole minutes, the newest last."""
    until = now.replace(second=0, microsecond=0)
    first = until - flood.OVER_MINUTES * _MINUTE
    sums = writer.logs.minutes(instant(first), instant(until))
    return [sums.get(instant(first + number * _MINUTE), 0) for number in range(flood.OVER_MINUTES)]
