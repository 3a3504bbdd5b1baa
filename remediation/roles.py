"""What a customer gives to whoever changes things: made from what the playbooks need, nothing more."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

Role = dict[str, Any]

_ABOUT = "Lets Hinomi carry out approved changes of these kinds, and read what they change."


def _aws(needs: list[str]) -> Role:
    """Return an IAM policy."""
    statement = {"Sid": "HinomiChange", "Effect": "Allow", "Action": needs, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _azure(needs: list[str]) -> Role:
    """Return a custom role, as `az role definition create --role-definition` takes it."""
    nothing: dict[str, list[str]] = {"NotActions": [], "DataActions": [], "NotDataActions": []}
    about = {"Name": "Hinomi Change", "IsCustom": True, "Description": _ABOUT, "Actions": needs}
    return {**about, **nothing, "AssignableScopes": ["/subscriptions/SUBSCRIPTION-ID"]}


def _gcp(needs: list[str]) -> Role:
    """Return a custom role, as `gcloud iam roles create --file` takes it."""
    return {"title": "Hinomi change", "description": _ABOUT, "stage": "GA", "includedPermissions": needs}


def _kubernetes(needs: list[str]) -> Role:
    """Return a ClusterRole; needs are written as `patch serviceaccounts`, `patch deployments.apps`.

    It may also read the namespace whose uid is the cluster's id to us.
    """
    verbs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for verb, _, resource in (need.partition(" ") for need in needs):
        plural, _, group = resource.partition(".")
        verbs[group, plural].append(verb)
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}]
    rules += [{"apiGroups": [group], "resources": [plural], "verbs": names} for (group, plural), names in verbs.items()]
    about = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "hinomi-change"}}
    return {**about, "rules": rules}


_MAKE: Mapping[str, Callable[[list[str]], Role]] = {
    "aws": _aws,
    "azure": _azure,
    "gcp": _gcp,
    "kubernetes": _kubernetes,
}


def role(provider: str, needs: Iterable[str]) -> Role:
    """Return the role, or the policy in AWS, that allows what is needed, in the form that the cloud takes."""
    return _MAKE[provider](sorted(set(needs)))
