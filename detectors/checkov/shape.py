"""What a check of checkov's gets to see of an asset, and whether there is enough for its word to mean anything."""

from collections.abc import Iterator, Mapping
from typing import Any

from catalog.checkov import Adopted, Program
from catalog.workloads import pod_spec, pod_template
from model.asset import Asset

_EMPTY: tuple[object, ...] = (None, "", [], {})


def shape(adopted: Adopted, asset: Asset) -> dict[str, Any]:
    """Return the resource as the check expects it: what checkov overlooks elsewhere stands where it looks."""
    if adopted.form.program is not None:
        return _with_arguments(asset.body, adopted.form.program)
    if adopted.form.shape == "pod":
        return _as_pod(asset.body)
    return _in_one_rule(asset.body) if adopted.form.shape == "one-rule" else asset.body


def is_its_matter(adopted: Adopted, asset: Asset) -> bool:
    """Tell whether the check is for such an asset at all: for a program's arguments, whether the program runs there."""
    program = adopted.form.program
    return program is None or any(_runs(container, program) for container in _containers(asset.body))


def why_unknown(adopted: Adopted, asset: Asset) -> str:
    """Return why the check's word would mean nothing, empty where it means something."""
    for field in sorted(adopted.fields & asset.unknown.keys()):
        return f"{field}: {asset.unknown[field]}"
    for path in ("kind", *adopted.form.needs):
        if _at(asset.body, path) in _EMPTY:
            return f"{path} is not there, and the check looks at nothing else"
    program = adopted.form.program
    if program is None:
        return ""
    given = {
        argument.partition("=")[0]
        for container in _containers(asset.body)
        if _runs(container, program)
        for argument in _arguments(container)
    }
    missing = sorted(set(program.needs) - given)
    return f"{program.name} has no {missing[0]}, and checkov does not look at what holds without it" if missing else ""


def _at(body: Mapping[str, Any], path: str) -> Any:
    value: Any = body
    for step in path.split("."):
        if step == "pod" and value is body:
            value = pod_spec(str(body.get("kind")), body.get("spec"))
        else:
            value = value.get(step.removesuffix("[]")) if isinstance(value, Mapping) else None
    return value


def _containers(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (container for container in _list(_at(body, "pod.containers")) if isinstance(container, Mapping))


def _arguments(container: Mapping[str, Any]) -> list[str]:
    given = [*_list(container.get("command")), *_list(container.get("args"))]
    return [text for text in given if isinstance(text, str)]


def _runs(container: Mapping[str, Any], program: Program) -> bool:
    first = _arguments(container)[:1]
    return bool(first) and first[0].rpartition("/")[2] == program.name


def _as_pod(body: Mapping[str, Any]) -> dict[str, Any]:
    template = pod_template(str(body.get("kind")), body.get("metadata"), body.get("spec"))
    return {"metadata": {}, **template, "apiVersion": "v1", "kind": "Pod"}


def _in_one_rule(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a role whose first rule has all that its rules name: checkov looks for wildcards in no other."""
    rules = [rule for rule in _list(body["rules"]) if isinstance(rule, Mapping)]
    lists = ("apiGroups", "resources", "verbs")
    one = {name: sorted({str(value) for rule in rules for value in _list(rule.get(name))}) for name in lists}
    return {**body, "rules": [one]}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _with_arguments(body: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """Return a pod with the program's name and all its arguments in `command`: checkov looks nowhere else."""
    containers = [
        {**container, "command": [program.name, *_written_out(_arguments(container)[1:])]}
        if _runs(container, program)
        else container
        for container in _containers(body)
    ]
    return {**body, "spec": {**body["spec"], "containers": containers}}


def _written_out(arguments: list[str]) -> Iterator[str]:
    """Yield flags with their values as `--name=value`: also those whose value is the next argument, or only meant."""
    following = [*arguments[1:], "--"]
    is_value = False
    for argument, after in zip(arguments, following, strict=True):
        if is_value or not argument.startswith("--") or "=" in argument:
            if not is_value:
                yield argument
            is_value = False
            continue
        is_value = not after.startswith("-")
        yield f"{argument}={after}" if is_value else f"{argument}=true"
