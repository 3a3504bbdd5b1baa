"""A kubeconfig that a tenant's file names: what stands in it leads only to what is the tenant's, or was allowed."""

import base64
import posixpath
from collections.abc import Callable, Sequence
from typing import Any

from lightkube.config.kubeconfig import SingleConfig
from lightkube.config.models import Cluster, User
from msgspec import Struct
from msgspec.structs import replace

from clouds.kubernetes.plug_in import permitted
from model.fault import Refused
from outgoing.border import Border


class TenantsFile(Struct, frozen=True):
    """The content of a tenant's kubeconfig, and what it may lead to.

    `read` returns what is in a file that it names, by its path. The cluster is reached over the border; `plug_ins` are
    the programs that may be started for it, by absolute path.
    """

    content: bytes
    read: Callable[[str], bytes]
    border: Border = Border()
    plug_ins: Sequence[str] = ()


def bounded(config: SingleConfig, content: Any, file: TenantsFile) -> SingleConfig:
    """Return a configuration of a tenant's file that names no file any more, and only an allowed program.

    The `config` is that of the chosen context, the content the file's as parsed: lightkube leaves out what it does not
    know. Raises `Refused` for a proxy, for files that are not the tenant's and for programs that are not allowed.
    """
    (cluster,) = (one["cluster"] for one in content["clusters"] if one["name"] == config.context.cluster)
    if "proxy-url" in cluster:
        raise Refused("the kubeconfig names a 'proxy-url', which is not taken from a tenant's file: take it out")
    user = _without_files_of_user(config, file) if config.user else None
    return config._replace(cluster=_without_files_of_cluster(config, file), user=user)


def _without_files_of_cluster(config: SingleConfig, file: TenantsFile) -> Cluster:
    cluster = config.cluster
    given = _given(config, cluster.certificate_auth, cluster.certificate_auth_data, file)
    return replace(cluster, certificate_auth=None, certificate_auth_data=given)


def _without_files_of_user(config: SingleConfig, file: TenantsFile) -> User:
    user = config.user or User()
    return replace(
        user,
        token=_read(config, user.token_file, file).decode() if user.token_file else user.token,
        token_file=None,
        client_cert=None,
        client_cert_data=_given(config, user.client_cert, user.client_cert_data, file),
        client_key=None,
        client_key_data=_given(config, user.client_key, user.client_key_data, file),
        exec=permitted(user.exec, file.plug_ins) if user.exec else None,
    )


def _given(config: SingleConfig, path: str | None, data: str | None, file: TenantsFile) -> str | None:
    """Return what stands in the kubeconfig itself, else what is in the file that it names, in base64."""
    if data or not path:
        return data
    return base64.b64encode(_read(config, path, file)).decode()


def _read(config: SingleConfig, path: str, file: TenantsFile) -> bytes:
    """Return what is in a file; a relative path is meant from the kubeconfig's folder, as kubectl means it."""
    return file.read(posixpath.join(posixpath.dirname(str(config.fname or "")), path))
