"""How Google Cloud is entered, and where it is looked at."""

import os
import re
from typing import Any

import google.auth
import google.auth.exceptions
import msgspec
from google.auth import impersonated_credentials
from google.auth.transport.requests import Request
from google.oauth2 import service_account
from msgspec import Struct

from clouds.call_failed import CallFailed
from clouds.gcp.listing import Ask
from clouds.gcp.read import AssetApi, GcpClient, client, local_client
from clouds.gcp.write import ENDPOINT, GcpWire, session_of
from model.asset import Place
from model.clock import Clock
from model.fault import Refused

_SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]  # the only one that Cloud Asset takes
_PARENT = re.compile(r"projects/(?:[a-z0-9.-]+:)?[a-z0-9-]{1,63}|(?:folders|organizations)/[0-9]{1,20}")
_PROJECT_TYPE = "cloudresourcemanager.googleapis.com/Project"
_HOLDER = "//cloudresourcemanager.googleapis.com/"
ACTIVE = "ACTIVE"


class Login(Struct, frozen=True):
    """What is looked at (`projects/ID`, `folders/N`, `organizations/N`), and where credentials come from.

    These are the environment's own (application default credentials) or a service account's `key` in JSON; with
    `impersonate`, another service account is entered with them. `quota_project` is whom the calls count for.
    """

    parent: str = ""
    quota_project: str = ""
    impersonate: str = ""
    key: bytes = b""


def open_client(login: Login, clock: Clock) -> GcpClient:
    """Return the client for a login; raises `Refused` where there are no credentials, or none that can be used.

    HINOMI_GCP_ENDPOINT=host:port leads to a local server, in plain text and without credentials.
    """
    if endpoint := os.environ.get("HINOMI_GCP_ENDPOINT", ""):
        returned = (("x-goog-user-project", login.quota_project),) if login.quota_project else ()
        return GcpClient(AssetApi(local_client(endpoint), metadata=returned), clock)
    credentials, project = _credentials(login)
    access = AssetApi(client(credentials), project, renew=lambda: credentials.refresh(Request()))
    return GcpClient(access, clock)


def write_wire(login: Login) -> GcpWire:
    """Return the wire for changes for a login; raises `Refused` where there are no credentials.

    HINOMI_GCP_REST_ENDPOINT=URL leads to a local server, without credentials.
    """
    return GcpWire(session_of(None if os.environ.get(ENDPOINT) else _credentials(login)[0]))


def _credentials(login: Login) -> tuple[Any, str]:
    """Return the credentials of a login and the project that they name."""
    found, project = _from_key(login.key) if login.key else _default()
    if login.impersonate:
        found = impersonated_credentials.Credentials(  # type: ignore[no-untyped-call]
            source_credentials=found, target_principal=login.impersonate, target_scopes=_SCOPES
        )
    if login.quota_project:
        found = found.with_quota_project(login.quota_project)
    return found, project


def _from_key(key: bytes) -> tuple[Any, str]:
    try:
        found = service_account.Credentials.from_service_account_info(  # type: ignore[no-untyped-call]
            msgspec.json.decode(key, type=dict[str, Any]), scopes=_SCOPES
        )
    except (ValueError, TypeError, google.auth.exceptions.GoogleAuthError) as problem:
        fault = f"the key file cannot be used ({type(problem).__name__})"
        raise Refused(f"{fault}; it has to be a service account's key in JSON") from None
    return found, str(found.project_id or "")


def _default() -> tuple[Any, str]:
    try:
        found, project = google.auth.default(scopes=_SCOPES)
    except google.auth.exceptions.GoogleAuthError:
        raise Refused(
            "no Google Cloud credentials were found; run `gcloud auth application-default login`, "
            "set GOOGLE_APPLICATION_CREDENTIALS, or name a key file"
        ) from None
    return found, str(project or "")


def locate(open_client: GcpClient, login: Login) -> Place:
    """Return the project, folder or organisation that is looked at.

    Without one in the login it is GOOGLE_CLOUD_PROJECT, else the credentials' own project. Raises `Refused` where none
    is named, where it is no such name, or where the credentials are not accepted.
    """
    project = os.environ.get("GOOGLE_CLOUD_PROJECT") or open_client.own_project
    parent = login.parent or (f"projects/{project}" if project else "")
    if not parent:
        raise Refused("no Google Cloud project is named; name one (projects/ID) or set GOOGLE_CLOUD_PROJECT")
    if not _PARENT.fullmatch(parent):
        raise Refused(f"{parent!r} is not of the form projects/ID, folders/NUMBER or organizations/NUMBER")
    try:
        open_client.renew()
    except CallFailed as failure:
        raise Refused(
            f"Google Cloud does not accept the credentials ({failure.code}); check the key file or log in again, "
            "and that the service account may be impersonated"
        ) from None
    return place(parent)


def place(parent: str) -> Place:
    """Return the place of `projects/ID`, `folders/N` or `organizations/N`; a project's scope is its bare id."""
    return Place(
        scope=parent.removeprefix("projects/"),
        account=parent.removeprefix("projects/"),
        account_resource=_HOLDER + parent,
        partition="",
        regions=(),
    )


def projects_under(open_client: GcpClient, parent: str) -> dict[str, str]:
    """Return the state of each project of a folder or an organisation, by id; `ACTIVE` ones can be looked at.

    Raises `Refused` where they cannot be listed.
    """
    found: dict[str, str] = {}
    try:
        for page in open_client.pages(Ask(parent, "RESOURCE", (_PROJECT_TYPE,))):
            for asset in page:
                data = asset.get("resource", {}).get("data", {})
                if asset["assetType"] != _PROJECT_TYPE or not data.get("projectId"):
                    raise CallFailed("malformed")  # a project that is not seen is not judged
                found[str(data["projectId"])] = str(data.get("lifecycleState") or data.get("state") or "")
    except CallFailed as failure:
        raise Refused(f"cloudasset.assets.listResource {failure.code}") from None
    return found
