"""Where a value stands in a body or a template, by a path as the files of adopted checks write it."""

from collections.abc import Mapping, Sequence
from typing import Any

from semantics.kubernetes.workloads import pod_spec


def at(body: Mapping[str, Any], path: str) -> Any:
    """Return what stands at a path, None where nothing does; `pod` is the pod's spec, wherever a kind keeps it."""
    first, *steps = path.split(".")
    if first == "pod":
        return _within(pod_spec(str(body.get("kind")), body.get("spec")), steps)
    return _within(body, [first, *steps])


def _within(value: Any, steps: Sequence[str]) -> Any:
    """Return what stands at a path, None where nothing does; `[]` after a name yields a value for each element."""
    for number, step in enumerate(steps):
        value = value.get(step.removesuffix("[]")) if isinstance(value, Mapping) else None
        if step.endswith("[]"):
            return [_within(element, steps[number + 1 :]) for element in value] if isinstance(value, list) else None
    return value


def misfit(body: Mapping[str, Any], path: str) -> str:
    """Return where a body has something else than a path goes through, empty where nothing is: lists, and mappings."""
    steps = path.split(".")
    if steps[0] == "pod":
        return _misfit(pod_spec(str(body.get("kind")), body.get("spec")), steps[1:])
    return _misfit(body, steps)


def _misfit(value: Any, steps: Sequence[str]) -> str:
    if not steps or value is None:
        return ""
    if not isinstance(value, Mapping):
        return ".".join(steps)
    step, further = steps[0], steps[1:]
    inner = value.get(step.removesuffix("[]"))
    if not step.endswith("[]"):
        return _misfit(inner, further)
    if inner is None or (isinstance(inner, list) and not further):
        return ""
    if not isinstance(inner, list):
        return ".".join(steps)
    return next((wrong for each in inner if (wrong := ".".join(steps) if each is None else _misfit(each, further))), "")


def put(place: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    """Set a value at a path of steps within a place, or a list's values each within an element of its own."""
    first, *further = steps
    if not further:
        place[first] = value
    elif first.endswith("[]"):
        elements = place.setdefault(first.removesuffix("[]"), [{} for _ in value])
        for element, one in zip(elements, value, strict=True):
            if one is not None:
                put(element, further, one)
    else:
        put(place.setdefault(first, {}), further, value)
