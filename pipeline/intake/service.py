"""What the intake process does: it finds what waits of all tenants, and has it processed by turns."""

import time
from collections.abc import Callable
from concurrent.futures import Executor

from msgspec import Struct

from intake.own import own_of
from intake.rates import provisional
from model.fault import Refused
from model.log_volume import LogPiece
from model.person import SCHEDULE
from pipeline.intake.processing import Processor
from pipeline.intake.rates import committed
from pipeline.intake.sources import sources
from pipeline.intake.taking import Incoming, Intake
from pipeline.log_segments import Segments
from pipeline.log_spool import Spool, Waiting
from pipeline.logs import logger
from pipeline.tenants.applied import applied_tenants
from pipeline.world import World
from store.tenant import TenantStore

_LOG = logger()
_LOOK_SECONDS, _SWEEP_SECONDS, _TENANTS_SECONDS = 0.05, 0.01, 5.0
# A file that the store does not know by then never came to be promised to anybody.
_UNKNOWN_SECONDS = 60.0


class _Desk(Struct):
    """A tenant as it is taken in: its own names, where its logs wait, and how that was when that changed last."""

    store: TenantStore
    spool: Spool
    segments: Segments
    intakes: dict[str, Intake]
    there: set[str]
    seen: tuple[int, ...] = ()
    changed_at: float = 0.0


class Service:
    """The intake of all tenants of a home."""

    def __init__(self, world: World, spools: Callable[[str], Spool], writers: Executor) -> None:
        self._world = world
        self._spools = spools
        self._processor = Processor(writers)
        self._desks: dict[str, _Desk] = {}
        self._looked_at = self._swept_at = self._tenants_at = float("-inf")

    def step(self) -> None:
        """Process a chunk; where none waits, wait a moment for more."""
        now = time.monotonic()
        if now - self._tenants_at >= _TENANTS_SECONDS:
            self._tenants_at = now
            self._find_tenants()
        if now - self._looked_at >= _LOOK_SECONDS:
            self._looked_at = now
            self._look()
        if now - self._swept_at >= _SWEEP_SECONDS:
            self._swept_at = now
            self._processor.sweep()
        if not self._processor.turn():
            self._processor.wake.wait(_LOOK_SECONDS)
            self._processor.wake.clear()

    def end(self, seconds: float) -> None:
        """Wait until what is being written is written, for so long at most."""
        self._processor.settle_all(seconds)

    @property
    def is_idle(self) -> bool:
        """Return whether nothing waits."""
        return self._processor.is_idle

    def _find_tenants(self) -> None:
        for tenant, _ in applied_tenants(self._world.home)[0]:
            name, own = tenant.tenant, own_of(tenant)
            try:
                desk = self._desks.get(name) or self._desk(name)
            except Refused as refused:
                _LOG.warning("a tenant's logs are not processed", tenant=name, problem=str(refused))
                continue
            self._desks[name] = desk
            desk.intakes = {
                id_: Intake(name, desk.store, desk.segments, source, self._world.clock, SCHEDULE, "customer", own)
                for id_, source in sources().items()
            }

        self._commit()

    def _commit(self) -> None:
        """Let everybody's committed rate be as it is agreed or observed by now."""
        now, equal = self._world.clock.now(), provisional(self._processor.capacity, len(self._desks))
        for name, desk in self._desks.items():
            try:
                rate = committed(desk.store, now)
            except Refused as refused:
                _LOG.warning("a tenant's committed rate is not known", tenant=name, problem=str(refused))
                rate = None
            self._processor.commit(name, equal if rate is None else rate / 60)

    def _desk(self, name: str) -> _Desk:
        assert self._world.segments, "a home has a folder"
        return _Desk(self._world.home.tenant(name), self._spools(name), self._world.segments(name), {}, set())

    def _look(self) -> None:
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

    def _add(self, desk: _Desk, waiting: Waiting) -> bool:
        """Let a piece be processed; False where the store does not know it yet."""
        intake = desk.intakes.get(waiting.source)
        if intake is None:
            return True
        with desk.store.read() as reader:
            piece = reader.logs.piece(waiting.source, waiting.id)
        if piece is None:
            if time.time() - waiting.since > _UNKNOWN_SECONDS:
                desk.spool.remove(waiting)
            return False
        desk.there.add(waiting.id)
        self._processor.add(intake, self._incoming(desk, piece, waiting), critical=waiting.critical)
        return True

    def _incoming(self, desk: _Desk, piece: LogPiece, waiting: Waiting) -> Incoming:
        def done() -> None:
            desk.spool.remove(waiting)
            desk.there.discard(waiting.id)

        return Incoming(piece, lambda: desk.spool.open(waiting), done)
