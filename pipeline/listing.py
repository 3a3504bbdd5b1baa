"""What the program knows, as one list."""

from collections.abc import Iterator
from typing import Any

import msgspec

from catalog.checkov import Adopted
from catalog.policies import Policy
from collectors.type_files import TypeFile
from notifier import channels
from pipeline.assembly import House


def entries(house: House) -> Iterator[dict[str, Any]]:
    """Yield an entry per policy, adopted check, type and channel: `what`, `id`, `provider`, every field of its file."""
    for policy in house.policies:
        yield _judging("policy", policy)
    for adopted in house.adopted:
        yield _judging("checkov", adopted)
    for type_ in house.types:
        yield _type(type_)
    for name in channels.types():
        settings = list(channels.way(name).settings.__struct_fields__)
        yield {"what": "channel", "id": name, "provider": "hinomi", "settings": settings}


def _judging(what: str, judging: Policy | Adopted) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(judging.form)
    fields.pop("cases")
    return {"what": what, "id": judging.id, "provider": judging.provider, "service": judging.service} | fields


def _type(type_: TypeFile) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(type_.form)
    kind = type_.kind
    return {"what": "type", "id": kind.name, "provider": kind.provider} | fields | {"fields": sorted(kind.fields)}
