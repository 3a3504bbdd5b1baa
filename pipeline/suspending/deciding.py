"""The stages of all tenants, minute by minute: two services decide once, whoever is killed goes on where it ended."""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

import msgspec

from contract.suspension import (
    StageChange,
    TenantStage,
    admitted,
)
from contract.suspension_settings import InForce
from intake.rates import provisional
from model.canonical import encode, instant, parse_instant
from model.fault import Refused
from model.log_stage import LogAdmission
from model.person import SCHEDULE
from pipeline.intake.measuring import MachineMinute
from pipeline.logs import logger
from pipeline.suspending.carrying_out import Decided, carry_out
from pipeline.suspending.cases import SHOWN_MINUTES, case_of, id_of
from pipeline.suspending.gathering import MINUTE, Gathered, MinuteAsked, gathered
from pipeline.suspending.minutes import KeptMinute, Stages
from pipeline.suspending.standing import JudgedBy, specification, standing
from pipeline.suspending.whole_minute import WholeMinute
from pipeline.tenants.applied import applied_tenants
from pipeline.world import World
from store.log_stages import LogDecision
from store.service import ServiceReader
from store.tenant import TenantStore

_LOG = logger()
# A minute is decided on so long after its end: what came in it is counted by then, and processes have said what they
# measured; one that has not by the end of the grace is not waited for.
_SETTLES, _GRACE = timedelta(seconds=5), timedelta(seconds=20)
# What lies between is caught up with minute by minute; after longer ones the windows begin anew.
_MOST_BEHIND = 60
_KEPT = timedelta(days=3)


class Deciding:
    """Decides on the stages of a home's tenants. One thread does."""

    def __init__(
        self,
        world: World,
        machine: str,
        measured: deque[tuple[datetime, MachineMinute]],
        editions: Callable[[], Sequence[InForce]] = specification,
    ) -> None:
        """`measured` is what this process (the machine) measures; the editions are those of the specification."""
        self._world = world
        self._machine = machine
        self._measured = measured
        self._editions = editions
        self._stores: dict[str, TenantStore] = {}
        self._resting: dict[str, datetime] = {}

    def step(self) -> None:
        """Write what was measured, do what was decided, and decide on the minutes that are over."""
        self._write_measured()
        self.carry_out()
        while (minute := self._due()) is not None and (decided := self._decide(minute)):
            self.carry_out()
            self._admit(*decided)

    def carry_out(self) -> None:
        """Do what was decided and is not through: each thing once, however often it is tried."""
        with self._world.home.service.read() as session:
            decisions = session.log_stages.decisions()
        for one in decisions:
            if self._resting.get(one.id, self._world.clock.now()) <= self._world.clock.now():
                self._carry_out(one)

    def _carry_out(self, one: LogDecision) -> None:
        try:
            judged_by = standing(self._world.home, self._editions(), self._world.clock.now())
            problem = carry_out(self._world, self._store(one.tenant), one, judged_by)
        except Refused as refused:
            problem = str(refused)
        if problem:
            _LOG.warning("a suspension is not through yet", tenant=one.tenant, problem=problem)
            self._resting[one.id] = self._world.clock.now() + timedelta(seconds=30)

    def _write_measured(self) -> None:
        while self._measured:
            minute, found = self._measured[0]
            with self._world.home.service.observe(self._world.now, SCHEDULE) as session:
                session.log_stages.measure(self._machine, instant(minute), _json(found))
            self._measured.popleft()

    def _due(self) -> datetime | None:
        """Return the next minute to decide on, None where none is over."""
        now = self._world.clock.now()
        newest = (now - _SETTLES).replace(second=0, microsecond=0) - MINUTE
        with self._world.home.service.read() as session:
            at, _ = session.log_stages.stages()
            if not at:
                return newest
            last = parse_instant(at)
            if last > newest + MINUTE or newest - last > _MOST_BEHIND * MINUTE:
                return newest  # the clock was put back, or nothing ran for long
            minute = last + MINUTE
            if minute > newest or (now < minute + MINUTE + _GRACE and not _is_measured(session, minute)):
                return None
        return minute

    def _decide(self, minute: datetime) -> tuple[Stages, Mapping[str, Gathered]] | None:
        """Decide on a minute; return the stages, and what they go by. None where somebody else was faster."""
        judged_by = standing(self._world.home, self._editions(), minute + MINUTE)
        found = self._gather(minute, is_automatic=judged_by.edition is not None)
        with self._world.home.service.observe(self._world.now, SCHEDULE) as session:
            at, _ = session.log_stages.stages()
            before = _stages(session)
            if at and not _follows(parse_instant(at), minute):
                return None
            whole = WholeMinute(minute, found, _pending(session), is_next=at == instant(minute - MINUTE))
            after, changes, seen = whole.decided(before, _measured(session, minute))
            session.log_stages.put(instant(minute), _json(seen), _json(after))
            session.log_stages.decide(_decisions(session, changes, whole, judged_by))
            session.log_stages.purge_before(instant(minute - _KEPT))
        return after, found

    def _gather(self, minute: datetime, *, is_automatic: bool) -> dict[str, Gathered]:
        tenants, _ = applied_tenants(self._world.home)
        with self._world.home.service.read() as session:
            capacity = sum((one.capacity for one in _measured(session, minute)), 0.0)
            before = _stages(session)
        found = dict[str, Gathered]()
        asked = MinuteAsked(minute, provisional(capacity or 1.0, len(tenants)), is_automatic)
        for tenant, _ in tenants:
            name = tenant.tenant
            try:
                was_massive = bool(before.tenants.get(name, TenantStage()).massive)
                found[name] = gathered(self._store(name), asked, again=was_massive)
            except Refused as refused:
                _LOG.warning("a tenant's volume is not known", tenant=name, problem=str(refused))
        return found

    def _admit(self, after: Stages, found: Mapping[str, Gathered]) -> None:
        """Write into the tenants' stores what is let in, where that is another number than before.

        What was decided of a tenant and could not be done has no effect.
        """
        with self._world.home.service.read() as session:
            pending = _pending(session)
        for name, standing_ in after.tenants.items():
            if name not in found or name in pending:
                continue
            wanted = LogAdmission(standing_.stage, admitted(standing_, found[name].came.committed), self._world.now)
            if wanted != msgspec.structs.replace(found[name].admission, at=wanted.at):
                with self._store(name).observe(self._world.now, SCHEDULE) as writer:
                    writer.stages.admit(wanted)

    def _store(self, name: str) -> TenantStore:
        if name not in self._stores:
            self._stores[name] = self._world.home.tenant(name)
        return self._stores[name]


def _json(value: object) -> str:
    """Return a value as JSON: some have numbers as keys, which canonical JSON has not."""
    return msgspec.json.encode(value).decode()


def _follows(last: datetime, minute: datetime) -> bool:
    """Return whether a minute may be decided on after the last one: the next one, or one after a break."""
    return minute == last + MINUTE or minute - last > _MOST_BEHIND * MINUTE or last - minute > MINUTE


def _pending(session: ServiceReader) -> set[str]:
    """Return the tenants of whom something that was decided is not done yet."""
    return {one.tenant for one in session.log_stages.decisions() if one.state == "decided"}


def _stages(session: ServiceReader) -> Stages:
    _, document = session.log_stages.stages()
    return msgspec.json.decode(document, type=Stages) if document else Stages()


def _is_measured(session: ServiceReader, minute: datetime) -> bool:
    """Return whether all processes have said what they measured in a minute that did in the one before."""
    before = {one for one, _, _ in session.log_stages.measured(instant(minute - MINUTE), instant(minute))}
    return before <= {one for one, _, _ in session.log_stages.measured(instant(minute), instant(minute + MINUTE))}


def _measured(session: ServiceReader, minute: datetime) -> list[MachineMinute]:
    rows = session.log_stages.measured(instant(minute), instant(minute + MINUTE))
    return [msgspec.json.decode(document, type=MachineMinute) for _, _, document in rows]


def _decisions(
    session: ServiceReader, changes: Sequence[StageChange], whole: WholeMinute, judged_by: JudgedBy
) -> Iterator[LogDecision]:
    """Yield what is to be done by the changes, with the case of each that people are asked, or notified of."""
    for change in changes:
        found, case = whole.found[change.tenant], None
        if change.after == "proposed" or (change.after == "suspended" and change.reason != "confirmed"):
            since = whole.at - (SHOWN_MINUTES - 1) * MINUTE
            minutes = [msgspec.json.decode(one, type=KeptMinute) for one in session.log_stages.minutes(instant(since))]
            case = case_of(change, found, minutes, judged_by)
        settings = found.came.settings
        minutes_of = settings.lapses if change.after == "proposed" else settings.period
        decided = Decided(change.before, change.after, change.reason, case, minutes_of)
        id_, at = id_of(change, instant(whole.at)), instant(whole.at + MINUTE)
        yield LogDecision(id_, change.tenant, at, "decided", encode(decided).decode())
