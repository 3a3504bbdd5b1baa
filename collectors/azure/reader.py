"""What is listed of one subscription or directory, and how each row is completed."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from clouds.azure.query_scope import Subscriptions
from clouds.call_failed import CallFailed
from collectors.ahead import ahead
from collectors.azure.parse import NEVER_KEPT, RAW, Seen, flattened, raw, seen, type_of
from collectors.azure.resource_types import Detail, PathCall, ResourceType
from collectors.counting import MALFORMED, Odd
from collectors.kept import kept
from collectors.secret_signs import Unreadable
from collectors.templates import fill
from model.asset import Asset, Listing, Place

Row = dict[str, Any]


class ReadCloud(Protocol):
    """What reading needs of a client."""

    def get(self, path: str, api_version: str) -> Row:
        """Return what stands at a path; raises `CallFailed`."""
        ...

    def pages(self, path: str, api_version: str) -> Iterator[list[Any]]:
        """Yield a list page by page; raises `CallFailed`."""
        ...

    def query(self, within: Subscriptions, query: str) -> Iterator[list[Any]]:
        """Yield the rows of a Resource Graph query page by page; raises `CallFailed`."""
        ...


class _Reading:
    """What every listing of Azure has in common: its rows' details, and what is said when it has ended."""

    region = "global"

    def __init__(self, cloud: ReadCloud, place: Place, names: Mapping[str, str]) -> None:
        self._cloud = cloud
        self._scope = place.scope
        self._names = names

    def asset(self, row: Seen) -> Asset:
        """Return the asset of what was seen, with its details."""
        for name, detail in row.type.form.details.items():
            try:
                value = self._detail(row, detail)
            except CallFailed as failure:
                row.unknown[name] = f"{row.type.action_of(detail)} {failure.code}"
            except Unreadable:
                row.unknown[name] = "unreadable text"
            else:
                if value is not None:
                    row.body[name] = value
        return row.asset(self._scope)

    def missed(self, row: Seen, cause: str) -> Listing:
        """Return the listing of the row's kind, which is not whole without it."""
        return Listing(self._scope, row.type.form.kind, "global", cause)

    def _detail(self, row: Seen, detail: Detail) -> Any:
        for name, wanted in detail.only.items():
            if name in row.unknown:
                raise CallFailed(f"needs {name}, {row.unknown[name]}")
            if str(row.body.get(name, "")).lower() != wanted.lower():
                return None
        path = str(fill(detail.path, dict(self._names) | row.body | {"id": row.resource}))
        try:
            version = detail.api_version or ""
            returned = self._listed(path, detail) if detail.many else _object(self._cloud.get(path, version))
        except CallFailed as failure:
            if failure.code in detail.absent:
                return None
            raise
        return kept(returned, NEVER_KEPT.union(detail.omit), detail.secrets)

    def _listed(self, path: str, detail: Detail) -> list[Row]:
        rows = [row for page in self._cloud.pages(path, detail.api_version or "") for row in page]
        if detail.each:
            rows = [self._cloud.get(_id(row), detail.api_version or "") for row in rows]
        return [_object(row) for row in rows]

    def _first_look(self, row: Any, type_: ResourceType) -> Asset | Seen:
        """Return a row as an asset where nothing more has to be asked of it."""
        found = seen(row, type_, self._names)
        return found if type_.form.details else found.asset(self._scope)


class TableReading(_Reading):
    """One table of Resource Graph: all its types by one query, the others kept raw where everything is looked at."""

    def __init__(self, cloud: ReadCloud, place: Place, names: Mapping[str, str], look: "TableLook") -> None:
        super().__init__(cloud, place, names)
        self._look = look
        self._types = {type_.form.type.lower(): type_ for type_ in look.types}

    def rows(self) -> Iterator[Any]:
        """Yield what the table has; raises `CallFailed`."""
        for page in ahead(self._cloud.query(Subscriptions(self._scope), self._look.query)):
            yield from page

    def seen(self, row: Any) -> Asset | Seen:
        """Return what a row is; raises `Odd`: also of one that says no type, or one that nobody asked for."""
        returned = type_of(row)
        if type_ := self._types.get(returned):
            return self._first_look(row, type_)
        if not returned or not self._look.whole:
            raise Odd
        return raw(row, self._scope)

    def ended(self, cause: str) -> Iterable[Listing]:
        """Return the listing of each type of the table."""
        kinds = {type_.form.kind: self._look.hidden.get(type_.form.kind, "") for type_ in self._look.types}
        if self._look.whole:
            kinds[RAW] = ""
        if cause:
            cause = f"Microsoft.ResourceGraph/resources/read {cause}"
        for kind, hidden in kinds.items():
            yield Listing(self._scope, kind, "global", cause or hidden)


class TableLook:
    """What is looked for in a table; `hidden` says of kinds why their rows would not show to us."""

    def __init__(self, table: str, types: Sequence[ResourceType], hidden: Mapping[str, str], *, whole: bool) -> None:
        self.types = types
        self.hidden = hidden
        self.whole = whole
        wanted = ", ".join(f"'{type_.form.type.lower()}'" for type_ in types)
        narrow = "" if whole else f" | where type in~ ({wanted})"
        self.query = f"{table}{narrow} | order by id asc"


class ListReading(_Reading):
    """One type that no table has, by a call of its own."""

    def __init__(self, cloud: ReadCloud, place: Place, names: Mapping[str, str], type_: ResourceType) -> None:
        super().__init__(cloud, place, names)
        self._type = type_

    def rows(self) -> Iterator[Any]:
        """Yield what the call lists; raises `CallFailed`, named by the permission."""
        form = self._type.form
        try:
            if form.one:
                yield self._cloud.get(self._path(form.one), form.one.api_version or "")
            elif form.listing:
                for page in self._cloud.pages(self._path(form.listing), form.listing.api_version or ""):
                    yield from page
        except CallFailed as failure:
            raise CallFailed(f"{self._type.action} {failure.code}") from None

    def seen(self, row: Any) -> Asset | Seen:
        """Return what a row is; raises `Odd`."""
        return self._first_look(row, self._type)

    def ended(self, cause: str) -> Iterable[Listing]:
        """Return the one listing that this is."""
        yield Listing(self._scope, self._type.form.kind, "global", cause)

    def _path(self, call: PathCall) -> str:
        return str(fill(call.path, dict(self._names)))


def _object(row: Any) -> Row:
    """Return one thing of a detail, its properties beside its id."""
    if not isinstance(row, dict) or not isinstance(row.get("properties", {}), dict):
        raise CallFailed(MALFORMED)
    return flattened(row)


def _id(row: Any) -> str:
    if not isinstance(row, dict) or not isinstance(id_ := row.get("id"), str) or not id_.startswith("/"):
        raise CallFailed(MALFORMED)
    return id_
