"""One cluster, read over HTTP by the real client from a server that replays its API."""

import json
import os
import shutil
import stat
import subprocess
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from clouds.kubernetes import login as kubernetes_login
from clouds.kubernetes.login import Login
from clouds.kubernetes.served_apis import RESOURCES
from collectors.kubernetes import permissions, resource_types
from collectors.kubernetes.collector import KubernetesCollector
from collectors.kubernetes.control_plane import flags
from collectors.kubernetes.keeping import kept
from demo.stand_ins.kubernetes import UID, Asked, ClusterStandIn, Fault, StandInReply, status
from model.asset import Asset, Listing
from model.fault import Refused

Row = dict[str, Any]
TYPES = resource_types.load()
PODS = "/api/v1/pods"


class Patient:
    """A clock that only counts what it was asked to wait."""

    def __init__(self) -> None:
        self.waited = 0.0

    def now(self) -> datetime:
        return datetime(2026, 11, 24, tzinfo=UTC) + timedelta(seconds=self.waited)

    def sleep(self, seconds: float) -> None:
        self.waited += seconds


def _object(version: str, kind: str, name: str, namespace: str = "shop", **more: Any) -> Row:
    metadata = {
        "name": name,
        "uid": name,
        **({"namespace": namespace} if namespace else {}),
        **more.pop("metadata", {}),
    }
    return {"apiVersion": version, "kind": kind, "metadata": metadata, **more}


def _pod(name: str, **more: Any) -> Row:
    return _object("v1", "Pod", name, spec={"containers": [{"name": "app", "image": "app:1"}]}, **more)


def _owned_by(kind: str, name: str) -> Row:
    return {"ownerReferences": [{"apiVersion": "apps/v1", "kind": kind, "name": name, "controller": True}]}


def _seen(cluster: ClusterStandIn, folder: Path, clock: Patient | None = None) -> list[Asset | Listing]:
    clock = clock or Patient()
    client = kubernetes_login.open_client(Login(str(cluster.kubeconfig(folder))), clock)
    return list(KubernetesCollector(client, kubernetes_login.locate(client), TYPES).collect())


def _assets(seen: list[Asset | Listing], kind: str) -> list[Asset]:
    return [one for one in seen if isinstance(one, Asset) and one.kind == kind]


def _causes(seen: list[Asset | Listing]) -> dict[str, str]:
    return {one.kind: one.cause for one in seen if isinstance(one, Listing) and one.cause}


# What old servers alone serve: others answer 404, and there are none.
OLD = {("/apis/policy/v1beta1", "podsecuritypolicies")}


def test_every_type_is_one_that_a_server_serves() -> None:
    listed = {(type_.root, type_.form.plural): type_.form for type_ in TYPES}
    assert listed.keys() - RESOURCES.keys() == OLD
    for key, form in ((key, form) for key, form in listed.items() if key not in OLD):
        assert (form.object, form.namespaced) == (RESOURCES[key].kind, RESOURCES[key].namespaced)


@pytest.mark.process
def test_every_object_is_an_asset_under_the_path_of_its_api(tmp_path: Path) -> None:
    labels = {"labels": {"team": "shop"}}
    objects = [
        _object("apps/v1", "Deployment", "web", metadata=labels, spec={"replicas": 2}),
        _object("v1", "Node", "n1", ""),
    ]
    with ClusterStandIn(objects) as cluster:
        seen = _seen(cluster, tmp_path)
    (web,) = _assets(seen, "kubernetes.apps.deployment")
    assert web.resource == f"kubernetes://{UID}/apis/apps/v1/namespaces/shop/deployments/web"
    assert (web.scope, web.region, web.name) == (UID, "global", "web")
    assert web.body["namespacedName"] == "shop/web"
    assert (web.body["apiVersion"], web.body["kind"], web.body["spec"]) == ("apps/v1", "Deployment", {"replicas": 2})
    (node,) = _assets(seen, "kubernetes.core.node")
    assert node.resource == f"kubernetes://{UID}/api/v1/nodes/n1"
    listings = Counter(one.kind for one in seen if isinstance(one, Listing))
    assert listings == Counter(type_.kind.name for type_ in TYPES)
    assert _causes(seen) == {}


@pytest.mark.process
def test_nothing_is_written_and_of_secrets_only_metadata_is_asked(tmp_path: Path) -> None:
    hidden = {
        "kubectl.kubernetes.io/last-applied-configuration": '{"data":{"password":"aHVudGVyMg=="}}',
        "team": "shop",
    }
    secret = _object("v1", "Secret", "db", metadata={"annotations": hidden}, data={"password": "aHVudGVyMg=="})
    with ClusterStandIn([secret, _object("v1", "ConfigMap", "settings", data={"password": "hunter2"})]) as cluster:
        seen = _seen(cluster, tmp_path)
    assert {asked.method for asked in cluster.asked} == {"GET"}
    of_secrets = [asked for asked in cluster.asked if "secrets" in asked.path]
    assert [(a.path, "as=PartialObjectMetadataList" in a.accept) for a in of_secrets] == [("/api/v1/secrets", True)]
    assert {asked.path for asked in cluster.asked if "configmaps" in asked.path} == {
        "/api/v1/namespaces/kube-system/configmaps/kubelet-config",
        "/api/v1/namespaces/kube-system/configmaps/kubeadm-config",
    }
    (found,) = _assets(seen, "kubernetes.core.secret")
    assert found.body["metadata"]["annotations"] == {"team": "shop"}
    assert "aHVudGVyMg" not in json.dumps([one.body for one in seen if isinstance(one, Asset)])


@pytest.mark.process
def test_a_server_that_sends_secrets_all_the_same_is_not_used(tmp_path: Path) -> None:
    def whole(asked: Asked, _: int) -> StandInReply | None:
        if asked.path != "/api/v1/secrets":
            return None
        item = {"metadata": {"name": "db", "namespace": "shop"}, "data": {"password": "aHVudGVyMg=="}}
        reported = {"kind": "SecretList", "apiVersion": "v1", "metadata": {}, "items": [item]}
        return StandInReply(200, json.dumps(reported).encode())

    with ClusterStandIn([], whole) as cluster:
        seen = _seen(cluster, tmp_path)
    assert _assets(seen, "kubernetes.core.secret") == []
    assert _causes(seen) == {"kubernetes.core.secret": "list:secrets NotMetadataOnly"}


@pytest.mark.process
def test_what_a_workload_made_is_judged_with_the_workload(tmp_path: Path) -> None:
    objects = [
        _object("apps/v1", "Deployment", "web", spec={}),
        _object("apps/v1", "ReplicaSet", "web-1", metadata=_owned_by("Deployment", "web"), spec={}),
        _pod("web-1-a", metadata=_owned_by("ReplicaSet", "web-1")),
        _pod("bare"),
        _pod("rolled", metadata=_owned_by("Rollout", "shop")),  # of a type that we do not list
        _pod("static", metadata=_owned_by("Node", "n1")),
    ]
    with ClusterStandIn(objects) as cluster:
        seen = _seen(cluster, tmp_path)
    families = {one.name: one.family for one in seen if isinstance(one, Asset) and one.family}
    assert sorted(families) == ["bare", "rolled", "static", "web"]
    assert set(families.values()) == {"kubernetes.core.workload"}


# kubeadm's own manifest, cut down: «kubeadm init», phase control-plane.
_API_SERVER = _object(
    "v1",
    "Pod",
    "kube-apiserver-n1",
    "kube-system",
    metadata={
        "labels": {"component": "kube-apiserver", "tier": "control-plane"},
        "ownerReferences": [{"kind": "Node", "name": "n1", "controller": True}],
    },
    spec={"containers": [{"name": "kube-apiserver", "command": ["kube-apiserver", "--profiling=false"]}]},
)


@pytest.mark.process
def test_the_control_plane_is_reported_by_its_static_pods(tmp_path: Path) -> None:
    pretender = _object(
        "v1", "Pod", "evil", "kube-system", metadata={"labels": {"component": "etcd", "tier": "control-plane"}}, spec={}
    )
    with ClusterStandIn([_API_SERVER, pretender]) as cluster:
        seen = _seen(cluster, tmp_path)
    (server,) = _assets(seen, "kubernetes.apiserver.component")
    assert server.body["flags"] == {"profiling": "false"}
    (etcd,) = _assets(seen, "kubernetes.etcd.component")  # nobody can see it: its policies do not apply
    assert "flags" not in etcd.body


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["kube-apiserver", "--a=1", "--b"], {"a": "1", "b": "true"}),
        (["kube-apiserver", "--a", "1", "--b", "--c=x=y"], {"a": "1", "b": "true", "c": "x=y"}),
        (["kube-apiserver", "--a=1", "--a=2", "-v=4", "-v", "5"], {"a": "2", "v": "5"}),
        (["kube-apiserver", "--", "-", "--a="], {"a": ""}),
        (
            ["kube-apiserver", "--authorization_mode=Node", "--authorization-mode=RBAC"],
            {"authorization-mode": "Node,RBAC"},
        ),
        ([], {}),
    ],
)
def test_flags(words: list[str], expected: dict[str, str]) -> None:
    pod = {
        "spec": {"containers": [{"name": "helper", "args": ["--x=1"]}, {"name": "kube-apiserver", "command": words}]}
    }
    assert flags(pod, "kube-apiserver") == expected


def test_etcd_takes_variables_where_there_is_no_flag() -> None:
    env = [
        {"name": "ETCD_CLIENT_CERT_AUTH", "value": "true"},
        {"name": "ETCD_AUTO_TLS", "value": "true"},
        {"name": "PATH"},
    ]
    container = {"name": "etcd", "command": ["etcd", "--auto-tls=false"], "env": env}
    assert flags({"spec": {"containers": [container]}}, "etcd") == {"client-cert-auth": "true", "auto-tls": "false"}


@pytest.mark.process
def test_the_kubelets_configuration_is_read_and_what_is_no_yaml_is_unknown(tmp_path: Path) -> None:
    good = _object(
        "v1",
        "ConfigMap",
        "kubelet-config",
        "kube-system",
        data={"kubelet": "authentication:\n  anonymous:\n    enabled: false\n  x509: null\nlists: [null, {a: }]\n"},
    )
    odd = _object("v1", "ConfigMap", "kubeadm-config", "kube-system", data={"ClusterConfiguration": "a: *b\n"})
    with ClusterStandIn([good, odd]) as cluster:
        seen = _seen(cluster, tmp_path)
    (kubelet,) = _assets(seen, "kubernetes.kubelet.configuration")
    assert kubelet.body["kubelet"] == {"authentication": {"anonymous": {"enabled": False}}, "lists": [None, {}]}
    (kubeadm,) = _assets(seen, "kubernetes.kubeadm.configuration")
    assert kubeadm.unknown == {"ClusterConfiguration": "malformed"}


@pytest.mark.process
def test_without_kubeadm_the_kubelets_configuration_is_an_asset_that_states_nothing(tmp_path: Path) -> None:
    with ClusterStandIn([]) as cluster:
        seen = _seen(cluster, tmp_path)
    (kubelet,) = _assets(seen, "kubernetes.kubelet.configuration")
    assert ("kubelet" in kubelet.body, kubelet.unknown, _causes(seen)) == (False, {}, {})


def test_secrets_in_pods_are_not_kept() -> None:
    container = {
        "name": "app",
        "args": ["--password=hunter2hunter2", "--port=80"],
        "env": [
            {"name": "DB_PASSWORD", "value": "hunter2hunter2"},
            {"name": "PORT", "value": "80"},
            {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "token"}}},
        ],
    }
    reported = kept(
        {"metadata": {"name": "a", "managedFields": [{}]}, "spec": {"containers": [container], "nodeName": None}}
    )
    assert reported == {
        "metadata": {"name": "a"},
        "spec": {
            "containers": [
                {
                    "name": "app",
                    "args": ["redacted", "--port=80"],
                    "env": [
                        {"name": "DB_PASSWORD", "looksLike": "named"},
                        {"name": "PORT"},
                        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "token"}}},
                    ],
                }
            ]
        },
    }


MANY = [_pod(f"p{number}") for number in range(1_200)]


@pytest.mark.process
def test_lists_are_read_page_by_page(tmp_path: Path) -> None:
    with ClusterStandIn(MANY) as cluster:
        seen = _seen(cluster, tmp_path)
    assert len(_assets(seen, "kubernetes.core.pod")) == 1_200
    asked = [a.query for a in cluster.asked if a.path == PODS]
    assert asked == [{"limit": "500"}, {"limit": "500", "continue": "500"}, {"limit": "500", "continue": "1000"}]


def _at_pods(reply: StandInReply, times: range, token: str = "") -> Fault:
    def fault(asked: Asked, number: int) -> StandInReply | None:
        hit = asked.path == PODS and number in times and asked.query.get("continue", "") == token
        return reply if hit else None

    return fault


def _page(content: bytes) -> StandInReply:
    return StandInReply(200, b'{"kind":"PodList","apiVersion":"v1",' + content + b"}")


ALWAYS = range(1, 1_000)
_CUT = StandInReply(200, b'{"kind":"PodList","metadata":{},"items":[{"metadata":{"na')
_FAULTS: list[tuple[str, Fault, str]] = [
    ("403", _at_pods(status(403, "Forbidden"), ALWAYS), "Forbidden"),
    ("401", _at_pods(status(401, "Unauthorized"), ALWAYS), "Unauthorized"),
    ("429 with a pause", _at_pods(status(429, "TooManyRequests", **{"Retry-After": "7"}), range(1, 4)), ""),
    ("429 for ever", _at_pods(status(429, "TooManyRequests"), ALWAYS), "TooManyRequests"),
    ("500 once", _at_pods(status(500, "InternalError"), range(1, 2)), ""),
    ("500 for ever", _at_pods(status(500, "InternalError"), ALWAYS), "InternalError"),
    ("a gateway's page", _at_pods(StandInReply(502, b"<html>"), ALWAYS), "HTTP 502"),
    ("cut off in mid-way", _at_pods(_CUT, ALWAYS, "500"), "TruncatedReply"),
    ("cut off once", _at_pods(_CUT, range(1, 3), "500"), ""),
    (
        "a body shorter than it says",
        _at_pods(StandInReply(200, b"{}", {"Content-Length": "9", "Connection": "close"}), ALWAYS),
        "RemoteProtocolError",
    ),
    ("no object", _at_pods(StandInReply(200, b"[]"), ALWAYS), "MalformedReply"),
    ("items of another form", _at_pods(_page(b'"metadata":{},"items":{}'), ALWAYS), "MalformedReply"),
    ("an empty list as null", _at_pods(_page(b'"metadata":{},"items":null'), ALWAYS), ""),
    (
        "an odd object",
        _at_pods(_page(b'"metadata":{},"items":[{"metadata":{}}]'), ALWAYS),
        "malformed (KeyError)",
    ),
    (
        "a token again",
        _at_pods(_page(b'"metadata":{"continue":"500"},"items":[]'), ALWAYS, "500"),
        "PaginationError",
    ),
    ("410 once", _at_pods(status(410, "Expired"), range(1, 3), "500"), ""),
    ("410 for ever", _at_pods(status(410, "Expired"), ALWAYS, "500"), "Expired"),
]


@pytest.mark.process
@pytest.mark.parametrize(("name", "fault", "cause"), _FAULTS, ids=[name for name, *_ in _FAULTS])
def test_a_fault_ends_in_a_cause_and_the_look_goes_on(name: str, fault: Fault, cause: str, tmp_path: Path) -> None:
    clock = Patient()
    with ClusterStandIn([*MANY, _object("v1", "Node", "n1", "")], fault) as cluster:
        seen = _seen(cluster, tmp_path, clock)
    reported = cause if cause.startswith("malformed") else f"list:pods {cause}"
    assert _causes(seen) == ({"kubernetes.core.pod": reported} if cause else {})
    assert len(_assets(seen, "kubernetes.core.node")) == 1
    if name.startswith(("429 with", "500 once", "cut off once", "410 once")):
        assert len({pod.resource for pod in _assets(seen, "kubernetes.core.pod")}) == 1_200
    if name == "429 with a pause":
        assert clock.waited >= 21


@pytest.mark.process
def test_what_a_server_does_not_know_there_is_none_of(tmp_path: Path) -> None:
    def old(asked: Asked, _: int) -> StandInReply | None:
        return status(404, "NotFound") if "validatingadmissionpolicies" in asked.path else None

    with ClusterStandIn([], old) as cluster:
        assert _causes(_seen(cluster, tmp_path)) == {}


@pytest.mark.process
def test_what_old_servers_alone_serve_is_read_there(tmp_path: Path) -> None:
    policies = {
        "kind": "PodSecurityPolicyList",
        "apiVersion": "policy/v1beta1",
        "metadata": {},
        "items": [_object("policy/v1beta1", "PodSecurityPolicy", "restricted", "", spec={"privileged": True})],
    }

    def old(asked: Asked, _: int) -> StandInReply | None:
        return StandInReply(200, json.dumps(policies).encode()) if "podsecuritypolicies" in asked.path else None

    with ClusterStandIn([], old) as cluster:
        (policy,) = _assets(_seen(cluster, tmp_path), "kubernetes.policy.pod-security-policy")
    assert (policy.name, policy.body["spec"]) == ("restricted", {"privileged": True})
    with ClusterStandIn([]) as cluster:
        seen = _seen(cluster, tmp_path)
    assert _assets(seen, "kubernetes.policy.pod-security-policy") == []
    assert _causes(seen) == {}


@pytest.mark.process
def test_a_cluster_that_does_not_let_us_in_or_does_not_answer_is_refused(tmp_path: Path) -> None:
    with ClusterStandIn([], lambda asked, _: status(403, "Forbidden")) as cluster:
        file = cluster.kubeconfig(tmp_path)
        client = kubernetes_login.open_client(Login(str(file)), Patient())
        with pytest.raises(Refused, match="Forbidden; bind the role that `hinomi permissions kubernetes` prints"):
            kubernetes_login.locate(client)
    with pytest.raises(Refused, match="check the server's address"):
        kubernetes_login.locate(kubernetes_login.open_client(Login(str(file)), Patient()))


@pytest.mark.process
@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_plug_in_makes_the_token_and_is_asked_again_when_it_has_ended(version: str, tmp_path: Path) -> None:
    plug_in = tmp_path / "plug-in"
    reported = (
        f'{{"apiVersion":"client.authentication.k8s.io/{version}","kind":"ExecCredential","status":{{"token":"t"}}}}'
    )
    plug_in.write_text(f"#!/bin/sh\necho \"$KUBERNETES_EXEC_INFO\" >> {tmp_path}/asked\necho '{reported}'\n")
    plug_in.chmod(plug_in.stat().st_mode | stat.S_IXUSR)
    user = {"exec": {"apiVersion": f"client.authentication.k8s.io/{version}", "command": str(plug_in)}}
    ended = status(401, "Unauthorized")
    with ClusterStandIn([], lambda asked, times: ended if asked.path == PODS and times == 1 else None) as cluster:
        client = kubernetes_login.open_client(Login(str(cluster.kubeconfig(tmp_path, user))), Patient())
        assert _causes(list(KubernetesCollector(client, kubernetes_login.locate(client), TYPES).collect())) == {}
    asked = [json.loads(line)["apiVersion"] for line in (tmp_path / "asked").read_text().splitlines()]
    assert asked == [f"client.authentication.k8s.io/{version}"] * 2


@pytest.mark.process
def test_a_plug_in_that_fails_is_a_cause_without_its_words(tmp_path: Path) -> None:
    user = {"exec": {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/false"}}
    with ClusterStandIn([]) as cluster:
        client = kubernetes_login.open_client(Login(str(cluster.kubeconfig(tmp_path, user))), Patient())
        with pytest.raises(Refused, match=r"credentials \(ConfigError\)"):
            kubernetes_login.locate(client)


@pytest.mark.parametrize(
    ("text", "context", "problem"),
    [
        (None, "", "there is no kubeconfig"),
        ("clusters: [", "", "cannot be used"),
        ("{}", "", "cannot be used"),
        ("{clusters: [], contexts: [], users: []}", "", "cannot be used|no current context"),
        ("{clusters: [], contexts: [], users: []}", "prod", "has no context 'prod'"),
    ],
)
def test_a_kubeconfig_that_cannot_be_used_is_refused(
    text: str | None, context: str, problem: str, tmp_path: Path
) -> None:
    file = tmp_path / "config"
    if text is not None:
        file.write_text(text)
    with pytest.raises(Refused, match=problem):
        kubernetes_login.open_client(Login(str(file), context), Patient())


@pytest.mark.process
def test_the_role_allows_what_is_asked_and_no_more(tmp_path: Path) -> None:
    own, of_secrets = permissions.roles(TYPES)
    with ClusterStandIn([]) as cluster:
        _seen(cluster, tmp_path)
    for asked in cluster.asked:
        assert _allows([own, of_secrets], asked), asked
    granted = [rule for role in (own, of_secrets) for rule in role["rules"]]
    assert {verb for rule in granted for verb in rule["verbs"]} == {"get", "list"}
    assert not any("*" in (*rule["resources"], *rule["apiGroups"]) for rule in granted)
    assert not any("secrets" in rule["resources"] for rule in own["rules"])


def _allows(roles: list[Row], asked: Asked) -> bool:
    parts = asked.path.strip("/").split("/")
    group = "" if parts[0] == "api" else parts[1]
    rest = parts[2:] if parts[0] == "api" else parts[3:]
    rest = rest[2:] if rest[0] == "namespaces" and len(rest) > 2 else rest
    verb, name = ("get", rest[1]) if len(rest) > 1 else ("list", "")
    return any(
        verb in rule["verbs"]
        and group in rule["apiGroups"]
        and rest[0] in rule["resources"]
        and ("resourceNames" not in rule or name in rule["resourceNames"])
        for role in roles
        for rule in role["rules"]
    )


@pytest.mark.process
@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_kubectl_takes_the_server_for_a_cluster(tmp_path: Path) -> None:
    with ClusterStandIn(MANY) as cluster:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "KUBECONFIG": str(cluster.kubeconfig(tmp_path)),
        }
        command = ["kubectl", "get", "pods", "--all-namespaces", "--chunk-size=500", "-o", "name"]
        reported = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=True)
        one = ["kubectl", "get", "pod", "p7", "--namespace=shop", "-o", "jsonpath={.metadata.uid}"]
        pod = subprocess.run(one, env=environment, capture_output=True, text=True, timeout=60, check=True)
    assert len(reported.stdout.split()) == 1_200
    assert pod.stdout == "p7"
