"""How Azure is entered: the SDK's clients for one identity, without anything in them that writes or repeats."""

import os
from pathlib import Path
from typing import Any

import requests
from azure.core import PipelineClient
from azure.core.pipeline import policies
from azure.core.pipeline.transport import RequestsTransport
from azure.identity import CertificateCredential, ClientSecretCredential, DefaultAzureCredential
from azure.mgmt.core.policies import ARMChallengeAuthenticationPolicy
from azure.mgmt.resource.resources import ResourceManagementClient
from azure.mgmt.resourcegraph import ResourceGraphClient
from msgspec import Struct

from model.fault import Refused

ENDPOINT, CA = "HINOMI_AZURE_ENDPOINT", "HINOMI_AZURE_CA"
_ARM, _GRAPH = "https://management.azure.com", "https://graph.microsoft.com"
_GRAPH_VERSIONS = ("/v1.0/", "/beta/")
_CONNECTIONS = 40
_CONNECT_SECONDS, _READ_SECONDS = 10, 30


class Login(Struct, frozen=True):
    """Who enters: an app registration of a directory, else whatever the environment says (azure-identity's default).

    `secret` is the secret itself, `certificate` the certificate and its key in PEM.
    """

    directory: str = ""
    client: str = ""
    secret: str = ""
    certificate: bytes = b""


class Clients(Struct, frozen=True):
    """The SDK's clients of one identity."""

    resource_manager: ResourceManagementClient
    resource_graph: ResourceGraphClient
    microsoft_graph: PipelineClient[Any, Any]
    arm_url: str
    graph_url: str

    def for_link(self, link: str) -> tuple[Any, str]:
        """Return the client for a path, and the address that the path is of."""
        if link.startswith(_GRAPH_VERSIONS):
            return self.microsoft_graph, self.graph_url
        return self.resource_manager, self.arm_url


def clients(login: Login) -> Clients:
    """Return the clients for a login; raises `Refused` where the environment's values cannot be used."""
    endpoint = os.environ.get(ENDPOINT, "").rstrip("/")
    verify: str | bool = os.environ.get(CA) or True
    if isinstance(verify, str) and not Path(verify).is_file():
        raise Refused(f"{CA}: there is no file {verify!r}")
    if endpoint and not endpoint.startswith("https://"):
        raise Refused(f"{ENDPOINT}: {endpoint!r} has to begin with https://, tokens are sent there")
    credential, transport = _credential(login, endpoint, verify), _transport(verify)
    arm, graph = endpoint or _ARM, endpoint or _GRAPH
    # Its own list of policies: the SDK's would register resource providers (a write), repeat calls and log addresses.
    arm_only = {"policies": _policies(credential, f"{_ARM}/.default"), "transport": transport}
    return Clients(
        ResourceManagementClient(credential, "00000000-0000-0000-0000-000000000000", base_url=arm, **arm_only),
        ResourceGraphClient(credential, base_url=arm, **arm_only),
        PipelineClient(graph, policies=_policies(credential, f"{_GRAPH}/.default"), transport=transport),
        arm,
        graph,
    )


def _credential(login: Login, endpoint: str, verify: str | bool) -> Any:
    returned: dict[str, Any] = {"connection_verify": verify, "retry_total": 2}
    if endpoint:
        returned |= {
            "authority": os.environ.get("AZURE_AUTHORITY_HOST") or endpoint,
            "disable_instance_discovery": True,
        }
    try:
        if login.certificate:
            read = {"certificate_data": login.certificate, **returned}
            return CertificateCredential(login.directory, login.client, **read)
        if login.client:
            return ClientSecretCredential(login.directory, login.client, login.secret, **returned)
        return DefaultAzureCredential(
            exclude_shared_token_cache_credential=True,
            exclude_visual_studio_code_credential=True,
            exclude_developer_cli_credential=True,
            exclude_powershell_credential=True,
            exclude_broker_credential=True,
            **returned,
        )
    except (ValueError, OSError) as problem:
        raise Refused(f"the Azure credentials cannot be used ({type(problem).__name__}); check their values") from None


def _policies(credential: Any, scope: str) -> list[Any]:
    return [
        policies.RequestIdPolicy(),
        policies.UserAgentPolicy(base_user_agent="hinomi"),
        policies.HeadersPolicy({"Accept": "application/json"}),
        ARMChallengeAuthenticationPolicy(credential, scope),
    ]


def _transport(verify: str | bool) -> RequestsTransport:
    session = requests.Session()
    session.mount("https://", requests.adapters.HTTPAdapter(pool_maxsize=_CONNECTIONS))
    return RequestsTransport(
        session=session,
        session_owner=False,
        connection_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        connection_verify=verify,
    )
