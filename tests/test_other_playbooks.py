"""The playbooks of Azure, Google Cloud and Kubernetes on local servers that are as strict as the real ones."""

import copy
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clouds.kubernetes_stand_in import UID, Asked, ClusterStandIn, Reply
from model.tenant import KubernetesCluster, KubernetesWrite, Tenant
from tests.changing import AWS, Desk
from tests.conftest import MovingClock
from tests.homes import home_at

Row = dict[str, Any]


def desk_of(folder: Path, playbook: str, tenant: Tenant) -> Desk:
    home = home_at(str(folder / "home"))
    home.create()
    return Desk(home, MovingClock(), playbook, tenant)


# --- Kubernetes

AUTOMOUNT = "kubernetes.core.no-automount"


def account(namespace: str, **more: Any) -> Row:
    metadata = {"name": "default", "namespace": namespace, "labels": {"team": "shop"}, "uid": f"u-{namespace}"}
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata, "secrets": [{"name": "s"}]} | more


def cluster_of(folder: Path, cluster: ClusterStandIn) -> Tenant:
    file = f"file:{cluster.kubeconfig(folder)}"
    write = KubernetesWrite(file)
    return replace(AWS, scopes=[], kubernetes=[KubernetesCluster(UID, "production", file, write=write)])


@pytest.fixture
def cluster() -> Any:
    objects = [
        account("shop"),
        account("plant", automountServiceAccountToken=True),
        account("sound", automountServiceAccountToken=False),
    ]
    with ClusterStandIn(objects) as served:
        yield served


def writes(cluster: ClusterStandIn) -> list[str]:
    return [asked.path for asked in cluster.asked if asked.method != "GET"]


def test_a_cluster_is_mended_and_taken_back(cluster: ClusterStandIn, tmp_path: Path) -> None:
    desk = desk_of(tmp_path, AUTOMOUNT, cluster_of(tmp_path, cluster))
    desk.scan()
    before = copy.deepcopy(cluster.objects)
    failing = {f.resource for f in desk.findings().values() if f.state == "open"}
    assert len(failing) == 2
    plan = desk.approve(desk.plan())
    assert set(desk.run(plan).values()) == {"verified"}
    for row, old in zip(cluster.objects, before, strict=True):
        changed = row["kind"] == "ServiceAccount" and row["metadata"]["namespace"] != "sound"
        assert row == (old | {"automountServiceAccountToken": False} if changed else old)
    assert {f.state for f in desk.findings().values()} == {"resolved"}
    assert len(writes(cluster)) == 2
    assert set(desk.run(desk.approve(desk.undo(plan))).values()) == {"verified"}
    assert cluster.objects == before, "absent is absent again, true is true"
    assert {f.state for f in desk.findings().values()} == {"reopened"}


class ElseFirst:
    """Somebody else changes an object just before a patch of ours comes."""

    def __init__(self) -> None:
        self.cluster: ClusterStandIn | None = None

    def __call__(self, asked: Asked, times: int) -> Reply | None:
        assert self.cluster
        if asked.method == "PATCH" and times == 2 and not asked.query.get("theirs"):
            for row in self.cluster.objects:
                if row["kind"] == "ServiceAccount":
                    self.cluster._versions["ServiceAccount", row["metadata"]["namespace"], "default"] = 9
        return None


def test_whoever_was_faster_keeps_what_they_wrote(tmp_path: Path) -> None:
    fault = ElseFirst()
    with ClusterStandIn([account("shop")], fault) as cluster:
        fault.cluster = cluster
        desk = desk_of(tmp_path, AUTOMOUNT, cluster_of(tmp_path, cluster))
        desk.scan()
        assert desk.run(desk.approve(desk.plan())) == {"default": "failed"}
        assert cluster.objects[1:] == [account("shop")]
        with desk.home.tenant("aozora").read() as reader:
            (progress,) = reader.plans.progress(reader.plans.newest(1)[0].id).values()
        assert progress.reason == "PATCH: Conflict"


def test_without_write_access_nothing_is_changed(cluster: ClusterStandIn, tmp_path: Path) -> None:
    tenant = cluster_of(tmp_path, cluster)
    tenant = replace(tenant, kubernetes=[replace(tenant.kubernetes[0], write=None)])
    desk = desk_of(tmp_path, AUTOMOUNT, tenant)
    desk.scan()
    assert set(desk.run(desk.approve(desk.plan())).values()) == {"failed"}
    assert writes(cluster) == []
