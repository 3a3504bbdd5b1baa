"""The read-only ClusterRole that a customer gives us in a cluster: made from the types, nothing more."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from collectors.kubernetes.resource_types import ResourceType

NAME = "hinomi-read"
# Kubernetes has no right to metadata alone: who may list Secrets may read them. So this is a role of its own, which
# nothing but the list of Secrets hangs on.
SECRETS_NAME = "hinomi-read-secret-names"
_API = "rbac.authorization.k8s.io/v1"
_SENSITIVE = frozenset({"secrets"})

Manifest = dict[str, Any]


def roles(types: Iterable[ResourceType]) -> list[Manifest]:
    """Return the ClusterRole, and one for Secrets that a customer may leave out, for `kubectl apply -f`."""
    every = list(types)
    plain = [type_ for type_ in every if type_.form.plural not in _SENSITIVE]
    sensitive = [type_ for type_ in every if type_.form.plural in _SENSITIVE]
    own = _role(NAME, [_our_place(), *_rules(plain)])
    return [own, *([_role(SECRETS_NAME, _rules(sensitive))] if sensitive else [])]


def _role(name: str, rules: list[Manifest]) -> Manifest:
    return {"apiVersion": _API, "kind": "ClusterRole", "metadata": {"name": name}, "rules": rules}


def _our_place() -> Manifest:
    """Return the rule for the namespace whose uid is the cluster's id to us."""
    return {"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}


def _rules(types: Iterable[ResourceType]) -> list[Manifest]:
    listed: dict[str, set[str]] = defaultdict(set)
    single: dict[tuple[str, str], set[str]] = defaultdict(set)
    for type_ in types:
        if only := type_.form.only:
            single[type_.group, type_.form.plural].add(only.name)
        else:
            listed[type_.group].add(type_.form.plural)
    rules = [
        {"apiGroups": [group], "resources": sorted(names), "verbs": ["list"]} for group, names in sorted(listed.items())
    ]
    return rules + [
        {"apiGroups": [group], "resources": [plural], "resourceNames": sorted(names), "verbs": ["get"]}
        for (group, plural), names in sorted(single.items())
    ]
