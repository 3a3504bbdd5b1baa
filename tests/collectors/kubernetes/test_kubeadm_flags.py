"""A cluster as kubeadm v1.33 makes it, looked at and judged: one flag changes, and exactly its verdict changes.

The fixture has the four static pods by «Implementation details» of kubeadm and its source (controlplane/manifests.go,
etcd/local.go), as their mirrors are listed, and the KubeletConfiguration of the ConfigMap kubelet-config.
"""

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest

from catalog.policies import Policy
from clouds.call_failed import NotThere
from collectors.kubernetes.collector import KubernetesCollector
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Place
from model.finding import Verdict
from tests.recorded_clouds import catalog, types_of

Row = dict[str, Any]

FIXTURE: Row = json.loads(
    (Path(__file__).parent.parent.parent / "data" / "kubeadm-flags.json").read_text(encoding="utf-8")
)
FLIPS: list[Row] = FIXTURE["flips"]
PLACE = Place("cluster", "cluster", "https://192.168.10.4:6443", "kubernetes", ())
JUDGED = ("apiserver", "controllermanager", "scheduler", "etcd", "kubelet")


class Client:
    """Answers with the fixture's objects."""

    def __init__(self, pods: list[Row], kubelet: Row) -> None:
        self._pods = pods
        self._kubelet = kubelet

    def get(self, path: str) -> Row:
        if not path.endswith("/kubelet-config"):
            raise NotThere(path)
        metadata = {"name": "kubelet-config", "namespace": "kube-system"}
        return {"metadata": metadata, "data": {"kubelet": json.dumps(self._kubelet)}}

    def pages(self, path: str, *, metadata_only: bool = False, labels: str = "") -> Iterator[list[Row]]:
        yield self._pods if path.endswith("/pods") else []

    def close(self) -> None:
        pass


@lru_cache(maxsize=1)
def policies() -> list[Policy]:
    return [policy for policy in catalog().policies if policy.provider == "kubernetes"]


def verdicts(pods: list[Row], kubelet: Row) -> dict[tuple[str, str], str]:
    """Return the status of each policy on each asset of the cluster."""
    posture = Posture(policies(), Moment(now=datetime(2026, 1, 1, tzinfo=UTC)))
    found: list[Verdict] = []
    for seen in KubernetesCollector(Client(pods, kubelet), PLACE, types_of(catalog(), "kubernetes")).collect():
        found += posture.see(seen) if isinstance(seen, Asset) else posture.hear(seen, PLACE)
    return {(v.policy, v.resource): v.status for v in [*found, *posture.end()]}


def flipped(component: str, flag: str, to: Any) -> tuple[list[Row], Row]:
    """Return the cluster with one flag set to a value, or taken away."""
    pods, kubelet = copy.deepcopy(FIXTURE["pods"]), copy.deepcopy(FIXTURE["kubelet"])
    if component == "kubelet":
        *path, last = flag.split(".")
        holder = kubelet
        for name in path:
            holder = holder[name]
        holder.pop(last, None)
        holder |= {} if to is None else {last: to}
        return pods, kubelet
    pod = next(pod for pod in pods if pod["metadata"]["labels"]["component"] == component)
    container = pod["spec"]["containers"][0]
    kept = [word for word in container["command"] if not word.startswith(f"--{flag}=")]
    container["command"] = [*kept, *([] if to is None else [f"--{flag}={to}"])]
    return pods, kubelet


@lru_cache(maxsize=1)
def before() -> dict[tuple[str, str], str]:
    return verdicts(FIXTURE["pods"], FIXTURE["kubelet"])


@pytest.mark.parametrize("flip", FLIPS, ids=lambda f: f"{f['component']} {f['flag']}={f['to']}")
def test_one_flag_changes_exactly_its_verdict(flip: Row) -> None:
    pods, kubelet = flipped(flip["component"], flip["flag"], flip["to"])
    assert (pods, kubelet) != (FIXTURE["pods"], FIXTURE["kubelet"])
    after = verdicts(pods, kubelet)
    assert after.keys() == before().keys()
    changed = [(key[0], before()[key], after[key]) for key in after if after[key] != before()[key]]
    assert changed == [(flip["policy"], flip["before"], flip["after"])]


def test_every_policy_on_flags_is_flipped_and_judged() -> None:
    own = {policy.id for policy in policies() if policy.service in JUDGED}
    assert {flip["policy"] for flip in FLIPS} == own
    statuses = {status for (policy, _), status in before().items() if policy in own}
    assert statuses == {"pass", "fail"}
    assert own <= {policy for policy, _ in before()}
