"""Opens doors to Kubernetes clusters."""

from clouds import kubernetes_login
from clouds.kubernetes_login import Login
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


def one_look(login: Login, house: House, clock: Clock, name: str = "") -> KubernetesSight:
    """Return the sight of the cluster that a login leads to; raises `Refused` where it cannot be entered."""
    door = kubernetes_login.door(login, clock)
    return KubernetesSight(door, kubernetes_login.locate(door, name), house.kubernetes)
