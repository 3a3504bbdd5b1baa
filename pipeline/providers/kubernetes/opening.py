"""Opens clients of Kubernetes clusters."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from catalog.yaml_reader import content, parse
from clouds.kubernetes import login as kubernetes_login
from clouds.kubernetes.login import Login
from clouds.kubernetes.read import KubernetesClient
from clouds.kubernetes.tenants_file import TenantsFile
from clouds.kubernetes.write import KubernetesWire
from clouds.rest_write import RestWriteClient
from collectors.kubernetes.collector import KubernetesCollector
from collectors.kubernetes.resource_types import ResourceType
from model.clock import Clock
from model.fault import Refused
from model.tenant import KubernetesCluster, KubernetesWrite
from pipeline.providers.provider import ScopeOf


def connect(scope: ScopeOf[KubernetesCluster], types: Sequence[ResourceType], clock: Clock) -> KubernetesCollector:
    """Return the collector of the scope's cluster for these types; it waits between tries by the clock.

    Raises `Refused` where it cannot be entered, or is another one.
    """
    cluster = scope.access
    collector = _entered(login_of(cluster, scope), types, clock, cluster.name)
    if collector.place.scope != scope.id:
        collector.client.close()
        raise Refused(
            f"the kubeconfig leads to the cluster {collector.place.scope}, the tenant's file names {scope.id}"
        )
    return collector


def connect_write(scope: ScopeOf[KubernetesCluster], _needs: Sequence[str], clock: Clock) -> RestWriteClient:
    """Return the client for changes in a cluster; raises `Refused` where none is given, or it leads to another one."""
    cluster = scope.access
    if cluster.write is None:
        raise Refused(f"nothing can be changed in {cluster.name}; give the cluster 'write' (docs/tenants.md)")
    client = kubernetes_login.connection(login_of(cluster.write, scope))
    place = kubernetes_login.locate(KubernetesClient(client, clock), cluster.name)
    if place.scope != scope.id:
        client.close()
        raise Refused(f"the kubeconfig for changes leads to the cluster {place.scope}, the tenant's is {scope.id}")
    return RestWriteClient(KubernetesWire(client), clock)


def looks(asked: Mapping[str, Any], types: Sequence[ResourceType], clock: Clock) -> list[KubernetesCollector]:
    """Return the collector of the cluster that the kubeconfig leads to that was asked for; it is for these types.

    The clock waits between tries. Raises `Refused` where it cannot be entered.
    """
    named = asked["kubeconfig"]
    if named:
        _checked(content(Path(named)), named)
    return [_entered(Login(named, asked["context"], passed_on=asked["plug_in_variable"]), types, clock)]


def login_of(who: KubernetesCluster | KubernetesWrite, scope: ScopeOf[KubernetesCluster]) -> Login:
    """Return who enters a scope's cluster: by the kubeconfig that the tenant's file refers to, else the installation's.

    Raises `Refused` where it is not the tenant's, or cannot be read.
    """
    secrets, bounds = scope.secrets, scope.bounds
    if who.kubeconfig is None:
        return Login("", secrets.context(who.context), passed_on=bounds.passed_on)
    path = str(secrets.path(who.kubeconfig))
    given = _checked(secrets.value(who.kubeconfig), f"the kubeconfig {who.kubeconfig}")
    tenants = TenantsFile(given, lambda named: secrets.value(f"file:{named}"), bounds.border, bounds.plug_ins)
    return Login(path, who.context, tenants, bounds.passed_on)


def _checked(kubeconfig: bytes, name: str) -> bytes:
    """Return a kubeconfig that somebody named, once it was read within limits: the client's library has none.

    Its name stands in errors. Raises `Refused` for what is too large or deep, has aliases, or is no YAML.
    """
    parse(kubeconfig, name)
    return kubeconfig


def _entered(login: Login, types: Sequence[ResourceType], clock: Clock, name: str = "") -> KubernetesCollector:
    """Return the collector of the cluster that a login leads to; raises `Refused` where it cannot be entered."""
    client = kubernetes_login.open_client(login, clock)
    return KubernetesCollector(client, kubernetes_login.locate(client, name), types)
