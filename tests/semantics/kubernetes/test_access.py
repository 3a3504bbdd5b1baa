"""Who a binding is for, and what its rules allow.

Expected by kubernetes.io: «Using RBAC Authorization» (wildcards, subresources, resourceNames, `system:` names), «User
Impersonation», «Role Based Access Control Good Practices».
"""

from typing import Any

import pytest

from semantics.kubernetes import access

Row = dict[str, Any]


def rule(verbs: str, groups: str, resources: str, **more: Any) -> Row:
    return {
        "verbs": verbs.split(),
        "apiGroups": [g.strip("'") for g in groups.split()],
        "resources": resources.split(),
    } | more


@pytest.mark.parametrize(
    ("rules", "granted"),
    [
        ([rule("create", "''", "pods/exec")], True),
        ([rule("*", "*", "*")], True),
        ([rule("create", "''", "*/exec")], True),
        ([rule("get", "''", "pods"), rule("create", "''", "pods/exec")], True),
        ([rule("create", "''", "pods")], False),
        ([rule("create", "''", "pods/*")], False),
        ([rule("get", "''", "pods/exec")], False),
        ([rule("create", "apps", "pods/exec")], False),
        ([rule("create", "''", "pods/exec", resourceNames=["web-0"])], False),
        ([{"verbs": ["*"], "nonResourceURLs": ["*"]}], False),
        ([{"verbs": None, "apiGroups": None, "resources": None}], False),
        ([], False),
    ],
)
def test_rules_grant_a_subresource(rules: list[Row], granted: bool) -> None:
    assert access.grants(rules, "create", "", "pods/exec") is granted


def test_wildcards_are_reported() -> None:
    rules = [rule("*", "apps", "deployments scales"), rule("get", "''", "*"), rule("get list", "*", "pods")]
    rules += [rule("*", "*", "*", resourceNames=["x"]), {"verbs": ["*"], "nonResourceURLs": ["*"]}]
    assert access.wildcards(rules) == ["* of deployments/scales", "get of *"]


@pytest.mark.parametrize(
    ("subject", "reported"),
    [
        ({"kind": "User", "name": "taro"}, ["User taro"]),
        ({"kind": "Group", "name": "ops"}, ["Group ops"]),
        ({"kind": "ServiceAccount", "name": "ci", "namespace": "build"}, ["ServiceAccount build/ci"]),
        ({"kind": "ServiceAccount", "name": "coredns", "namespace": "kube-system"}, []),
        ({"kind": "Group", "name": "system:masters"}, []),
        ({"kind": "User", "name": "system:kube-scheduler"}, []),
        ({"kind": "Group", "name": "system:authenticated"}, ["Group system:authenticated"]),
        ({"kind": "Group", "name": "system:unauthenticated"}, ["Group system:unauthenticated"]),
        ({"kind": "User", "name": "system:anonymous"}, ["User system:anonymous"]),
        ({"kind": "Group", "name": "system:serviceaccounts"}, ["Group system:serviceaccounts"]),
        ({"kind": "Group", "name": "system:serviceaccounts:build"}, ["Group system:serviceaccounts:build"]),
    ],
)
def test_outsiders(subject: Row, reported: list[str]) -> None:
    assert access.outsiders([subject]) == reported


@pytest.mark.parametrize(
    ("subject", "reported"),
    [
        ({"kind": "User", "name": "system:serviceaccount:build:ci"}, ["ServiceAccount build/ci"]),
        ({"kind": "User", "name": "system:serviceaccount:kube-system:coredns"}, []),
        ({"kind": "User", "name": "system:serviceaccount:kube-system:"}, ["User system:serviceaccount:kube-system:"]),
        ({"kind": "User", "name": "system:serviceaccount:ci"}, ["User system:serviceaccount:ci"]),
        ({"kind": "Group", "name": "system:serviceaccount:build:ci"}, ["Group system:serviceaccount:build:ci"]),
        ({"kind": "Group", "name": "system:serviceaccounts:kube-system"}, []),
        (
            {"kind": "ServiceAccount", "name": "system:kube-scheduler", "namespace": "a"},
            ["ServiceAccount a/system:kube-scheduler"],
        ),
    ],
)
def test_an_account_is_the_same_however_it_is_named(subject: Row, reported: list[str]) -> None:
    assert access.outsiders([subject]) == reported


@pytest.mark.parametrize(
    ("verb", "resource", "names", "of_all", "granted"),
    [
        ("get", "secrets", [], True, []),
        ("get", "secrets", ["db"], False, ["db"]),
        ("get", "secrets", ["*"], False, ["*"]),
        ("get", "secrets", [""], False, []),
        ("list", "secrets", ["db"], False, ["db"]),
        ("list", "secrets", ["", "db"], True, ["db"]),
        ("deletecollection", "secrets", [""], True, []),
        ("create", "secrets", ["db"], False, []),
        ("create", "secrets", [""], True, []),
        ("create", "pods/exec", ["web-0"], False, ["web-0"]),
        ("create", "pods/exec", [""], False, []),
    ],
)
def test_what_a_rule_with_names_is_for(
    verb: str, resource: str, names: list[str], of_all: bool, granted: list[str]
) -> None:
    rules = [rule(verb, "''", resource, resourceNames=names)]
    assert access.grants(rules, verb, "", resource) is of_all
    assert access.granted_names(rules, verb, "", resource) == granted
    assert access.grants_some(rules, verb, "", resource) is (of_all or bool(granted))


RBAC = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("rules", "namespace", "ways"),
    [
        ([rule("bind", RBAC, "clusterroles", resourceNames=["view", "edit"])], "", ["bind clusterroles edit"]),
        ([rule("bind", RBAC, "clusterroles", resourceNames=["view", "edit"])], "shop", []),
        ([rule("bind", RBAC, "roles", resourceNames=["any"])], "", []),
        ([rule("escalate", RBAC, "clusterroles")], "shop", []),
        ([rule("escalate", RBAC, "roles", resourceNames=["own"])], "shop", ["escalate roles own"]),
        ([rule("impersonate", "''", "users groups")], "", ["impersonate users", "impersonate groups"]),
        ([rule("impersonate", "''", "users groups")], "shop", []),
        ([rule("impersonate", "''", "serviceaccounts", resourceNames=["ttl-controller"])], "shop", []),
    ],
)
def test_ways_to_more_permissions(rules: list[Row], namespace: str, ways: list[str]) -> None:
    assert access.self_escalations(rules, namespace) == ways
