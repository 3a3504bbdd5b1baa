"""One Google Cloud project, folder or organisation that was entered."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from clouds.gcp.listing import Content
from collectors.counting import MALFORMED, Count, Excluded, Odd
from collectors.gaps import without_gaps
from collectors.gcp.parse import RAW, Parser, Row, RowContext
from collectors.gcp.reading import PERMISSIONS, GcpReading, ReadAssets
from collectors.gcp.resource_types import IAM, ORG, ResourceType, details
from model.asset import Asset, Listing, Place
from model.canonical import encode

_HOLDER = "//cloudresourcemanager.googleapis.com/"
# Each detail: what it is asked by, and where it stands in Cloud Asset's form.
_POLICIES: dict[str, tuple[Content, str]] = {IAM: ("IAM_POLICY", "iamPolicy"), ORG: ("ORG_POLICY", "orgPolicy")}
# A resource is listed because it has this one: where it is not stated, it is not known. Others are lists.
_ALWAYS = "iamPolicy"


class GcpCollector(Struct, frozen=True):
    """A client of Cloud Asset, a place, and the types that are looked for there.

    With `raw`, assets of all other types are kept as they are; without, they are not even asked for.
    """

    client: ReadAssets
    place: Place
    types: Sequence[ResourceType]
    raw: bool = True

    def collect(self) -> Iterator[Asset | Listing]:
        """Yield every asset of the place while it is read; at the end, one `Listing` for each type, and for raw."""
        yield from _Look(self).events()


class _Look:
    """One look at a place: first its policies into an index, then its resources page by page."""

    def __init__(self, collector: GcpCollector) -> None:
        self._collector = collector
        self._parent = collector.place.account_resource.removeprefix(_HOLDER)
        self._types = {type_.form.asset_type: type_ for type_ in collector.types}
        self._parser = Parser(collector.types)
        self._policies = {
            name: _Policies(self._reading(content, name), key) for name, (content, key) in _POLICIES.items()
        }
        self._contexts: dict[str, RowContext] = {}
        self._count = Count()

    def events(self) -> Iterator[Asset | Listing]:
        for name, policies in self._policies.items():
            if wanting := self._wanting(name):
                policies.read(wanting)
        self._contexts = {asset_type: self._context(asset_type) for asset_type in self._types}
        resources = self._reading("RESOURCE", "") if self._collector.raw or self._types else None
        yield from self._count.of(resources.rows() if resources else (), self._seen)
        yield from map(self._count.completed, self._listings(resources))

    def _seen(self, row: Row) -> Asset:
        """Return the asset that a row is; raises `Odd`: also of one without a type, or one that nobody asked for."""
        asset_type = row["assetType"]
        if not asset_type or (asset_type not in self._types and not self._collector.raw):
            raise Odd
        if not self._is_here(row):
            raise Excluded("lies in a project, which is a scope of its own")
        for policies in self._policies.values():
            policies.join(row)
        parsed = self._parser.parse(row, self._contexts.get(asset_type) or RowContext(self._collector.place.scope))
        if parsed.asset is None:
            raise Odd(parsed.kind, parsed.fault)
        return without_gaps(parsed.asset)

    def _listings(self, resources: GcpReading | None) -> Iterator[Listing]:
        named = [(type_.kind.name, asset_type) for asset_type, type_ in self._types.items()]
        # Whoever asks for everything sees the place itself at least.
        empty = f"{PERMISSIONS['RESOURCE']} EmptyListing" if self._collector.raw and not self._count.received else ""
        for kind, asset_type in named + ([(RAW, "")] if self._collector.raw else []):
            cause = (resources.cause(asset_type) if resources else "") or empty
            yield Listing(self._collector.place.scope, kind, "global", cause)

    def _reading(self, content: Content, detail: str) -> GcpReading:
        asked = self._wanting(detail) if detail else self._types.keys()
        return GcpReading(self._collector.client, self._parent, content, () if self._collector.raw else sorted(asked))

    def _wanting(self, detail: str) -> set[str]:
        return {asset_type for asset_type, type_ in self._types.items() if detail in details(type_.form)}

    def _context(self, asset_type: str) -> RowContext:
        causes = {name: policies.cause(asset_type) for name, policies in self._policies.items()}
        return RowContext(self._collector.place.scope, {name: cause for name, cause in causes.items() if cause})

    def _is_here(self, row: Row) -> bool:
        """Return whether an asset is the place's own: projects in a folder or an organisation are scopes themselves."""
        nearest = next(iter(row.get("ancestors") or [self._holder(row)]), "")
        return self._parent.startswith("projects/") or not str(nearest).startswith("projects/")

    @staticmethod
    def _holder(row: Row) -> str:
        """Return the parent of an asset that states no ancestors."""
        parent = str(row.get("resource", {}).get("parent") or row["name"])
        return parent.removeprefix(_HOLDER)


class _Policies:
    """The policies of one content by the name of what they are set on: equal ones are kept once."""

    def __init__(self, reading: GcpReading, key: str) -> None:
        self._reading = reading
        self._key = key
        self._by_name: dict[str, bytes] = {}
        self._count = Count()

    def read(self, asset_types: set[str]) -> None:
        """Read the whole listing, and keep what is set on assets of these types."""
        once: dict[bytes, bytes] = {}

        def kept(row: Row) -> None:
            name, asset_type = row["name"], row["assetType"]
            if not name or not asset_type:  # it is somebody's policy, nobody knows whose
                raise Odd(asset_type, f"{self._reading.permission} {MALFORMED}: no name")
            if asset_type in asset_types and (self._key in row or self._key == _ALWAYS):
                policy = encode(_without_etag(row.get(self._key)))
                self._by_name[name] = once.setdefault(policy, policy)

        for _ in self._count.of(self._reading.rows(), kept):
            pass

    def cause(self, asset_type: str) -> str:
        """Return why the policies of a type are not known."""
        return self._reading.cause(asset_type) or self._count.cause(asset_type)

    def join(self, row: Row) -> None:
        """Put an asset's policy beside its resource; one that is in no whole listing has none."""
        row.pop(self._key, None)
        if policy := self._by_name.get(row["name"]):
            row[self._key] = msgspec.json.decode(policy)


def _without_etag(policy: Any) -> Any:
    """Return an IAM policy without its etag, so that equal ones are; others as they are."""
    if isinstance(policy, Mapping):
        return {key: value for key, value in policy.items() if key != "etag"}
    return policy
