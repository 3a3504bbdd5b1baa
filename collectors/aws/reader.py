"""Reads one AWS type in one region: the rows of its listing, and each row's details."""

import csv
import io
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any, Protocol

from msgspec import Struct

from clouds.aws.replies import BrokenReply, has_rows
from clouds.aws.service_models import operation
from clouds.call_failed import CallFailed
from collectors.aws.package import package_signs
from collectors.aws.paths import Misplaced, listed, looked_up
from collectors.aws.resource_types import Describe, Detail, List, Prepare, ResourceType, Within
from collectors.counting import MALFORMED, Excluded, Odd
from collectors.kept import kept
from collectors.looking import Vanished
from collectors.secret_signs import Unreadable
from collectors.templates import fill, values
from model.asset import NOT_RETURNED, Asset, Listing, Place
from model.canonical import encode, plain
from model.fault import Refused

_PACKAGES_AT_ONCE = 4  # each may take megabytes while it is looked at
_PREPARE_TRIES, _PREPARE_PAUSE_SECONDS = 40, 2.0

Row = dict[str, Any]

_UNREADABLE = "unreadable text"


class ReadCloud(Protocol):
    """What reading needs of a client."""

    def call(self, service: str, region: str, op: str, args: Row) -> Row:
        """Return the whole reply of a service's operation `op` in a region, with these `args`; raises `CallFailed`."""
        ...

    def pages(self, service: str, region: str, op: str, args: Row) -> Iterator[Row]:
        """Yield the pages of a service's operation `op` in a region, with these `args`; raises `CallFailed`."""
        ...

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """Return up to `length` bytes of what lies at a URL, from `start` on, and how many there are in all.

        Raises `CallFailed`.
        """
        ...

    def pause(self, seconds: float) -> None:
        """Wait."""
        ...

    def forget(self, region: str) -> None:
        """Drop what is held for a region."""
        ...


class ReadTask(Struct, frozen=True):
    """One type in one region: `region` is asked, `label` stands in what was found."""

    type: ResourceType
    region: str
    label: str


class _Observed:
    """One resource while it is looked at: what is seen of it so far."""

    def __init__(self, body: Row, region: str) -> None:
        self.body = body
        self.unknown: dict[str, str] = {}
        self.replies: dict[bytes, Row] = {}
        self.asked_region = region
        self.stated_region = ""


class AwsReader:
    """Reads one type in one region."""

    def __init__(self, cloud: ReadCloud, place: Place, job: ReadTask) -> None:
        self._cloud = cloud
        self._job = job
        self._place = place
        self._form = job.type.form
        self._names = {"partition": place.partition, "account": place.account, "region": job.region}
        self._packages = threading.BoundedSemaphore(_PACKAGES_AT_ONCE)

    @property
    def region(self) -> str:
        """Return the region that is asked."""
        return self._job.region

    def ended(self, cause: str) -> list[Listing]:
        """Return the one listing that this is."""
        return [self._listing(cause)]

    def missed(self, _seen: Row, cause: str) -> Listing:
        """Return the listing, which is not whole without that row."""
        return self._listing(cause)

    def _listing(self, cause: str) -> Listing:
        partial = self._form.scope == "region" and self._place.partial
        return Listing(self._place.scope, self._form.kind, self._job.label, cause, partial=partial)

    def rows(self) -> Iterator[Any]:
        """Yield the rows of the listing, each as it was received; raises `CallFailed`, named by the operation."""
        self._refuse_misfit()
        form = self._form.listing
        if form is None:
            yield {}
            return
        if form.prepare:
            self._prepare(form.prepare)
        if form.within is None:
            yield from self._listed(form, self._names)
            return
        for parent in self._parents(form.within):
            if not isinstance(parent, str) or not parent:
                yield Misplaced(parent)
                continue
            with suppress(Vanished):
                yield from self._listed(form, self._names | {form.within.as_: parent})

    def seen(self, row: Any) -> Row:
        """Return what a row states; raises `Odd` where it is none, and what was left out of the descriptions."""
        if isinstance(row, _Undescribed):
            raise Odd(cause=f"{self._action(row.op)} left out what was listed")
        form = self._form.listing
        if form and form.as_ and not form.describe:
            if not isinstance(row, str) or not row:
                raise Odd
            return {form.as_: row}
        if not isinstance(row, dict):
            raise Odd
        if self._form.home is not None:
            stated = row.get(self._form.home)
            if not isinstance(stated, str) or not stated:
                raise Odd
            if self._form.scope == "region":
                self._exclude_replica(row, stated)
        return row

    def _exclude_replica(self, row: Row, home: str) -> None:
        """Raise `Excluded` for a replica that another listing shows, and for one of another account's resource.

        `home` is where the resource lives.
        """
        if f":{self._place.account}:" not in _identity(self._form.arn, self._names | row):
            raise Excluded("of another account")
        first, here = self._place.regions[0], self._job.region
        if home != here and (home in self._place.regions or here != first):
            raise Excluded("a replica")

    def _refuse_misfit(self) -> None:
        """Raise `CallFailed` where the type does not fit the SDK: what it asks for is not there."""
        try:
            _ = self._job.type.kind
        except Refused as refused:
            raise CallFailed(f"the type does not fit the SDK: {refused.faults[0].problem}") from None

    def _parents(self, form: Within) -> Iterator[Any]:
        for page in self._pages(form, {}):
            for row in listed(form.rows, page):
                yield row.get(form.of) if form.of and isinstance(row, dict) else row

    def _listed(self, form: List, names: Row) -> Iterator[Any]:
        for page in self._pages(form, fill(form.args, names)):
            rows = _csv_rows(form, page) if form.csv else listed(form.rows, page)
            yield from self._described(form, form.describe, list(rows), names) if form.describe else rows

    def _pages(self, form: List | Within, args: Row) -> Iterator[Row]:
        pages = self._named(form.op, self._cloud.pages, args)
        while (page := self._next(form.op, pages)) is not None:
            self._refuse_foreign(form, page)
            yield page

    def _refuse_foreign(self, form: List | Within | Describe, page: Row) -> None:
        """Raise `CallFailed` for a reply without the field of its rows: of XML its root was compared already."""
        asked = operation(self._form.service, form.op)
        if asked.root is None and not has_rows(self._form.service, asked.name, page, form.rows):
            raise CallFailed(f"{self._action(form.op)} {BrokenReply.__name__}")

    def asset(self, seen: Row) -> Asset:
        """Return the asset of what was seen, with its details.

        Raises `Vanished`, and `CallFailed` where a detail that its name is made of could not be read.
        """
        observed = self._observed(seen)
        for name, detail in self._form.details.items():
            self._look(observed, name, detail)
        names = self._names | observed.body
        try:
            resource, shown = _identity(self._form.arn, names), _filled(self._form.name, names)
        except LookupError:
            raise CallFailed(next(iter(observed.unknown.values()), MALFORMED)) from None
        return Asset(
            kind=self._form.kind,
            resource=resource,
            name=shown.rsplit(":", 1)[-1] if shown.startswith("arn:") else shown,
            scope=str(self._names["account"]),
            region=observed.stated_region or self._job.label,
            body=observed.body,
            body_hash=self._job.type.kind.hash_of(observed.body),
            unknown=observed.unknown,
            key=observed.asked_region if self._form.scope == "region" else "",
        )

    def _observed(self, row: Row) -> "_Observed":
        observed = _Observed({}, row.get(self._form.home or "", self._job.region))
        for name, value in plain(row).items():
            try:
                observed.body |= kept({name: value}, self._form.omit, self._form.secrets)
            except Unreadable:
                observed.unknown[name] = _UNREADABLE
        return observed

    def _look(self, observed: "_Observed", name: str, detail: Detail) -> None:
        """Read one detail into what was observed; what could not be read is unknown with its cause."""
        names = self._names | observed.body
        for field, wanted in detail.only.items():
            if field not in observed.unknown and observed.body.get(field) != fill(wanted, names):
                return
        try:
            args = fill([detail.args, [f"${field}" for field in detail.only]], names)[0]
        except KeyError as missing:
            observed.unknown[name] = observed.unknown.get(str(missing.args[0]), f"needs {missing.args[0]}")
            return
        try:
            value = self._detail(observed, detail, args)
        except CallFailed as failure:
            action = detail.iam or operation(self._form.service, detail.op).action
            observed.unknown[name] = f"{action} {failure.code}"
            return
        if value is not None:
            observed.body[name] = value
        if self._form.region and self._form.region.of == name:
            returned = str(value) if value else self._form.region.default
            observed.stated_region = observed.asked_region = self._form.region.names.get(returned, returned)

    def _detail(self, observed: "_Observed", form: Detail, args: Row) -> Any:
        """Return a detail's value, None where it is absent; details of the same call share its reply."""
        asked = encode([form.op, args])
        try:
            if asked not in observed.replies:
                observed.replies[asked] = self._cloud.call(self._form.service, observed.asked_region, form.op, args)
        except CallFailed as failure:
            if failure.code in self._form.gone and self._is_gone(observed, failure.code):
                raise Vanished from None
            if failure.code in form.absent:
                return None
            raise
        reply = {key: value for key, value in observed.replies[asked].items() if key != "ResponseMetadata"}
        value = looked_up(form.get, reply) if form.get else reply
        if value is None and form.absent:  # that there is none, is said by a code
            raise CallFailed(NOT_RETURNED)
        if form.package:
            return self._package(value)
        if form.json and isinstance(value, str):
            value = _decoded(value) if value else None
        try:
            return kept(plain(value), form.omit, form.secrets)
        except Unreadable:
            raise CallFailed(_UNREADABLE) from None

    def _is_gone(self, observed: "_Observed", code: str) -> bool:
        """Return whether the resource itself is gone, after a code of that meaning; raises `CallFailed`."""
        exists = self._form.exists
        if exists is None:
            return True
        try:
            args = fill(exists.args, self._names | observed.body)
            self._cloud.call(self._form.service, observed.asked_region, exists.op, args)
        except KeyError as missing:
            raise CallFailed(f"{code}, needs {missing.args[0]}") from None
        except CallFailed as failure:
            if failure.code in self._form.gone:
                return True
            action = exists.iam or operation(self._form.service, exists.op).action
            raise CallFailed(f"{code}, {action} {failure.code}") from None
        return False

    def _package(self, url: Any) -> Any:
        if not isinstance(url, str):
            raise CallFailed("no package")
        with self._packages:
            return package_signs(lambda start, length: self._cloud.piece(url, start, length))

    def _prepare(self, form: Prepare) -> None:
        for _ in range(_PREPARE_TRIES):
            reply = self._named(form.op, self._cloud.call, {})
            if reply.get(form.field) == form.until:
                return
            self._cloud.pause(_PREPARE_PAUSE_SECONDS)
        raise CallFailed(f"{operation(self._form.service, form.op).action} not {form.until}")

    def _described(self, listing: List, form: Describe, rows: list[Any], names: Row) -> Iterator[Any]:
        """Yield the descriptions of rows; of one that has no id the row itself, for one without a description that."""
        args = fill(form.args, names)
        ids = [row if listing.as_ else row.get(form.of) if isinstance(row, dict) else None for row in rows]
        yield from (Misplaced(row) for row, id_ in zip(rows, ids, strict=True) if not isinstance(id_, str) or not id_)
        asked = [id_ for id_ in ids if isinstance(id_, str) and id_]
        for start in range(0, len(asked), form.batch):
            batch = asked[start : start + form.batch]
            reply = self._named(form.op, self._cloud.call, args | {form.ids: batch})
            self._refuse_foreign(form, reply)
            found = list(listed(form.rows, reply))
            yield from found
            yield from [_Undescribed(form.op)] * (len(batch) - len(found))

    def _next(self, op: str, pages: Iterator[Row]) -> Row | None:
        try:
            return next(pages, None)
        except CallFailed as failure:
            raise self._failed(op, failure) from None

    def _named(self, op: str, ask: Callable[[str, str, str, Row], Any], args: Row) -> Any:
        try:
            return ask(self._form.service, self._job.region, op, args)
        except CallFailed as failure:
            raise self._failed(op, failure) from None

    def _failed(self, op: str, failure: CallFailed) -> Exception:
        """Return what a listing's failure means; what it stands in may vanish while we look."""
        listing = self._form.listing
        if listing and listing.within and failure.code in self._form.gone:
            return Vanished()
        return CallFailed(f"{self._action(op)} {failure.code}")

    def _action(self, op: str) -> str:
        """Return the IAM action that one of the listing's operations needs."""
        listing = self._form.listing
        named = dict(listing.operations()).get(op) if listing else None
        return named or operation(self._form.service, op).action


class _Undescribed(Struct, frozen=True):
    """In the place of a row that was listed, and that an operation, asked to describe it, does not mention."""

    op: str


def _csv_rows(form: List, page: Row) -> Iterator[Row]:
    found = looked_up(form.rows, page)
    text = found.decode("utf-8") if isinstance(found, bytes) else str(found)
    yield from csv.DictReader(io.StringIO(text))


def _identity(template: str, names: Row) -> str:
    """Return an id as its template says; raises `LookupError` where what it is made of is not there, or is no text."""
    if not all(isinstance(value, str) and value for value in values(template, names)):
        raise LookupError(template)
    return _filled(template, names)


def _filled(template: str, names: Row) -> str:
    return str(fill(template, names)).replace("\0", "?")


def _decoded(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        raise CallFailed("malformed JSON") from None
