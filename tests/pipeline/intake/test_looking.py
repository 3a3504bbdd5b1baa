"""What waits is found again, whatever kept it from being looked at, and however much waits."""

import io
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from catalog import access as access_files
from catalog.folder import config_folder
from intake.accounting import offered
from model.canonical import instant
from model.fault import Refused
from model.log_volume import LogPiece, Volume, slot_of
from model.person import Actor
from model.tenant import Contract, Tenant
from model.text import Text
from notifier.message import Ways
from pipeline.access.authorization import Authorizer
from pipeline.clock import SystemClock
from pipeline.installation import make, open_home
from pipeline.intake.pushing import Push, push
from pipeline.intake.service import IntakeService, Spools, Threads
from pipeline.intake.volume import volumes
from pipeline.log_spool import FETCHED, PUSHED, spools_in
from pipeline.world import world_in
from tests.cloudtrail import lines
from tests.contracts import applied

TENANTS, SOURCE = ("aozora", "midori"), "aws.cloudtrail"


class Machine:
    """A machine with two tenants, and the intake of what comes to it."""

    def __init__(self, folder: Path, threads: ThreadPoolExecutor) -> None:
        make(folder, config_folder() / "example" / "installation.yaml")
        self.folder, self.home, clock = folder, open_home(folder), SystemClock()
        for name in TENANTS:
            tenant = Tenant(name, Text(name, name), contract=Contract(date(2026, 1, 1)))
            applied(self.home, tenant, instant(datetime.now(UTC) - timedelta(days=1)))
        world = world_in(folder, self.home, clock, Ways(io.StringIO(), clock.now))
        spools = Spools(spools_in(folder, PUSHED), spools_in(folder, FETCHED))
        self.service = IntakeService(world, spools, Threads(threads, threads, threads))

    def push(self, tenant: str, number: int) -> None:
        """Push ten events."""
        at = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
        body = "\n".join(lines(10 * number, 10 * number + 9, at)).encode()
        actor = Actor("m", (), (tenant,), kind="machine", action="logs.push", source=SOURCE)
        authorizer = Authorizer(self.home, access_files.load(config_folder()), actor, SystemClock())
        assert push(authorizer, spools_in(self.folder), Push(tenant, SOURCE, body), SystemClock()).accepted == 10

    def go_on(self, until: Callable[[], bool], seconds: float = 10.0) -> bool:
        """Go on for so long at most, as the process does; return whether it has come to be so."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(Refused):
                self.service.step()
            if until():
                return True
        return False

    def volume(self, tenant: str) -> Volume:
        return volumes(self.home.tenant(tenant))[0]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    with ThreadPoolExecutor(4) as threads:
        made = Machine(tmp_path / "home", threads)
        assert made.go_on(lambda: made.service.is_idle)
        yield made
        made.service.end(5)


def test_what_came_as_the_store_was_away_is_processed_once_it_is_back_and_holds_up_nobody(machine: Machine) -> None:
    file = machine.folder / "tenants" / f"{TENANTS[0]}.sqlite"
    for name in TENANTS:
        machine.push(name, 1)
    away = file.rename(file.with_name("away"))
    file.mkdir()
    assert machine.go_on(lambda: machine.volume(TENANTS[1]).processed == 10), "another tenant's"
    assert not machine.go_on(lambda: False, 0.3)
    file.rmdir()
    away.rename(file)
    assert machine.go_on(lambda: machine.volume(TENANTS[0]).processed == 10, 5)


def test_more_than_is_added_at_one_look_is_processed_too(machine: Machine) -> None:
    store, spool, at = machine.home.tenant(TENANTS[0]), spools_in(machine.folder)(TENANTS[0]), datetime.now(UTC)
    ids = [sha256(bytes([number])).hexdigest() for number in range(130)]
    with store.observe(instant(at), "p") as writer:
        for number, id_ in enumerate(ids):
            spool.put(SOURCE, id_, [lines(number, number, instant(at))[0].encode()])
            writer.logs.put_piece(LogPiece(SOURCE, id_, id_, "", instant(at), offered=1))
        writer.logs.add(offered(SOURCE, slot_of(at), {"customer": (len(ids), 1)}))
    assert machine.go_on(lambda: machine.service.is_idle)
    found = machine.volume(TENANTS[0])
    assert (found.offered, found.processed, found.waiting) == (130, 130, 0)


def test_a_piece_that_cannot_be_read_holds_up_none_behind_it(machine: Machine) -> None:
    machine.push(TENANTS[0], 1)
    (file,) = (one for one in (machine.folder / PUSHED / TENANTS[0]).rglob("*.ordinary"))
    away = file.rename(file.with_name("away"))
    file.mkdir()
    for number in (2, 3):
        machine.push(TENANTS[0], number)
    assert machine.go_on(lambda: machine.volume(TENANTS[0]).processed == 20)
    assert machine.volume(TENANTS[0]).waiting == 10
    file.rmdir()
    away.rename(file)
    assert machine.go_on(lambda: machine.volume(TENANTS[0]).processed == 30, 40)
