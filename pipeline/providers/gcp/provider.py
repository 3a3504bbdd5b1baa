"""What Google Cloud is to the program."""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.fault import Refused
from model.tenant import GcpAccess, Tenant
from pipeline.bounds import Bounds
from pipeline.providers.provider import (
    ABOUT_CHANGES,
    Check,
    CheckOption,
    Destination,
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
from pipeline.secrets import TenantSecrets

if TYPE_CHECKING:
    from catalog.yaml_reader import Document, KeyPath
    from collectors.gcp.resource_types import ResourceType
    from collectors.recorded import Parsed
    from model.clock import Clock
    from model.fault import Fault
    from store.rows import AssetRow

NAME = "gcp"
_ID = re.compile(r"//[a-z0-9.-]+\.googleapis\.com(/[^/\s*?]+)+")
_PROJECT = re.compile(r"/projects/([a-z][a-z0-9.:-]*)(?:/|$)")
# Google's own servers of tokens: the first as in google-auth and in keys of today, the others in older keys.
_TOKEN_SERVERS = (
    "https://oauth2.googleapis.com/token",
    "https://accounts.google.com/o/oauth2/token",
    "https://www.googleapis.com/oauth2/v4/token",
)
_UNIVERSE = "googleapis.com"


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

    return opening.list_members(group, clock)


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


def _named(tenant: Tenant, id_: str) -> Named | None:
    if not id_.startswith("//"):
        return None
    if not _ID.fullmatch(id_):
        return Named(fault="is no full name of one resource: //SERVICE.googleapis.com/…, without patterns")
    if not tenant.google:
        return Named(doubt="the tenant has no Google Cloud projects")
    project, open_ended = _PROJECT.search(id_), any(_parents(access) for access in tenant.google)
    if project and not open_ended and not any(project[1] in access.projects for access in tenant.google):
        return Named(doubt=f"the project {project[1]} is none of the tenant's")
    return Named()


def _change_role(needs: list[str]) -> Role:
    """Return a custom role, as `gcloud iam roles create --file` takes it."""
    return {"title": "Hinomi change", "description": ABOUT_CHANGES, "stage": "GA", "includedPermissions": needs}


def _to_read(format: str, types: "Sequence[ResourceType]") -> str:
    from collectors.gcp import permissions

    return as_json({"json": permissions.role, "terraform": permissions.terraform}[format](types))


def _recordings() -> "Callable[[dict[str, Any]], Iterable[Parsed]]":
    from collectors.gcp.recordings import Recordings
    from collectors.recorded import Parsed

    read = Recordings(_types(None, None)).read
    return lambda exchange: (Parsed(*line) for line in read(exchange))


def _enter_cluster(row: "AssetRow") -> tuple[str, ...]:
    where = ("--location", row.region, "--project", row.scope)
    return ("env", f"KUBECONFIG={row.name}", "gcloud", "container", "clusters", "get-credentials", row.name, *where)


def key_fault(key: bytes) -> str:
    """Return what is wrong with where a key leads: it names whom to ask for tokens, and whose the cloud is."""
    import msgspec

    try:
        leads = msgspec.json.decode(key or b"{}", type=dict[str, Any])
    except msgspec.DecodeError:
        return ""  # what is no key is refused by whoever opens it
    if leads.get("token_uri", _TOKEN_SERVERS[0]) not in _TOKEN_SERVERS:
        return f"names a 'token_uri' that is not Google's; it has to be {_TOKEN_SERVERS[0]}"
    if leads.get("universe_domain", _UNIVERSE) != _UNIVERSE:
        return f"names a 'universe_domain' other than {_UNIVERSE}, which is not known"
    return ""


def _destinations(tenant: Tenant, secrets: TenantSecrets, _bounds: Bounds) -> Iterator[Destination]:
    """Yield the keys of a tenant's file that cannot be read now, or lead elsewhere than to Google."""
    for number, access in enumerate(tenant.google):
        for way, key in (((), access.key), (("write",), access.write.key if access.write else None)):
            if not key:
                continue
            path: KeyPath = ("google", number, *way, "key")
            try:
                why = key_fault(secrets.value(key))
            except Refused as refused:
                yield Destination(path, "the key", doubt=str(refused))
                continue
            if why:
                yield Destination(path, "the key", fault=f"the key {key} {why}")


PROVIDER = Provider(
    NAME,
    types=_types,
    file=TenantFile(("google",), _scopes, _faults, named=_named, destinations=_destinations),
    opening=_opening,
    organisations=Organisations(_groups, _members, _member),
    permissions=Permissions(
        help="Print the read-only role, made from the resource types; "
        "Google's own roles/cloudasset.viewer allows more.",
        formats=("json", "terraform"),
        format_help="a role for `gcloud iam roles create --file`, or Terraform in JSON (save it as NAME.tf.json)",
        to_read=_to_read,
        to_change=_change_role,
        text=as_json,
    ),
    check=Check(
        help="Judge Google Cloud projects. Exit codes as for AWS.",
        options=(
            CheckOption("region", "only this region with its zones, as asia-northeast1", many=True),
            CheckOption("project", "only this project; else GOOGLE_CLOUD_PROJECT, else our own", many=True),
            CheckOption("folder", "this folder's number: itself and all projects in it", many=True),
            CheckOption("organization", "this organisation's number: itself and all in it", many=True),
            CheckOption("impersonate", "e-mail of a service account to speak for"),
            CheckOption("quota_project", "project that the calls count for"),
        ),
    ),
    recordings=_recordings,
    clusters={"gcp.container.cluster": _enter_cluster},
    keeps_raw=True,
)
