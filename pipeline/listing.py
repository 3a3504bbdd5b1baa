"""What the program knows, as one list."""

from collections.abc import Iterator
from typing import Any

import msgspec

from catalog.policies import Policy
from collectors.type_files import TypeFile
from notifier import channels
from pipeline.assembly import House


def entries(house: House) -> Iterator[dict[str, Any]]:
    """Yield an entry per policy, type and channel: `what`, `id`, `provider`, and every field of its file."""
    for policy in house.policies:
        yield _policy(policy)
    for type_ in house.types:
        yield _type(type_)
    for name in channels.types():
        settings = list(channels.way(name).settings.__struct_fields__)
        yield {"what": "channel", "id": name, "provider": "hinomi", "settings": settings}


def _policy(policy: Policy) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(policy.form)
    fields.pop("cases")
    return {"what": "policy", "id": policy.id, "provider": policy.provider, "service": policy.service} | fields


def _type(type_: TypeFile) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(type_.form)
    kind = type_.kind
    return {"what": "type", "id": kind.name, "provider": kind.provider} | fields | {"fields": sorted(kind.fields)}
