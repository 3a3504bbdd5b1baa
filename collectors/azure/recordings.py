"""Recorded exchanges with Azure -> what the parser makes of each resource in them."""

from collections.abc import Iterator, Sequence
from typing import Any

from collectors.azure.parse import NOT_RETURNED, RAW, raw, seen, spelt, type_by_id, type_of
from collectors.azure.resource_types import ResourceType
from collectors.counting import Odd
from collectors.recorded import Parsed


def read(exchange: Any, types: Sequence[ResourceType]) -> Iterator[Parsed]:
    """Yield what becomes of each resource of an exchange (`method`, `url`, `status`, `response`).

    An exchange that failed, and one that reports no resource, is an unknown type by its path.
    """
    known = _Known(types)
    url = exchange.get("url") if isinstance(exchange, dict) else None
    if not isinstance(url, str):
        yield Parsed("", "", "malformed")
        return
    path = url.split("://", 1)[-1].partition("/")[2].split("?")[0]
    response, status = exchange.get("response"), exchange.get("status")
    if not isinstance(status, int) or not 200 <= status < 300 or response is None:
        yield Parsed("", f"/{path}", "unknown-type")
        return
    for row in _rows(response):
        yield known.parsed(row, f"/{path}")


def _rows(response: Any) -> list[Any]:
    """Return the resources of a reply: a list, rows of Resource Graph, or one by itself."""
    if not isinstance(response, dict):
        return [response]
    data = response.get("data")
    if isinstance(data, dict) and isinstance(data.get("columns"), list) and isinstance(data.get("rows"), list):
        names = [column.get("name") if isinstance(column, dict) else None for column in data["columns"]]
        return [dict(zip(names, row, strict=False)) if isinstance(row, list) else row for row in data["rows"]]
    for rows in (data, response.get("value")):
        if isinstance(rows, list):
            return rows
    return [response]


class _Known:
    """The types by their names, and what is returned of some as details, by the names of those."""

    def __init__(self, types: Sequence[ResourceType]) -> None:
        self._types = {type_.form.type.lower(): type_ for type_ in types}
        self._details = {
            type_.action_of(detail).removesuffix("/read").lower(): f"{type_.form.kind} {name}"
            for type_ in types
            for name, detail in type_.form.details.items()
        }

    def parsed(self, row: Any, path: str) -> Parsed:
        """Return what becomes of one resource of the exchange at a path."""
        returned = (
            type_of(row) or type_by_id(path) or ("microsoft.resources/subscriptions" if path.count("/") <= 2 else "")
        )
        type_ = self._types.get(returned)
        if not isinstance(row, dict):
            return Parsed(type_.form.kind if type_ else RAW, path, "malformed")
        try:
            if type_ is not None:
                found = seen(row, type_, _names(path))
                malformed = any(cause != NOT_RETURNED for cause in found.unknown.values())
                return Parsed(type_.form.kind, found.resource, "malformed" if malformed else "asset")
            if (detail := self._details.get(returned)) is not None:
                return _detail(detail, row)
            return Parsed(RAW, raw(row, "").resource, "unknown-type")
        except Odd:  # what has no id is a resource only where a type is said
            return Parsed(type_.form.kind if type_ else "", path, "malformed" if type_ else "unknown-type")


def _detail(name: str, row: Any) -> Parsed:
    id_ = row.get("id") if isinstance(row, dict) else None
    fits = isinstance(id_, str) and isinstance(row.get("properties", {}), dict)
    return Parsed(name, spelt(id_) if isinstance(id_, str) else "", "asset" if fits else "malformed")


def _names(path: str) -> dict[str, str]:
    parts = path.split("/")
    return {"subscription": parts[2] if len(parts) > 2 else "", "directory": ""}
