"""`hinomi serve`: queues what the schedule asks for, keeps children at work, and ends them gracefully."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from model.job import Job
from pipeline.clock import SystemClock
from pipeline.logs import logger, tried
from pipeline.serving.jobs import JobWorker, claim, give_back, name_of, queue_scheduled
from store.home import Home

_LOG = logger()
_LOOK_SECONDS, _SCHEDULE_SECONDS = 1.0, 15.0
_GRACE_SECONDS = 30.0
_LONGEST_PAUSE_SECONDS = 30.0


class ServeSettings(Struct, frozen=True):
    """What is to run: a home, at most so many scans at once, and the process that answers requests on a socket."""

    folder: Path
    workers: int
    console: Sequence[str]
    socket: int


def _beside(name: str, folder: Path) -> tuple[str, ...]:
    """Return the command of a process beside the jobs (pipeline/serving/beside.py)."""
    return (sys.executable, "-m", f"pipeline.serving.{name}", str(folder), str(os.getpid()))


class Supervisor:
    """Parent of the processes beside and of one for each job; several supervisors share the jobs."""

    def __init__(self, home: Home, settings: ServeSettings) -> None:
        self._home = home
        self._settings = settings
        self._clock = SystemClock()
        self._stopping = False
        self._working: dict[subprocess.Popen[bytes], tuple[Job, JobWorker]] = {}
        self._kept = [
            _Kept("console", settings.console, [settings.socket]),
            *(_Kept(name, _beside(name, settings.folder)) for name in ("intake", "dispatcher")),
        ]
        self._number = 0
        self._scheduled_at = 0.0

    def run(self) -> None:
        """Work until SIGTERM or SIGINT; then let the children end, at most half a minute."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        _LOG.info("serving", workers=self._settings.workers)
        try:
            self._work()
        finally:
            self._end()

    def _work(self) -> None:
        while not self._stopping:
            tried(self._look, "the stores cannot be used")
            time.sleep(_LOOK_SECONDS)

    def _stop(self, number: int, _frame: object) -> None:
        _LOG.info("stopping", signal=signal.Signals(number).name)
        self._stopping = True

    def _look(self) -> None:
        for one in self._kept:
            one.keep()
        self._reap()
        if time.monotonic() - self._scheduled_at >= _SCHEDULE_SECONDS:
            queue_scheduled(self._home, self._clock)
            self._scheduled_at = time.monotonic()
        while len(self._working) < self._settings.workers and not self._stopping:
            worker = JobWorker(name_of(self._number), self._clock)
            job = claim(self._home, worker)
            if job is None:
                return
            self._number += 1
            command = [sys.executable, "-m", "pipeline.serving.worker", str(self._settings.folder), job.id, worker.name]
            self._working[subprocess.Popen(command)] = (job, worker)  # noqa: S603 - our own interpreter and module

    def _reap(self) -> None:
        for process in [process for process in self._working if process.poll() is not None]:
            job, worker = self._working.pop(process)
            if process.returncode:
                _LOG.error("a worker died", job=job.id, status=process.returncode)
                self._release(job, worker)

    def _release(self, job: Job, worker: JobWorker) -> None:
        """Give back at once what a dead worker held; that counts as an attempt unless it was us who ended it."""
        give_back(self._home, job, worker, as_attempt=not self._stopping)

    def _end(self) -> None:
        children = [*self._working, *(process for one in self._kept for process in one.processes())]
        for process in children:
            process.terminate()
        until = time.monotonic() + _GRACE_SECONDS
        for process in children:
            try:
                process.wait(max(0.1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()  # its job is held for a minute more and then taken over
                process.wait()
        self._reap()
        _LOG.info("stopped")


class _Kept:
    """A process that is there all the time; started again when it dies, more slowly each time."""

    def __init__(self, name: str, command: Sequence[str], sockets: Sequence[int] = ()) -> None:
        """It inherits the `sockets`."""
        self._name = name
        self._command = command
        self._sockets = sockets
        self._process: subprocess.Popen[bytes] | None = None
        self._pause = 0.5
        self._not_before = 0.0

    def keep(self) -> None:
        """See to it that the process runs."""
        if self._process and self._process.poll() is None:
            return
        if self._process:
            _LOG.error(f"the {self._name} died", status=self._process.returncode)
            self._process, self._not_before = None, time.monotonic() + self._pause
            self._pause = min(_LONGEST_PAUSE_SECONDS, self._pause * 2)
        if time.monotonic() >= self._not_before:
            self._process = subprocess.Popen(self._command, pass_fds=self._sockets)  # noqa: S603 - our own interpreter and module

    def processes(self) -> list[subprocess.Popen[bytes]]:
        """Return the process, where it runs."""
        return [self._process] if self._process and self._process.poll() is None else []
