"""What the intake process does: it finds what comes in of all tenants, has it processed by turns, and watches it."""

import os
import socket
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from datetime import timedelta

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
from pipeline.intake.feeding import Feeding
from pipeline.intake.fetching import Fetched
from pipeline.intake.processing import Processor
from pipeline.intake.rates import committed
from pipeline.intake.sources import sources
from pipeline.intake.taking import REMEMBERED, Incoming, Intake
from pipeline.intake.upkeep import KEPT
from pipeline.intake.watching import Watch, watch
from pipeline.log_segments import Segments
from pipeline.log_spool import Spool, Waiting
from pipeline.logs import logger
from pipeline.tenants.applied import applied_tenants
from pipeline.world import World
from store.tenant import TenantStore

_LOG = logger()
_LOOK_SECONDS, _SWEEP_SECONDS, _TENANTS_SECONDS, _WATCH_SECONDS = 0.05, 0.01, 5.0, 60.0
# A file that the store does not know by then never came to be promised to anybody.
_UNKNOWN_SECONDS = 60.0
_MOST_OPEN = 64  # stores; SQLite has three files open of each


class Threads(Struct, frozen=True):
    """Threads that write, and threads that fetch."""

    writing: Executor
    fetching: Executor


class Spools(Struct, frozen=True):
    """Where each tenant's logs wait: what was pushed, and what was fetched."""

    pushed: Callable[[str], Spool]
    fetched: Callable[[str], Spool]


class _Desk(Struct):
    """A tenant as it is taken in: where its logs wait, how that was when it was looked at, and what is processed."""

    store: TenantStore
    spool: Spool
    segments: Segments
    intakes: dict[str, Intake]
    there: set[str]
    seen: tuple[int, ...] = ()
    changed_at: float = 0.0


class _Every:
    """Does something once in so many seconds."""

    def __init__(self, seconds: float, do: Callable[[], None]) -> None:
        self._seconds = seconds
        self._do = do
        self._done_at = float("-inf")

    def come(self, now: float) -> None:
        """Do it where it is time."""
        if now - self._done_at >= self._seconds:
            self._done_at = now
            self._do()


class _KeptOpen:
    """The stores of those tenants of whom something came lately: each transaction would open its own otherwise."""

    def __init__(self) -> None:
        self._held: OrderedDict[str, ExitStack] = OrderedDict()

    def keep(self, name: str, store: TenantStore) -> None:
        """Keep a tenant's store open."""
        if name not in self._held:
            with ExitStack() as stack:
                stack.enter_context(store.held())
                self._held[name] = stack.pop_all()
        self._held.move_to_end(name)
        if len(self._held) > _MOST_OPEN:
            self._held.popitem(last=False)[1].close()

    def close(self) -> None:
        """Close all of them."""
        while self._held:
            self._held.popitem()[1].close()


class Service:
    """The intake of all tenants of a home."""

    def __init__(self, world: World, spools: Spools, threads: Threads) -> None:
        self._world = world
        self._spools = spools
        self._threads = threads
        self._processor = Processor(threads.writing)
        self._desks: dict[str, _Desk] = {}
        self._kept_open = _KeptOpen()
        self._fetched: deque[tuple[str, str, Fetched]] = deque()
        self._feeding = Feeding(world, spools.fetched, threads.fetching, self._hand)
        self._run = f"{socket.gethostname()}:{os.getpid()}", instant(world.clock.now())
        self._stops: list[Stop] = []
        self._regularly = (
            _Every(SAID_EVERY.total_seconds(), self._say_that_it_runs),
            _Every(_TENANTS_SECONDS, self._find_tenants),
            _Every(_LOOK_SECONDS, self._look),
            _Every(_SWEEP_SECONDS, self._processor.sweep),
            _Every(_WATCH_SECONDS, self._watch),
        )

    def step(self) -> None:
        """Process a chunk; where none waits, wait a moment for more."""
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
        """Return whether nothing waits."""
        return self._processor.is_idle and not self._fetched

    def _say_that_it_runs(self) -> None:
        holder, since = self._run
        with self._world.home.service.observe(self._world.now, SCHEDULE) as session:
            session.log_runs.note(holder, since, self._world.now)
            session.log_runs.purge_before(instant(self._world.clock.now() - KEPT))
            self._stops = stops_of(session.log_runs.all())

    def _find_tenants(self) -> None:
        for tenant, _ in applied_tenants(self._world.home)[0]:
            try:
                self._know(tenant)
            except Refused as refused:
                _LOG.warning("a tenant's logs are not taken in", tenant=tenant.tenant, problem=str(refused))
        now, equal = self._world.clock.now(), provisional(self._processor.capacity, len(self._desks))
        for name, desk in self._desks.items():
            try:
                rate = committed(desk.store, now)
            except Refused as refused:
                _LOG.warning("a tenant's committed rate is not known", tenant=name, problem=str(refused))
                rate = None
            self._processor.commit(name, equal if rate is None else rate / 60)

    def _know(self, tenant: Tenant) -> None:
        """Go by a tenant's file from now on."""
        name, own, clock = tenant.tenant, own_of(tenant), self._world.clock
        desk = self._desks.get(name) or self._desk(name)
        oldest = clock.now() - REMEMBERED
        stops = tuple(stop for stop in self._stops if stop[1] > oldest)
        desk.intakes = {
            id_: Intake(name, desk.store, desk.segments, source, clock, SCHEDULE, "customer", own, stops)
            for id_, source in sources().items()
        }
        self._desks[name] = desk
        self._feeding.know(tenant)

    def _desk(self, name: str) -> _Desk:
        assert self._world.segments, "a home has a folder"
        return _Desk(self._world.home.tenant(name), self._spools.pushed(name), self._world.segments(name), {}, set())

    def _look(self) -> None:
        """Find what has come."""
        self._feeding.look()
        while self._fetched:
            self._take(*self._fetched.popleft())
        for desk in self._desks.values():
            changed, now = desk.spool.changed(), time.monotonic()
            if changed != desk.seen:
                desk.seen, desk.changed_at = changed, now
            elif now - desk.changed_at > 2 * _LOOK_SECONDS:  # what came right afterwards may have the same time
                continue
            coming = [one for one in desk.spool.waiting() if one.id not in desk.there]
            known = [self._add(desk, one) for one in coming]
            if not all(known):
                desk.seen = ()  # look again

    def _hand(self, name: str, source: str, fetched: Fetched) -> None:
        self._fetched.append((name, source, fetched))
        self._processor.wake.set()

    def _take(self, name: str, source: str, fetched: Fetched) -> None:
        intake = self._desks[name].intakes[source]
        self._kept_open.keep(name, intake.store)
        if _is_in(fetched, self._stops):
            intake = replace(intake, cause="catch-up")
        self._processor.add(intake, fetched.incoming, critical=fetched.critical)

    def _add(self, desk: _Desk, waiting: Waiting) -> bool:
        """Let a piece be processed; False where the store does not know it yet."""
        intake = desk.intakes.get(waiting.source)
        if intake is None:
            return True
        self._kept_open.keep(intake.tenant, desk.store)
        with desk.store.read() as reader:
            piece = reader.logs.piece(waiting.source, waiting.id)
        if piece is None:
            if time.time() - waiting.since > _UNKNOWN_SECONDS:
                desk.spool.remove(waiting)
            return False
        desk.there.add(waiting.id)
        self._processor.add(intake, _incoming(desk, piece, waiting), critical=waiting.critical)
        return True

    def _watch(self) -> None:
        """Look for floods and silence, beside the processing."""
        now = self._world.clock.now()
        for name, desk in self._desks.items():
            at = Watch(now, self._processor.rate(name) * 60, self._stops)
            self._threads.writing.submit(_watched, name, desk.store, at)


def _incoming(desk: _Desk, piece: LogPiece, waiting: Waiting) -> Incoming:
    def done() -> None:
        desk.spool.remove(waiting)
        desk.there.discard(waiting.id)

    return Incoming(piece, lambda: desk.spool.open(waiting), done)


def _is_in(fetched: Fetched, stops: Sequence[Stop]) -> bool:
    """Return whether a piece was announced while nothing of ours ran."""
    return any(since <= fetched.sent < until + timedelta(seconds=1) for since, until in stops)


def _watched(name: str, store: TenantStore, at: Watch) -> None:
    try:
        watch(store, at)
    except Refused as refused:  # a database that is away comes back
        _LOG.warning("a tenant's logs are not watched", tenant=name, problem=str(refused))
    except Exception as problem:  # noqa: BLE001 - nobody waits for its outcome
        _LOG.error("a defect of the program", tenant=name, exc_info=problem)
