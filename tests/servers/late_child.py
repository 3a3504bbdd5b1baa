"""Workers in processes of their own: one that falls asleep in mid-job, and one that does whatever job there is."""

import sys
import threading
from datetime import timedelta
from pathlib import Path

from model.asset import Asset
from model.canonical import digest, instant
from pipeline.clock import SystemClock
from pipeline.serving.jobs import JobWorker, claim, fence_of, holding, settle
from tests.homes import home_at


def drain(address: str, name: str, file: str) -> None:
    """Do the jobs that there are, one after another, and write their ids into a file."""
    home, worker = home_at(address), JobWorker(name, SystemClock())
    with Path(file).open("w", encoding="utf-8") as done:
        while job := claim(home, worker):
            done.write(f"{job.id}\n")
            settle(home, job, worker, "done", "")


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
