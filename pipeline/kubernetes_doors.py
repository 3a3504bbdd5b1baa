"""Opens doors to Kubernetes clusters."""

from clouds import kubernetes_login
from clouds.kubernetes import KubernetesDoor
from clouds.kubernetes_login import Login
from clouds.kubernetes_write import KubernetesWire
from clouds.rest_write import RestWriteDoor
from collectors.kubernetes.sight import KubernetesSight
from model.clock import Clock
from model.fault import Refused
from pipeline.assembly import House
from pipeline.scopes import KubernetesScope


def connect(scope: KubernetesScope, house: House, clock: Clock) -> KubernetesSight:
    """Return the sight of a cluster; raises `Refused` where it cannot be entered, or is another one."""
    cluster = scope.cluster
    login = Login((cluster.kubeconfig or "").removeprefix("file:"), cluster.context)
    sight = one_look(login, house, clock, cluster.name)
    if sight.place.scope != scope.id:
        sight.door.close()
        raise Refused(f"the kubeconfig leads to the cluster {sight.place.scope}, the tenant's file names {scope.id}")
    return sight


def connect_write(scope: KubernetesScope, clock: Clock) -> RestWriteDoor:
    """Return the door for changes in a cluster; raises `Refused` where none is given, or it leads to another one."""
    cluster = scope.cluster
    if cluster.write is None:
        raise Refused(f"nothing can be changed in {cluster.name}; give the cluster 'write' (docs/tenants.md)")
    login = Login((cluster.write.kubeconfig or "").removeprefix("file:"), cluster.write.context)
    client = kubernetes_login.connection(login)
    place = kubernetes_login.locate(KubernetesDoor(client, clock), cluster.name)
    if place.scope != scope.id:
        client.close()
        raise Refused(f"the kubeconfig for changes leads to the cluster {place.scope}, the tenant's is {scope.id}")
    return RestWriteDoor(KubernetesWire(client), clock)


def one_look(login: Login, house: House, clock: Clock, name: str = "") -> KubernetesSight:
    """Return the sight of the cluster that a login leads to; raises `Refused` where it cannot be entered."""
    door = kubernetes_login.door(login, clock)
    return KubernetesSight(door, kubernetes_login.locate(door, name), house.kubernetes)
