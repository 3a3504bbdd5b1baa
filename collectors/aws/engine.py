"""One engine reads every AWS type: listings page by page, details while the listing still pages."""

import csv
import io
import json
import queue
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import jmespath
from msgspec import Struct

from clouds.aws import CallFailed, home_region
from clouds.aws_models import operation
from collectors.aws.resource_types import Detail, List, Prepare, ResourceType, fill
from model.asset import Asset, Listing, Place
from model.canonical import digest, encode, plain

_LISTING_THREADS, _DETAIL_THREADS = 8, 24
_ROWS_UNDER_WAY = 500  # bounds memory: a listing waits when its details lag behind
_PREPARE_TRIES, _PREPARE_PAUSE_SECONDS = 40, 2.0

Row = dict[str, Any]

_USER_PART = re.compile(r"(?<=://)[^/@\s:]*:[^/@\s]*@")


class ReadCloud(Protocol):
    """What the engine needs of a door."""

    def call(self, service: str, region: str, op: str, args: Row) -> Row:
        """Return an operation's whole reply; raises `CallFailed`."""
        ...

    def pages(self, service: str, region: str, op: str, args: Row) -> Iterator[Row]:
        """Yield an operation's pages; raises `CallFailed`."""
        ...

    def pause(self, seconds: float) -> None:
        """Wait."""
        ...

    def forget(self, region: str) -> None:
        """Drop what is held for a region."""
        ...


class _Job(Struct, frozen=True):
    """One type in one region: `region` is asked, `label` stands in what was found."""

    type: ResourceType
    region: str
    label: str


class _Gone(Exception):
    """The resource vanished while it was read."""


def collect(cloud: ReadCloud, types: Sequence[ResourceType], place: Place) -> Iterator[Asset | Listing]:
    """Yield every asset of the types in the place, and one `Listing` for each listing that ended.

    A failed listing says its cause; a failed detail stands in `Asset.unknown`. Assets outside the place's regions
    (a global listing tells of resources in all of them) are left out.
    """
    jobs = [
        _Job(type_, region, label)
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

    def __init__(self, cloud: ReadCloud, place: Place, jobs: list[_Job]) -> None:
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

    def _list(self, job: _Job, details: ThreadPoolExecutor) -> None:
        cause = ""
        try:
            for row in _Reader(self._cloud, self._place, job).rows():
                self._acquire()
                self._left.add(job.region)
                details.submit(self._complete, job, row)
        except Exception as problem:  # noqa: BLE001 - a listing that broke is not whole, whatever broke it
            cause = _cause(problem)
        self._put(Listing(self._place.scope, job.type.form.kind, job.label, cause))
        self._left.done(job.region)

    def _complete(self, job: _Job, row: Row) -> None:
        try:
            asset = _Reader(self._cloud, self._place, job).asset(row)
            if self._place.covers(asset.region):
                self._put(asset)
        except _Gone:
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


class _Reader:
    """Reads one type in one region."""

    def __init__(self, cloud: ReadCloud, place: Place, job: _Job) -> None:
        self._cloud = cloud
        self._type = job.type
        self._form = job.type.form
        self._region = job.region
        self._label = job.label
        self._place_names = {"partition": place.partition, "account": place.account, "region": job.region}

    def rows(self) -> Iterator[Row]:
        """Yield the rows of the listing; raises `CallFailed`, named by the operation."""
        form = self._form.listing
        if form is None:
            yield {}
            return
        if form.prepare:
            self._prepare(form.prepare)
        pages = self._named(form.op, self._cloud.pages, fill(form.args, self._place_names))
        while (page := self._next(form.op, pages)) is not None:
            rows = list(_rows(form, page))
            yield from self._described(form, rows) if form.describe else rows

    def asset(self, row: Row) -> Asset:
        """Return the asset of a row, with its details; raises `_Gone`."""
        form = self._form
        body: Row = {key: value for key, value in without_passwords(plain(row)).items() if key not in form.omit}
        unknown: dict[str, str] = {}
        replies: dict[bytes, Row] = {}
        region = self._region
        for name, detail in form.details.items():
            try:
                value = self._detail(detail, fill(detail.args, self._place_names | body), region, replies)
            except KeyError as missing:
                unknown[name] = unknown.get(str(missing.args[0]), f"needs {missing.args[0]}")
                continue
            except CallFailed as failure:
                unknown[name] = f"{operation(form.service, detail.op).action} {failure.code}"
                continue
            if value is not None:
                body[name] = value
            if form.region and form.region.of == name:
                region = self._own_region(value)
        label = region if form.region and form.region.of not in unknown else self._label
        names = self._place_names | body
        try:
            resource, shown = str(fill(form.arn, names)), str(fill(form.name, names))
        except KeyError:  # without its name it is no asset: the listing is not whole
            raise CallFailed(next(iter(unknown.values()), "malformed")) from None
        hashed = {key: value for key, value in body.items() if key not in self._type.kind.volatile}
        return Asset(
            kind=form.kind,
            resource=resource,
            name=shown.rsplit(":", 1)[-1] if shown.startswith("arn:") else shown,
            scope=str(self._place_names["account"]),
            region=label,
            body=body,
            body_hash=digest(hashed),
            unknown=unknown,
            key=self._label if form.scope == "region" else "",
        )

    def _own_region(self, value: Any) -> str:
        assert self._form.region is not None, "only asked where the type tells its region"
        told = str(value) if value else self._form.region.default
        return self._form.region.names.get(told, told)

    def _detail(self, form: Detail, args: Row, region: str, replies: dict[bytes, Row]) -> Any:
        """Return a detail's value, None where it is absent; details of the same call share its reply."""
        asked = encode([form.op, args])
        try:
            if asked not in replies:
                replies[asked] = self._cloud.call(self._form.service, region, form.op, args)
        except CallFailed as failure:
            if failure.code in form.absent:
                return None
            if failure.code in self._form.gone:
                raise _Gone from None
            raise
        reply = {key: value for key, value in replies[asked].items() if key != "ResponseMetadata"}
        value = jmespath.search(form.get, reply) if form.get else reply
        if form.json and isinstance(value, str):
            value = _decoded(value)
        return without_passwords(plain(value))

    def _prepare(self, form: Prepare) -> None:
        for _ in range(_PREPARE_TRIES):
            reply = self._named(form.op, self._cloud.call, {})
            if reply.get(form.field) == form.until:
                return
            self._cloud.pause(_PREPARE_PAUSE_SECONDS)
        raise CallFailed(f"{operation(self._form.service, form.op).action} not {form.until}")

    def _described(self, form: List, rows: list[Row]) -> Iterator[Row]:
        describe = form.describe
        assert describe is not None, "only called for types that describe"
        for start in range(0, len(rows), describe.batch):
            batch = rows[start : start + describe.batch]
            reply = self._named(describe.op, self._cloud.call, {describe.ids: [row[describe.of] for row in batch]})
            yield from jmespath.search(describe.rows, reply) or []

    def _next(self, op: str, pages: Iterator[Row]) -> Row | None:
        try:
            return next(pages, None)
        except CallFailed as failure:
            raise self._failed(op, failure) from None

    def _named(self, op: str, ask: Callable[[str, str, str, Row], Any], args: Row) -> Any:
        try:
            return ask(self._form.service, self._region, op, args)
        except CallFailed as failure:
            raise self._failed(op, failure) from None

    def _failed(self, op: str, failure: CallFailed) -> CallFailed:
        return CallFailed(f"{operation(self._form.service, op).action} {failure.code}")


def _cause(problem: Exception) -> str:
    return problem.code if isinstance(problem, CallFailed) else f"malformed ({type(problem).__name__})"


def _rows(form: List, page: Row) -> Iterator[Row]:
    found = jmespath.search(form.rows, page)
    if form.csv:
        text = found.decode("utf-8") if isinstance(found, bytes) else str(found)
        yield from csv.DictReader(io.StringIO(text))
        return
    for row in found or []:
        yield {form.as_: row} if form.as_ else row


def without_passwords(value: Any) -> Any:
    """Return a JSON value with the user part of each URL in it (`https://user:password@host`) made unreadable."""
    if isinstance(value, str):
        return _USER_PART.sub("redacted:redacted@", value) if "://" in value and "@" in value else value
    if isinstance(value, dict):
        return {key: without_passwords(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_passwords(inner) for inner in value]
    return value


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise CallFailed("malformed JSON") from None
