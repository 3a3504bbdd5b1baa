"""The process that takes monitoring logs in: `python -m pipeline.serving.intake HOME PARENT`."""

import fcntl
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from model.fault import Refused
from notifier.message import Ways
from pipeline.clock import SystemClock
from pipeline.installation import open_home
from pipeline.intake.service import Service, Spools, Threads
from pipeline.log_spool import FETCHED, PUSHED, spools_in
from pipeline.logs import logger, set_up
from pipeline.process import begin
from pipeline.world import world_in

_LOG = logger()
_WRITERS, _FETCHERS = 4, 8
_GRACE_SECONDS, _PAUSE_SECONDS = 20.0, 1.0


def main(folder: Path, parent: int) -> None:
    """Process what waits in a home's folder until SIGTERM, or until the parent, by its process id, is gone."""
    begin()
    set_up()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor
    home, clock = open_home(folder), SystemClock()

    def is_over() -> bool:
        return stop.is_set() or os.getppid() != parent

    with (
        _alone(folder, is_over) as is_alone,
        ThreadPoolExecutor(_WRITERS, "writer") as writing,
        ThreadPoolExecutor(_FETCHERS, "fetcher") as fetching,
    ):
        if not is_alone:
            return
        world = world_in(folder, home, clock, Ways(io.StringIO(), clock.now))
        spools = Spools(spools_in(folder, PUSHED), spools_in(folder, FETCHED))
        service = Service(world, spools, Threads(writing, fetching))
        while not is_over():
            try:
                service.step()
            except Refused as refused:  # a database that is away comes back
                _LOG.warning("the stores cannot be used", problem=str(refused))
                time.sleep(_PAUSE_SECONDS)
            except Exception:  # noqa: BLE001 - one defect would leave everybody's logs unread
                _LOG.exception("a defect of the program")
                time.sleep(_PAUSE_SECONDS)
        service.end(_GRACE_SECONDS)


@contextmanager
def _alone(folder: Path, is_over: Callable[[], bool]) -> Iterator[bool]:
    """Yield True once this is the only process that processes what waits in a home's folder; False where it is over.

    Two services on one machine may have the same home; what waits is in files of this machine.
    """
    spool = folder / PUSHED
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (spool.parent / "lock").open("w") as lock:
        while not is_over():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_PAUSE_SECONDS)
            else:
                yield True
                return
        yield False


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
