"""Opens clients of Google Cloud projects, folders and organisations."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from clouds.gcp import login as gcp_login
from clouds.gcp.login import Login
from clouds.rest_write import RestWriteClient
from collectors.gcp.collector import GcpCollector
from collectors.gcp.resource_types import ResourceType
from model.clock import Clock
from model.fault import Refused
from model.tenant import GcpAccess, GcpWrite
from pipeline.providers.gcp.provider import key_fault
from pipeline.providers.provider import GroupOf, Members, ScopeOf
from pipeline.secrets import TenantSecrets


def connect(scope: ScopeOf[GcpAccess], types: Sequence[ResourceType], clock: Clock) -> GcpCollector:
    """Return the collector of the scope's project, or of a folder or organisation itself, for these types.

    The clock waits between tries. Raises `Refused` where it cannot be entered.
    """
    parent = scope.id if "/" in scope.id else f"projects/{scope.id}"
    login = _login(parent, scope.access, scope.access, scope.secrets)
    client = gcp_login.open_client(login, clock)
    return GcpCollector(client, gcp_login.locate(client, login), types)


def connect_write(scope: ScopeOf[GcpAccess], _needs: Sequence[str], clock: Clock) -> RestWriteClient:
    """Return the client for changes in a project; raises `Refused` where none is given."""
    write = scope.access.write
    if write is None:
        raise Refused(f"nothing can be changed in {scope.id}; give its access 'write' (docs/tenants.md)")
    login = _login(f"projects/{scope.id}", scope.access, write, scope.secrets)
    return RestWriteClient(gcp_login.write_wire(login), clock)


def looks(asked: Mapping[str, Any], types: Sequence[ResourceType], clock: Clock) -> Iterator[GcpCollector]:
    """Yield the collectors of the projects, folders and organisations that were asked for, for these types.

    None named = the environment's project. The clock waits between tries. Raises `Refused` where one cannot be entered.
    """
    parents = [f"projects/{p}" for p in asked["project"]]
    parents += [f"folders/{f}" for f in asked["folder"]] + [f"organizations/{o}" for o in asked["organization"]]
    regions = tuple(asked["region"])
    login = Login(quota_project=asked["quota_project"], impersonate=asked["impersonate"])
    client = gcp_login.open_client(login, clock)
    for parent in parents or [""]:
        place = gcp_login.locate(client, Login(parent))
        yield GcpCollector(client, replace(place, regions=regions), types, raw=False)
        if parent and not parent.startswith("projects/"):
            projects = gcp_login.projects_under(client, parent)
            for project in sorted(id_ for id_, state in projects.items() if state == gcp_login.ACTIVE):
                place = replace(gcp_login.place(f"projects/{project}"), regions=regions)
                yield GcpCollector(client, place, types, raw=False)


def list_members(group: GroupOf[GcpAccess], clock: Clock) -> Members:
    """Return the projects below a folder or an organisation; raises `Refused` where they cannot be listed.

    The clock waits between tries.
    """
    login = _login(group.id, group.access, group.access, group.secrets)
    listed = gcp_login.projects_under(gcp_login.open_client(login, clock), group.id)
    return Members(
        active=sorted(id_ for id_, state in listed.items() if state == gcp_login.ACTIVE),
        resting={
            id_: f"the project is {state} in its organisation"
            for id_, state in sorted(listed.items())
            if state != gcp_login.ACTIVE
        },
    )


def _login(parent: str, access: GcpAccess, who: GcpAccess | GcpWrite, secrets: TenantSecrets) -> Login:
    """Return who enters a parent, with the key that the tenant's file refers to; calls count as its access says.

    Raises `Refused` where the key is not the tenant's, cannot be read, or would send us elsewhere than to Google.
    """
    key = secrets.value(who.key) if who.key else b""
    if why := key_fault(key):
        raise Refused(f"the key {who.key} {why}")
    return Login(parent, access.quota_project or "", who.impersonate or "", key)
