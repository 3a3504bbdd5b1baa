"""Many listings at once, their rows completed while they still page: for clouds that are asked call by call."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

from clouds.call_failed import CallFailed
from collectors.counting import Count
from collectors.gaps import without_gaps
from model.asset import Asset, Listing

_LISTING_THREADS, _DETAIL_THREADS = 8, 24
_ROWS_UNDER_WAY = 500  # bounds memory: a listing waits when its details lag behind


class Vanished(Exception):
    """The resource vanished while it was read."""


class Reading(Protocol):
    """One listing in one region, of one kind or of several."""

    @property
    def region(self) -> str:
        """Return where it is asked."""
        ...

    def rows(self) -> Iterator[Any]:
        """Yield its rows, each as it was received; raises `CallFailed`."""
        ...

    def seen(self, row: Any) -> Any:
        """Return what a row is: an asset where nothing more has to be asked of it, else what `asset` completes.

        Raises `Odd` and `Excluded`, and what else an odd form raises.
        """
        ...

    def asset(self, seen: Any) -> Asset:
        """Return the asset of what was seen, with its details; raises `Vanished`, and `CallFailed`."""
        ...

    def ended(self, cause: str) -> Iterable[Listing]:
        """Return what there is to say of its kinds now that it has ended: whole where there is no cause."""
        ...

    def missed(self, seen: Any, cause: str) -> Listing:
        """Return what there is to say of the kind of what was seen when no asset came of it: it was not whole."""
        ...


def look(
    readings: Sequence[Reading], region_done: Callable[[str], None] = lambda _region: None
) -> Iterator[Asset | Listing]:
    """Yield every asset of the readings, and what each says of its listings when it has ended.

    A failed listing says its cause; a failed detail stands in `Asset.unknown`. `region_done` hears of each region whose
    last reading is done.
    """
    yield from _Run(readings, region_done).events()


class _Run:
    """The threads of one look, and the queue that they fill."""

    def __init__(self, readings: Sequence[Reading], region_done: Callable[[str], None]) -> None:
        self._readings = readings
        self._out: queue.Queue[Asset | Listing | None] = queue.Queue(maxsize=2000)
        self._room = threading.BoundedSemaphore(_ROWS_UNDER_WAY)
        self._left = _Countdown(Counter(reading.region for reading in readings), region_done, self._end)
        self._stopped = threading.Event()

    def events(self) -> Iterator[Asset | Listing]:
        listing = ThreadPoolExecutor(_LISTING_THREADS, thread_name_prefix="listing")
        details = ThreadPoolExecutor(_DETAIL_THREADS, thread_name_prefix="detail")
        try:
            for reading in self._readings:
                listing.submit(self._list, reading, details)
            if not self._readings:
                return
            while (event := self._out.get()) is not None:
                yield event
        finally:  # also when the reader walks away in the middle
            self._stopped.set()
            listing.shutdown(wait=False, cancel_futures=True)
            details.shutdown(wait=False, cancel_futures=True)

    def _list(self, reading: Reading, details: ThreadPoolExecutor) -> None:
        cause, count = "", Count()
        try:
            for seen in count.of(reading.rows(), reading.seen):
                if isinstance(seen, Asset):
                    self._show(seen)
                    continue
                self._acquire()
                self._left.add(reading.region)
                details.submit(self._complete, reading, seen)
        except Exception as problem:  # noqa: BLE001 - a listing that broke is not whole, whatever broke it
            cause = _cause(problem)
        for listing in reading.ended(cause):
            self._put(count.completed(listing))
        self._left.done(reading.region)

    def _complete(self, reading: Reading, seen: Any) -> None:
        try:
            self._show(reading.asset(seen))
        except Vanished:
            pass
        except Exception as problem:  # noqa: BLE001 - the asset is missing, so its listing was not whole
            self._put(reading.missed(seen, _cause(problem)))
        finally:
            self._room.release()
            self._left.done(reading.region)

    def _show(self, asset: Asset) -> None:
        self._put(without_gaps(asset))

    def _acquire(self) -> None:
        while not self._room.acquire(timeout=1.0):
            if self._stopped.is_set():
                raise CallFailed("stopped")

    def _put(self, event: Asset | Listing | None) -> None:
        while not self._stopped.is_set():
            try:
                return self._out.put(event, timeout=1.0)
            except queue.Full:
                continue

    def _end(self) -> None:
        self._put(None)


class _Countdown:
    """Counts readings under way; says when a region has none left, and when there are none at all."""

    def __init__(
        self, under_way: Counter[str], region_done: Callable[[str], None], all_done: Callable[[], None]
    ) -> None:
        self._under_way = under_way
        self._region_done = region_done
        self._all_done = all_done
        self._lock = threading.Lock()

    def add(self, region: str) -> None:
        with self._lock:
            self._under_way[region] += 1

    def done(self, region: str) -> None:
        with self._lock:
            self._under_way[region] -= 1
            region_left, left = self._under_way[region], self._under_way.total()
        if not region_left:
            self._region_done(region)
        if not left:
            self._all_done()


def _cause(problem: Exception) -> str:
    return problem.code if isinstance(problem, CallFailed) else f"malformed ({type(problem).__name__})"
