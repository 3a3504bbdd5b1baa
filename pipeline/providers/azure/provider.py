"""What Azure is to the program."""

import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.tenant import AzureDirectory, Tenant
from pipeline.providers.provider import (
    ABOUT_CHANGES,
    Check,
    CheckOption,
    GroupOf,
    Members,
    Named,
    Opening,
    Organisations,
    Permissions,
    Provider,
    Role,
    ScopeOf,
    TenantFile,
    as_json,
)

if TYPE_CHECKING:
    from catalog.yaml_reader import Document
    from collectors.azure.resource_types import ResourceType
    from collectors.recorded import Parsed
    from model.clock import Clock
    from model.fault import Fault
    from store.rows import AssetRow

NAME = "azure"
_GROUP = "managementGroups/"
_UUID = "[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_ID = re.compile(
    rf"/(?P<kind>subscriptions|tenants)/(?P<id>{_UUID})(/[^/*?]+)*|/providers(/[^/*?]+){{3,}}", re.IGNORECASE
)


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

    return opening.list_members(group, group.id.removeprefix(_GROUP), clock)


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


def _named(tenant: Tenant, id_: str) -> Named | None:
    from collectors.azure.parse import spelt

    if not id_.startswith("/") or id_.startswith("//"):
        return None
    found = _ID.fullmatch(id_)
    if found is None:
        return Named(fault="is no full id of one resource: /subscriptions/ID/…, /tenants/ID/… or /providers/…")
    if (written := spelt(id_)) != id_:
        return Named(fault=f"is no id as they are recorded; write {written}")
    return Named(doubt=_outside(tenant, found["kind"], found["id"]))


def _outside(tenant: Tenant, kind: str | None, id_: str | None) -> str:
    """Return why a subscription or a directory is none of the tenant's; groups may have any subscription."""
    if not tenant.azure:
        return "the tenant has no Azure directory"
    if kind == "tenants" and id_ not in {directory.directory for directory in tenant.azure if directory.entra}:
        return f"the directory {id_} is none that is looked at (`entra`)"
    open_ended = any(directory.management_groups for directory in tenant.azure)
    if kind == "subscriptions" and not open_ended and not any(id_ in one.subscriptions for one in tenant.azure):
        return f"the subscription {id_} is none of the tenant's"
    return ""


def _change_role(needs: list[str]) -> Role:
    """Return a custom role, as `az role definition create --role-definition` takes it."""
    nothing: dict[str, list[str]] = {"NotActions": [], "DataActions": [], "NotDataActions": []}
    about = {"Name": "Hinomi Change", "IsCustom": True, "Description": ABOUT_CHANGES, "Actions": needs}
    return {**about, **nothing, "AssignableScopes": ["/subscriptions/SUBSCRIPTION-ID"]}


def _to_read(format: str, types: "Sequence[ResourceType]") -> str:
    from collectors.azure import permissions

    if format == "bicep":
        return permissions.bicep(types)
    if format == "graph":
        return "\n".join(permissions.graph_permissions(types)) + "\n"
    return as_json(permissions.lighthouse() if format == "lighthouse" else permissions.role(types))


def _recordings() -> "Callable[[dict[str, Any]], Iterable[Parsed]]":
    from collectors.azure import recordings

    types = _types(None, None)
    return lambda exchange: recordings.read(exchange, types)


def _enter_cluster(row: "AssetRow") -> tuple[str, ...]:
    parts = row.resource.split("/")
    group = next((after for part, after in itertools.pairwise(parts) if part.lower() == "resourcegroups"), "")
    where = ("--resource-group", group, "--subscription", row.scope)
    return ("az", "aks", "get-credentials", "--name", row.name, *where, "--file", row.name)


PROVIDER = Provider(
    NAME,
    types=_types,
    file=TenantFile(("azure",), _scopes, _faults, named=_named),
    opening=_opening,
    organisations=Organisations(_groups, _members, _member),
    permissions=Permissions(
        help="Print the read-only role, made from the resource types; "
        "Lighthouse takes Azure's own role Reader instead.",
        formats=("json", "bicep", "lighthouse", "graph"),
        format_help="a custom role for `az role definition create`, a Bicep file, a Lighthouse template, "
        "or the application permissions of Microsoft Graph for Entra ID, one a line",
        to_read=_to_read,
        to_change=_change_role,
        text=as_json,
    ),
    check=Check(
        help="Judge Azure subscriptions, and the directory where its policies are asked for. Exit codes as for AWS.",
        options=(
            CheckOption("region", "only this location, as japaneast", many=True),
            CheckOption(
                "subscription", "only this subscription; else AZURE_SUBSCRIPTION_ID, else all that we see", many=True
            ),
        ),
    ),
    recordings=_recordings,
    clusters={"azure.containerservice.managed-cluster": _enter_cluster},
    keeps_raw=True,
)
