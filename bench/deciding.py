"""What deciding on suspensions costs the process that takes logs in, beside a minute: `python -m bench.deciding`."""

import io
import tempfile
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from pathlib import Path

from msgspec.structs import replace

from model.canonical import instant
from model.contract_record import SettingRecord
from model.log_volume import LogCount, What, slot_of
from pipeline.intake.measuring import MachineMinute, MachineTenant
from pipeline.suspending.deciding import Deciding
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE
from tests.conftest import MovingClock
from tests.contracts import applied, on_record
from tests.homes import home_at
from tests.pipeline.suspending.floods import world_at
from tests.recorded_clouds import TENANT

TENANTS, MINUTES, SOURCE = 100, 5, "aws.cloudtrail"


def main() -> None:
    """Print what deciding on a minute costs."""
    clock = MovingClock(datetime(2026, 6, 1, tzinfo=UTC))
    with tempfile.TemporaryDirectory() as folder:
        home = home_at(str(Path(folder) / "home"))
        home.create()
        names = [f"tenant-{number}" for number in range(TENANTS)]
        at = instant(clock.now() - timedelta(days=60))
        for name in names:
            applied(home, replace(TENANT, tenant=name), at)
            on_record(home, name, SettingRecord(RECORDS_PER_MINUTE, 1_000), at)
        measured = deque[tuple[datetime, MachineMinute]]()
        deciding = Deciding(world_at(home, clock, io.StringIO()), "m", measured, list)
        whats: tuple[What, ...] = ("offered", "accepted", "processed")
        took = []
        for _ in range(MINUTES):
            for name in names:
                counts = [
                    LogCount(SOURCE, slot_of(clock.now() + timedelta(seconds=10 * n)), what, "customer", 80)
                    for n in range(6)
                    for what in whats
                ]
                with home.tenant(name).observe(instant(clock.now()), "p") as writer:
                    writer.logs.add(counts)
            began = clock.now()
            tenants = {name: MachineTenant({0: 400, 1: 80}, 10_000) for name in names}
            measured.append((began, MachineMinute(1e6, 10**12, tenants)))
            clock.sleep(66)
            cpu = time.process_time()
            deciding.step()
            took.append(time.process_time() - cpu)
            clock.sleep(-6)
    least = min(took)
    print(f"{TENANTS} tenants: {least * 1_000:.0f} ms of the processor for a minute, {least / 60:.2%} of one core")


if __name__ == "__main__":
    main()
