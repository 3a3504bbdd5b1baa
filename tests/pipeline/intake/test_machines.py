"""Several machines share a database: each processes what came to it, and nothing is lost or counted twice."""

import io
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from catalog import access as access_files
from catalog.folder import config_folder
from model.canonical import instant
from model.log_volume import LogPiece
from model.person import Actor
from model.tenant import Contract, Tenant
from model.text import Text
from notifier.message import Ways
from pipeline.access.authorization import Authorizer
from pipeline.clock import SystemClock
from pipeline.intake.pushing import Push, push
from pipeline.intake.service import IntakeService, Spools, Threads
from pipeline.intake.volume import volumes
from pipeline.log_segments import segments_in
from pipeline.log_spool import FETCHED, PUSHED, spools_in
from store.home import Home
from tests.cloudtrail import lines
from tests.contracts import applied
from tests.worlds import world_of

TENANT, SOURCE = "aozora", "aws.cloudtrail"


class Machine:
    """What one machine has: a folder of its own, and a process that processes what waits there."""

    def __init__(self, folder: Path, home: Home) -> None:
        self.folder, self.home = folder, home
        self.actor = Actor("m", (), (TENANT,), kind="machine", action="logs.push", source=SOURCE)

    def push(self, first: int, last: int) -> int:
        body = "\n".join(lines(first, last, (datetime.now(UTC) - timedelta(hours=1)).isoformat())).encode()
        authorizer = Authorizer(self.home, access_files.load(config_folder()), self.actor, SystemClock())
        return push(authorizer, spools_in(self.folder), Push(TENANT, SOURCE, body), SystemClock()).offered

    def process(self, until: Callable[[], bool] | None = None) -> None:
        """Process what waits, until nothing does or until it holds."""
        clock = SystemClock()
        world = world_of(self.home, clock, ways=Ways(io.StringIO(), clock.now), segments=segments_in(self.folder))
        spools = Spools(spools_in(self.folder, PUSHED), spools_in(self.folder, FETCHED))
        with ThreadPoolExecutor(2) as threads:
            service = IntakeService(world, spools, Threads(threads, threads, threads))
            end = time.monotonic() + 20
            while not (until() if until else service.is_idle):
                service.step()
                assert time.monotonic() < end, "it never ends"
            service.end(5)


def enter(home: Home) -> None:
    tenant = Tenant(TENANT, Text(TENANT, TENANT), contract=Contract(date(2026, 1, 1)))
    applied(home, tenant, instant(datetime.now(UTC) - timedelta(days=1)))


def test_a_piece_that_the_store_comes_to_know_late_is_found(home: Home, tmp_path: Path) -> None:
    """Its file is there before the transaction ends that makes it known."""
    enter(home)
    machine, store, clock = Machine(tmp_path, home), home.tenant(TENANT), SystemClock()
    body = "\n".join(lines(1, 5, (datetime.now(UTC) - timedelta(hours=1)).isoformat())).encode()
    spools_in(tmp_path)(TENANT).put(SOURCE, "late", [body])
    began, is_known = time.monotonic(), False

    def is_processed() -> bool:
        nonlocal is_known
        if not is_known and time.monotonic() - began > 0.5:
            now, is_known = clock.now(), True
            with store.observe(instant(now), "p") as writer:
                writer.logs.put_piece(LogPiece(SOURCE, "late", "content", "", instant(now), offered=5))
        return [one.processed for one in volumes(store)] == [5]

    machine.process(is_processed)


def test_machines_share_a_source(home: Home, tmp_path: Path) -> None:
    enter(home)
    machines = [Machine(tmp_path / name, home) for name in ("one", "two", "three")]
    offered = sum(
        machine.push(100 * number + 50 * place, 100 * number + 50 * place + 99)
        for place, machine in enumerate(machines)
        for number in range(8)
    )
    running = [threading.Thread(target=machine.process) for machine in machines]
    for one in running:
        one.start()
    for one in running:
        one.join()
    (found,) = volumes(home.tenant(TENANT))
    assert (found.offered, found.waiting, found.malformed) == (offered, 0, 0) == (2_400, 0, 0)
    assert (found.processed, found.duplicate) == (900, 1_500), "what came to several was processed once"
