"""One listing of a cluster -> its assets."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Protocol

from catalog.yaml_reader import parse
from clouds.call_failed import CallFailed, NotThere
from collectors.counting import MALFORMED
from collectors.kubernetes.keeping import kept
from collectors.kubernetes.resource_types import NAMESPACED_NAME, Only, ResourceType
from model.asset import Asset, Listing, Place
from model.fault import Refused
from model.json_walk import Walk

Row = dict[str, Any]

GLOBAL = "global"

_WITHOUT_NULLS = Walk(nulls=False)


class ReadObjects(Protocol):
    """Reads objects of one cluster."""

    def get(self, path: str) -> Row:
        """Return one object; raises `NotThere` and `CallFailed`."""
        ...

    def pages(self, path: str, *, metadata_only: bool = False, labels: str = "") -> Iterator[list[Any]]:
        """Yield the list at a path page by page, or of it what has these labels, odd rows too.

        Raises `NotThere` and `CallFailed`. With `metadata_only`, the server leaves out all else.
        """
        ...

    def close(self) -> None:
        """Close the connections; nothing can be asked afterwards."""
        ...


class KubernetesReading:
    """The listing of one type."""

    region = GLOBAL

    def __init__(self, client: ReadObjects, maker: "Maker", type_: ResourceType) -> None:
        self._client = client
        self._maker = maker
        self._type = type_

    def rows(self) -> Iterator[Any]:
        """Yield the objects of all pages; of what the server does not know there is none.

        The one object of a type that is not there is one that states nothing: what asks of it does not apply. Raises
        `CallFailed`, named by the permission.
        """
        form = self._type.form
        try:
            if form.only:
                yield self._client.get(self._type.path)
                return
            for page in self._client.pages(self._type.path, metadata_only=bool(form.metadata)):
                yield from page
        except NotThere:
            if form.only:
                yield {"metadata": {"name": form.only.name, "namespace": form.only.namespace}}
        except CallFailed as failure:
            raise named(self._type, failure) from None

    def seen(self, row: Any) -> Asset:
        """Return the asset that an object is; raises what its odd form raises."""
        return self._one(row, self._type.form.only) if self._type.form.only else self._maker.asset(self._type, row)

    def asset(self, seen: Asset) -> Asset:
        """Return the asset: all that there is to know of it stands in its listing."""
        return seen

    def ended(self, cause: str) -> Iterable[Listing]:
        """Return what there is to say of the type."""
        yield self._maker.listing(self._type, cause)

    def missed(self, seen: Asset, cause: str) -> Listing:  # noqa: ARG002 - all rows are of one type
        """Return that the listing was not whole."""
        return self._maker.listing(self._type, cause)

    def _one(self, row: Row, only: Only) -> Asset:
        text, body, unknown = (row.get("data") or {}).get(only.yaml), dict[str, Any](), dict[str, str]()
        if text is not None:
            try:
                body[only.yaml] = _WITHOUT_NULLS.of(parse(str(text).encode(), only.name).value)
            except Refused:
                unknown[only.yaml] = MALFORMED
        return self._maker.asset(self._type, {"metadata": row["metadata"]}, body, unknown)


class Maker:
    """Makes assets of objects: it knows the cluster."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def asset(
        self, type_: ResourceType, row: Row, more: Mapping[str, Any] = {}, unknown: Mapping[str, str] = {}
    ) -> Asset:
        """Return the asset that a row of a type (`type_`) is, with `more` fields, and what is unknown of it by cause.

        Raises `TypeError` where its name or namespace is none, and what else its odd form raises.
        """
        form, metadata = type_.form, row["metadata"]
        name, namespace = metadata["name"], metadata.get("namespace", "")
        if not (isinstance(name, str) and name and isinstance(namespace, str)) or bool(namespace) != form.namespaced:
            raise TypeError("an object has a name, and a namespace where its type has")
        own = {field: row[field] for field in form.fields if field in row} | {"metadata": metadata}
        shown = f"{namespace}/{name}" if namespace else name
        body = {"apiVersion": form.api, "kind": form.object, **kept(own), NAMESPACED_NAME: shown, **more}
        return Asset(
            kind=type_.kind.name,
            resource=f"{self._place.account_resource}{_path(type_, namespace)}/{name}",
            name=name,
            scope=self._place.scope,
            region=GLOBAL,
            body=body,
            body_hash=type_.kind.hash_of(body),
            unknown=dict(unknown),
            family=type_.family,
        )

    def listing(self, type_: ResourceType, cause: str) -> Listing:
        """Return that a type's listing has ended."""
        return Listing(self._place.scope, type_.kind.name, GLOBAL, cause, type_.family)


def named(type_: ResourceType, failure: CallFailed) -> CallFailed:
    """Return a failure that says which permission was used."""
    return CallFailed(f"{type_.permission} {failure.code}", unreachable=failure.unreachable)


def _path(type_: ResourceType, namespace: str) -> str:
    return (
        f"{type_.root}/namespaces/{namespace}/{type_.form.plural}" if namespace else f"{type_.root}/{type_.form.plural}"
    )
