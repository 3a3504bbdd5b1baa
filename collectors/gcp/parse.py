"""Cloud Asset's JSON form of an asset -> Asset; pure, and the same for live replies and for recordings."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct

from collectors.declared import checked
from collectors.gcp.resource_types import IAM, ORG, ResourceType, TypeForm, details
from collectors.kept import kept, kept_raw
from collectors.secret_signs import NAMED, Unreadable, signs, tells
from model.asset import Asset
from model.canonical import digest

RAW = "gcp.raw"
MALFORMED = "malformed"

Row = dict[str, Any]
TypesByAsset = Mapping[str, ResourceType]

_UNREADABLE = "unreadable text"
_NOT_TOLD = "not in this reply"
_KEPT_KEY = re.compile(r"[A-Za-z0-9_.-]{1,128}")
_EXACT = 2.0**53
_SWITCH = re.compile(r"(?i)true|false|yes|no|y|n|on|off|0|1|enabled|disabled")


class Context(Struct, frozen=True):
    """What a row does not tell itself: the scope, and why a detail (`iamPolicy`…) is not known."""

    scope: str
    unread: Mapping[str, str] = {}


class Parsed(Struct, frozen=True):
    """An asset, or none where not even its name is told; `fault` says what is malformed of it, empty: nothing."""

    asset: Asset | None
    kind: str
    fault: str = ""


def by_asset_type(types: Iterable[ResourceType]) -> dict[str, ResourceType]:
    """Return types by Cloud Asset's name of them."""
    return {type_.form.asset_type: type_ for type_ in types}


def parse(row: Any, types: TypesByAsset, context: Context) -> Parsed:
    """Return what a row tells: an asset of its type, or a raw one where no type file describes it."""
    if not isinstance(row, dict) or not isinstance(row.get("assetType"), str):
        return Parsed(None, "", f"{MALFORMED}: no asset")
    type_ = types.get(row["assetType"])
    kind = type_.kind.name if type_ else RAW
    if not isinstance(row.get("name"), str) or not row["name"]:
        return Parsed(None, kind, f"{MALFORMED}: no name")
    return _typed(row, type_, context) if type_ else Parsed(_raw(row, context), kind)


def tidy(value: Any) -> Any:
    """Return a JSON value without nulls at every depth, and whole numbers as such: Struct has doubles only."""
    if isinstance(value, dict):
        return {str(key): tidy(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [tidy(inner) for inner in value if inner is not None]
    if isinstance(value, float):
        return _tidy_number(value)
    return value


def _tidy_number(number: float) -> Any:
    if number.is_integer() and abs(number) <= _EXACT:
        return int(number)
    return number if abs(number) < float("inf") else str(number)


def _typed(row: Row, type_: ResourceType, context: Context) -> Parsed:
    form = type_.form
    fields = {name: said for name, said in form.fields.items() if name not in form.omit}
    data, fault = _data(row)
    if fault:
        unknown = dict.fromkeys([*fields, *sorted(details(form))], fault)
        return Parsed(_asset(row, type_, context.scope, {}, unknown), form.kind, fault)
    body, unknown = checked(tidy(data), fields)
    if "resource" not in row:
        unknown |= dict.fromkeys(fields, _NOT_TOLD)
    body, unread = _kept(body, form)
    told, untold = _details(row, form, context)
    return Parsed(_asset(row, type_, context.scope, body | told, unknown | unread | untold), form.kind)


def _kept(body: Row, form: TypeForm) -> tuple[Row, dict[str, str]]:
    """Return what is kept of a body; a field that cannot be looked at for secrets is unknown."""
    try:
        return _looked_at(body, form), {}
    except Unreadable:
        pass
    whole, unknown = Row(), dict[str, str]()
    for name, value in body.items():
        try:
            whole |= _looked_at({name: value}, form)
        except Unreadable:
            unknown[name] = _UNREADABLE
    return whole, unknown


def _looked_at(body: Row, form: TypeForm) -> Any:
    return kept(_switched(body, form.switches) if form.switches else body, form.omit, form.secrets)


def _switched(value: Any, names: list[str]) -> Any:
    """Return a JSON value in which, of the metadata under some names, only values that are switches are left."""
    if isinstance(value, dict):
        return {key: _metadata(inner) if key in names else _switched(inner, names) for key, inner in value.items()}
    if isinstance(value, list):
        return [_switched(inner, names) for inner in value]
    return value


def _metadata(value: Any) -> Row:
    """Return what is kept of metadata: pairs under `items`, as Compute Engine has it, or values under their names."""
    if not isinstance(value, dict):
        raise Unreadable
    if "items" in value:
        return value | {"items": [_pair(pair, number) for number, pair in enumerate(_list(value["items"]), 1)]}
    return {_name(key, number): _switch(key, inner) for number, (key, inner) in enumerate(value.items(), 1)}


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise Unreadable
    return value


def _pair(pair: Any, number: int) -> Row:
    if not isinstance(pair, dict) or not isinstance(pair.get("key"), str):
        raise Unreadable
    key = {"key": _name(pair["key"], number)}
    return key | ({"value": _switch(pair["key"], pair["value"])} if pair.get("value") is not None else {})


def _switch(name: str, value: Any) -> Any:
    """Return a switch as it is; of any other text, in its place, only the lines where a secret seems to be."""
    text = str(value).lower() if isinstance(value, bool) else str(value)
    if _SWITCH.fullmatch(text):
        return text
    named = [{"looks_like": NAMED}] if tells(name, text) else []
    return {"signs": signs("lines", text) or named}


def _name(name: str, number: int) -> str:
    return name if _KEPT_KEY.fullmatch(name) else f"#{number}"


def _raw(row: Row, context: Context) -> Asset:
    data, fault = _data(row)
    body = {**kept_raw(tidy(data)), "assetType": row["assetType"]}
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


def _asset(row: Row, type_: ResourceType, scope: str, body: Row, unknown: dict[str, str]) -> Asset:
    shown = body.get(type_.form.name[1:])
    hashed = {key: value for key, value in body.items() if key not in type_.kind.volatile}
    return Asset(
        kind=type_.kind.name,
        resource=_plain(row["name"]),
        name=_last_part(str(shown) if shown else row["name"]),
        scope=scope,
        region=_region(row),
        body=body,
        body_hash=digest(hashed),
        unknown=unknown,
    )


def _data(row: Row) -> tuple[Row, str]:
    """Return the resource's own fields, and what is malformed where there are none."""
    if "resource" not in row:
        return {}, ""
    resource = row["resource"]
    data = resource.get("data") if isinstance(resource, dict) else None
    return (data, "") if isinstance(data, dict) else ({}, f"{MALFORMED}: no data")


def _details(row: Row, form: TypeForm, context: Context) -> tuple[Row, dict[str, str]]:
    """Return the policies that are set on the resource, and why others are not known."""
    told, unknown = Row(), dict[str, str]()
    for name, key, shape in ((IAM, "iamPolicy", dict), (ORG, "orgPolicy", list)):
        if name not in details(form):
            continue
        if name in context.unread:
            unknown[name] = context.unread[name]
        elif isinstance(row.get(key), shape):
            told[name] = _without_etags(tidy(row[key]))
        elif row.get(key) is not None:
            unknown[name] = f"{MALFORMED}: no policy"
    return told, unknown


def _without_etags(value: Any) -> Any:
    """Return a policy without its etags, which tell nothing and make equal policies differ."""
    if isinstance(value, dict):
        return {key: _without_etags(inner) for key, inner in value.items() if key != "etag"}
    if isinstance(value, list):
        return [_without_etags(inner) for inner in value]
    return value


def _region(row: Row) -> str:
    resource = row.get("resource")
    location = resource.get("location") if isinstance(resource, dict) else None
    return _plain(location).lower() if isinstance(location, str) and location else "global"


def _last_part(name: str) -> str:
    return _plain(name.rstrip("/").rsplit("/", 1)[-1] or name)


def _plain(text: str) -> str:
    """Return a text without what no store takes."""
    return text.replace("\0", "?")
