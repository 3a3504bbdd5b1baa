"""What is done now and then beside the turns."""

from collections.abc import Callable
from concurrent.futures import Executor, Future

from pipeline.logs import tried


class Every:
    """Does something once in so many seconds; by other threads, where it may wait for a store."""

    def __init__(self, seconds: float, do: Callable[[], None], threads: Executor | None = None) -> None:
        self._seconds = seconds
        self._do = do
        self._threads = threads
        self._done_at = float("-inf")
        self._doing: Future[bool] | None = None

    def come(self, now: float) -> None:
        """Do it where it is time, unless it is being done still."""
        if now - self._done_at < self._seconds or (self._doing and not self._doing.done()):
            return
        self._done_at = now
        if self._threads:
            self._doing = self._threads.submit(tried, self._do, "the stores cannot be used")
        else:
            self._do()
