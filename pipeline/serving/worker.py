"""A worker's process: does one job that the supervisor has claimed, and ends."""

import io
import signal
import sys
import threading
from pathlib import Path

from notifier.message import Ways
from pipeline.clock import SystemClock
from pipeline.installation import open_home
from pipeline.logs import set_up
from pipeline.process import begin
from pipeline.serving.work import work
from pipeline.world import world_in


def main(folder: str, job_id: str, name: str) -> int:
    """Do the job `job_id` of the home in a folder; 0 where it ended one way or the other.

    1 where it is not this worker's, by its name.
    """
    begin()
    set_up()
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda _signal, _frame: stop.set())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor
    home, clock = open_home(Path(folder)), SystemClock()
    with home.service.read() as session:
        job = session.jobs.one(job_id)
    if job is None or (job.state, job.holder) != ("running", name):
        return 1
    work(world_in(Path(folder), home, clock, Ways(io.StringIO(), clock.now)), job, stop)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
