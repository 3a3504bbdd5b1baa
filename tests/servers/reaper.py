"""Kills the process that it is in, at a point that is named beforehand."""

import os
import signal


class Reaper:
    """Counts what happens; a point is `KIND:NUMBER`, and `none:0` never comes."""

    def __init__(self, point: str) -> None:
        kind, number = point.split(":")
        self._kind, self._left = kind, int(number)

    def comes(self, kind: str) -> None:
        if kind == self._kind:
            self._left -= 1
            if self._left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
