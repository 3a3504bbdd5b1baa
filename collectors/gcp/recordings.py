"""Recorded exchanges of Google's REST APIs through the parser of live replies (docs/types-gcp.md).

A reply of Cloud Asset is parsed as it is; a reply of a single service is wrapped as the `data` of an asset.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping, Set
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from collectors.counting import MALFORMED
from collectors.gcp.parse import NOT_RETURNED, RAW, Parsed, Parser, Row, RowContext, tidy
from collectors.gcp.resource_types import ResourceType
from collectors.recorded import Outcome
from model.asset import Asset

Line = tuple[str, str, Outcome]

_CLOUD_ASSET = "cloudasset"
# Where the host or the path's first word is not the API's name.
_NAMES = {"sql": "sqladmin", "bigtable": "bigtableadmin"}
# Where Cloud Asset's full names begin otherwise than the API's host.
_HOSTS = {"sqladmin": "cloudsql", "bigtableadmin": "bigtable"}
_VERSION = re.compile(r"v\d+(?:(?:alpha|beta|b|p)\d*)*")
_PREFIX = re.compile(rf"^/(?:[a-z]+/)*{_VERSION.pattern}/(?:b/(?!.*/)|apis/[^/]+/[^/]+/)?")
# What resources lie in, not what they are.
_HOLDERS = frozenset({"projects", "folders", "organizations", "locations", "zones", "regions", "namespaces"})
_WHERE = frozenset({"locations", "zones", "regions"})
_ALL_PLACES = frozenset({"global", "aggregated"})
_OK = range(200, 300)
# Whoever asks so gets enumerations as numbers (Google APIs, «System parameters»: `$alt=json;enum-encoding=int`).
_ENUMS_AS_NUMBERS = "enum-encoding=int"
_ENUM_AS_NUMBER = f"{MALFORMED}: a number where text was expected"
_NOBODY = RowContext("recorded")
# What a list's reply holds beside the resources.
_ENVELOPE = frozenset(
    {"kind", "etag", "id", "selfLink", "apiVersion", "metadata", "nextPageToken", "totalSize", "totalItems"}
    | {"unreachable", "failedLocations", "missingZones", "readTime", "warning", "header"}
)


class _Url(Struct, frozen=True):
    """What a URL names: the service, its collections and ids in turn, the custom verb, the place."""

    service: str
    parts: tuple[str, ...]
    verb: str
    location: str
    path: str

    @property
    def type(self) -> str:
        """Return the path type: `cloudkms.keyrings.cryptokeys`."""
        return ".".join([self.service, *self.parts[::2]]).lower()

    @property
    def is_one(self) -> bool:
        """Return whether it ends in an id: it names one resource, else a collection."""
        return len(self.parts) % 2 == 0

    def names(self, reply: Row) -> bool:
        """Return whether a reply is the one resource of the URL: settings stand where a collection would."""
        return self.is_one or str(reply.get("name", "")).endswith(f"/{self.parts[-1]}")


class Recordings:
    """Reads exchanges with these types; a recording's scope is nobody's, and its policies are not known."""

    def __init__(self, types: Iterable[ResourceType]) -> None:
        types = list(types)
        self._parser = Parser(types)
        self._by_path = {path.lower(): type_ for type_ in types for path in type_.form.rest}

    def read(self, exchange: Mapping[str, Any]) -> Iterator[Line]:
        """Yield kind, id and outcome of each resource of one exchange {method, url, status, response}; never raises.

        What reports no resource (errors, operations, IAM policies, empty bodies) is one line without a kind.
        """
        url = str(exchange.get("url") or "")
        path, expected = _url(url).path, {NOT_RETURNED} | ({_ENUM_AS_NUMBER} if _ENUMS_AS_NUMBERS in url else set())
        for parsed in self._parsed(exchange):
            yield _line(parsed, path, expected) if parsed else ("", path, "unknown-type")

    def assets(self, exchange: Mapping[str, Any]) -> Iterator[Asset]:
        """Yield the assets of one exchange."""
        yield from (parsed.asset for parsed in self._parsed(exchange) if parsed and parsed.asset)

    def _parsed(self, exchange: Mapping[str, Any]) -> Iterator[Parsed | None]:
        """Yield what each resource of an exchange became; None once, where it reports none."""
        url, response = _url(str(exchange.get("url") or "")), exchange.get("response")
        type_ = self._by_path.get(url.type)
        if exchange.get("status") not in _OK or response is None:
            yield None
        elif url.service == _CLOUD_ASSET and url.parts[-1:] == ("assets",) and not url.verb:
            yield from self._of_cloud_asset(response)
        elif type_ is None or url.verb not in ("", "search") or _is_of_a_change(exchange):
            yield None
        else:
            yield from self._of_service(url, type_, response)

    def _of_cloud_asset(self, response: Any) -> Iterator[Parsed]:
        # Without assets it is a listing of none, if it is one: the API dates each (ListAssetsResponse).
        none: Any = [] if isinstance(response, dict) and response.get("readTime") else None
        assets = response.get("assets", none) if isinstance(response, dict) else None
        rows = assets if isinstance(assets, list) else [None]
        yield from (self._of_row(row, RAW) for row in rows)

    def _of_service(self, url: _Url, type_: ResourceType, response: Any) -> Iterator[Parsed]:
        elements = _elements(url, response)
        if elements is None:
            yield Parsed(None, type_.kind.name, MALFORMED)
            return
        yield from (self._of_row(_wrapped(url, type_, element), type_.kind.name) for element in elements)

    def _of_row(self, row: Any, kind: str) -> Parsed:
        try:
            return self._parser.parse(tidy(row), _NOBODY)
        except RecursionError:  # deeper than any resource is
            return Parsed(None, kind, MALFORMED)


def _line(parsed: Parsed, path: str, expected: Set[str]) -> Line:
    """Return what became of a resource; `expected` are causes of unknown fields with which nothing is wrong."""
    resource = parsed.asset.resource if parsed.asset else path
    if parsed.fault or (parsed.asset and set(parsed.asset.unknown.values()) - expected):
        return parsed.kind or RAW, resource, "malformed"
    return parsed.kind, resource, "unknown-type" if parsed.kind == RAW else "asset"


def _url(text: str) -> _Url:
    try:
        split = urlsplit(text)
    except ValueError:  # no URL
        return _Url("", ("",), "", "", text)
    words = [unquote(word) for word in split.path.split("/") if word]
    service = (split.hostname or "").removesuffix(".googleapis.com").rsplit("-", 1)[-1]
    at = next((number for number, word in enumerate(words) if _VERSION.fullmatch(word)), -1)
    if service == "www" and at > 0:
        service = words[0]
    last, _, verb = words[-1].partition(":") if words else ("", "", "")
    words = [*words[at + 1 : -1], last] if words[at + 1 :] else []
    return _Url(_NAMES.get(service, service), _parts(words), verb, _location(words), split.path)


def _parts(words: list[str]) -> tuple[str, ...]:
    """Return collections and ids without what resources lie in; a holder that ends the path is the resource itself."""
    at = 0
    while at < len(words):
        if words[at] in _ALL_PLACES and at + 1 < len(words):
            at += 1
        elif words[at] in _HOLDERS and at + 2 < len(words):
            at += 2
        else:
            break
    return tuple(words[at:])


def _location(words: list[str]) -> str:
    pairs = itertools.pairwise(words)
    return next((place for holder, place in pairs if holder in _WHERE and place != "-"), "")


def _is_of_a_change(exchange: Mapping[str, Any]) -> bool:
    """Return whether a reply is of something under way or gone, which is no resource."""
    response = exchange.get("response")
    returned = [str(response.get(key, "")) for key in ("kind", "name")] if isinstance(response, dict) else ["", ""]
    under_way = returned[0].endswith("#operation") or re.search(r"(?:^|/)operations/", returned[1])
    return bool(under_way) or exchange.get("method") == "DELETE"


def _elements(url: _Url, response: Any) -> list[Any] | None:
    """Return the resources that a reply reports, None where it is of no form that the API has."""
    if not isinstance(response, dict):
        return None
    if url.names(response):
        return [response] if response else None
    lists = [name for name in ("items", url.parts[-1]) if name in response] or list(response.keys() - _ENVELOPE)
    if len(lists) != 1:
        return None if lists else []
    found = response[lists[0]]
    if isinstance(found, dict):  # by place: {"zones/a": {"instances": […]}, "zones/b": {"warning": …}}
        groups = [group.get(url.parts[-1], []) if isinstance(group, dict) else group for group in found.values()]
        return [element for group in groups for element in (group if isinstance(group, list) else [group])]
    return found if isinstance(found, list) else None


def _wrapped(url: _Url, type_: ResourceType, data: Any) -> Row:
    """Return a resource as the asset that Cloud Asset would make of it."""
    return {
        "name": _full_name(url, data if isinstance(data, dict) else {}),
        "assetType": type_.form.asset_type,
        "resource": {"data": data, "location": url.location or _stated_location(data)},
    }


def _full_name(url: _Url, data: Row) -> str:
    host = f"//{_HOSTS.get(url.service, url.service)}.googleapis.com/"
    link = data.get("selfLink")
    if isinstance(link, str) and link:
        return host + _PREFIX.sub("", urlsplit(link).path)
    name = data.get("name")
    if isinstance(name, str) and "/" in name:
        return host + name
    own = next((str(data[key]) for key in ("name", "id", "projectId") if data.get(key)), "")
    return host + _PREFIX.sub("", url.path if url.is_one or not own else f"{url.path}/{own}")


def _stated_location(data: Any) -> str:
    returned = (data.get(key) for key in ("location", "zone", "region")) if isinstance(data, dict) else ()
    return next((value.rsplit("/", 1)[-1].lower() for value in returned if isinstance(value, str) and value), "")
