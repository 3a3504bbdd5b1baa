"""How fast a service may be asked: a token bucket whose rate rises slowly and is halved when the service objects.

Additive increase, multiplicative decrease: Chiu and Jain, «Analysis of the increase and decrease algorithms for
congestion avoidance», 1989.
"""

import threading

from model.clock import Clock

START_PER_SECOND = 100.0
MOST_PER_SECOND = 400.0
LEAST_PER_SECOND = 1.0
_RISE = 0.5  # calls per second, for each call that went well
_DECREASE_EVERY_SECONDS = 1.0  # calls under way when the service objected say nothing new


class Rate:
    """One bucket, shared by all threads that ask one service of one account in one region."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._per_second = START_PER_SECOND
        self._next_at = 0.0
        self._decreased_at = float("-inf")

    def wait(self) -> None:
        """Wait for this caller's turn."""
        with self._lock:
            now = self._clock.now().timestamp()
            turn = max(self._next_at, now - 1.0)  # at most one second's calls may be saved up
            self._next_at = turn + 1.0 / self._per_second
        if turn > now:
            self._clock.sleep(turn - now)

    def went_well(self) -> None:
        """Raise the rate a little."""
        with self._lock:
            self._per_second = min(MOST_PER_SECOND, self._per_second + _RISE)

    def objected(self) -> None:
        """Halve the rate, once per second at most."""
        with self._lock:
            now = self._clock.now().timestamp()
            if now - self._decreased_at >= _DECREASE_EVERY_SECONDS:
                self._per_second = max(LEAST_PER_SECOND, self._per_second / 2)
                self._decreased_at = now
                self._next_at = max(self._next_at, now)
