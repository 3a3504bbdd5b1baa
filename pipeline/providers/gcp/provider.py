"""What Google Cloud is to the program."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.tenant import GcpAccess, Tenant
from pipeline.providers.provider import GroupOf, Members, Opening, Organisations, Provider, ScopeOf, TenantFile

if TYPE_CHECKING:
    from catalog.yaml_reader import Document
    from collectors.gcp.resource_types import ResourceType
    from model.clock import Clock
    from model.fault import Fault

NAME = "gcp"


def _types(folder: Path | None, kinds: Iterable[str] | None) -> "Sequence[ResourceType]":
    from collectors.gcp import resource_types

    return resource_types.load(folder or resource_types.TYPES, kinds)


def _opening() -> Opening:
    from pipeline.providers.gcp import opening

    return opening


def _scopes(tenant: Tenant, _external_id: str) -> Iterator[ScopeOf[GcpAccess]]:
    """Yield projects by their ids, and organisations and folders themselves (`organizations/123`)."""
    for access in tenant.google:
        yield from (ScopeOf(NAME, id_, access) for id_ in (*access.projects, *_parents(access)))


def _parents(access: GcpAccess) -> list[str]:
    return [f"organizations/{n}" for n in access.organizations] + [f"folders/{n}" for n in access.folders]


def _groups(tenant: Tenant) -> Iterator[GroupOf[GcpAccess]]:
    for access in tenant.google:
        yield from (GroupOf(NAME, parent, access, access.exclude) for parent in _parents(access))


def _members(group: GroupOf[GcpAccess], _external_id: str, clock: "Clock") -> Members:
    from pipeline.providers.gcp import opening

    return opening.list_members(group.access, group.id, clock)


def _member(group: GroupOf[GcpAccess], member: str, _external_id: str) -> ScopeOf[GcpAccess]:
    return ScopeOf(NAME, member, group.access)


def _faults(document: "Document", tenant: Tenant) -> "Iterator[Fault]":
    seen: set[str] = set()
    for number, access in enumerate(tenant.google):
        for position, project in enumerate(access.projects):
            if project in seen:
                yield document.fault(("google", number, "projects", position), f"the project {project} stands twice")
            seen.add(project)
        if not (access.projects or access.folders or access.organizations):
            yield document.fault(
                ("google", number), "names nothing to look at: add 'projects', 'folders' or 'organizations'"
            )


PROVIDER = Provider(
    NAME,
    types=_types,
    file=TenantFile(("google",), _scopes, _faults),
    opening=_opening,
    organisations=Organisations(_groups, _members, _member),
    keeps_raw=True,
)
