"""Azure's JSON of a resource -> Asset: rows of Resource Graph, replies of Resource Manager and recordings alike."""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from collectors.azure.resource_types import ENVELOPE, ResourceType
from collectors.counting import Odd
from collectors.declared import checked
from collectors.kept import kept, kept_raw
from collectors.secret_signs import Unreadable
from collectors.templates import fill
from model.asset import Asset
from model.canonical import digest

RAW = "azure.raw"
MALFORMED_PROPERTIES, NOT_RETURNED = "malformed: properties are no mapping", "not in this reply"
# What opens something wherever it stands; the services leave most of it out themselves.
NEVER_KEPT = frozenset(
    {
        "accessKeys",
        "administratorLoginPassword",
        "adminPassword",
        "certificatePassword",
        "ConnectionString",
        "connectionString",
        "InstrumentationKey",
        "password",
        "primaryKey",
        "protectedSettings",
        "publishingPassword",
        "radiusServerSecret",
        "sdkTelemetryAppInsightsKey",
        "secondaryKey",
        "sharedKey",
    }
)
# Segments that every id has, and the ways in which services write them.
_SEGMENTS = {name.lower(): name for name in ("subscriptions", "resourceGroups", "providers", "managementGroups")}
# What Resource Manager calls otherwise than Resource Graph and the permissions do.
_OTHER_NAMES = {"microsoft.resources/resourcegroups": "microsoft.resources/subscriptions/resourcegroups"}
_SUBSCRIPTION = re.compile(r"/subscriptions/([^/]+)", re.IGNORECASE)


class Seen(Struct):
    """A resource while it is looked at: what is known of it so far, and why the rest is not known."""

    type: ResourceType
    resource: str
    body: dict[str, Any]
    unknown: dict[str, str]

    def asset(self, scope: str) -> Asset:
        """Return it as an asset of a scope."""
        form = self.type.form
        return Asset(
            kind=form.kind,
            resource=self.resource,
            name=_name(form.name, self.body, self.resource),
            scope=scope,
            region=_location(self.body.get("location")),
            body=self.body,
            body_hash=self.type.kind.hash_of(self.body),
            unknown=self.unknown,
        )


def seen(row: Any, type_: ResourceType, names: Mapping[str, str]) -> Seen:
    """Return a row as a resource of a known type; raises `Odd` where it has no id.

    Its properties stand beside its id, name and tags. What is not of its declared JSON type is unknown. `names` may
    fill the resource's id, beside the body.
    """
    form = type_.form
    returned = _mapping(row, form.kind)
    body, unknown = flattened(returned), {}
    properties = returned.get("properties")
    if properties is not None and not isinstance(properties, dict):
        unknown = dict.fromkeys(form.fields, MALFORMED_PROPERTIES)
    elif properties is None and form.table:  # every row of a table has them
        unknown = dict.fromkeys(form.fields, NOT_RETURNED)
    body, misfits = checked(body, dict(ENVELOPE) | form.fields if not type_.of_directory else form.fields)
    unknown |= misfits
    try:
        resource = str(fill(form.resource, dict(names) | body))
    except KeyError:
        raise Odd(form.kind) from None
    strange = {name: value for name, value in body.items() if name not in type_.kind.fields}
    body |= kept_raw(strange) if strange else {}
    try:
        body = kept(body, NEVER_KEPT.union(form.omit), form.secrets)
    except Unreadable:
        for name in body.keys() & form.secrets.keys():
            unknown[name] = "unreadable text"
        body = kept(body, NEVER_KEPT.union(form.omit, form.secrets), {})
    return Seen(type_, spelt(resource), body, unknown)


def raw(row: Any, scope: str) -> Asset:
    """Return a resource of a type that no file describes, as it is returned; raises `Odd` where it has no id."""
    returned = _mapping(row, RAW)
    body = kept_raw(flattened(returned))
    resource, name = body.get("id"), body.get("name")
    if not isinstance(resource, str) or not resource:
        raise Odd(RAW)
    shown = name if isinstance(name, str) and name else resource.rsplit("/", 1)[-1]
    return Asset(RAW, spelt(resource), shown, scope, _location(body.get("location")), body, digest(body))


def type_of(row: Any) -> str:
    """Return the lower-case type that a resource says it is of, else the one of its id; empty where neither says."""
    if not isinstance(row, dict):
        return ""
    if isinstance(returned := row.get("type"), str) and "/" in returned:
        return _OTHER_NAMES.get(returned.lower(), returned.lower())
    return type_by_id(row.get("id"))


def type_by_id(id_: Any) -> str:
    """Return the lower-case type that an id, or the path of a list, leads to; empty where it is none."""
    if not isinstance(id_, str) or "/providers/" not in id_.lower():
        return ""
    namespace, *below = id_.split("?")[0].rstrip("/").lower().rsplit("/providers/", 1)[1].split("/")
    return "/".join([namespace, *below[::2]])


def flattened(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a resource's envelope with its properties beside it, without nulls and the envelope's empty texts.

    Where both have a name (`sku` of key vaults), what the envelope says holds, if it says anything.
    """
    envelope = {name: value for name, value in row.items() if value not in (None, "") and name != "properties"}
    properties = row.get("properties")
    if not isinstance(properties, dict):
        return envelope
    return {name: value for name, value in properties.items() if value is not None} | envelope


def spelt(resource: str) -> str:
    """Return an id with the segments that all ids have as they should be written, the subscription in small letters.

    Ids are equal in any case, and services differ; the names within are left as they are returned.
    """
    parts = [_SEGMENTS.get(part.lower(), part) for part in resource.split("/")]
    return _SUBSCRIPTION.sub(lambda found: f"/subscriptions/{found[1].lower()}", "/".join(parts), count=1)


def _mapping(row: Any, kind: str) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise Odd(kind)
    return row


def _name(template: str, body: Mapping[str, Any], resource: str) -> str:
    try:
        return str(fill(template, dict(body))).replace("\0", "?")
    except KeyError:
        return resource.rsplit("/", 1)[-1]


def _location(location: Any) -> str:
    """Return a location by its short name: services write «East US» and `eastus`."""
    return location.replace(" ", "").lower() if isinstance(location, str) and location.strip() else "global"
