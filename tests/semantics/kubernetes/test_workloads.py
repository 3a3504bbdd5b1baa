"""What of a workload its pods will be, and how objects are judged beside others.

Expected by kubernetes.io: «Workload API» and «PodTemplateSpec» (where a kind keeps its template), «Configure a Security
Context for a Pod or Container» (the container's setting wins), «Restrict a Container's Access to Resources with
AppArmor» (annotations), «Using RBAC Authorization».
"""

from typing import Any

import pytest

from catalog.policies import Policy
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset
from model.canonical import parse_instant
from semantics.kubernetes import workloads
from tests.recorded_clouds import catalog

Row = dict[str, Any]

POD = {"containers": [{"name": "app"}]}
TEMPLATE = {"metadata": {"annotations": {"a": "of the template"}}, "spec": POD}
METADATA = {"annotations": {"a": "its own"}}
TEMPLATED = ("Deployment", "DaemonSet", "StatefulSet", "ReplicaSet", "ReplicationController", "Job")


@pytest.mark.parametrize("kind", TEMPLATED)
def test_pods_of_kinds_with_a_template(kind: str) -> None:
    spec = {"template": TEMPLATE}
    assert workloads.pod_spec(kind, spec) == POD
    assert workloads.pod_annotations(kind, METADATA, spec) == {"a": "of the template"}


def test_pods_of_a_cron_job_and_a_pod() -> None:
    spec = {"jobTemplate": {"spec": {"template": TEMPLATE}}}
    assert workloads.pod_spec("CronJob", spec) == POD
    assert workloads.pod_annotations("CronJob", METADATA, spec) == {"a": "of the template"}
    assert workloads.pod_spec("Pod", POD) == POD
    assert workloads.pod_annotations("Pod", METADATA, POD) == {"a": "its own"}


@pytest.mark.parametrize("kind", ["Pod", "CronJob", *TEMPLATED])
@pytest.mark.parametrize("spec", [None, {}, {"template": None}, {"template": {"spec": None}}, {"jobTemplate": 7}])
def test_what_has_no_pod_yields_nothing(kind: str, spec: Row | None) -> None:
    assert workloads.containers(workloads.pod_spec(kind, spec)) == []
    assert workloads.pod_annotations(kind, None, spec) == {}


def test_containers_of_all_three_lists() -> None:
    pod = {"containers": [{"name": "b"}], "initContainers": [{"name": "a"}], "ephemeralContainers": [{"name": "c"}]}
    assert [c["name"] for c in workloads.containers(pod)] == ["a", "b", "c"]
    assert workloads.containers({"containers": None}) == []


@pytest.mark.parametrize(
    ("pod", "container", "value"),
    [
        ({}, {}, None),
        ({"runAsUser": 0}, {}, 0),
        ({"runAsUser": 0}, {"runAsUser": 1000}, 1000),
        ({"runAsUser": 1000}, {"runAsUser": 0}, 0),
        ({"runAsUser": 1000}, {"runAsUser": None}, 1000),
        ({"runAsUser": 1000}, None, 1000),
    ],
)
def test_the_containers_own_setting_wins(pod: Row, container: Row | None, value: int | None) -> None:
    found = workloads.setting({"securityContext": pod}, {"name": "app", "securityContext": container}, "runAsUser")
    assert found == value


@pytest.mark.parametrize(
    ("pod", "own", "settled"),
    [
        ({}, None, {}),
        ({"runAsUser": 0, "fsGroup": 5}, None, {"runAsUser": 0}),
        ({"runAsUser": 0}, {"runAsUser": 1000}, {"runAsUser": 1000}),
        ({"runAsUser": 7}, {"privileged": True, "runAsUser": None}, {"runAsUser": 7, "privileged": True}),
        ({"seLinuxOptions": {"type": "a"}}, {"seLinuxOptions": {"level": "b"}}, {"seLinuxOptions": {"level": "b"}}),
        (
            {"windowsOptions": {"hostProcess": True}},
            {"windowsOptions": {"runAsUserName": "b"}},
            {"windowsOptions": {"hostProcess": True, "runAsUserName": "b"}},
        ),
    ],
)
def test_a_container_carries_what_it_will_run_with(pod: Row, own: Row | None, settled: Row) -> None:
    spec = {"securityContext": pod, "containers": [{"name": "app", "securityContext": own}]}
    assert workloads.settled_containers("Pod", None, spec) == [{"name": "app", "securityContext": settled}]


def test_a_container_carries_what_its_pod_says_of_it() -> None:
    annotations = {"container.apparmor.security.beta.kubernetes.io/b": "unconfined"}
    spec = {"hostUsers": False, "initContainers": [{"name": "a"}], "containers": [{"name": "b"}]}
    found = workloads.settled_containers("Pod", {"annotations": annotations}, spec)
    assert found == [
        {"name": "a", "securityContext": {}, "hostUsers": False},
        {"name": "b", "securityContext": {}, "hostUsers": False, "appArmorAnnotation": "unconfined"},
    ]


@pytest.mark.parametrize("kind", ["Pod", "CronJob", *TEMPLATED])
def test_a_workload_is_made_of_its_template(kind: str) -> None:
    made = workloads.with_template(kind, TEMPLATE)
    assert workloads.pod_template(kind, made.get("metadata"), made.get("spec")) == TEMPLATE


# containerd, `WithAddedCapabilities`, makes capitals of them; CRI-O takes them with CAP_ too.
def test_capabilities_as_runtimes_take_them() -> None:
    names = ["NET_RAW", "net_raw", "CAP_NET_RAW", "cap_net_raw", "all"]
    assert workloads.capability_names(names) == ["NET_RAW"] * 4 + ["ALL"]


def asset(type_: str, name: str, namespace: str = "", family: str = "", **body: Any) -> Asset:
    """Return an object as the collector makes it."""
    shown = f"{namespace}/{name}" if namespace else name
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return Asset(
        kind=type_,
        resource=f"https://cluster/{type_}/{shown}",
        name=name,
        scope="cluster",
        region="global",
        body={"metadata": metadata, "namespacedName": shown, **body},
        body_hash="",
        family=family,
    )


def judged(identity: str, *assets: Asset) -> dict[str, str]:
    """Return a policy's verdicts on a cluster of these objects, by the objects' names."""
    policies: list[Policy] = [policy for policy in catalog().policies if policy.id == identity]
    posture = Posture(policies, Moment(now=parse_instant("2026-01-01T00:00:00Z")))
    at_once = [verdict for each in assets for verdict in posture.see(each)]
    return {verdict.name: verdict.status for verdict in [*at_once, *posture.end()]}


TARO = [{"kind": "User", "name": "taro"}]
READER: list[Row] = [{"verbs": ["get"], "apiGroups": [""], "resources": ["secrets"]}]


def role(name: str, namespace: str, rules: list[Row]) -> Asset:
    return asset("kubernetes.rbac.role", name, namespace, rules=rules)


def binding(name: str, namespace: str, kind: str, to: str) -> Asset:
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": to}
    return asset("kubernetes.rbac.role-binding", name, namespace, roleRef=reference, subjects=TARO)


def test_a_binding_is_judged_with_the_role_of_its_own_namespace() -> None:
    found = judged(
        "kubernetes.rbac.secret-reading-given-in-namespace",
        role("app", "shop", READER),
        role("app", "build", []),
        asset("kubernetes.rbac.cluster-role", "app", rules=[]),
        asset("kubernetes.rbac.cluster-role", "reader", rules=READER),
        binding("here", "shop", "Role", "app"),
        binding("there", "build", "Role", "app"),
        binding("wide", "shop", "ClusterRole", "app"),
        binding("reads", "build", "ClusterRole", "reader"),
        binding("dangling", "build", "Role", "gone"),
    )
    assert found == {"here": "fail", "there": "pass", "wide": "pass", "reads": "fail", "dangling": "pass"}


def test_a_cluster_role_binding_is_judged_with_its_role() -> None:
    reference = {"kind": "ClusterRole", "name": "reader"}
    found = judged(
        "kubernetes.rbac.secret-reading-given",
        asset("kubernetes.rbac.cluster-role", "reader", rules=READER),
        asset("kubernetes.rbac.cluster-role", "other", rules=[]),
        asset("kubernetes.rbac.cluster-role-binding", "b", roleRef=reference, subjects=TARO),
        asset("kubernetes.rbac.cluster-role-binding", "nobody", roleRef=reference),
    )
    assert found == {"b": "fail", "nobody": "pass"}


def test_a_namespace_is_judged_with_its_workloads_and_network_policies() -> None:
    family = "kubernetes.core.workload"
    found = judged(
        "kubernetes.core.no-network-policy",
        asset("kubernetes.core.namespace", "shop"),
        asset("kubernetes.core.namespace", "shop2"),
        asset("kubernetes.core.namespace", "empty"),
        asset("kubernetes.core.namespace", "kube-system"),
        asset("kubernetes.apps.deployment", "web", "shop", family),
        asset("kubernetes.core.pod", "web-0", "shop", ""),
        asset("kubernetes.batch.cron-job", "night", "shop2", family),
        asset("kubernetes.networking.network-policy", "deny", "shop2"),
    )
    assert found == {"shop": "fail", "shop2": "pass", "empty": "pass", "kube-system": "not_applicable"}


def test_a_workload_is_judged_with_its_namespaces_default_account() -> None:
    family, spec = "kubernetes.core.workload", {"template": {"spec": POD}}
    found = judged(
        "kubernetes.core.default-account-token-mounted",
        asset("kubernetes.core.service-account", "default", "shop", automountServiceAccountToken=False),
        asset("kubernetes.core.service-account", "default", "build"),
        asset("kubernetes.apps.deployment", "web", "shop", family, kind="Deployment", spec=spec),
        asset("kubernetes.apps.deployment", "ci", "build", family, kind="Deployment", spec=spec),
        asset("kubernetes.apps.deployment", "made", "build", "", kind="ReplicaSet", spec=spec),
    )
    assert found == {"web": "pass", "ci": "fail"}
