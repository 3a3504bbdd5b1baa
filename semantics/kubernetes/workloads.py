"""What of a Kubernetes workload its pods will be, and who a binding's role goes to.

Sources: Kubernetes API reference, PodTemplateSpec, PodSpec; «Using RBAC Authorization».
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from semantics.shapes import TEXT, listing, mapping
from semantics.values import Document

_TEMPLATES = {"Pod": (), "CronJob": ("spec", "jobTemplate", "spec", "template")}
_OF_OTHERS = ("spec", "template")
_CONTAINERS = ("initContainers", "containers", "ephemeralContainers")

# Source: Kubernetes API reference, PodSpec, Container, PodTemplateSpec, PolicyRule, Subject.
CONTAINER = mapping({"name": TEXT, "securityContext": mapping()})
POD = mapping({"securityContext": mapping(), **dict.fromkeys(_CONTAINERS, listing(CONTAINER))})
METADATA = mapping({"annotations": mapping(others=TEXT)})
_TEMPLATE = mapping({"metadata": METADATA, "spec": POD})
# A workload's `spec`: that of a pod itself, or one with a template.
SPEC = POD | mapping({"template": _TEMPLATE, "jobTemplate": mapping({"spec": mapping({"template": _TEMPLATE})})})
RBAC_RULE = mapping(
    dict.fromkeys(("verbs", "apiGroups", "resources", "resourceNames", "nonResourceURLs"), listing(TEXT))
)
SUBJECT = mapping(dict.fromkeys(("kind", "name", "namespace", "apiGroup"), TEXT), needed=("kind", "name"))


def pod_spec(kind: str, spec: Document | None) -> Document:
    """Return the PodSpec of a workload, from its `kind` and `spec`; empty where it has none."""
    return _within(pod_template(kind, None, spec), "spec")


def pod_template(kind: str, metadata: Document | None, spec: Document | None) -> Document:
    """Return what a workload's pods will be, as `metadata` and `spec`.

    By its kind, they are its own (a Pod) or those of its template.
    """
    return _within({"metadata": metadata, "spec": spec}, *_TEMPLATES.get(kind, _OF_OTHERS))


def _within(document: Document, *names: str) -> Document:
    """Return the mapping at a path; empty where there is none."""
    found: Any = document
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def containers(pod: Document) -> Sequence[Document]:
    """Return all containers of a PodSpec, those that run first and those for debugging too."""
    return [c for name in _CONTAINERS for c in pod.get(name) or [] if isinstance(c, Mapping)]


def pod_annotations(kind: str, metadata: Document | None, spec: Document | None) -> Document:
    """Return the annotations that a workload's pods have, from its metadata and spec.

    By its kind, they are its own (a Pod) or those of its template.
    """
    return _within(pod_template(kind, metadata, spec), "metadata", "annotations")


def setting(pod: Document, container: Document, name: str) -> Any:
    """Return the field of a name of the security context: the container's own, else the pod's; null if neither says."""
    for holder in (container, pod):
        context = holder.get("securityContext")
        if isinstance(context, Mapping) and context.get(name) is not None:
            return context[name]
    return None


def grants(rules: Sequence[Document], verb: str, group: str, resource: str) -> bool:
    """Return whether RBAC rules allow a verb on every object of a group's resource (`pods/exec` for a subresource).

    A rule with `resourceNames` speaks of some objects only, and does not count.
    """
    return any(_speaks_of(rule, verb, group, resource) for rule in rules if not rule.get("resourceNames"))


def _speaks_of(rule: Document, verb: str, group: str, resource: str) -> bool:
    verbs, groups = rule.get("verbs") or [], rule.get("apiGroups") or []
    return ("*" in verbs or verb in verbs) and ("*" in groups or group in groups) and _names(rule, resource)


def _names(rule: Document, resource: str) -> bool:
    """Return whether a rule names a resource: `*` is every one, `*/exec` the subresource of every one."""
    subresource = resource.partition("/")[2]
    named = rule.get("resources") or []
    return "*" in named or resource in named or bool(subresource and f"*/{subresource}" in named)


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


_BUILT_IN_PREFIX = "system:"
_EVERYBODY = frozenset({"system:authenticated", "system:unauthenticated", "system:anonymous"})


def outsiders(subjects: Sequence[Document]) -> list[str]:
    """Return those subjects of a binding that are not the cluster's own components, as `Kind namespace/name`.

    Names that begin with `system:` are the components' own, but for those that mean everybody and all service accounts
    («Using RBAC Authorization», «Default roles and role bindings»); so are the service accounts of kube-system.
    """
    return list(_outsiders(subjects))


def _outsiders(subjects: Sequence[Document]) -> Iterator[str]:
    for subject in subjects:
        kind, name = str(subject.get("kind", "")), str(subject.get("name", ""))
        if kind == "ServiceAccount":
            namespace = str(subject.get("namespace", ""))
            if namespace != "kube-system":
                yield f"{kind} {namespace}/{name}"
        elif not name.startswith(_BUILT_IN_PREFIX) or name in _EVERYBODY or name.startswith("system:serviceaccounts"):
            yield f"{kind} {name}"
