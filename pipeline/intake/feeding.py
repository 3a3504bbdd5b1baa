"""The feeds of all tenants: each is asked for what it announces, by one of a few threads at a time."""

import time
from collections.abc import Callable
from concurrent.futures import Executor
from functools import partial

from msgspec import Struct

from clouds.call_failed import CallFailed
from contract.suspensions import suspended_until
from model.fault import Refused
from model.person import SCHEDULE
from model.tenant import Tenant
from pipeline.intake.admission import count_not_fetched, room
from pipeline.intake.fetching import Fetched, Fetcher, Post
from pipeline.intake.sources import signs_of
from pipeline.log_spool import Spool
from pipeline.logs import logger, tried
from pipeline.providers.provider import Feed
from pipeline.tenants.applied import book_of
from pipeline.tenants.entrance import Entrance
from pipeline.tenants.gate import NotEntitled
from pipeline.world import World

_LOG = logger()
_NOTHING_SECONDS, _CONTRACT_SECONDS, _FAILED_SECONDS, _LONGEST_SECONDS = 2.0, 30.0, 5.0, 300.0
# What was fetched, of which tenant and source.
Hand = Callable[[str, str, Fetched], None]


class _Feeding(Struct):
    """One feed of a tenant, and when it is to be asked again; `busy` while it is.

    `waiting` is how many messages waited when its volume was looked at last.
    """

    tenant: Tenant
    feed: Feed
    due_at: float = 0.0
    pause: float = 0.0
    busy: bool = False
    is_over: bool = False
    fetcher: Fetcher | None = None
    waiting: int | None = None


class Feeding:
    """Fetches the feeds of all tenants that are known."""

    def __init__(self, world: World, spools: Callable[[str], Spool], threads: Executor, hand: Hand) -> None:
        """`spools` gives where what a tenant's feeds give waits; `hand` is given it, by any of the threads."""
        self._world = world
        self._spools = spools
        self._threads = threads
        self._hand = hand
        self._feeds: dict[str, list[_Feeding]] = {}

    def know(self, tenant: Tenant) -> None:
        """Go by a tenant's file from now on."""
        before = self._feeds.get(tenant.tenant)
        if before is None:
            self._spools(tenant.tenant).clear()  # of an earlier process: all of it is announced again
        elif before and before[0].tenant == tenant:
            return
        try:
            feeds = Entrance(self._world, tenant, "logs.volume").feeds() if tenant.logs else []
        except NotEntitled:
            feeds = []
        for one in before or []:
            one.is_over = True  # whoever asks it now closes it
            if one.fetcher and not one.busy:
                one.fetcher.close()
        self._feeds[tenant.tenant] = [_Feeding(tenant, feed) for feed in feeds]

    def look(self) -> None:
        """Have those feeds asked that are due."""
        now = time.monotonic()
        for one in (one for feeds in self._feeds.values() for one in feeds):
            if not one.busy and one.due_at <= now:
                one.busy = True
                self._threads.submit(self._ask, one)

    def _ask(self, one: _Feeding) -> None:
        """Ask a feed once, and settle when it is asked again."""
        try:
            found = self._entered(one).fetch()
            one.pause = 0.0 if found else _NOTHING_SECONDS
        except NotEntitled:
            one.pause = _CONTRACT_SECONDS
            tried(partial(self._look_at_volume, one), "a queue's length is not known", tenant=one.tenant.tenant)
        except (CallFailed, Refused) as problem:
            _LOG.warning(
                "logs cannot be fetched", tenant=one.tenant.tenant, source=one.feed.source, problem=str(problem)
            )
            one.pause = min(_LONGEST_SECONDS, max(_FAILED_SECONDS, 2 * one.pause))
        except Exception:  # noqa: BLE001 - a defect ends one question, not the feed
            _LOG.exception("a defect of the program", tenant=one.tenant.tenant, source=one.feed.source)
            one.pause = _LONGEST_SECONDS
        if one.is_over and one.fetcher:
            one.fetcher.close()
        one.due_at, one.busy = time.monotonic() + one.pause, False

    def _look_at_volume(self, one: _Feeding) -> None:
        """Count what has come to a feed since it was looked last, while its logs are suspended: by number alone."""
        world, now = self._world, self._world.clock.now()
        store = world.home.tenant(one.tenant.tenant)
        if not suspended_until(book_of(store).suspensions, now) and not room(store, now).is_probed:
            return
        entrance = Entrance(world, one.tenant, "logs.volume")
        feed = entrance.enter(one.feed)
        try:
            before, one.waiting = one.waiting, feed.waiting()
        except CallFailed as failure:
            raise Refused(f"the queue does not say how many messages wait ({failure.code})") from None
        finally:
            feed.close()
        if before is not None and one.waiting > before:
            count_not_fetched(store, one.feed.source, one.waiting - before, world.clock.now(), SCHEDULE)

    def _entered(self, one: _Feeding) -> Fetcher:
        """Return what fetches a feed; raises `NotEntitled`, and `Refused` where it cannot be entered."""
        entrance = Entrance(self._world, one.tenant, "logs.take")
        entrance.ask()
        if room(self._world.home.tenant(one.tenant.tenant), self._world.clock.now()).is_probed:
            raise NotEntitled("the tenant's logs are let in by and by after a suspension")
        if one.fetcher is None:
            name, source = one.tenant.tenant, one.feed.source
            post = Post(
                feed=entrance.enter(one.feed),
                source=source,
                signs=signs_of(source),
                spool=self._spools(name),
                store=self._world.home.tenant(name),
                clock=self._world.clock,
                person=SCHEDULE,
                hand=lambda fetched: self._hand(name, source, fetched),
            )
            one.fetcher = Fetcher(post)
        return one.fetcher
