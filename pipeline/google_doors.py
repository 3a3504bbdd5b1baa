"""Opens doors to Google Cloud projects, folders and organisations."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from clouds import gcp_login
from clouds.gcp_login import Login
from clouds.rest_write import RestWriteDoor
from collectors.gcp.sight import GcpSight
from model.clock import Clock
from model.fault import Refused
from model.tenant import GoogleAccess
from pipeline.assembly import House
from pipeline.scopes import GoogleParent, GoogleScope, Members


def connect(scope: GoogleScope, house: House, clock: Clock) -> GcpSight:
    """Return the sight of a project, or of a folder or organisation itself; raises `Refused`."""
    login = _login(scope.access, scope.id if "/" in scope.id else f"projects/{scope.id}")
    door = gcp_login.door(login, clock)
    return GcpSight(door, gcp_login.locate(door, login), house.gcp)


def connect_write(scope: GoogleScope, clock: Clock) -> RestWriteDoor:
    """Return the door for changes in a project; raises `Refused` where none is given."""
    write = scope.access.write
    if write is None:
        raise Refused(f"nothing can be changed in {scope.id}; give its access 'write' (docs/tenants.md)")
    key = (write.key or "").removeprefix("file:")
    login = Login(f"projects/{scope.id}", scope.access.quota_project or "", write.impersonate or "", key)
    return RestWriteDoor(gcp_login.write_wire(login), clock)


def looks(
    parents: Sequence[str], login: Login, regions: Sequence[str], house: House, clock: Clock
) -> Iterator[GcpSight]:
    """Yield the sights of `projects/ID`, and of folders and organisations with the projects in them.

    None named = the environment's project. Raises `Refused` where one cannot be entered.
    """
    door = gcp_login.door(login, clock)
    for parent in parents or [""]:
        place = gcp_login.locate(door, Login(parent))
        yield GcpSight(door, replace(place, regions=tuple(regions)), house.gcp, raw=False)
        if parent and not parent.startswith("projects/"):
            projects = gcp_login.projects_under(door, parent)
            for project in sorted(id_ for id_, state in projects.items() if state == gcp_login.ACTIVE):
                place = replace(gcp_login.place(f"projects/{project}"), regions=tuple(regions))
                yield GcpSight(door, place, house.gcp, raw=False)


def list_members(group: GoogleParent, clock: Clock) -> Members:
    """Return the projects of a folder or organisation; raises `Refused` where they cannot be listed."""
    listed = gcp_login.projects_under(gcp_login.door(_login(group.access, group.id), clock), group.id)
    return Members(
        active=sorted(id_ for id_, state in listed.items() if state == gcp_login.ACTIVE),
        resting={
            id_: f"the project is {state} in its organisation"
            for id_, state in sorted(listed.items())
            if state != gcp_login.ACTIVE
        },
    )


def _login(access: GoogleAccess, parent: str) -> Login:
    key = (access.key or "").removeprefix("file:")
    return Login(parent, access.quota_project or "", access.impersonate or "", key)
