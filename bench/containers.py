"""A pod with many containers, judged by all Kubernetes policies and adopted checks: memory at its height, CPU.

`python -m bench.containers`; each number of containers in processes of its own: that of `hinomi check kubernetes`, and
checkov's.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from demo.stand_ins.kubernetes import ClusterStandIn

NUMBERS = (1, 50, 100, 200, 1_000)
_COMMAND = "import sys; from cli.main import main; sys.argv[0] = 'hinomi'; main()"


class Taken(Struct, frozen=True):
    """What a look took: of the look's own process, and of checkov's; `verdicts` is how many it printed."""

    mb: float
    checkov_mb: float
    cpu: float
    verdicts: int


def pod(containers: int) -> dict[str, Any]:
    """Return a pod as an API server returns it, with faults in each of its containers."""
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "many", "namespace": "shop", "uid": "9f0a3c1f-6f1d-4a11-8f1c-000000000001"},
        "spec": {
            "containers": [_container(number) for number in range(containers)],
            "serviceAccountName": "shop",
            "securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}},
        },
    }


def _container(number: int) -> dict[str, Any]:
    return {
        "name": f"app-{number}",
        "image": "registry.aozora.example/shop:2026.11",
        "env": [{"name": "DB_PASSWORD", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}],
        "ports": [{"containerPort": 8080, "protocol": "TCP"}],
        "resources": {"limits": {"cpu": "500m"}, "requests": {"memory": "128Mi"}},
        "imagePullPolicy": "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "securityContext": {"capabilities": {"add": ["NET_ADMIN"], "drop": ["CHOWN"]}},
    }


def look(containers: int, folder: Path) -> Taken:
    """Look at a cluster with one pod in new processes."""
    with ClusterStandIn([pod(containers)]) as cluster, (folder / "said").open("wb") as said:
        words = ["check", "kubernetes", "--kubeconfig", str(cluster.kubeconfig(folder)), "--format", "jsonl"]
        command = [sys.executable, "-c", _COMMAND, *words]
        environment = {"PATH": os.defpath, "HOME": str(folder), "PYTHONPATH": str(Path.cwd())}
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=said)
        own = checkov = 0.0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            own = max(own, _high_water_mb(process.pid))
            checkov = max(checkov, *map(_high_water_mb, _children(process.pid)), 0.0)
            time.sleep(0.01)
        process.returncode = os.waitstatus_to_exitcode(ended[1])
    usage = ended[2]
    return Taken(own, checkov, usage.ru_utime + usage.ru_stime, (folder / "said").read_bytes().count(b"\n"))


def _children(pid: int) -> Sequence[int]:
    try:
        children = [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split()]
        return [child for child in children if b"checkov_child" in Path(f"/proc/{child}/cmdline").read_bytes()]
    except OSError:  # it has ended
        return []


def _high_water_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text("ascii", errors="replace").splitlines()
    except OSError:  # it has ended
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmHWM:")), 0.0)


def main() -> None:
    """Print a table; the last column is what a container more takes, beside what it took in the row above."""
    print("containers      MB  checkov MB   CPU s  verdicts  MB a container more  CPU ms a container more")
    before: tuple[int, Taken] | None = None
    for number in NUMBERS:
        with tempfile.TemporaryDirectory() as name:
            taken = look(number, Path(name))
        more = ""
        if before is not None:
            further = number - before[0]
            megabytes = (taken.mb + taken.checkov_mb - before[1].mb - before[1].checkov_mb) / further
            more = f"{megabytes:19.3f}  {(taken.cpu - before[1].cpu) * 1000 / further:23.2f}"
        figures = f"{taken.mb:6.0f}  {taken.checkov_mb:10.0f}  {taken.cpu:6.2f}  {taken.verdicts:8}"
        print(f"{number:10}  {figures}  {more}", flush=True)
        before = (number, taken)


if __name__ == "__main__":
    main()
