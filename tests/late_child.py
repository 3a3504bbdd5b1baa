"""A worker in a process of its own that falls asleep in mid-job: takes a job, says so, waits to be frozen, writes.

Arguments: address of the home, seconds for which a job is held.
"""

import sys
import threading
from datetime import timedelta

from model.asset import Asset
from model.canonical import digest, instant
from pipeline.clock import SystemClock
from pipeline.jobs import Worker, claim, holding
from tests.homes import home_at


def main(address: str, seconds: str) -> None:
    home, clock = home_at(address), SystemClock()
    worker = Worker("early", clock, timedelta(seconds=float(seconds)))
    job = claim(home, worker)
    assert job
    with holding(home, job, worker, threading.Event()) as turn:
        print("holding", flush=True)
        sys.stdin.readline()  # frozen here, and woken up much later
        asset = Asset("aws.s3.bucket", "arn:aws:s3:::late", "late", "1", "global", {}, digest({}))
        with home.tenant(job.tenant).write(instant(clock.now()), "early", turn.fence) as writer:
            writer.put_assets([asset], instant(clock.now()))
    print("wrote", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
