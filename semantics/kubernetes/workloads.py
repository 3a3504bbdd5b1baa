"""What of a Kubernetes workload its pods will be, and what holds for each of their containers.

Sources: Kubernetes API reference, PodTemplateSpec, PodSpec, SecurityContext; «Configure a Security Context for a Pod or
Container» (the container's own setting wins; of `windowsOptions` each field by itself, as the kubelet takes it);
«Restrict a Container's Access to Resources with AppArmor» (the annotation). Annotations for seccomp are not looked at:
Kubernetes has ignored them since 1.27 («Deprecated API Migration Guide», «Seccomp and Kubernetes»).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from semantics.shapes import TEXT, listing, mapping
from semantics.values import Document

_TEMPLATES = {"Pod": (), "CronJob": ("spec", "jobTemplate", "spec", "template")}
_OF_OTHERS = ("spec", "template")
CONTAINER_LISTS = ("initContainers", "containers", "ephemeralContainers")
# What a pod's security context says for all its containers; what else stands there is of the pod as a whole.
_OF_THE_POD = (
    "runAsUser",
    "runAsGroup",
    "runAsNonRoot",
    "seLinuxOptions",
    "seccompProfile",
    "appArmorProfile",
    "windowsOptions",
)
_MOST_SHARED = 2_000
_APP_ARMOR = "container.apparmor.security.beta.kubernetes.io/"

# Source: Kubernetes API reference, PodSpec, Container, PodTemplateSpec.
_SECURITY_CONTEXT = mapping({"windowsOptions": mapping()})
CONTAINER = mapping({"name": TEXT, "securityContext": _SECURITY_CONTEXT})
POD = mapping({"securityContext": _SECURITY_CONTEXT, **dict.fromkeys(CONTAINER_LISTS, listing(CONTAINER))})
METADATA = mapping({"annotations": mapping(others=TEXT)})
_TEMPLATE = mapping({"metadata": METADATA, "spec": POD})
# A workload's `spec`: that of a pod itself, or one with a template.
SPEC = POD | mapping({"template": _TEMPLATE, "jobTemplate": mapping({"spec": mapping({"template": _TEMPLATE})})})


def pod_spec(kind: str, spec: Document | None) -> Document:
    """Return the PodSpec of a workload, from its `kind` and `spec`; empty where it has none."""
    return _within(pod_template(kind, None, spec), "spec")


def pod_template(kind: str, metadata: Document | None, spec: Document | None) -> Document:
    """Return what a workload's pods will be, as `metadata` and `spec`.

    By its kind, they are its own (a Pod) or those of its template.
    """
    return _within({"metadata": metadata, "spec": spec}, *_TEMPLATES.get(kind, _OF_OTHERS))


def with_template(kind: str, template: Document) -> dict[str, Any]:
    """Return the fields of a workload of a kind whose pods will be what a template says."""
    fields = dict(template)
    for name in reversed(_TEMPLATES.get(kind, _OF_OTHERS)):
        fields = {name: fields}
    return fields


def _within(document: Document, *names: str) -> Document:
    """Return the mapping at a path; empty where there is none."""
    found: Any = document
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def containers(pod: Document) -> Sequence[Document]:
    """Return all containers of a PodSpec, those that run first and those for debugging too."""
    return [container for name in CONTAINER_LISTS for container in pod.get(name) or []]


def pod_annotations(kind: str, metadata: Document | None, spec: Document | None) -> Document:
    """Return the annotations that a workload's pods have, from its metadata and spec.

    By its kind, they are its own (a Pod) or those of its template.
    """
    return _within(pod_template(kind, metadata, spec), "metadata", "annotations")


def settled_containers(kind: str, metadata: Document | None, spec: Document | None) -> list[Document]:
    """Return all containers of a workload's pods, from its `kind`, `metadata` and `spec`.

    Each has what the pod says for it.
    Its `securityContext` is the one that it will run with, `hostUsers` is the pod's, and `appArmorAnnotation` what an
    annotation of the pod says of it. So a container is judged by itself, however many there are.
    """
    pod, annotations = pod_spec(kind, spec), pod_annotations(kind, metadata, spec)
    shared = shared_context(pod)
    return [_settled(pod, shared, annotations, container) for container in containers(pod)]


def _settled(pod: Document, shared: Document, annotations: Document, container: Document) -> Document:
    settled: dict[str, Any] = dict(container) | {"securityContext": security_context(shared, container)}
    if pod.get("hostUsers") is not None:
        settled["hostUsers"] = pod["hostUsers"]
    if (profile := annotations.get(f"{_APP_ARMOR}{container.get('name')}")) is not None:
        settled["appArmorAnnotation"] = profile
    return settled


def shared_context(pod: Document) -> dict[str, Any]:
    """Return what a pod's security context says for all its containers.

    Raises `ValueError` where it is longer than anything sensible: each container would carry it.
    """
    of_pod = _within(pod, "securityContext")
    shared = {name: of_pod[name] for name in _OF_THE_POD if of_pod.get(name) is not None}
    if len(repr(shared)) > _MOST_SHARED:
        raise ValueError(f"the pod's securityContext is longer than {_MOST_SHARED:,} characters")
    return shared


def security_context(shared: Document, container: Document) -> dict[str, Any]:
    """Return the security context that a container will run with, in a pod that shares one."""
    own = _within(container, "securityContext")
    context = {**shared, **{name: value for name, value in own.items() if value is not None}}
    windows = {**_within(shared, "windowsOptions"), **_within(own, "windowsOptions")}
    return {**context, "windowsOptions": windows} if windows else context


def resources(pod: Document, container: Document) -> dict[str, Any]:
    """Return the limits and requests that hold for a container: its own, else the pod's; a limit is a request too.

    Sources: Kubernetes, «Resource Management for Pods and Containers» (a limit without a request is copied into it),
    «Assign Pod-level CPU and memory resources».
    """
    limits = {**_of_the_pod(pod, _LIMITS), **_within(container, *_LIMITS)}
    return {"limits": limits, "requests": {**limits, **_of_the_pod(pod, _REQUESTS), **_within(container, *_REQUESTS)}}


def _of_the_pod(pod: Document, at: tuple[str, str]) -> dict[str, Any]:
    found = _within(pod, *at)
    return {name: found[name] for name in ("cpu", "memory") if name in found}


_LIMITS, _REQUESTS = ("resources", "limits"), ("resources", "requests")


def setting(pod: Document, container: Document, name: str) -> Any:
    """Return the field of a name of the security context: the container's own, else the pod's; null if neither says."""
    for holder in (container, pod):
        if (value := _within(holder, "securityContext").get(name)) is not None:
            return value
    return None


def capability_names(names: Sequence[str]) -> list[str]:
    """Return capabilities as runtimes take them: in capital letters, without `CAP_`.

    Pod Security compares them as they are written, and so do policies that ask what it asks.
    """
    return [name.upper().removeprefix("CAP_") for name in names]
