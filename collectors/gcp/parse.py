"""Cloud Asset's JSON form of an asset -> Asset; pure, and the same for live replies and for recordings."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from collectors.counting import MALFORMED
from collectors.declared import FieldType, checked
from collectors.gcp.keeping import Keeper
from collectors.gcp.resource_types import IAM, ORG, ResourceType, details
from collectors.kept import kept_raw
from collectors.misshapen import MISSHAPEN
from model.asset import Asset
from model.canonical import digest
from model.json_walk import Walk

RAW = "gcp.raw"

Row = dict[str, Any]

# What a recording of another content does not state.
NOT_RETURNED = "not in this reply"
_EXACT = 2.0**53
# Etags of policies mean nothing and make equal policies differ.
_WITHOUT_ETAGS = Walk(without=["etag"])
_PLAIN: dict[FieldType, type] = {"boolean": bool, "integer": int, "string": str, "object": dict, "array": list}


class RowContext(Struct, frozen=True):
    """What a row does not state itself: the scope, and why a detail (`iamPolicy`…) is not known."""

    scope: str
    unread: Mapping[str, str] = {}


class Parsed(Struct, frozen=True):
    """An asset, or none where not even its name is known; `fault` says what is malformed of it, empty: nothing."""

    asset: Asset | None
    kind: str
    fault: str = ""


class Parser:
    """Parses assets of these types; all others are kept raw. Safe to share between threads."""

    def __init__(self, types: Iterable[ResourceType]) -> None:
        self._typed = {type_.form.asset_type: _Typed(type_) for type_ in types}

    def parse(self, row: Any, context: RowContext) -> Parsed:
        """Return what a tidy row states: an asset of its type, or a raw one where no type file describes it.

        No row makes it raise: one of another form is malformed.
        """
        if not isinstance(row, dict) or not isinstance(row.get("assetType"), str):
            return Parsed(None, "", f"{MALFORMED}: no asset")
        typed = self._typed.get(row["assetType"])
        kind = typed.kind if typed else RAW
        if not isinstance(row.get("name"), str) or not row["name"]:
            return Parsed(None, kind, f"{MALFORMED}: no name")
        try:
            return typed.parse(row, context) if typed else Parsed(_raw(row, context), kind)
        except MISSHAPEN as problem:  # one odd body, whatever is odd of it, must not end a look
            return Parsed(None, kind, f"{MALFORMED} ({type(problem).__name__})")


def tidy(value: Any) -> Any:
    """Return a JSON value without nulls at every depth, and whole numbers as such: Struct has doubles only.

    Raises `RecursionError` where it is nested deeper than any resource is.
    """
    return _TIDY.of(value)


def _whole(number: float) -> float:
    return int(number) if number.is_integer() and abs(number) <= _EXACT else number


_TIDY = Walk({float: _whole}, nulls=False)


class _Typed:
    """Parses assets of one type."""

    def __init__(self, type_: ResourceType) -> None:
        form = type_.form
        self.kind = type_.kind.name
        self._hash_of = type_.kind.hash_of
        self._shown = form.name[1:]
        self._fields = {name: said for name, said in form.fields.items() if name not in form.omit}
        self._plain_types = {name: _PLAIN[said] for name, said in self._fields.items() if said in _PLAIN}
        self._details = details(form)
        self._keeper = Keeper(form)

    def parse(self, row: Row, context: RowContext) -> Parsed:
        data, fault = _data(row)
        if fault:
            unknown = dict.fromkeys([*self._fields, *sorted(self._details)], fault)
            return Parsed(self._asset(row, context.scope, {}, unknown), self.kind, fault)
        body, unknown = self._checked(data)
        if "resource" not in row:
            unknown |= dict.fromkeys(self._fields, NOT_RETURNED)
        body, unread = self._keeper.kept(body)
        returned, missing_policies = self._policies(row, context)
        return Parsed(self._asset(row, context.scope, body | returned, unknown | unread | missing_policies), self.kind)

    def _checked(self, data: Row) -> tuple[Row, dict[str, str]]:
        """Return the data without fields of another type; most are plainly of their own, and need no second look."""
        doubtful = [name for name, value in data.items() if self._plain_types.get(name, type(value)) is not type(value)]
        return checked(data, {name: self._fields[name] for name in doubtful}) if doubtful else (data, {})

    def _policies(self, row: Row, context: RowContext) -> tuple[Row, dict[str, str]]:
        """Return the policies that are set on the resource, and why others are not known."""
        returned, unknown = Row(), dict[str, str]()
        for name, key, shape in ((IAM, "iamPolicy", dict), (ORG, "orgPolicy", list)):
            if name not in self._details:
                continue
            if name in context.unread:
                unknown[name] = context.unread[name]
            elif isinstance(row.get(key), shape):
                returned[name] = _WITHOUT_ETAGS.of(row[key])
            elif key in row:
                unknown[name] = f"{MALFORMED}: no policy"
        return returned, unknown

    def _asset(self, row: Row, scope: str, body: Row, unknown: dict[str, str]) -> Asset:
        shown = body.get(self._shown)
        return Asset(
            kind=self.kind,
            resource=_plain(row["name"]),
            name=_last_part(str(shown) if shown else row["name"]),
            scope=scope,
            region=_region(row),
            body=body,
            body_hash=self._hash_of(body),
            unknown=unknown,
        )


def _raw(row: Row, context: RowContext) -> Asset:
    data, fault = _data(row)
    body = {**kept_raw(data), "assetType": row["assetType"]}
    return Asset(
        kind=RAW,
        resource=_plain(row["name"]),
        name=_last_part(row["name"]),
        scope=context.scope,
        region=_region(row),
        body=body,
        body_hash=digest(body),
        unknown={"data": fault} if fault else {},
    )


def _data(row: Row) -> tuple[Row, str]:
    """Return the resource's own fields, and what is malformed where there are none."""
    if "resource" not in row:
        return {}, ""
    resource = row["resource"]
    data = resource.get("data") if isinstance(resource, dict) else None
    return (data, "") if isinstance(data, dict) else ({}, f"{MALFORMED}: no data")


def _region(row: Row) -> str:
    resource = row.get("resource")
    location = resource.get("location") if isinstance(resource, dict) else None
    return _plain(location).lower() if isinstance(location, str) and location else "global"


def _last_part(name: str) -> str:
    return _plain(name.rstrip("/").rsplit("/", 1)[-1] or name)


def _plain(text: str) -> str:
    """Return a text without what no store takes."""
    return text.replace("\0", "?")
