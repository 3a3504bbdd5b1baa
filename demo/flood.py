"""The demonstration of Article 11: one of two customers floods, by a clock of its own, and by the real settings.

How logs are served and what fills the disk is computed by the scheduler's rule in its fluid form (`intake/fluid.py`);
the stages, the decision, the contract and the page are those of the service.
"""

import io
from collections import deque
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from contract.suspension import TenantMinute
from contract.suspension_settings import InForce
from demo.company import DATA
from intake.fluid import Fluid, Plant
from model.canonical import instant
from model.contract_record import ContractRecord, SettingRecord
from model.log_volume import LogCount, slot_of
from model.person import HOST, Person
from model.suspension_case import StandingJudgement
from model.tenant import Channel, Tenant
from model.text import LANGUAGES, Text
from notifier.message import Ways
from pipeline.installation import make, open_home
from pipeline.intake.measuring import MachineMinute, MachineTenant
from pipeline.suspending.deciding import Deciding
from pipeline.suspending.reading import PageWanted, case, page, suspensions
from pipeline.tenants.contracts import evidence_of
from pipeline.tenants.files import carry_out, load_tenant, plan
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE
from pipeline.world import Staff, World, world_in
from store.home import Home

FLOODING, CALM = "aozora-foods", "midori-books"
TIMES, COMMITTED, CAPACITY, RECORD_BYTES = 100, 600, 2_400, 600
# The disk takes 80 minutes of the flood, most of which waits there: nothing bounds what may wait in the demonstration.
_DISK, _SPOOL = 80 * TIMES * COMMITTED, 1e6
_SOURCE, _QUIET, _MOST = "aws.cloudtrail", 5, 90
_STANDING = InForce("2026", date(2026, 1, 1), StandingJudgement("2025-12-01", "aki", "mio"))


class FloodStory(Struct, frozen=True):
    """What came of the flood: after how many minutes it was suspended, for what reason, and the pages."""

    minutes: int
    reason: str
    pages: list[Path]


class VirtualClock:
    """A clock that only the demonstration moves."""

    def __init__(self, moment: datetime) -> None:
        self.moment = moment

    def now(self) -> datetime:
        """Return the moment."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.moment += timedelta(seconds=seconds)


def flood(folder: Path) -> FloodStory | None:
    """Let one customer flood in a home in a folder, until it is suspended; None where it never is."""
    clock = VirtualClock(datetime(2026, 6, 1, tzinfo=UTC))
    home = _home(folder, clock)
    measured: deque[tuple[datetime, MachineMinute]] = deque()
    staff = Staff([Channel("soc", "console")])  # a terminal that nobody reads
    world = replace(world_in(folder, home, clock, Ways(io.StringIO(), clock.now)), staff=lambda: staff)
    deciding = Deciding(world, "demo", measured, lambda: [_STANDING])
    fluid = Fluid(Plant(dict.fromkeys((FLOODING, CALM), float(COMMITTED)), CAPACITY, disk=_DISK, spool=_SPOOL))
    for number in range(_MOST):
        records = {FLOODING: TIMES * COMMITTED if number >= _QUIET else COMMITTED // 2, CALM: COMMITTED // 2}
        at = clock.now()
        for name, amount in records.items():
            _come(home, name, amount, at)
        found = fluid.minute(number, {name: float(amount) for name, amount in records.items()}, {})
        tenants = {name: _tenant(name, found.tenants) for name in found.tenants}
        measured.append((at, MachineMinute(CAPACITY, round((found.free or 0) * RECORD_BYTES), tenants)))
        clock.sleep(66)
        deciding.step()
        if views := suspensions(FLOODING, home.tenant(FLOODING), clock.now()).suspensions:
            return FloodStory(number + 1 - _QUIET, views[0].reason, _pages(world, folder, views[0].id))
        clock.sleep(-6)
    return None


def _tenant(name: str, found: Mapping[str, TenantMinute]) -> MachineTenant:
    """Return what a process would have measured of a customer in a minute as the fluid form computes it.

    Of two customers, how long one waits is what the other one finds of the others.
    """
    [waits] = [one.others_p99_s for other, one in found.items() if other != name]
    return MachineTenant({round(waits): round(found[name].records)}, round(found[name].growth * RECORD_BYTES))


def _home(folder: Path, clock: VirtualClock) -> Home:
    make(folder, DATA / "installation.yaml")
    home, file = open_home(folder), DATA / "tenant.yaml"
    company = replace(load_tenant(file, []), scopes=[], channels=[])
    now = clock.now()
    clock.moment = now - timedelta(days=60)
    names = {FLOODING: company.name, CALM: Text(en="Midori Books", ja="みどり書店")}
    for name, called in names.items():
        _take_on(home, replace(company, tenant=name, name=called), clock, file)
    with home.service.observe(instant(clock.now()), HOST.name) as session:
        for lead in ("aki", "mio"):
            session.people.put(Person(lead, lead, "ja", ("lead",), "all", instant(clock.now())))
    clock.moment = now
    return home


def _take_on(home: Home, tenant: Tenant, clock: VirtualClock, file: Path) -> None:
    """Take a customer on, of whom logs came before, at a committed rate that is agreed."""
    carry_out(home, plan(home, tenant), clock, HOST.name, evidence_of(file))
    at, store = instant(clock.now()), home.tenant(tenant.tenant)
    with store.write(at, HOST.name) as writer:
        number = len(writer.contract.all()) + 1
        writer.add_contract(
            [ContractRecord(number, SettingRecord(RECORDS_PER_MINUTE, COMMITTED), at[:10], at, HOST.name)]
        )
    _come(home, tenant.tenant, COMMITTED // 2, clock.now())


def _come(home: Home, name: str, records: int, at: datetime) -> None:
    with home.tenant(name).observe(instant(at), HOST.name) as writer:
        writer.logs.add([LogCount(_SOURCE, slot_of(at), "offered", "customer", records, records * RECORD_BYTES)])


def _pages(world: World, folder: Path, id_: str) -> list[Path]:
    store, files = world.home.tenant(FLOODING), list[Path]()
    found = case(store, id_, world.clock.now())
    for language in LANGUAGES:
        file = folder / f"suspension.{language}.html"
        wanted = PageWanted(language, HOST.name, world.now)
        file.write_text(page(store, found, None, wanted), encoding="utf-8")
        files.append(file)
    return files
