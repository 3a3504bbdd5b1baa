"""What the program knows, as one list."""

from collections.abc import Iterator
from typing import Any

import msgspec

from catalog.checkov import Adopted
from catalog.policies import Policy
from collectors.type_files import TypeFile
from notifier import channels
from pipeline.assembly import Catalog
from remediation.playbook import Playbook, playbooks


def entries(catalog: Catalog) -> Iterator[dict[str, Any]]:
    """Yield an entry per policy, adopted check, type, playbook, channel: `what`, `id`, `provider`, all its fields."""
    for policy in catalog.policies:
        yield _judging("policy", policy)
    for adopted in catalog.adopted:
        yield _judging("checkov", adopted)
    for type_ in catalog.every_type:
        yield _type(type_)
    for playbook in playbooks().values():
        yield _playbook(playbook)
    for name in channels.types():
        settings = list(channels.way(name).settings.__struct_fields__)
        yield {"what": "channel", "id": name, "provider": "hinomi", "settings": settings}


def _judging(what: str, judging: Policy | Adopted) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(judging.form)
    fields.pop("cases")
    return {"what": what, "id": judging.id, "provider": judging.provider, "service": judging.service} | fields


def _playbook(playbook: Playbook) -> dict[str, Any]:
    names = ("kind", "closes", "needs", "fields", "title", "risk", "stays", "persons")
    fields = {name: msgspec.to_builtins(getattr(playbook, name)) for name in names}
    return {"what": "playbook", "id": playbook.id, "provider": playbook.id.split(".")[0]} | fields


def _type(type_: TypeFile) -> dict[str, Any]:
    fields: dict[str, Any] = msgspec.to_builtins(type_.form)
    kind = type_.kind
    return {"what": "type", "id": kind.name, "provider": kind.provider} | fields | {"fields": sorted(kind.fields)}
