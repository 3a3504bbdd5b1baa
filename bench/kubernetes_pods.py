"""10,000 pods listed: our raw pages, our assets of them, and the official client's models, on one server in one run.

`python -m bench.kubernetes_pods`; needs `make bench-peers`, whose venv has the official client.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.measured import run
from clouds.kubernetes import login as kubernetes_login
from clouds.kubernetes.login import Login
from collectors.kubernetes import resource_types
from collectors.kubernetes.collector import KubernetesCollector
from demo.stand_ins.kubernetes import Asked, ClusterStandIn, StandInReply
from model.asset import Asset
from pipeline.clock import SystemClock
from pipeline.process import begin

PODS = 10_000
_PAGE = 500
_PEER = Path(".bench-venv/bin/python")
_PEERS_WAY = f"""
from kubernetes import client, config
config.load_kube_config()
api, token, seen = client.CoreV1Api(), None, 0
while True:
    page = api.list_pod_for_all_namespaces(limit={_PAGE}, _continue=token)
    seen += len(page.items)
    token = page.metadata._continue
    if not token:
        break
print(seen)
"""

Row = dict[str, Any]


def pod(number: int) -> Row:
    """Return a pod as an API server returns it: a Deployment's, with its server's notes and its status."""
    name = f"shop-{number // 40}-7c9f8d6b5-{number:05}"
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": name[:-6],
        "uid": f"0000-{number // 40}",
        "controller": True,
    }
    when = "2026-11-20T03:04:05Z"
    container = {
        "name": "app",
        "image": "registry.aozora.example/shop:2026.11",
        "command": ["/srv/shop", "--port=8080", "--workers=4"],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "env": [
            {"name": "LOG_LEVEL", "value": "info"},
            {"name": "DB_HOST", "value": f"db-{number % 7}.shop.svc"},
            {"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}},
        ],
        "resources": {"limits": {"cpu": "500m", "memory": "256Mi"}, "requests": {"cpu": "100m", "memory": "128Mi"}},
        "volumeMounts": [
            {
                "name": "kube-api-access-x",
                "readOnly": True,
                "mountPath": "/var/run/secrets/kubernetes.io/serviceaccount",
            }
        ],
        "livenessProbe": {
            "httpGet": {"path": "/healthz", "port": 8080, "scheme": "HTTP"},
            "timeoutSeconds": 1,
            "periodSeconds": 10,
        },
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "imagePullPolicy": "IfNotPresent",
        "securityContext": {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
    }
    fields: Row = {f"f:{field}": {".": {}, "f:name": {}} for field in (*container, "metadata", "spec", "status")}
    conditions = [
        {"type": kind, "status": "True", "lastProbeTime": None, "lastTransitionTime": when}
        for kind in ("Initialized", "Ready", "ContainersReady", "PodScheduled")
    ]
    return {
        "metadata": {
            "name": name,
            "generateName": name[:-5],
            "namespace": f"shop-{number % 20}",
            "uid": f"9f0a3c1f-6f1d-4a11-8f1c-{number:012}",
            "resourceVersion": str(4711 + number),
            "creationTimestamp": when,
            "labels": {"app": "shop", "pod-template-hash": "7c9f8d6b5"},
            "annotations": {"checksum/config": f"{number // 40:064x}"},
            "ownerReferences": [owner],
            "managedFields": [
                {"manager": manager, "operation": "Update", "apiVersion": "v1", "time": when, "fieldsV1": fields}
                for manager in ("kube-controller-manager", "kubelet")
            ],
        },
        "spec": {
            "containers": [container],
            "volumes": [
                {
                    "name": "kube-api-access-x",
                    "projected": {
                        "defaultMode": 420,
                        "sources": [{"serviceAccountToken": {"path": "token", "expirationSeconds": 3607}}],
                    },
                }
            ],
            "nodeName": f"node-{number % 50}",
            "serviceAccountName": "shop",
            "restartPolicy": "Always",
            "dnsPolicy": "ClusterFirst",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
            "schedulerName": "default-scheduler",
            "tolerations": [
                {
                    "key": "node.kubernetes.io/not-ready",
                    "operator": "Exists",
                    "effect": "NoExecute",
                    "tolerationSeconds": 300,
                }
            ],
            "priority": 0,
            "enableServiceLinks": True,
        },
        "status": {
            "phase": "Running",
            "conditions": conditions,
            "hostIP": "10.0.0.1",
            "podIP": f"10.244.{number // 250}.{number % 250}",
            "startTime": when,
            "containerStatuses": [
                {
                    "name": "app",
                    "state": {"running": {"startedAt": when}},
                    "ready": True,
                    "restartCount": 0,
                    "image": container["image"],
                    "imageID": f"sha256:{number % 9:064x}",
                    "started": True,
                }
            ],
            "qosClass": "Burstable",
        },
    }


def pages() -> list[bytes]:
    """Return the list's pages as they are sent."""
    made = []
    for start in range(0, PODS, _PAGE):
        left = PODS - start - _PAGE
        metadata = {"resourceVersion": "4711"} | (
            {"continue": str(start + _PAGE), "remainingItemCount": left} if left else {}
        )
        items = [pod(number) for number in range(start, start + _PAGE)]
        made.append(json.dumps({"kind": "PodList", "apiVersion": "v1", "metadata": metadata, "items": items}).encode())
    return made


def serve(folder: Path) -> None:
    """Serve the pages until the other end of standard input is closed."""
    made = pages()

    def answer(asked: Asked, _: int) -> StandInReply | None:
        if asked.path != "/api/v1/pods":
            return None
        return StandInReply(200, made[int(asked.query.get("continue", "0")) // _PAGE])

    with ClusterStandIn([], answer) as cluster:
        print(cluster.kubeconfig(folder), sum(map(len, made)) // 2**20, flush=True)
        sys.stdin.read()


def listed() -> int:
    """List raw pages and count the pods."""
    begin()
    client = kubernetes_login.open_client(Login(), SystemClock())
    return sum(len(page) for page in client.pages("/api/v1/pods"))


def looked_at() -> int:
    """Make assets of them and count these."""
    begin()
    client = kubernetes_login.open_client(Login(), SystemClock())
    types = resource_types.load(kinds=["kubernetes.core.pod"])
    return sum(
        isinstance(one, Asset) for one in KubernetesCollector(client, kubernetes_login.locate(client), types).collect()
    )


def _ways() -> Iterator[tuple[str, list[str]]]:
    for way in ("listed", "looked_at"):
        yield way, [sys.executable, "-c", f"from bench import kubernetes_pods as b; print(b.{way}())"]
    yield "official client", [str(_PEER), "-c", _PEERS_WAY]
    yield "start alone", [sys.executable, "-c", "from bench import kubernetes_pods"]


def main() -> None:
    """Measure each way three times."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        server = subprocess.Popen(
            [
                sys.executable,
                "-c",
                f"from pathlib import Path; from bench import kubernetes_pods as b; b.serve(Path({name!r}))",
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert server.stdout is not None, "it is a pipe"
            kubeconfig, size = server.stdout.readline().split()
            environment = {"KUBECONFIG": kubeconfig, "PATH": os.defpath, "HOME": name, "PYTHONPATH": str(Path.cwd())}
            print(f"{PODS} pods, {size} MB in {PODS // _PAGE} pages")
            for way, command in _ways():
                for _ in range(3):
                    reported = run(command, environment, folder / "said")
                    said = reported.said.decode().strip()
                    figures = f"wall {reported.wall:5.2f} s  cpu {reported.cpu:5.2f} s  {reported.rss_mb:4.0f} MB"
                    print(f"{way:16} {said:>6} pods  {figures}", flush=True)
        finally:
            server.communicate()


if __name__ == "__main__":
    main()
