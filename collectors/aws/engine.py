"""One engine reads every AWS type: listings page by page, details while the listing still pages."""

import queue
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from clouds.aws import CallFailed
from clouds.aws_login import home_region
from collectors.aws.reader import Gone, Job, ReadCloud, Reader, Row
from collectors.aws.resource_types import ResourceType
from model.asset import Asset, Listing, Place

_LISTING_THREADS, _DETAIL_THREADS = 8, 24
_ROWS_UNDER_WAY = 500  # bounds memory: a listing waits when its details lag behind


def collect(cloud: ReadCloud, types: Sequence[ResourceType], place: Place) -> Iterator[Asset | Listing]:
    """Yield every asset of the types in the place, and one `Listing` for each listing that ended.

    A failed listing says its cause; a failed detail stands in `Asset.unknown`. Assets outside the place's regions
    (a global listing tells of resources in all of them) are left out.
    """
    jobs = [
        Job(type_, region, label)
        for type_ in types
        for region, label in (
            [(home_region(place.partition), "global")]
            if type_.form.scope == "global"
            else [(region, region) for region in place.regions]
        )
    ]
    yield from _Run(cloud, place, jobs).events()


class _Run:
    """The threads of one collection, and the queue that they fill."""

    def __init__(self, cloud: ReadCloud, place: Place, jobs: list[Job]) -> None:
        self._cloud = cloud
        self._place = place
        self._jobs = jobs
        self._out: queue.Queue[Asset | Listing | None] = queue.Queue(maxsize=2000)
        self._room = threading.BoundedSemaphore(_ROWS_UNDER_WAY)
        self._left = _Countdown(Counter(job.region for job in jobs), cloud.forget, self._end)
        self._stopped = threading.Event()

    def events(self) -> Iterator[Asset | Listing]:
        listing = ThreadPoolExecutor(_LISTING_THREADS, thread_name_prefix="listing")
        details = ThreadPoolExecutor(_DETAIL_THREADS, thread_name_prefix="detail")
        try:
            for job in self._jobs:
                listing.submit(self._list, job, details)
            if not self._jobs:
                return
            while (event := self._out.get()) is not None:
                yield event
        finally:  # also when the reader walks away in the middle
            self._stopped.set()
            listing.shutdown(wait=False, cancel_futures=True)
            details.shutdown(wait=False, cancel_futures=True)

    def _list(self, job: Job, details: ThreadPoolExecutor) -> None:
        cause = ""
        try:
            for row in Reader(self._cloud, self._place, job).rows():
                self._acquire()
                self._left.add(job.region)
                details.submit(self._complete, job, row)
        except Exception as problem:  # noqa: BLE001 - a listing that broke is not whole, whatever broke it
            cause = _cause(problem)
        self._put(Listing(self._place.scope, job.type.form.kind, job.label, cause))
        self._left.done(job.region)

    def _complete(self, job: Job, row: Row) -> None:
        try:
            asset = Reader(self._cloud, self._place, job).asset(row)
            if self._place.covers(asset.region):
                self._put(asset)
        except Gone:
            pass
        except Exception as problem:  # noqa: BLE001 - the asset is missing, so its listing was not whole
            self._put(Listing(self._place.scope, job.type.form.kind, job.label, _cause(problem)))
        finally:
            self._room.release()
            self._left.done(job.region)

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
    """Counts jobs under way; says when a region has none left, and when there are none at all."""

    def __init__(self, jobs: Counter[str], region_done: Callable[[str], None], all_done: Callable[[], None]) -> None:
        self._jobs = jobs
        self._region_done = region_done
        self._all_done = all_done
        self._lock = threading.Lock()

    def add(self, region: str) -> None:
        with self._lock:
            self._jobs[region] += 1

    def done(self, region: str) -> None:
        with self._lock:
            self._jobs[region] -= 1
            region_left, left = self._jobs[region], self._jobs.total()
        if not region_left:
            self._region_done(region)
        if not left:
            self._all_done()


def _cause(problem: Exception) -> str:
    return problem.code if isinstance(problem, CallFailed) else f"malformed ({type(problem).__name__})"
