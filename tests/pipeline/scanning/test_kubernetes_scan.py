"""A tenant with a cluster through the whole loop: recorded, ended, unverified, another cluster refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from demo.stand_ins.kubernetes import UID, Asked, ClusterStandIn, StandInReply, status
from model.tenant import KubernetesCluster, Tenant
from outgoing.border import NOT_ALLOWED
from pipeline.bounds import Bounds
from pipeline.scanning.scan import Summary
from store.home import Home
from store.rows import Selection
from tests.conftest import MovingClock
from tests.contracts import known
from tests.recorded_clouds import TENANT, catalog
from tests.worlds import scanned_in, world_of

pytestmark = pytest.mark.process

AT = "2026-06-01T00:00:00.000000Z"
POLICY = "kubernetes.core.privileged-container"
DEPLOYMENTS = "/apis/apps/v1/deployments"


def _workload(version: str, kind: str, name: str, privileged: bool, **metadata: Any) -> dict[str, Any]:
    pod = {"containers": [{"name": "app", "securityContext": {"privileged": privileged}}]}
    spec = pod if kind == "Pod" else {"template": {"spec": pod}}
    return {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "namespace": "shop", **metadata},
        "spec": spec,
    }


def _owner(kind: str, name: str) -> list[dict[str, object]]:
    return [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}]


class _Breaking:
    """Answers 403 at the paths it is given."""

    def __init__(self) -> None:
        self.paths: set[str] = set()

    def __call__(self, asked: Asked, _: int) -> StandInReply | None:
        return status(403, "Forbidden") if asked.path in self.paths else None


@pytest.fixture
def breaking() -> _Breaking:
    return _Breaking()


@pytest.fixture
def cluster(breaking: _Breaking) -> Iterator[ClusterStandIn]:
    objects = [
        _workload("apps/v1", "Deployment", "web", True, labels={"team": "shop"}),
        _workload("apps/v1", "ReplicaSet", "web-1", True, ownerReferences=_owner("Deployment", "web")),
        *(_workload("v1", "Pod", f"web-1-{n}", True, ownerReferences=_owner("ReplicaSet", "web-1")) for n in range(3)),
        _workload("v1", "Pod", "bare", True),
    ]
    with ClusterStandIn(objects, breaking) as made:
        yield made


@pytest.fixture
def tenant(home: Home, cluster: ClusterStandIn, tmp_path: Path) -> Tenant:
    entry = KubernetesCluster(cluster=UID, name="shop", kubeconfig=f"file:{cluster.kubeconfig(tmp_path)}")
    made = replace(TENANT, scopes=[], kubernetes=[entry])
    known(home, made.tenant, AT)
    return made


def _look(home: Home, tenant: Tenant, clock: MovingClock) -> Summary:
    clock.sleep(60)
    return scanned_in(world_of(home, clock), tenant, catalog())


def _open(home: Home) -> dict[str, str]:
    with home.tenant("aozora").read() as reader:
        return {f.name: f.unverified_because for f in reader.findings() if f.policy == POLICY}


def test_one_finding_for_a_deployment_and_its_pods(home: Home, tenant: Tenant, clock: MovingClock) -> None:
    assert _look(home, tenant, clock).gaps == []
    assert _open(home) == {"web": "", "bare": ""}
    with home.tenant("aozora").read() as reader:
        pods = reader.assets(Selection({"kind": "kubernetes.core.pod"}))
        tagged = reader.assets(Selection({}, tag="team=shop"))
    assert sorted(row.name for row in pods) == ["bare", "web-1-0", "web-1-1", "web-1-2"]
    assert [(row.scope, row.name) for row in tagged] == [(UID, "web")]
    again = _look(home, tenant, clock)
    assert (again.new_rows, again.facts) == (0, {})


def test_what_cannot_be_listed_stays_and_what_is_gone_ends(
    home: Home, tenant: Tenant, clock: MovingClock, cluster: ClusterStandIn, breaking: _Breaking
) -> None:
    _look(home, tenant, clock)
    breaking.paths = {DEPLOYMENTS}
    summary = _look(home, tenant, clock)
    assert set(summary.facts) == {"open"}
    assert "Forbidden" in _open(home)["web"]
    assert _open(home) | {"web": ""} == {"web": "", "bare": "", "web-1": ""}, "nothing was seen that it is judged with"
    breaking.paths = set()
    cluster.objects = [row for row in cluster.objects if not row["metadata"]["name"].startswith("web")]
    assert _look(home, tenant, clock).facts["resolved"] >= 1
    assert _open(home) == {"bare": ""}


def test_another_cluster_than_the_file_names_is_not_looked_at(
    home: Home, tenant: Tenant, clock: MovingClock, cluster: ClusterStandIn
) -> None:
    _look(home, tenant, clock)
    cluster.objects[0] = cluster.objects[0] | {"metadata": {"name": "kube-system", "uid": "another"}}
    summary = _look(home, tenant, clock)
    assert ["leads to the cluster another" in gap.cause for gap in summary.gaps] == [True]
    assert summary.facts == {}
    assert all("leads to the cluster another" in because for because in _open(home).values())


def test_a_cluster_at_an_address_that_is_not_allowed_is_a_gap_and_is_not_asked(
    home: Home, tenant: Tenant, clock: MovingClock, cluster: ClusterStandIn
) -> None:
    clock.sleep(60)
    world = world_of(home, clock, bounds=lambda _tenant: Bounds())
    (gap,) = scanned_in(world, tenant, catalog()).gaps
    assert gap.cause == NOT_ALLOWED
    assert cluster.asked == []
