"""What the gate takes: a decision over 300 records, and its part of a scan of about 900 resources.

The calls of a scan are counted by a profiler in one scan, and their part is of the processor time of another.
"""

import cProfile
import io
import os
import pstats
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from statistics import median

import msgspec

from bench import account
from catalog.folder import config_folder
from contract.gate import decide
from contract.records import Book
from contract.taking_over import records_of
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from model.canonical import instant
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    Evidence,
    ItemRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    What,
)
from model.tenant import AwsScope, Contract, Tenant
from model.text import Text
from notifier.message import Ways
from pipeline.clock import SystemClock
from pipeline.installation import make, open_home
from pipeline.serving.jobs import new_job
from pipeline.serving.work import claimed_now, work
from pipeline.tenants.gate import decided
from pipeline.tenants.terms import terms
from pipeline.world import World, world_in

_RECORDS, _ROUNDS, _AT_ONCE = 300, 15, 200
_START = date(2020, 1, 1)
_TENANT = "bench"


def main() -> None:
    """Print microseconds of processor time a decision, medians of rounds."""
    at, found = datetime(2026, 6, 1, tzinfo=UTC), _records()
    book = Book(found, terms())
    anew = [_microseconds(lambda: decide("look", Book(found, terms()), at)) for _ in range(_ROUNDS)]
    again = [_microseconds(lambda: decide("look", book, at)) for _ in range(_ROUNDS)]
    print(f"{_RECORDS} records: {median(anew):.0f} µs a decision with sorting out, {median(again):.1f} µs without")
    _of_a_scan()


def _of_a_scan() -> None:
    """Print how often a scan asks, and which part of its processor time that is."""
    emulator = Emulator(managed_policies=False)
    try:
        resources = account.build(emulator)
        os.environ.update(emulator.environment())
        with tempfile.TemporaryDirectory() as folder:
            world = _world(Path(folder))
            profile = cProfile.Profile()
            profile.runcall(_scan, world)
            asked = int(pstats.Stats(profile).get_stats_profile().func_profiles["decided"].ncalls)
            began = time.process_time()
            _scan(world)
            took = time.process_time() - began
            store, now = world.home.tenant(_TENANT), world.clock.now()
            one = median(_microseconds(lambda: decided(store, "look", now), 50) for _ in range(_ROUNDS))
        part = asked * one / 1_000_000 / took
        print(
            f"a scan of {resources} resources: {asked} questions of {one:.0f} µs each, with the records read from the "
            f"store, are {part:.2%} of its {took:.1f} s of CPU"
        )
    finally:
        emulator.stop()


def _world(folder: Path) -> World:
    make(folder, config_folder() / "example" / "installation.yaml")
    home, clock = open_home(folder), SystemClock()
    tenant = Tenant(_TENANT, Text("Bench", "Bench"), scopes=[AwsScope(ACCOUNT, regions=[account.REGION])])
    contract = Contract(clock.now().date() - timedelta(days=30))
    at = instant(clock.now())
    records = records_of(contract, terms().menus, at, "bench", Evidence("bench.yaml", "0" * 64))
    home.apply(_TENANT, msgspec.to_builtins(tenant), at, "bench", records)
    return world_in(folder, home, clock, Ways(io.StringIO(), clock.now))


def _scan(world: World) -> None:
    with claimed_now(world, new_job("scan", _TENANT, world.clock.now(), "bench")) as job:
        done = work(world, job, threading.Event())
    assert done.state == "done", done.outcome


def _records() -> list[ContractRecord]:
    whats: list[What] = [OrderRecord(_START), AcceptanceRecord(1), ItemRecord("base", _START), AcceptanceRecord(3)]
    while len(whats) < _RECORDS:
        day = _START + timedelta(days=7 * len(whats))
        if len(whats) % 3:
            whats.append(SettingRecord("changes.customer_approves", bool(len(whats) % 2)))
        else:
            whats.append(SuspensionRecord(day.isoformat(), "a flood", (day + timedelta(days=2)).isoformat()))
    at = "2020-01-01T00:00:00.000000Z"
    return [ContractRecord(number, what, _START.isoformat(), at, "p") for number, what in enumerate(whats, start=1)]


def _microseconds(do: Callable[[], object], times: int = _AT_ONCE) -> float:
    began = time.process_time()
    for _ in range(times):
        do()
    return (time.process_time() - began) * 1_000_000 / times


if __name__ == "__main__":
    main()
