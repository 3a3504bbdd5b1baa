"""Tenants of whom logs come minute by minute, by a clock that tests move, and what is decided on them."""

import io
from collections import deque
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any, TextIO

from msgspec.structs import replace

from catalog.access import load
from catalog.folder import config_folder
from contract.suspension_settings import InForce
from model.canonical import instant
from model.contract_record import ContractRecord, SettingRecord
from model.log_stage import StageRow
from model.log_volume import Cause, LogCount, What, slot_of
from model.person import Actor, Person
from model.suspension_case import StandingJudgement
from model.tenant import Channel
from notifier.message import Ways
from pipeline.access.authorization import Authorizer
from pipeline.intake.measuring import MachineMinute, MachineTenant
from pipeline.suspending.deciding import Deciding
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE
from pipeline.world import Staff, World
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import applied, on_record
from tests.recorded_clouds import TENANT
from tests.worlds import world_of

FLOODING, CALM = "aozora", "midori"
SOURCE, COMMITTED, CAPACITY = "aws.cloudtrail", 100, 1_000
JUDGEMENT = StandingJudgement("2026-01-01", "keiko", "mio")
# Conditions of one contract by which a suspension takes minutes, not an hour.
SHORT = {
    "watch_minutes": 2,
    "limited_massive_minutes": 3,
    "limited_minutes": 3,
    "long_massive_minutes": 5,
    "long_minutes": 6,
    "late_massive_minutes": 2,
    "late_minutes": 3,
    "waiting_minutes": 2,
    "disk_minutes": 3,
    "intake_minutes": 2,
    "dwell_minutes": 1,
    "calm_minutes": 3,
    "share_minutes": 2,
    "period_hours": 1,
    "proposal_hours": 1,
}
STANDING = [InForce("2026", date(2026, 1, 1), JUDGEMENT)]


def world_at(home: Home, clock: MovingClock, screen: TextIO) -> World:
    """Return a world whose staff is notified on a screen."""
    ways = Ways(screen, clock.now)
    return world_of(home, clock, ways=ways, staff=lambda: Staff([Channel("soc", "console")]))


class Floods:
    """A home with tenants whose committed rate is known, heard long ago, and a service that decides on them."""

    def __init__(
        self, home: Home, clock: MovingClock, editions: Sequence[InForce] = STANDING, own: Mapping[str, int] = SHORT
    ) -> None:
        self.home, self.clock, self.screen = home, clock, io.StringIO()
        clock.moment = clock.now().replace(second=0, microsecond=0)
        at = instant(clock.now() - timedelta(days=60))
        for tenant in (FLOODING, CALM):
            applied(home, replace(TENANT, tenant=tenant), at)
            on_record(home, tenant, SettingRecord(RECORDS_PER_MINUTE, COMMITTED), at)
            self.come(tenant, 1, when=clock.now() - timedelta(days=40))
        with home.tenant(FLOODING).write(at, "p") as writer:
            first = len(writer.contract.all()) + 1
            writer.add_contract(
                ContractRecord(number, SettingRecord(f"suspension.{key}", value), "2026-01-01", at, "p")
                for number, (key, value) in enumerate(own.items(), start=first)
            )
        with home.service.observe(at, "p") as session:
            for name in ("keiko", "mio"):
                session.people.put(Person(name, name, "ja", ("lead",), "all", at))
        self.world = world_at(home, clock, self.screen)
        self.editions = editions
        self.measured: deque[tuple[datetime, MachineMinute]] = deque()
        self.deciding = self.another()

    def another(self, machine: str = "m1") -> Deciding:
        """Return a service of the same home, as one begins that was killed, or a second one beside."""
        return Deciding(self.world, machine, self.measured, lambda: self.editions)

    def come(
        self,
        tenant: str,
        records: int,
        what: What = "offered",
        cause: Cause = "customer",
        when: datetime | None = None,
        cpu_us: int = 0,
    ) -> None:
        """Let records come now, or at another moment."""
        slot = slot_of(when or self.clock.now())
        with self.home.tenant(tenant).observe(slot, "p") as writer:
            writer.logs.add([LogCount(SOURCE, slot, what, cause, records, 100 * records, cpu_us)])

    def minute(
        self,
        records: int,
        *,
        wait: int = 0,
        growth: int = 0,
        free: int = 10**12,
        refusing_us: int = 0,
        decide: bool = True,
    ) -> None:
        """Let a minute go by in which one tenant sends so many records, and the other one what is calm."""
        began = self.clock.now()
        if records:
            self.come(FLOODING, records)
        if refusing_us:
            self.come(FLOODING, 1, "refused", cpu_us=refusing_us)
        self.come(CALM, 50)
        self.clock.sleep(60)
        tenants: Mapping[str, MachineTenant] = {
            FLOODING: MachineTenant({0: min(records, 900)}, growth),
            CALM: MachineTenant({wait: 50}, 10),
        }
        self.measured.append((began, MachineMinute(CAPACITY, free, tenants)))
        if decide:
            self.clock.sleep(6)
            self.deciding.step()
            self.clock.sleep(-6)

    def minutes(self, number: int, records: int, **more: Any) -> None:
        """Let minutes go by that are all alike."""
        for _ in range(number):
            self.minute(records, **more)

    def changes(self, tenant: str = FLOODING) -> list[StageRow]:
        """Return how a tenant's stage changed."""
        with self.home.tenant(tenant).read() as reader:
            return reader.stages.all()

    def stages(self, tenant: str = FLOODING) -> list[tuple[str, str]]:
        """Return what a tenant's stage became, and why."""
        return [(one.after, one.reason) for one in self.changes(tenant)]


def as_(floods: Floods, name: str = "rei", *roles: str) -> Authorizer:
    """Return the stores as somebody may use them who has signed in, a lead without other roles."""
    actor = Actor(name, roles or ("lead",), "all", kind="sign-in")
    return Authorizer(floods.home, load(config_folder()), actor, floods.clock)
