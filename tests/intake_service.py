"""The intake of a home, in this process, until nothing waits."""

import io
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from notifier.message import Ways
from pipeline.clock import SystemClock
from pipeline.intake.service import IntakeService, Spools, Threads
from pipeline.log_spool import FETCHED, PUSHED, spools_in
from pipeline.world import World, world_in
from store.home import Home

_MOST_SECONDS = 20.0


def process_all(
    folder: Path, home: Home, until: Callable[[], bool] = lambda: True, seconds: float = _MOST_SECONDS
) -> None:
    """Process what waits in a home's folder, as the child of `hinomi serve` does: until nothing does, and it holds.

    That is for so many seconds at most.
    """
    clock = SystemClock()
    world = world_in(folder, home, clock, Ways(io.StringIO(), clock.now))
    process(world, Spools(spools_in(folder, PUSHED), spools_in(folder, FETCHED)), until, seconds)


def process(
    world: World, spools: Spools, until: Callable[[], bool] = lambda: True, seconds: float = _MOST_SECONDS
) -> None:
    """Process what waits in these spools until nothing does, and it holds."""
    with ThreadPoolExecutor(4) as writing, ThreadPoolExecutor(4) as fetching:
        service = IntakeService(world, spools, Threads(writing, fetching, fetching))
        end = time.monotonic() + seconds
        while True:
            service.step()
            if service.is_idle and until():
                break
            assert time.monotonic() < end, "it never ends"
        service.end(5)
