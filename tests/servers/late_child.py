"""Workers in processes of their own: one that falls asleep in mid-job, and one that does whatever job there is."""

import sys
import threading
import time
from datetime import timedelta
from pathlib import Path

from model.asset import Asset
from model.canonical import digest, instant
from pipeline.clock import SystemClock
from pipeline.serving.jobs import JobWorker, claim, fence_of, holding, settle
from tests.homes import home_at

_LONGEST_SECONDS = 60.0


def drain(address: str, file: str, others: str) -> None:
    """Do the jobs that there are, one after another, and write their ids into a file.

    The first is held until so many `others` have one too: else whoever starts first may do all of them.
    """
    home, worker = home_at(address), JobWorker(Path(file).name, SystemClock())
    with Path(file).open("w", encoding="utf-8") as done:
        while job := claim(home, worker):
            print(job.id, file=done, flush=True)
            _wait_for(Path(file).parent, int(others))
            settle(home, job, worker, "done", "")


def _wait_for(folder: Path, number: int) -> None:
    """Wait until so many files of a folder have something in them."""
    until = time.monotonic() + _LONGEST_SECONDS
    while sum(file.stat().st_size > 0 for file in folder.iterdir()) < number:
        assert time.monotonic() < until, "the others never came"
        time.sleep(0.01)


def main(address: str, seconds: str) -> None:
    """Take a job that is held for so many seconds, say so, wait to be frozen, write."""
    home, clock = home_at(address), SystemClock()
    worker = JobWorker("early", clock, timedelta(seconds=float(seconds)))
    job = claim(home, worker)
    assert job
    with holding(home, job, worker, threading.Event()):
        print("holding", flush=True)
        sys.stdin.readline()  # frozen here, and woken up much later
        asset = Asset("aws.s3.bucket", "arn:aws:s3:::late", "late", "1", "global", {}, digest({}))
        with home.tenant(job.tenant).write(instant(clock.now()), "early", fence_of(job)) as writer:
            writer.put_assets([asset], instant(clock.now()))
    print("wrote", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
