"""The process that takes monitoring logs in: `python -m pipeline.serving.intake HOME PARENT`."""

import fcntl
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pipeline.intake.service import IntakeService, Spools, Threads
from pipeline.log_spool import FETCHED, PUSHED, spools_in
from pipeline.serving.beside import Beside, world_beside

_WRITERS, _FETCHERS, _BESIDE = 4, 8, 2
_GRACE_SECONDS = 20.0


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
            service = IntakeService(world_beside(folder), spools, Threads(writing, fetching, beside))
            process.repeat(service.step)
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
