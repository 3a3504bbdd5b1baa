"""What the intake process does: it finds what comes in of all tenants, has it processed by turns, and watches it."""

import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from intake.own import own_of
from intake.rates import provisional
from intake.stops import SAID_EVERY, stops_of
from model.canonical import instant
from model.fault import Refused
from model.log_volume import LogPiece, Stop
from model.person import SCHEDULE
from model.tenant import Tenant
from pipeline.intake.admission import suspended_in
from pipeline.intake.every import Every
from pipeline.intake.feeding import Feeding
from pipeline.intake.fetching import Fetched
from pipeline.intake.kept_open import KeptOpen
from pipeline.intake.measuring import Disk, MachineMinute, Minutes
from pipeline.intake.processing import Processor
from pipeline.intake.sources import sources
from pipeline.intake.taking import REMEMBERED, Incoming, Intake
from pipeline.intake.upkeep import KEPT
from pipeline.intake.watching import Watch, watch
from pipeline.log_spool import Spool, WaitingPiece
from pipeline.logs import logger, tried
from pipeline.tenants.applied import applied_tenants
from pipeline.tenants.log_rates import committed
from pipeline.world import World
from store.tenant import TenantStore

_LOG = logger()
_LOOK_SECONDS, _SWEEP_SECONDS, _TENANTS_SECONDS, _WATCH_SECONDS, _MEASURE_SECONDS = 0.05, 0.01, 5.0, 60.0, 1.0
# Nobody's logs are processed while a tenant's are looked for: it is looked again after as many times as long as it took
# to list what waits, which may be very many files; and so many pieces are added at most.
_PAUSE_TIMES, _MOST_ADDED = 20, 100
# Where something kept a tenant's logs from being looked for, it is done again after so many seconds.
_FAILED_SECONDS = 1.0
# No queue keeps a message for longer:
# https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
_FILLED_BACK = timedelta(days=14)
# A file that the store does not know by then never came to be promised to anybody.
_UNKNOWN_SECONDS = 60.0


class Threads(Struct, frozen=True):
    """Threads that write, threads that fetch, and threads for what is done now and then beside."""

    writing: Executor
    fetching: Executor
    beside: Executor


class Spools(Struct, frozen=True):
    """Where each tenant's logs wait: what was pushed, and what was fetched."""

    pushed: Callable[[str], Spool]
    fetched: Callable[[str], Spool]


class _Known(Struct, frozen=True):
    """A tenant as its file says, its store, and how each source is taken in.

    What was announced while its logs were `suspended` is filled back.
    """

    tenant: Tenant
    store: TenantStore
    intakes: Mapping[str, Intake]
    suspended: Sequence[Stop]


class _Place(Struct):
    """Where a tenant's pushed logs wait, how that was when it was looked at, and what of it is being processed.

    `there` are source and id of pieces.
    """

    known: _Known
    spool: Spool
    there: set[tuple[str, str]]
    seen: tuple[int, ...] = ()
    changed_at: float = 0.0
    looked_at: float = 0.0
    resting_until: float = 0.0


class IntakeService:
    """The intake of all tenants of a home."""

    def __init__(self, world: World, spools: Spools, threads: Threads) -> None:
        self._world = world
        self._spools = spools
        self._threads = threads
        self._processor = Processor(threads.writing)
        self._places: dict[str, _Place] = {}
        self._found: deque[tuple[_Known, float, bool]] = deque()
        self._kept_open = KeptOpen()
        self._fetched: deque[tuple[str, str, Fetched]] = deque()
        self._feeding = Feeding(world, spools.fetched, threads.fetching, self._hand)
        self._run = f"{socket.gethostname()}:{os.getpid()}", instant(world.clock.now())
        self._has_begun = False
        self._stops: list[Stop] = []
        self._stores: dict[str, TenantStore] = {}
        self._minutes = Minutes(self._processor.meter, Disk(self._bytes_of, self._free_bytes))
        self.measured: deque[tuple[datetime, MachineMinute]] = deque()
        self._regularly = (
            Every(SAID_EVERY.total_seconds(), self._say_that_it_runs, threads.beside),
            Every(_TENANTS_SECONDS, self._find_tenants, threads.beside),
            Every(_LOOK_SECONDS, self._look),
            Every(_SWEEP_SECONDS, self._processor.sweep),
            Every(_WATCH_SECONDS, self._watch, threads.beside),
            Every(_MEASURE_SECONDS, self._measure, threads.beside),
        )

    def step(self) -> None:
        """Process a chunk; where none waits, wait a moment for more."""
        if not self._has_begun:
            self._say_that_it_runs()
            self._has_begun = True
        now = time.monotonic()
        for one in self._regularly:
            one.come(now)
        if not self._processor.turn():
            self._processor.wake.wait(_LOOK_SECONDS)
            self._processor.wake.clear()

    def end(self, seconds: float) -> None:
        """Wait until what is being written is written, for so long at most."""
        self._processor.settle_all(seconds)
        self._kept_open.close()

    @property
    def is_idle(self) -> bool:
        """Return whether the tenants are known, and nothing of any of them waits."""
        is_seen = all(place.seen == place.spool.changed() for place in self._places.values())
        return bool(self._places) and is_seen and self._processor.is_idle and not self._fetched

    def _say_that_it_runs(self) -> None:
        holder, since = self._run
        with self._world.home.service.observe(self._world.now, SCHEDULE) as session:
            session.log_runs.note(holder, since, self._world.now)
            session.log_runs.purge_before(instant(self._world.clock.now() - KEPT))
            self._stops = stops_of(session.log_runs.all())

    def _find_tenants(self) -> None:
        """Find the tenants that there are."""
        tenants, _ = applied_tenants(self._world.home)
        equal = provisional(self._processor.capacity, len(tenants))
        for tenant, _ in tenants:
            tried(partial(self._find, tenant, equal), "a tenant's logs are not taken in", tenant=tenant.tenant)

    def _find(self, tenant: Tenant, equal: float) -> None:
        """Find by which committed rate a tenant is processed; until it is known, that is an equal part."""
        known = self._known(tenant)
        rate = committed(known.store, self._world.clock.now())
        with known.store.read() as reader:
            is_limited = reader.stages.admission().stage == "limited"
        self._found.append((known, equal if rate is None else rate / 60, is_limited))

    def _known(self, tenant: Tenant) -> _Known:
        """Return a tenant as its file says, with its store."""
        name, own, clock = tenant.tenant, own_of(tenant), self._world.clock
        assert self._world.segments, "a home has a folder"
        if name not in self._stores:
            self._stores[name] = self._world.home.tenant(name)
        store = self._stores[name]
        segments = self._world.segments(name)
        oldest = clock.now() - REMEMBERED
        stops = tuple(stop for stop in self._stops if stop[1] > oldest)
        intakes = {
            id_: Intake(name, store, segments, source, clock, SCHEDULE, "customer", own, stops)
            for id_, source in sources().items()
        }
        with store.read() as reader:
            suspended = suspended_in(reader.stages.moves(), clock.now())
        return _Known(tenant, store, intakes, [one for one in suspended if one[1] > clock.now() - _FILLED_BACK])

    def _look(self) -> None:
        """Find what has come."""
        while self._found:
            known, rate, is_limited = self._found.popleft()
            name = known.tenant.tenant
            self._processor.commit(name, rate)
            self._processor.hold_back(name, is_limited=is_limited)
            if name not in self._places:
                self._places[name] = _Place(known, self._spools.pushed(name), set())
                self._places[name].spool.sweep()
            self._places[name].known = known
            self._feeding.know(known.tenant)
        self._feeding.look()
        while self._fetched:
            self._take(*self._fetched.popleft())
        for place in self._places.values():
            if place.resting_until <= time.monotonic():
                self._look_at(place)

    def _look_at(self, place: _Place) -> None:
        """Find what has come of a tenant; what goes wrong is nobody else's affair, and it is looked at again."""
        changed, began = place.spool.changed(), time.monotonic()
        if changed != place.seen:
            place.seen, place.changed_at = changed, began
        elif place.looked_at - place.changed_at > 2 * _LOOK_SECONDS:  # what came right after a look has the same time
            return
        waiting, place.looked_at = place.spool.waiting(), began
        now = time.monotonic()
        place.resting_until = now + _PAUSE_TIMES * (now - began)
        try:
            if not self._add_all(place, waiting):
                place.seen = ()  # look again
        except Refused as refused:
            _LOG.warning("what waits cannot be looked at", tenant=place.known.tenant.tenant, problem=str(refused))
            place.seen, place.resting_until = (), time.monotonic() + _FAILED_SECONDS

    def _add_all(self, place: _Place, waiting: Sequence[WaitingPiece]) -> bool:
        """Let what has come of what waits be processed, critical pieces first; False where not all of it is."""
        coming = [one for one in waiting if (one.source, one.id) not in place.there]
        coming.sort(key=lambda one: not one.critical)
        are_known = [self._add(place, one) for one in coming[:_MOST_ADDED]]
        return all(are_known) and len(coming) <= _MOST_ADDED

    def _hand(self, name: str, source: str, fetched: Fetched) -> None:
        self._fetched.append((name, source, fetched))
        self._processor.wake.set()

    def _take(self, name: str, source: str, fetched: Fetched) -> None:
        intake = self._places[name].known.intakes[source]
        self._kept_open.keep(name, intake.store)
        if _is_in(fetched, self._places[name].known.suspended):
            intake = replace(intake, cause="back-fill")
        elif _is_in(fetched, self._stops):
            intake = replace(intake, cause="catch-up")
        self._processor.add(intake, fetched.incoming, critical=fetched.critical)

    def _add(self, place: _Place, waiting: WaitingPiece) -> bool:
        """Let a piece be processed; False where the store does not know it yet."""
        intake = place.known.intakes.get(waiting.source)
        if intake is None:
            return True
        self._kept_open.keep(intake.tenant, place.known.store)
        with place.known.store.read() as reader:
            piece = reader.logs.piece(waiting.source, waiting.id)
        if piece is None:
            if time.time() - waiting.since > _UNKNOWN_SECONDS:
                self._give_up(place.known.store, place.spool, waiting)
            return False
        place.there.add((waiting.source, waiting.id))
        self._processor.add(intake, _incoming(place, piece, waiting), critical=waiting.critical)
        return True

    def _give_up(self, store: TenantStore, spool: Spool, waiting: WaitingPiece) -> None:
        """Remove what the store does not know; whoever pushes it again does so before this, or afterwards."""
        with store.observe(self._world.now, SCHEDULE) as writer:
            if writer.logs.piece(waiting.source, waiting.id) is None:
                spool.remove(waiting)

    def _measure(self) -> None:
        """Measure the minute that has ended, if one has."""
        now, capacity = self._world.clock.now(), 60 * self._processor.capacity
        if found := self._minutes.ended(now, capacity, list(self._places)):
            self.measured.append(found)

    def _bytes_of(self, name: str) -> int:
        """Return what lies on the disk of a tenant but for what is kept: what waits, and its store."""
        waiting = (one.bytes for kind in (self._spools.pushed, self._spools.fetched) for one in kind(name).waiting())
        return sum(waiting) + self._places[name].known.store.size()

    def _free_bytes(self) -> int:
        return next((place.spool.free_bytes() for place in list(self._places.values())), 0)

    def _watch(self) -> None:
        """Look for floods and silence, beside the processing."""
        now = self._world.clock.now()
        for name, place in list(self._places.items()):
            at = Watch(now, self._processor.rate(name) * 60, self._stops)
            tried(partial(watch, place.known.store, at), "a tenant's logs are not watched", tenant=name)


def _incoming(place: _Place, piece: LogPiece, waiting: WaitingPiece) -> Incoming:
    def done() -> None:
        place.spool.remove(waiting)
        place.there.discard((waiting.source, waiting.id))

    return Incoming(piece, lambda: place.spool.open(waiting), done)


def _is_in(fetched: Fetched, stops: Sequence[Stop]) -> bool:
    """Return whether a piece was announced while nothing of ours ran."""
    return any(since <= fetched.sent < until + timedelta(seconds=1) for since, until in stops)
