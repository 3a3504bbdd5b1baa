"""How a Kubernetes cluster is entered, and where it is looked at."""

import os
from pathlib import Path

import httpx2
import msgspec
import yaml
from lightkube.config import client_adapter
from lightkube.config.kubeconfig import DEFAULT_KUBECONFIG, SERVICE_ACCOUNT, KubeConfig, SingleConfig
from lightkube.config.models import NameValue, User, UserExec
from lightkube.core.exceptions import ConfigError
from msgspec import Struct

from clouds.call_failed import CallFailed
from clouds.kubernetes.read import KubernetesClient
from model.asset import Place
from model.clock import Clock
from model.fault import Refused

_READ_SECONDS = 30.0
_CONNECTIONS = 16
_EXEC_VERSIONS = frozenset(f"client.authentication.k8s.io/{v}" for v in ("v1", "v1beta1", "v1alpha1"))
_TAKEN_BY_LIGHTKUBE = "client.authentication.k8s.io/v1beta1"  # the answers of `v1` have the same form
_OWN_NAMESPACE = "/api/v1/namespaces/kube-system"


class Login(Struct, frozen=True):
    """A kubeconfig file and one of its contexts.

    None named = KUBECONFIG, else the service account of the pod that this runs in, else ~/.kube/config, and its
    current context. What was read of the file already is its `content`; then it is not read again.
    """

    kubeconfig: str = ""
    context: str = ""
    content: bytes = b""


def open_client(login: Login, clock: Clock) -> KubernetesClient:
    """Return the client for a login; raises `Refused` where the configuration cannot be used."""
    return KubernetesClient(connection(login), clock)


def connection(login: Login) -> httpx2.Client:
    """Return what sends requests to a login's cluster; raises `Refused` where the configuration cannot be used."""
    try:
        config = _with_plug_in(_config(login))
        parameters = client_adapter.ConnectionParams(timeout=httpx2.Timeout(_READ_SECONDS, connect=5.0))
        return client_adapter.Client(config, parameters)
    except (ConfigError, OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError, yaml.YAMLError) as p:
        # The message would name files and people of the machine; the kind of fault is enough to look for it.
        raise Refused(
            f"{_shown(login)} cannot be used ({type(p).__name__}); try `kubectl --context … get nodes`"
        ) from None


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


def _shown(login: Login) -> str:
    return f"the kubeconfig {login.kubeconfig!r}" if login.kubeconfig else "the Kubernetes configuration"


def _config(login: Login) -> SingleConfig:
    """Return what a login means; kubectl's order, so that the same environment leads to the same cluster."""
    found = _configuration(login)
    if login.context and login.context not in found.contexts:
        raise Refused(f"the kubeconfig has no context {login.context!r}; see `kubectl config get-contexts`")
    config = found.get(login.context or None)
    if config is None:
        raise Refused("the kubeconfig has no current context; pass --context")
    return config if config.user else config._replace(user=User())


def _configuration(login: Login) -> KubeConfig:
    """Return the kubeconfig of a login with all of its contexts."""
    if login.content:
        return KubeConfig.from_dict(yaml.safe_load(login.content), fname=login.kubeconfig)
    returned = login.kubeconfig or os.environ.get("KUBECONFIG", "")
    if os.pathsep in returned:
        raise Refused("KUBECONFIG names several files; name one, as `kubectl config view --flatten` makes it")
    if not returned and Path(SERVICE_ACCOUNT, "token").is_file():
        return KubeConfig.from_service_account()
    file = Path(returned or DEFAULT_KUBECONFIG).expanduser()
    if not file.is_file():
        raise Refused(f"there is no kubeconfig at {str(file)!r}; set KUBECONFIG or pass --kubeconfig")
    return KubeConfig.from_file(file)


def _with_plug_in(config: SingleConfig) -> SingleConfig:
    """Return a configuration whose exec plug-in gets what kubectl gives it (KUBERNETES_EXEC_INFO)."""
    plug_in = config.user.exec if config.user else None
    if config.user is None or plug_in is None:
        return config
    if plug_in.apiVersion not in _EXEC_VERSIONS:
        raise Refused(f"the kubeconfig's exec plug-in speaks {plug_in.apiVersion!r}, which is not known")
    info = {"apiVersion": plug_in.apiVersion, "kind": "ExecCredential", "spec": {"interactive": False}}
    returned = NameValue("KUBERNETES_EXEC_INFO", msgspec.json.encode(info).decode())
    asked = UserExec(
        apiVersion=_TAKEN_BY_LIGHTKUBE, command=plug_in.command, env=[*(plug_in.env or []), returned], args=plug_in.args
    )
    return config._replace(user=msgspec.structs.replace(config.user, exec=asked))
