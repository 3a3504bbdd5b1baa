"""Which places a tenant has: those that its file names, and those of its organisations as they are now."""

from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import Struct
from msgspec.structs import replace

from model.fault import Refused
from model.tenant import AwsOrganization, AwsScope, AwsWrite, AzureDirectory, GcpAccess, KubernetesCluster, Tenant


class AzureScope(Struct, frozen=True):
    """One Azure subscription, or the directory itself, and the directory by which it is entered."""

    id: str
    directory: AzureDirectory


class GcpScope(Struct, frozen=True):
    """One Google Cloud project by its id, or an organisation or folder itself (`organizations/123`)."""

    id: str
    access: GcpAccess


class KubernetesScope(Struct, frozen=True):
    """One Kubernetes cluster by the uid of its namespace kube-system."""

    id: str
    cluster: KubernetesCluster


class ManagementGroupOf(Struct, frozen=True):
    """A management group of a directory."""

    id: str
    directory: AzureDirectory


class GcpParent(Struct, frozen=True):
    """A folder or an organisation, as `folders/123`."""

    id: str
    access: GcpAccess


Scope = AwsScope | AzureScope | GcpScope | KubernetesScope
Group = AwsOrganization | ManagementGroupOf | GcpParent


class Scopes(Struct, frozen=True):
    """The places that were found.

    `closed` states of each organisation that could not be listed, `resting` of each account that nobody can enter for
    now, and why.
    """

    found: tuple[Scope, ...]
    closed: dict[str, str] = {}
    resting: dict[str, str] = {}

    @property
    def whole(self) -> bool:
        """Return whether these are all places: else one that is missing may be there all the same."""
        return not self.closed


class Members(Struct, frozen=True):
    """What stands in an organisation: what can be entered, and why each of the others cannot."""

    active: list[str]
    resting: dict[str, str] = {}


ListMembers = Callable[[Group, str], Members]


def named(tenant: Tenant) -> Scopes:
    """Return the places that the tenant's file names."""
    return Scopes((*tenant.scopes, *_named_elsewhere(tenant)))


def discovered(tenant: Tenant, external_id: str, members: ListMembers) -> Scopes:
    """Return the named places and the organisations' members, each once; roles ask for the tenant's external id."""
    places: tuple[Scope, ...] = (*(_with(scope, external_id) for scope in tenant.scopes), *_named_elsewhere(tenant))
    found = {scope.id: scope for scope in places}
    closed: dict[str, str] = {}
    resting: dict[str, str] = {}
    for group in _groups(tenant):
        try:
            listed = members(group, external_id)
        except Refused as refused:
            closed[_name(group)] = f"what stands in {_name(group)} cannot be listed: {refused}"
            continue
        excluded = _excluded(group)
        for member in listed.active:
            if member not in excluded:
                found.setdefault(member, _member(group, member, external_id))
        resting |= {member: why for member, why in listed.resting.items() if member not in excluded}
    return Scopes(tuple(found.values()), closed, {member: resting[member] for member in resting.keys() - found.keys()})


def group_names(tenant: Tenant) -> list[str]:
    """Return the organisations, management groups and folders that the tenant's file names."""
    return [_name(group) for group in _groups(tenant)]


def _named_elsewhere(tenant: Tenant) -> Iterator[Scope]:
    for directory in tenant.azure:
        if directory.entra:
            yield AzureScope(directory.directory, directory)
        yield from (AzureScope(id_, directory) for id_ in directory.subscriptions)
    for access in tenant.google:
        yield from (GcpScope(id_, access) for id_ in access.projects)
        yield from (GcpScope(parent, access) for parent in _parents(access))
    yield from (KubernetesScope(cluster.cluster, cluster) for cluster in tenant.kubernetes)


def _parents(access: GcpAccess) -> list[str]:
    return [f"organizations/{n}" for n in access.organizations] + [f"folders/{n}" for n in access.folders]


def _groups(tenant: Tenant) -> Iterator[Group]:
    yield from tenant.organizations
    for directory in tenant.azure:
        yield from (ManagementGroupOf(name, directory) for name in directory.management_groups)
    for access in tenant.google:
        yield from (GcpParent(parent, access) for parent in _parents(access))


def _name(group: Group) -> str:
    match group:
        case AwsOrganization():
            return group.management
        case ManagementGroupOf():
            return f"managementGroups/{group.id}"
        case GcpParent():
            return group.id


def _excluded(group: Group) -> list[str]:
    match group:
        case AwsOrganization():
            return group.exclude
        case ManagementGroupOf():
            return group.directory.exclude
        case GcpParent():
            return group.access.exclude


def _member(group: Group, member: str, external_id: str) -> Scope:
    match group:
        case AwsOrganization():
            roles = f"arn:{group.role.split(':')[1]}:iam::{member}:role"
            write = AwsWrite(role=f"{roles}/{group.write_role}") if group.write_role else None
            scope = AwsScope(aws=member, role=f"{roles}/{group.member_role}", regions=group.regions, write=write)
            return _with(scope, external_id)
        case ManagementGroupOf():
            return AzureScope(member, group.directory)
        case GcpParent():
            return GcpScope(member, group.access)


def _with(scope: AwsScope, external_id: str) -> AwsScope:
    """Return an account whose roles, to read and to write, are asked for with an external id."""
    return replace(_asking(scope, external_id), write=scope.write and _asking(scope.write, external_id))


_Login = TypeVar("_Login", AwsScope, AwsWrite)


def _asking(login: _Login, external_id: str) -> _Login:
    return replace(login, external_id=login.external_id or external_id) if login.role else login
