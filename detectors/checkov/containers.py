"""A pod's containers, shown to checkov one at a time: its word for several is not one for each of them.

It passes a pod where it cannot decide on one container, looks at init containers in some checks only and at those for
debugging in none, and takes the pod's own settings for those of all containers.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from catalog.checkov import Adopted
from model.asset import Asset
from semantics.kubernetes.workloads import (
    CONTAINER_LISTS,
    capability_names,
    pod_template,
    resources,
    security_context,
    shared_context,
    with_template,
)

Object = Mapping[str, Any]
# By which labels checkov knows programs beside their images.
_LABELS = ("app", "k8s-app", "name")


def one_by_one(checks: Sequence[Adopted], asset: Asset) -> Iterator[tuple[list[Adopted], Object]]:
    """Yield for each container the checks that judge it, and an object that has no other container.

    Of the pod they are shown only what they look at, and of the container too: each is made once for each container.
    """
    body = asset.body
    template = pod_template(str(body.get("kind")), body.get("metadata"), body.get("spec"))
    pod: Object = template.get("spec") or {}
    view = _View(checks, pod)
    frame = {"metadata": {"labels": _labels(template)}, "spec": {n: pod[n] for n in view.pod_fields if n in pod}}
    for name in CONTAINER_LISTS:
        judging = [adopted for adopted in checks if name in adopted.form.container_lists]
        for container in (pod.get(name) or []) if judging else []:
            yield judging, view.alone(body, frame, container)


class _View:
    """What some checks are shown of a pod's containers; `whole` is that they judge what holds for them in all."""

    def __init__(self, checks: Sequence[Adopted], pod: Object) -> None:
        paths = [path.split(".") for adopted in checks for path in adopted.form.reads]
        whole = checks[0].form.shape == "pod"
        self.pod_fields = {steps[1] for steps in paths if steps[0] == "pod" and not steps[1].endswith("ontainers[]")}
        self.pod_fields -= {"securityContext", "resources"}  # they are shown where they hold: at the containers
        self._fields = {steps[2].removesuffix("[]") for steps in paths if steps[1].endswith("ontainers[]")}
        self._pod = pod
        self._shared = shared_context(pod) if whole else None

    def alone(self, body: Object, frame: Object, container: Object) -> Object:
        spec = {**frame["spec"], "containers": [self._of(container)]}
        head = {"apiVersion": body.get("apiVersion"), "kind": body.get("kind"), "metadata": _name(body)}
        if self._shared is not None:
            return {**head, "apiVersion": "v1", "kind": "Pod", "spec": spec}
        made = with_template(str(body.get("kind")), {**frame, "spec": spec})
        return {**head, **made, "metadata": {**made.get("metadata", {}), **_name(body)}}

    def _of(self, container: Object) -> Object:
        shown = {name: value for name, value in container.items() if name in self._fields}
        if "resources" in self._fields:
            shown["resources"] = resources(self._pod, container)
        if self._shared is not None:
            shown["securityContext"] = security_context(self._shared, container)
        return _with_capabilities(shown)


def _with_capabilities(container: Object) -> Object:
    """Return a container whose added capabilities are spelt as checkov compares them; all of them are SYS_ADMIN too."""
    context = container.get("securityContext")
    capabilities = context.get("capabilities") if isinstance(context, Mapping) else None
    added = capabilities.get("add") if isinstance(capabilities, Mapping) else None
    if not isinstance(added, list) or not all(isinstance(name, str) for name in added):
        return container
    assert isinstance(context, Mapping)
    assert isinstance(capabilities, Mapping)
    names = capability_names(added)
    spelt = [*names, *(["SYS_ADMIN"] if "ALL" in names else [])]
    return {**container, "securityContext": {**context, "capabilities": {**capabilities, "add": spelt}}}


def _labels(template: Object) -> Object:
    metadata = template.get("metadata")
    labels = metadata.get("labels") if isinstance(metadata, Mapping) else None
    return {n: labels[n] for n in _LABELS if n in labels} if isinstance(labels, Mapping) else {}


def _name(body: Object) -> Object:
    metadata = body.get("metadata")
    return {n: metadata[n] for n in ("name", "namespace") if n in metadata} if isinstance(metadata, Mapping) else {}
