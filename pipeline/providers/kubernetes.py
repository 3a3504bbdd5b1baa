"""Opens clients of Kubernetes clusters."""

from clouds.kubernetes import login as kubernetes_login
from clouds.kubernetes.login import Login
from clouds.kubernetes.read import KubernetesClient
from clouds.kubernetes.write import KubernetesWire
from clouds.rest_write import RestWriteClient
from collectors.kubernetes.collector import KubernetesCollector
from model.clock import Clock
from model.fault import Refused
from pipeline.assembly import Catalog
from pipeline.tenants.scopes import KubernetesScope


def connect(scope: KubernetesScope, catalog: Catalog, clock: Clock) -> KubernetesCollector:
    """Return the collector of the scope's cluster, for the catalog's types, and waits between tries by the clock.

    Raises `Refused` where it cannot be entered, or is another one.
    """
    cluster = scope.cluster
    login = Login((cluster.kubeconfig or "").removeprefix("file:"), cluster.context)
    collector = one_look(login, catalog, clock, cluster.name)
    if collector.place.scope != scope.id:
        collector.client.close()
        raise Refused(
            f"the kubeconfig leads to the cluster {collector.place.scope}, the tenant's file names {scope.id}"
        )
    return collector


def connect_write(scope: KubernetesScope, clock: Clock) -> RestWriteClient:
    """Return the client for changes in a cluster; raises `Refused` where none is given, or it leads to another one."""
    cluster = scope.cluster
    if cluster.write is None:
        raise Refused(f"nothing can be changed in {cluster.name}; give the cluster 'write' (docs/tenants.md)")
    login = Login((cluster.write.kubeconfig or "").removeprefix("file:"), cluster.write.context)
    client = kubernetes_login.connection(login)
    place = kubernetes_login.locate(KubernetesClient(client, clock), cluster.name)
    if place.scope != scope.id:
        client.close()
        raise Refused(f"the kubeconfig for changes leads to the cluster {place.scope}, the tenant's is {scope.id}")
    return RestWriteClient(KubernetesWire(client), clock)


def one_look(login: Login, catalog: Catalog, clock: Clock, name: str = "") -> KubernetesCollector:
    """Return the collector of the cluster that a login leads to; raises `Refused` where it cannot be entered.

    It has this name, and is for the catalog's types, and waits between tries by the clock.
    """
    client = kubernetes_login.open_client(login, clock)
    return KubernetesCollector(client, kubernetes_login.locate(client, name), catalog.kubernetes)
