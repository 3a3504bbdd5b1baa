"""What an object that was seen has made is judged in its place; everything else by itself."""

import itertools
from typing import Any

import pytest

from catalog.yaml_reader import parse
from collectors.kubernetes import resource_types
from collectors.kubernetes.owners import sorted_out
from collectors.kubernetes.resource_types import ResourceType
from model.asset import Asset, Listing
from model.fault import Refused

TYPES = resource_types.load()
BY_OBJECT = {type_.said: type_ for type_ in TYPES if type_.family}
FAMILY = "kubernetes.core.workload"
Owner = dict[str, Any]


def made(said: str, name: str, owner: Any = None, namespace: str = "shop") -> Asset:
    """Return an asset as its listing makes it; its uid is its name."""
    type_ = BY_OBJECT[said]
    metadata: dict[str, Any] = {"name": name, "namespace": namespace, "uid": name}
    if owner is not None:
        metadata["ownerReferences"] = owner if not isinstance(owner, dict) else [owner]
    resource = f"{said}/{namespace}/{name}"
    return Asset(type_.name, resource, name, "c", "global", {"metadata": metadata}, "", family=type_.family)


def by(version: str, kind: str, name: str, **more: Any) -> Owner:
    return {"apiVersion": version, "kind": kind, "name": name, "uid": name, "controller": True} | more


def judged(*assets: Asset, types: list[ResourceType] = TYPES) -> set[str]:
    """Return what the family's policies look at, the same in whatever order the assets come."""
    found = [
        list(sorted_out([*order, Listing("c", "kubernetes.core.pod", "global")], types))
        for order in itertools.permutations(assets)
    ]
    assert all(len(seen) == len(assets) + 1 for seen in found), "whatever came in comes out"
    [names] = {frozenset(one.name for one in seen if isinstance(one, Asset) and one.family) for seen in found}
    return set(names)


REPLICA_SET = by("apps/v1", "ReplicaSet", "rs")


@pytest.mark.parametrize(
    ("maker", "version", "thing"),
    [
        ("apps/DaemonSet", "apps/v1", "Pod"),
        ("apps/Deployment", "apps/v1", "apps/ReplicaSet"),
        ("apps/ReplicaSet", "apps/v1", "Pod"),
        ("apps/StatefulSet", "apps/v1", "Pod"),
        ("batch/CronJob", "batch/v1", "batch/Job"),
        ("batch/CronJob", "batch/v1beta1", "batch/Job"),
        ("batch/Job", "batch/v1", "Pod"),
        ("ReplicationController", "v1", "Pod"),
    ],
)
def test_what_was_made_is_judged_in_the_place_of_its_maker(maker: str, version: str, thing: str) -> None:
    owner = by(version, maker.rpartition("/")[2], "maker")
    assert judged(made(maker, "maker"), made(thing, "thing", owner)) == {"maker"}
    assert judged(made(thing, "thing", owner)) == {"thing"}, "its maker was not seen"
    assert judged(made(maker, "maker"), made(thing, "thing", owner, "other")) == {"maker", "thing"}
    assert judged(made(maker, "maker"), made(thing, "thing", owner | {"uid": "former"})) == {"maker", "thing"}
    assert judged(made(maker, "maker"), made(thing, "thing", owner | {"name": "another"})) == {"maker", "thing"}


@pytest.mark.parametrize(
    "owner",
    [
        by("batch.volcano.sh/v1alpha1", "Job", "job"),
        by("apps.kruise.io/v1beta1", "StatefulSet", "sts"),
        by("v1", "ReplicaSet", "rs"),
        by("apps/v1", "ReplicationController", "rc"),
        by("v1", "Node", "n1"),
        by("argoproj.io/v1alpha1", "Rollout", "shop"),
        by("apps/v1", "Deployment", "web"),  # makes ReplicaSets: a pod that says so was made by somebody else
        REPLICA_SET | {"controller": False},
        {key: value for key, value in REPLICA_SET.items() if key != "controller"},
        REPLICA_SET | {"controller": "true"},
        {},
        [None, 7, "x"],
        7,
    ],
    ids=repr,
)
def test_what_others_made_is_judged_by_itself(owner: Any) -> None:
    makers = [made("batch/Job", "job"), made("apps/StatefulSet", "sts"), made("apps/ReplicaSet", "rs")]
    assert judged(*makers, made("Pod", "pod", owner)) == {"job", "sts", "rs", "pod"}
    others = [made("ReplicationController", "rc"), made("apps/Deployment", "web")]
    assert judged(*others, made("Pod", "pod", owner)) == {"rc", "web", "pod"}


def test_chains_are_judged_at_their_first_link_that_was_seen() -> None:
    web = made("apps/Deployment", "web")
    replicas = made("apps/ReplicaSet", "rs", by("apps/v1", "Deployment", "web"))
    pod = made("Pod", "pod", REPLICA_SET)
    assert judged(web, replicas, pod) == {"web"}
    assert judged(replicas, pod) == {"rs"}
    assert judged(web, pod) == {"web", "pod"}
    nightly = made("batch/CronJob", "nightly")
    job, worker = (
        made("batch/Job", "job", by("batch/v1", "CronJob", "nightly")),
        made("Pod", "pod", by("batch/v1", "Job", "job")),
    )
    assert judged(nightly, job, worker) == {"nightly"}
    rolled = made("apps/ReplicaSet", "rs", by("argoproj.io/v1alpha1", "Rollout", "shop"))
    assert judged(rolled, pod) == {"rs"}


def test_two_pods_of_one_owner_and_one_that_was_orphaned() -> None:
    pods = [made("Pod", name, REPLICA_SET) for name in ("a", "b")]
    orphan = made("Pod", "orphan", by("apps/v1", "ReplicaSet", "gone"))
    assert judged(*pods, orphan, made("apps/ReplicaSet", "rs")) == {"rs", "orphan"}


def test_manifests_have_no_uids() -> None:
    owner = {key: value for key, value in REPLICA_SET.items() if key != "uid"}
    assert judged(made("apps/ReplicaSet", "rs"), made("Pod", "pod", owner)) == {"rs"}


def test_a_type_without_a_family_is_passed_on() -> None:
    [type_] = [t for t in TYPES if t.name == "kubernetes.core.node"]
    node = Asset(type_.name, "n", "n", "c", "global", {"metadata": {"name": "n"}}, "")
    assert list(sorted_out([node], TYPES)) == [node]


def test_a_maker_that_is_not_of_the_family_is_refused() -> None:
    text = "kind: kubernetes.core.pod\napi: v1\nplural: pods\nobject: Pod\nfamily: kubernetes.core.workload\n"
    pod = resource_types.check(parse(f"{text}made_by: [example.com/Job]\n".encode(), "pod.yaml"))
    [fault] = resource_types.unmade([pod])
    assert "example.com/Job is no type of the same family" in fault.problem
    with pytest.raises(Refused):
        resource_types.check(parse(f"{text}made_by: [job]\n".encode(), "pod.yaml"))
