"""Who a binding's role goes to, and what its rules allow.

Source: Kubernetes, «Using RBAC Authorization» (wildcards, subresources, `resourceNames`, subjects, «Privilege
escalation prevention and bootstrapping», «Roles for built-in controllers»), «User Impersonation», «Role Based Access
Control Good Practices». Verbs, groups, resources and names are compared as they are written: `*` means all verbs,
groups and resources, but among `resourceNames` it is a name.
"""

from collections.abc import Iterator, Sequence

from semantics.shapes import TEXT, listing, mapping
from semantics.values import Document

# Source: Kubernetes API reference, PolicyRule, Subject.
RBAC_RULE = mapping(
    dict.fromkeys(("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"), listing(TEXT))
)
SUBJECT = mapping(dict.fromkeys(("kind", "name", "namespace", "apiGroup"), TEXT), needed=("kind", "name"))

_RBAC = "rbac.authorization.k8s.io"
# Requests that name no object: a rule with `resourceNames` is not for them, unless the empty name is among these.
_UNNAMED = frozenset({"create", "list", "watch", "deletecollection"})


def grants(rules: Sequence[Document], verb: str, group: str, resource: str) -> bool:
    """Return whether RBAC rules allow a verb on every object of a group's resource (`pods/exec` for a subresource).

    A rule with `resourceNames` speaks of these objects only, and does not count.
    """
    return any(_is_of_all(rule, verb, resource) for rule in _speaking(rules, verb, group, resource))


def grants_some(rules: Sequence[Document], verb: str, group: str, resource: str) -> bool:
    """Return whether RBAC rules allow a verb on an object of a group's resource, be it a single one.

    It is for what a name does not bound: whoever may write one webhook's configuration may have it see every object.
    """
    return grants(rules, verb, group, resource) or bool(granted_names(rules, verb, group, resource))


def granted_names(rules: Sequence[Document], verb: str, group: str, resource: str) -> list[str]:
    """Return the names of the objects to which rules with `resourceNames` limit a verb on a group's resource."""
    if verb == "create" and "/" not in resource:  # «cannot be restricted by resourceName»: such a rule grants nothing
        return []
    speaking = _speaking(rules, verb, group, resource)
    return sorted({name for rule in speaking for name in rule.get("resourceNames") or [] if name})


def _speaking(rules: Sequence[Document], verb: str, group: str, resource: str) -> list[Document]:
    return [rule for rule in rules if _speaks_of(rule, verb, group, resource)]


def _speaks_of(rule: Document, verb: str, group: str, resource: str) -> bool:
    verbs, groups = rule.get("verbs") or [], rule.get("apiGroups") or []
    return ("*" in verbs or verb in verbs) and ("*" in groups or group in groups) and _names(rule, resource)


def _names(rule: Document, resource: str) -> bool:
    """Return whether a rule names a resource: `*` is every one, `*/exec` the subresource of every one."""
    subresource = resource.partition("/")[2]
    named = rule.get("resources") or []
    return "*" in named or resource in named or bool(subresource and f"*/{subresource}" in named)


def _is_of_all(rule: Document, verb: str, resource: str) -> bool:
    names = rule.get("resourceNames") or []
    return not names or ("" in names and verb in _UNNAMED and "/" not in resource)


def wildcards(rules: Sequence[Document]) -> list[str]:
    """Return the RBAC rules with `*` for all verbs or all resources, as `verbs of resources`.

    A rule with `resourceNames`, or for paths that are no resources, does not count.
    """
    wide = [rule for rule in rules if rule.get("resources") and not rule.get("resourceNames")]
    return [
        f"{'/'.join(rule.get('verbs') or [])} of {'/'.join(rule['resources'])}"
        for rule in wide
        if "*" in rule["resources"] or "*" in (rule.get("verbs") or [])
    ]


def self_escalations(rules: Sequence[Document], namespace: str) -> list[str]:
    """Return by what of RBAC rules their holder may take more permissions, as `verb resource` or `verb resource name`.

    `namespace` is where they hold, empty for the whole cluster. A name bounds whom somebody may be, and which role may
    be given; it does not bound what is written into a role: `escalate` counts with every name.
    """
    ways = _IN_CLUSTER if not namespace else _IN_NAMESPACE
    return [text for way in ways for text in _taken(rules, way, namespace)]


_Way = tuple[str, str, str]
_IN_NAMESPACE: tuple[_Way, ...] = (
    ("escalate", _RBAC, "roles"),
    ("bind", _RBAC, "roles"),
    ("bind", _RBAC, "clusterroles"),
    ("impersonate", "", "serviceaccounts"),
)
# Users and groups lie in no namespace. Extra fields and uids are of no use without a user («User Impersonation»).
_IN_CLUSTER: tuple[_Way, ...] = (
    ("escalate", _RBAC, "clusterroles"),
    *_IN_NAMESPACE,
    ("impersonate", "", "users"),
    ("impersonate", "", "groups"),
)


def _taken(rules: Sequence[Document], way: _Way, namespace: str) -> Iterator[str]:
    verb, _, resource = way
    if grants(rules, *way):
        yield f"{verb} {resource}"
    else:
        names = granted_names(rules, *way)
        yield from (f"{verb} {resource} {name}" for name in names if _is_powerful(way, name, namespace))


def _is_powerful(way: _Way, name: str, namespace: str) -> bool:
    """Return whether a verb limited to a name still yields what a common holder has not."""
    match way:
        case ("escalate", _, _):
            return True
        case ("bind", _, "clusterroles"):
            return name == "cluster-admin" or (not namespace and name in _POWERFUL_EVERYWHERE)
        case ("impersonate", _, "users"):
            return _ours("User", name)
        case ("impersonate", _, "groups"):
            return name in _POWERFUL_GROUPS
        case ("impersonate", _, "serviceaccounts"):
            return namespace in ("", _CLUSTERS_OWN) and name in _CONTROLLERS
    return False


# «User-facing roles»: whoever has one of these may run pods as any service account, in the whole cluster those of
# kube-system too; in a namespace, giving them is what the documentation shows as an example.
_POWERFUL_EVERYWHERE = frozenset({"admin", "edit"})
# «Default roles and role bindings»; kubeadm binds its own group to cluster-admin («Certificate Management with
# kubeadm»).
_POWERFUL_GROUPS = frozenset(
    {"system:masters", "system:nodes", "kubeadm:cluster-admins", "system:serviceaccounts:kube-system"}
)
# «Roles for built-in controllers»: `system:controller:NAME` is for the account NAME in kube-system.
_CONTROLLERS = frozenset(
    {
        "attachdetach-controller",
        "certificate-controller",
        "clusterrole-aggregation-controller",
        "cronjob-controller",
        "daemon-set-controller",
        "deployment-controller",
        "disruption-controller",
        "endpoint-controller",
        "expand-controller",
        "generic-garbage-collector",
        "horizontal-pod-autoscaler",
        "job-controller",
        "namespace-controller",
        "node-controller",
        "persistent-volume-binder",
        "pod-garbage-collector",
        "pv-protection-controller",
        "pvc-protection-controller",
        "replicaset-controller",
        "replication-controller",
        "resourcequota-controller",
        "root-ca-cert-publisher",
        "route-controller",
        "service-account-controller",
        "service-controller",
        "statefulset-controller",
        "ttl-controller",
    }
)


_BUILT_IN_PREFIX = "system:"
_ACCOUNT, _ACCOUNTS = "system:serviceaccount:", "system:serviceaccounts"
_EVERYBODY = frozenset({"system:authenticated", "system:unauthenticated", "system:anonymous"})
_CLUSTERS_OWN = "kube-system"


def account(subject: Document) -> tuple[str, str] | None:
    """Return the namespace and name of the service account that a subject means, also as the user that it is."""
    kind, name = subject.get("kind"), str(subject.get("name", ""))
    if kind == "ServiceAccount":
        return str(subject.get("namespace", "")), name
    namespace, _, rest = name.removeprefix(_ACCOUNT).partition(":")
    return (namespace, rest) if kind == "User" and name.startswith(_ACCOUNT) and namespace and rest else None


def outsiders(subjects: Sequence[Document]) -> list[str]:
    """Return those subjects of a binding that are not the cluster's own components, as `Kind namespace/name`.

    Names that begin with `system:` are the components' own, but for those that mean everybody and service accounts; the
    service accounts of kube-system are, however they are named.
    """
    return list(_outsiders(subjects))


def controllers(names: Sequence[str]) -> list[str]:
    """Return those names that built-in controllers' service accounts have in kube-system."""
    return [name for name in names if name in _CONTROLLERS]


def _outsiders(subjects: Sequence[Document]) -> Iterator[str]:
    for subject in subjects:
        kind, name = str(subject.get("kind", "")), str(subject.get("name", ""))
        if (found := account(subject)) is not None:
            if found[0] != _CLUSTERS_OWN:
                yield f"ServiceAccount {found[0]}/{found[1]}"
        elif not _ours(kind, name):
            yield f"{kind} {name}"


def _ours(kind: str, name: str) -> bool:
    """Return whether a user's or group's name is that of the cluster's own components."""
    if found := account({"kind": kind, "name": name}):
        return found[0] == _CLUSTERS_OWN
    if name.startswith((_ACCOUNT, _ACCOUNTS)):
        return name == f"{_ACCOUNTS}:{_CLUSTERS_OWN}"
    return name.startswith(_BUILT_IN_PREFIX) and name not in _EVERYBODY
