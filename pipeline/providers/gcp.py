"""Opens clients of Google Cloud projects, folders and organisations."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from clouds.gcp import login as gcp_login
from clouds.gcp.login import Login
from clouds.rest_write import RestWriteClient
from collectors.gcp.collector import GcpCollector
from model.clock import Clock
from model.fault import Refused
from model.tenant import GcpAccess
from pipeline.assembly import Catalog
from pipeline.tenants.scopes import GcpParent, GcpScope, Members


def connect(scope: GcpScope, catalog: Catalog, clock: Clock) -> GcpCollector:
    """Return the collector of the scope's project, or of a folder or organisation itself; raises `Refused`.

    It is for the catalog's types, and waits between tries by the clock.
    """
    login = _login(scope.access, scope.id if "/" in scope.id else f"projects/{scope.id}")
    client = gcp_login.open_client(login, clock)
    return GcpCollector(client, gcp_login.locate(client, login), catalog.gcp)


def connect_write(scope: GcpScope, clock: Clock) -> RestWriteClient:
    """Return the client for changes in a project; raises `Refused` where none is given."""
    write = scope.access.write
    if write is None:
        raise Refused(f"nothing can be changed in {scope.id}; give its access 'write' (docs/tenants.md)")
    key = (write.key or "").removeprefix("file:")
    login = Login(f"projects/{scope.id}", scope.access.quota_project or "", write.impersonate or "", key)
    return RestWriteClient(gcp_login.write_wire(login), clock)


def looks(
    parents: Sequence[str], login: Login, regions: Sequence[str], catalog: Catalog, clock: Clock
) -> Iterator[GcpCollector]:
    """Yield the collectors of parents: `projects/ID`, and folders and organisations with the projects in them.

    None named = the environment's project. The login enters them; they look at these regions, for the catalog's types,
    and wait between tries by the clock. Raises `Refused` where one cannot be entered.
    """
    client = gcp_login.open_client(login, clock)
    for parent in parents or [""]:
        place = gcp_login.locate(client, Login(parent))
        yield GcpCollector(client, replace(place, regions=tuple(regions)), catalog.gcp, raw=False)
        if parent and not parent.startswith("projects/"):
            projects = gcp_login.projects_under(client, parent)
            for project in sorted(id_ for id_, state in projects.items() if state == gcp_login.ACTIVE):
                place = replace(gcp_login.place(f"projects/{project}"), regions=tuple(regions))
                yield GcpCollector(client, place, catalog.gcp, raw=False)


def list_members(group: GcpParent, clock: Clock) -> Members:
    """Return the projects of a folder or organisation; raises `Refused` where they cannot be listed."""
    listed = gcp_login.projects_under(gcp_login.open_client(_login(group.access, group.id), clock), group.id)
    return Members(
        active=sorted(id_ for id_, state in listed.items() if state == gcp_login.ACTIVE),
        resting={
            id_: f"the project is {state} in its organisation"
            for id_, state in sorted(listed.items())
            if state != gcp_login.ACTIVE
        },
    )


def _login(access: GcpAccess, parent: str) -> Login:
    key = (access.key or "").removeprefix("file:")
    return Login(parent, access.quota_project or "", access.impersonate or "", key)
