"""The process that takes monitoring logs in: `python -m pipeline.serving.intake HOME PARENT`.

It decides on suspensions too, beside: what they rest on is measured here.
"""

import fcntl
import os
import socket
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pipeline.intake.every import Every
from pipeline.intake.service import IntakeService, Spools, Threads
from pipeline.log_spool import FETCHED, PUSHED, spools_in
from pipeline.serving.beside import Beside, world_beside
from pipeline.suspending.deciding import Deciding

_WRITERS, _FETCHERS, _BESIDE = 4, 8, 3
_GRACE_SECONDS, _DECIDE_SECONDS = 20.0, 2.0


def main(folder: Path, parent: int) -> None:
    """Process what comes in at a home's folder until SIGTERM, or until the parent, by its process id, is gone."""
    process = Beside(parent)
    with (
        _alone(folder, process) as is_alone,
        ThreadPoolExecutor(_WRITERS, "writer") as writing,
        ThreadPoolExecutor(_FETCHERS, "fetcher") as fetching,
        ThreadPoolExecutor(_BESIDE, "beside") as beside,
    ):
        if is_alone:
            spools = Spools(spools_in(folder, PUSHED), spools_in(folder, FETCHED))
            world = world_beside(folder)
            service = IntakeService(world, spools, Threads(writing, fetching, beside))
            deciding = Deciding(world, f"{socket.gethostname()}:{os.getpid()}", service.measured)
            decide = Every(_DECIDE_SECONDS, deciding.step, beside)

            def step() -> None:
                decide.come(time.monotonic())
                service.step()

            process.repeat(step)
            service.end(_GRACE_SECONDS)


@contextmanager
def _alone(folder: Path, process: Beside) -> Iterator[bool]:
    """Yield True once this is the only process that processes what waits in a home's folder; False where it is over.

    Two services on one machine may have the same home; what waits is in files of this machine.
    """
    spool = folder / PUSHED
    spool.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (spool.parent / "lock").open("w") as lock:
        while not process.is_over():
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                process.pause()
            else:
                yield True
                return
        yield False


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
