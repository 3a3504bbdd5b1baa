"""How a Kubernetes cluster is entered, and where it is looked at."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx2
import yaml
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, SERVICE_ACCOUNT, KubeConfig, SingleConfig
from lightkube.config.models import User
from lightkube.core.exceptions import ConfigError
from msgspec import Struct
from yaml import YAMLError

from clouds.call_failed import CallFailed
from clouds.kubernetes.plug_in import PlugInAuth, plug_in_of
from clouds.kubernetes.read import KubernetesClient
from clouds.kubernetes.tenants_file import TenantsFile, bounded
from model.asset import Place
from model.clock import Clock
from model.fault import Refused
from outgoing import web

_READ_SECONDS = 30.0
_OWN_NAMESPACE = "/api/v1/namespaces/kube-system"


class Login(Struct, frozen=True):
    """A kubeconfig file and one of its contexts.

    None named = KUBECONFIG, else the service account of the pod that this runs in, else ~/.kube/config, and its
    current context. What a tenant's file names is the `tenants`: its content and its bounds, beside the path; all other
    configuration is the operator's. Programs that it has started see what is `passed_on` of the environment.
    """

    kubeconfig: str = ""
    context: str = ""
    tenants: TenantsFile | None = None
    passed_on: Sequence[str] = ()


def open_client(login: Login, clock: Clock) -> KubernetesClient:
    """Return the client for a login; raises `Refused` where the configuration cannot be used."""
    return KubernetesClient(connection(login), clock)


def connection(login: Login) -> httpx2.Client:
    """Return what sends requests to a login's cluster; raises `Refused` where the configuration cannot be used.

    Raises `Denied` where a tenant's leads to an address that is not allowed.
    """
    with _refusing(login):
        config = _config(login)
        user = config.user or User()
        trust = client_adapter.verify_cluster(config.cluster, user, config.abs_file)
        timeout = httpx2.Timeout(_READ_SECONDS, connect=5.0)
        auth = _auth(user, login.passed_on)
        if login.tenants is None:
            return httpx2.Client(base_url=config.cluster.server, verify=trust, auth=auth, timeout=timeout)
        return web.client(config.cluster.server, login.tenants.border, timeout, web.Caller(trust, auth))


def _auth(user: User, passed_on: Sequence[str]) -> httpx2.Auth | None:
    """Return what makes requests the user's, in lightkube's order; a program is ours to start."""
    if user.exec and not (user.token or user.token_file):
        return PlugInAuth(plug_in_of(user.exec, passed_on))
    return client_adapter.user_auth(user)


def server_of(login: Login) -> tuple[str, int]:
    """Return host and port of a login's cluster, without asking it; raises `Refused` where they cannot be known."""
    with _refusing(login):
        host, port = web.host_and_port(httpx2.URL(_config(login).cluster.server))
    if not host:
        raise Refused(f"the server in {_shown(login)} is no URL of a web server")
    return host, port


def locate(open_client: KubernetesClient, name: str = "") -> Place:
    """Return the cluster's place: its id is the uid of the namespace kube-system, which lives as long as it does.

    Raises `Refused`, with the client closed, where the cluster does not answer or does not let us in.
    """
    try:
        uid = open_client.get(_OWN_NAMESPACE)["metadata"].get("uid")
    except CallFailed as failure:
        open_client.close()
        raise Refused(
            f"the cluster's namespace kube-system cannot be read: {failure.code}; {_remedy(failure)}"
        ) from None
    if not isinstance(uid, str) or not uid:
        open_client.close()
        raise Refused("the cluster does not report the uid of its namespace kube-system")
    return Place(scope=uid, account=name or uid, account_resource=f"kubernetes://{uid}", partition="", regions=())


def _remedy(failure: CallFailed) -> str:
    if failure.unreachable:
        return "check the server's address in the kubeconfig, and that it can be reached from here"
    return "bind the role that `hinomi permissions kubernetes` prints"


@contextmanager
def _refusing(login: Login) -> Iterator[None]:
    """Raise `Refused` for what may be wrong with a kubeconfig."""
    try:
        yield
    except (ConfigError, OSError, ValueError, KeyError, TypeError, AttributeError, httpx2.InvalidURL, YAMLError) as p:
        # The message would name files and people of the machine; the kind of fault is enough to look for it.
        raise Refused(
            f"{_shown(login)} cannot be used ({type(p).__name__}); try `kubectl --context … get nodes`"
        ) from None


def _shown(login: Login) -> str:
    return f"the kubeconfig {login.kubeconfig!r}" if login.kubeconfig else "the Kubernetes configuration"


def _config(login: Login) -> SingleConfig:
    """Return what a login means; kubectl's order, so that the same environment leads to the same cluster."""
    content = yaml.safe_load(login.tenants.content) if login.tenants else {}
    found = KubeConfig.from_dict(content, fname=login.kubeconfig) if login.tenants else _configuration(login)
    if login.context and login.context not in found.contexts:
        raise Refused(f"the kubeconfig has no context {login.context!r}; see `kubectl config get-contexts`")
    config = found.get(login.context or None)
    if config is None:
        raise Refused("the kubeconfig has no current context; pass --context")
    return bounded(config, content, login.tenants) if login.tenants else config


def _configuration(login: Login) -> KubeConfig:
    """Return the operator's kubeconfig of a login with all of its contexts."""
    returned = login.kubeconfig or os.environ.get("KUBECONFIG", "")
    if os.pathsep in returned:
        raise Refused("KUBECONFIG names several files; name one, as `kubectl config view --flatten` makes it")
    if not returned and Path(SERVICE_ACCOUNT, "token").is_file():
        return KubeConfig.from_service_account()
    file = Path(returned or DEFAULT_KUBECONFIG).expanduser()
    if not file.is_file():
        raise Refused(f"there is no kubeconfig at {str(file)!r}; set KUBECONFIG or pass --kubeconfig")
    return KubeConfig.from_file(file)
