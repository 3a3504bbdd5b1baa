"""A process beside the jobs: it does the same again and again, until its parent ends it or is gone."""

import io
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from notifier.message import Ways
from pipeline.clock import SystemClock
from pipeline.installation import open_home
from pipeline.logs import set_up, tried
from pipeline.process import begin
from pipeline.world import World, world_in

_PAUSE_SECONDS = 1.0


class Beside:
    """This process, as the child of a parent (its process id)."""

    def __init__(self, parent: int) -> None:
        begin()
        set_up()
        self._parent = parent
        self._stop = threading.Event()
        signal.signal(signal.SIGTERM, lambda _signal, _frame: self._stop.set())
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the supervisor

    def is_over(self) -> bool:
        """Return whether the process is to end: its parent has said so, or was killed."""
        return self._stop.is_set() or os.getppid() != self._parent

    def pause(self, seconds: float = _PAUSE_SECONDS) -> None:
        """Wait a moment, no longer than until the parent says that it is over."""
        self._stop.wait(seconds)

    def repeat(self, step: Callable[[], None]) -> None:
        """Do a step again and again until it is over; what goes wrong in one is said, and the next one is done."""
        while not self.is_over():
            if not tried(step, "the stores cannot be used"):
                self.pause()


def world_beside(folder: Path) -> World:
    """Return what a process beside the jobs has of the world; its terminal is nobody's."""
    clock = SystemClock()
    return world_in(folder, open_home(folder), clock, Ways(io.StringIO(), clock.now))
