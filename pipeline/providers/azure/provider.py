"""What Azure is to the program."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.tenant import AzureDirectory, Tenant
from pipeline.providers.provider import GroupOf, Members, Opening, Organisations, Provider, ScopeOf, TenantFile

if TYPE_CHECKING:
    from catalog.yaml_reader import Document
    from collectors.azure.resource_types import ResourceType
    from model.clock import Clock
    from model.fault import Fault

NAME = "azure"
_GROUP = "managementGroups/"


def _types(folder: Path | None, kinds: Iterable[str] | None) -> "Sequence[ResourceType]":
    from collectors.azure import resource_types

    return resource_types.load(folder or resource_types.TYPES, kinds)


def _opening() -> Opening:
    from pipeline.providers.azure import opening

    return opening


def _scopes(tenant: Tenant, _external_id: str) -> Iterator[ScopeOf[AzureDirectory]]:
    """Yield the directories that are looked at themselves, and the subscriptions with the directory of each."""
    for directory in tenant.azure:
        if directory.entra:
            yield ScopeOf(NAME, directory.directory, directory)
        yield from (ScopeOf(NAME, id_, directory) for id_ in directory.subscriptions)


def _groups(tenant: Tenant) -> Iterator[GroupOf[AzureDirectory]]:
    for directory in tenant.azure:
        for name in directory.management_groups:
            yield GroupOf(NAME, f"{_GROUP}{name}", directory, directory.exclude)


def _members(group: GroupOf[AzureDirectory], _external_id: str, clock: "Clock") -> Members:
    from pipeline.providers.azure import opening

    return opening.list_members(group.access, group.id.removeprefix(_GROUP), clock)


def _member(group: GroupOf[AzureDirectory], member: str, _external_id: str) -> ScopeOf[AzureDirectory]:
    return ScopeOf(NAME, member, group.access)


def _faults(document: "Document", tenant: Tenant) -> "Iterator[Fault]":
    seen: set[str] = set()
    for number, directory in enumerate(tenant.azure):
        at = ("azure", number)
        for position, subscription in enumerate(directory.subscriptions):
            if subscription in seen:
                place = (*at, "subscriptions", position)
                yield document.fault(place, f"the subscription {subscription} stands twice")
            seen.add(subscription)
        if bool(directory.client) != bool(directory.secret or directory.certificate):
            yield document.fault(at, "'client' goes with its 'secret' or 'certificate'")
        if directory.secret and directory.certificate:
            yield document.fault((*at, "secret"), "goes without 'certificate'; keep one of them")
        if not (directory.subscriptions or directory.management_groups or directory.entra):
            yield document.fault(at, "names nothing to look at: add 'subscriptions', 'management_groups' or 'entra'")


PROVIDER = Provider(
    NAME,
    types=_types,
    file=TenantFile(("azure",), _scopes, _faults),
    opening=_opening,
    organisations=Organisations(_groups, _members, _member),
    keeps_raw=True,
)
