"""Cloud Asset's messages in the API's own JSON form, nulls left out: what `json_format` does, several times as fast."""

import base64
from collections.abc import Callable
from typing import Any

from google.protobuf import json_format  # type: ignore[import-untyped]

Row = dict[str, Any]

_EXACT = 2.0**53  # whole numbers up to here are told apart


def row(asset: Any) -> Row:
    """Return an asset message as JSON: name, assetType, ancestors, resource, iamPolicy, orgPolicy where it has them."""
    told: Row = {"name": asset.name, "assetType": asset.asset_type, "ancestors": list(asset.ancestors)}
    if asset.HasField("resource"):
        told["resource"] = _resource(asset.resource)
    if asset.HasField("iam_policy"):
        told["iamPolicy"] = _policy(asset.iam_policy)
    if asset.org_policy:
        told["orgPolicy"] = [json_format.MessageToDict(policy) for policy in asset.org_policy]
    return told


def _resource(resource: Any) -> Row:
    told: Row = {"discoveryName": resource.discovery_name, "parent": resource.parent, "location": resource.location}
    if resource.HasField("data"):
        told["data"] = _mapping(resource.data)
    return told


def _policy(policy: Any) -> Row:
    told: Row = {"version": policy.version, "bindings": [_binding(binding) for binding in policy.bindings]}
    if policy.audit_configs:
        told["auditConfigs"] = [json_format.MessageToDict(config) for config in policy.audit_configs]
    if policy.etag:
        told["etag"] = base64.b64encode(policy.etag).decode("ascii")
    return {key: value for key, value in told.items() if value}


def _binding(binding: Any) -> Row:
    told: Row = {"role": binding.role, "members": list(binding.members)}
    if binding.HasField("condition"):
        told["condition"] = json_format.MessageToDict(binding.condition)
    return told


def _mapping(struct: Any) -> Row:
    return {key: told for key, value in struct.fields.items() if (told := _value(value)) is not None}


def _value(value: Any) -> Any:
    if text := value.string_value:  # most are texts, and asking which kind it is costs more than all else
        return text
    kind = value.WhichOneof("kind")
    return _READERS[kind](value) if kind else None


def _number(value: Any) -> Any:
    number: float = value.number_value
    if number.is_integer() and abs(number) <= _EXACT:
        return int(number)
    return number if abs(number) < float("inf") else str(number)  # none in JSON: a text where a number is expected


_READERS: dict[str, Callable[[Any], Any]] = {
    "string_value": lambda _value: "",
    "struct_value": lambda value: _mapping(value.struct_value),
    "list_value": lambda value: [told for inner in value.list_value.values if (told := _value(inner)) is not None],
    "number_value": _number,
    "bool_value": lambda value: value.bool_value,
    "null_value": lambda _value: None,
}
