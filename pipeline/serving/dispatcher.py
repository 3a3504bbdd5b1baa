"""The process that notifies people between scans, and beside them: `python -m pipeline.serving.dispatcher HOME PARENT`.

Deliveries that failed are tried again here, too.
"""

import sys
import time
from collections.abc import Collection, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor, wait
from pathlib import Path

from model.fault import Refused
from model.finding import CATEGORIES, JUDGED, Category
from model.person import SCHEDULE
from model.tenant import Tenant
from pipeline.logs import logger
from pipeline.notifying.notify import Notified, notify
from pipeline.serving.beside import Beside, world_beside
from pipeline.serving.work import catalog_for_changes
from pipeline.tenants.applied import applied_tenants, filed_tenant
from pipeline.world import Task, World
from store.rows import Fence
from store.tenant import TenantStore

_LOG = logger()
# After what kept people from being notified, it is tried again in so many seconds.
_REST_SECONDS = 30.0
_LOOK_SECONDS, _KNOWN_SECONDS = 2.0, 10.0
_THREADS = 8


class Dispatcher:
    """Notifies people of all tenants of what is new.

    What scans judge waits while a job of the tenant runs: whatever a scan finds of one policy is one alert.
    """

    def __init__(self, world: World, threads: Executor) -> None:
        """Each tenant's people are notified by one of the `threads`: whose channel hangs keeps nobody else waiting."""
        self._world = world
        self._threads = threads
        self._doing: dict[str, Future[Notified]] = {}
        self._resting: dict[str, float] = {}
        self._stores: dict[str, TenantStore] = {}
        self._known: Sequence[Tenant] = ()
        self._known_until = float("-inf")

    def look(self, patience: float | None = None) -> int:
        """Notify people of all that is new now; return how many alerts and deliveries that were.

        After so many seconds (`patience`) what is not done yet goes on, and counts the next time.
        """
        busy = self._busy()
        for tenant in self._tenants():
            name = tenant.tenant
            if name not in self._doing and self._resting.get(name, 0.0) <= time.monotonic():
                of = _beside_scans() if name in busy else CATEGORIES
                self._doing[name] = self._threads.submit(self._try, tenant, of)
        finished, _ = wait(self._doing.values(), timeout=patience)
        ended = {name: future.result() for name, future in self._doing.items() if future in finished}
        for name, said in ended.items():
            del self._doing[name]
            if said.problems:
                self._resting[name] = time.monotonic() + _REST_SECONDS
        return sum(said.alerts + sum(said.deliveries.values()) for said in ended.values())

    def _try(self, tenant: Tenant, of: Collection[Category]) -> Notified:
        try:
            return self._look_at(tenant, of)
        except Refused as refused:
            _LOG.warning("people are not notified", tenant=tenant.tenant, problem=str(refused))
            return Notified(0, {}, {}, [str(refused)])
        except Exception as problem:  # noqa: BLE001 - a defect over one tenant keeps nobody else from being notified
            _LOG.error("a defect of the program", tenant=tenant.tenant, exc_info=problem)
            return Notified(0, {}, {}, [type(problem).__name__])

    def _look_at(self, tenant: Tenant, of: Collection[Category]) -> Notified:
        store, now = self._store(tenant.tenant), self._world.now
        with store.read() as reader:
            new = reader.unnotified_categories() & set(of)
            is_due = bool(new) or bool(reader.deliveries("queued", now))
        if not is_due:
            return Notified(0, {}, {}, [])
        tenant = filed_tenant(self._world.home, tenant.tenant)  # a channel may be newer than what was read before
        catalog = catalog_for_changes(store, [])
        task = Task(tenant, store, catalog, SCHEDULE, now, Fence(f"tell:{tenant.tenant}", 0))
        return notify(self._world, task, 0.0, of)

    def _tenants(self) -> Sequence[Tenant]:
        """Return the tenants as their files said not long ago: reading all of them takes longer than looking at one."""
        if time.monotonic() >= self._known_until:
            self._known = [tenant for tenant, _ in applied_tenants(self._world.home)[0]]
            self._known_until = time.monotonic() + _KNOWN_SECONDS
        return self._known

    def _store(self, name: str) -> TenantStore:
        if name not in self._stores:
            self._stores[name] = self._world.home.tenant(name)
        return self._stores[name]

    def _busy(self) -> set[str]:
        """Return the tenants of which a job runs."""
        with self._world.home.service.read() as session:
            now = self._world.now
            return {job.tenant for job in session.jobs.open() if job.state == "running" and job.held_until > now}


def _beside_scans() -> Collection[Category]:
    return tuple(one for one in CATEGORIES if one not in JUDGED)


def main(folder: Path, parent: int) -> None:
    """Notify people of a home's tenants until SIGTERM, or until the parent, by its process id, is gone."""
    process = Beside(parent)
    with ThreadPoolExecutor(_THREADS, "dispatcher") as threads:
        dispatcher = Dispatcher(world_beside(folder), threads)

        def step() -> None:
            dispatcher.look(_LOOK_SECONDS)
            process.pause(_LOOK_SECONDS)

        process.repeat(step)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
