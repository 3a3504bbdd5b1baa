"""What a check of checkov's gets to see of an asset, and whether there is enough for its word to mean anything."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from catalog.checkov import Adopted, Equals, Plugin, Program, Template
from catalog.component_flags import admission_plugin_on
from catalog.workloads import pod_spec, pod_template
from detectors.checkov.written import WRITTEN
from model.asset import Asset
from model.finding import Status

_EMPTY: tuple[object, ...] = (None, "", [], {})
# What every Kubernetes object has, and its checks may look at.
_ALWAYS = frozenset({"apiVersion", "kind", "metadata"})
# A tag as Kubernetes' own images have it, perhaps with a digest behind it.
_TAG = re.compile(r":v?(\d+)\.(\d+)\.\d+[^/@:]*(?:@|$)")
# How the runners of templates call a resource's type.
_TYPE = {"cloudformation": "Type", "arm": "type"}


def likeness(adopted: Adopted) -> str:
    """Return what checks have in common that can be shown an asset in one shape."""
    if adopted.form.template is not None:
        return adopted.id
    program = adopted.form.program
    if program is None:
        return adopted.form.shape
    own = program.flags or program.plugin or program.written
    return adopted.id if own else program.name


def shown(checks: Sequence[Adopted], asset: Asset) -> Mapping[str, Any]:
    """Return of an asset, in the shape that all these checks take, only what they look at: others may be large."""
    first = checks[0]
    if first.form.template is not None:
        return as_template(asset.body, first.form.template, _TYPE[first.form.runner])
    if first.form.program is not None:
        return shape(first, asset)
    fields = _ALWAYS.union(*(adopted.fields for adopted in checks))
    return {key: value for key, value in shape(first, asset).items() if key in fields}


def as_template(body: Mapping[str, Any], template: Template, type_name: str) -> dict[str, Any]:
    """Return the template's resource that a live one would have come of, as far as its file says."""
    resource: dict[str, Any] = {type_name: template.type}
    for path, source in template.values.items():
        value = _equals(body, source) if isinstance(source, Equals) else _at(body, source)
        if value is not None:
            _put(resource, path.split("."), value)
    return resource


def shape(adopted: Adopted, asset: Asset) -> Mapping[str, Any]:
    """Return the object as the check expects it: what checkov overlooks elsewhere stands where it looks."""
    if program := adopted.form.program:
        if adopted.form.shape == "admission-configuration":
            return _admission_configuration(asset.body, program)
        return _configured(asset.body, program) if program.flags else _with_arguments(asset.body, program)
    return _SHAPES[adopted.form.shape](asset.body)


def foregone(adopted: Adopted, asset: Asset) -> tuple[Status, str] | None:
    """Return the verdict that needs nobody's word, and why: it is not the check's matter, not known, or follows."""
    if not _is_its_matter(adopted, asset):
        return "not_applicable", ""
    if reason := _why_unknown(adopted, asset):
        return "unknown", reason
    program = adopted.form.program
    missing = sorted(set(program.needs) - set(_given(asset.body, program))) if program else []
    if program is None or not missing:
        return None
    if program.absent != "unknown":
        return program.absent, ""
    return "unknown", f"{program.name} has no {missing[0]}, and checkov does not look at what holds without it"


def _is_its_matter(adopted: Adopted, asset: Asset) -> bool:
    """Tell whether the check is for such an asset at all: by a value of it, or by the program that runs there.

    What does not tell its value may be the check's matter.
    """
    for path, wanted in adopted.form.only.items():
        if (value := _at(asset.body, path)) not in _EMPTY and value not in wanted:
            return False
    program = adopted.form.program
    if program is not None and program.flags:
        return bool(adopted.fields & (asset.body.keys() | asset.unknown.keys()))
    if program is None:
        return True
    running = [container for container in _containers(asset.body) if _runs(container, program)]
    return bool(running) and not all(_is_from(container, program.before) for container in running)


def _why_unknown(adopted: Adopted, asset: Asset) -> str:
    """Return why the check's word would mean nothing, empty where it means something."""
    for field in sorted(adopted.fields & asset.unknown.keys()):
        return f"{field}: {asset.unknown[field]}"
    program = adopted.form.program
    if program and program.before and not all(_release(c) for c in _containers(asset.body) if _runs(c, program)):
        return f"the image does not tell the release, and the check is for those before {program.before}"
    own = ("kind",) if adopted.form.template is None else ()
    for path in (*own, *adopted.form.only, *adopted.form.needs):
        if _at(asset.body, path) in _EMPTY:
            return f"{path} is not there, and the check looks at nothing else"
    return ""


def _given(body: Mapping[str, Any], program: Program) -> list[str]:
    """Return the names of the flags that a program is given."""
    if program.flags:
        return [flag for flag, path in program.flags.items() if _at(body, path) is not None]
    return [
        _as_called_now(argument).partition("=")[0]
        for container in _containers(body)
        if _runs(container, program)
        for argument in _arguments(container)
    ]


def _at(body: Mapping[str, Any], path: str) -> Any:
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


def _equals(body: Mapping[str, Any], source: Equals) -> bool | None:
    value = _at(body, source.of)
    return None if value is None else value == source.is_


def _put(place: dict[str, Any], steps: Sequence[str], value: Any) -> None:
    """Set a value at a path, or each of a list's values at the path within an element of its own."""
    first, *further = steps
    if not further:
        place[first] = value
    elif first.endswith("[]"):
        elements = place.setdefault(first.removesuffix("[]"), [{} for _ in value])
        for element, one in zip(elements, value, strict=True):
            if one is not None:
                _put(element, further, one)
    else:
        _put(place.setdefault(first, {}), further, value)


def _containers(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from (container for container in _list(_at(body, "pod.containers")) if isinstance(container, Mapping))


def _arguments(container: Mapping[str, Any]) -> list[str]:
    given = [*_list(container.get("command")), *_list(container.get("args"))]
    return [text for text in given if isinstance(text, str)]


def _runs(container: Mapping[str, Any], program: Program) -> bool:
    first = _arguments(container)[:1]
    return bool(first) and first[0].rpartition("/")[2] == program.name


def _release(container: Mapping[str, Any]) -> tuple[int, int] | None:
    """Return the release of Kubernetes that an image's tag tells, as (1, 33)."""
    found = _TAG.search(str(container.get("image", "")))
    return (int(found[1]), int(found[2])) if found else None


def _is_from(container: Mapping[str, Any], before: str | None) -> bool:
    """Tell whether a container is known to be of a release from which on a check asks for what is gone."""
    release = _release(container)
    return before is not None and release is not None and release >= tuple(map(int, before.split(".")))


def _as_pod(body: Mapping[str, Any]) -> dict[str, Any]:
    template = pod_template(str(body.get("kind")), body.get("metadata"), body.get("spec"))
    return {"metadata": {}, **template, "apiVersion": "v1", "kind": "Pod"}


def _in_one_rule(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a role whose first rule has all that its rules name: checkov looks for wildcards in no other."""
    rules = [rule for rule in _list(body["rules"]) if isinstance(rule, Mapping)]
    lists = ("apiGroups", "resources", "verbs")
    one = {name: sorted({str(value) for rule in rules for value in _list(rule.get(name))}) for name in lists}
    return {**body, "rules": [one]}


def _on_bindings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a role whose rules on all roles are on bindings: there checkov looks for a verb that counts on roles.

    Kubernetes, «Using RBAC Authorization», «Restrictions on role binding creation or update».
    """
    rules = [rule for rule in _list(body["rules"]) if isinstance(rule, Mapping) and not rule.get("resourceNames")]
    moved = [
        {**rule, "resources": [_BINDINGS.get(str(each), "") for each in _list(rule.get("resources"))]} for rule in rules
    ]
    return {**body, "rules": moved}


def _with_annotation_list(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object whose annotations are a list of pairs, as checkov reads them."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    annotations = metadata.get("annotations")
    pairs = annotations.items() if isinstance(annotations, Mapping) else ()
    return {**body, "metadata": {**metadata, "annotations": [{name: value} for name, value in pairs]}}


_BINDINGS = {"*": "*", "roles": "rolebindings", "clusterroles": "clusterrolebindings"}
_SHAPES: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "as-it-is": lambda body: body,
    "pod": _as_pod,
    "one-rule": _in_one_rule,
    "on-bindings": _on_bindings,
    "annotation-list": _with_annotation_list,
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _with_arguments(body: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """Return a pod of the program's name with all its arguments where checkov looks: in `command`, once in `args`."""
    containers = [
        _container(program, _flags(container, program)) if _runs(container, program) else container
        for container in _containers(body)
    ]
    return _pod_of(program, containers)


def _flags(container: Mapping[str, Any], program: Program) -> list[str]:
    """Return a program's flags; where a check looks for a plugin, as if it had to be named to run."""
    if (plugin := program.plugin) is not None:
        return [f"--enable-admission-plugins={plugin.name if _is_on(plugin, container) else '-'}"]
    return [_as_written(program, _as_called_now(flag)) for flag in _written_out(_arguments(container)[1:])]


def _is_on(plugin: Plugin, container: Mapping[str, Any]) -> bool:
    """Return whether a server runs a plugin: checkov does not know what runs unasked."""
    flags = _written_out(_arguments(container)[1:])
    given = {name.lstrip("-"): value for name, _, value in (flag.partition("=") for flag in flags)}
    return admission_plugin_on(given, plugin.name, plugin.unasked)


def _admission_configuration(body: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """Return the file that would name the plugin if the server runs it: checkov looks for it there alone."""
    running = [container for container in _containers(body) if _runs(container, program)]
    plugin = program.plugin
    plugins = [{"name": plugin.name}] if plugin and any(_is_on(plugin, container) for container in running) else []
    return {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": plugins}


def _as_called_now(flag: str) -> str:
    """Return a flag by the name that it has now: the old one of admission plugins names all that run."""
    return re.sub(r"^--admission-control(?==|$)", "--enable-admission-plugins", flag)


def _as_written(program: Program, flag: str) -> str:
    """Return a flag with its value as checkov wants it written."""
    name, _, value = flag.partition("=")
    return f"{name}={WRITTEN[program.written[name]](value)}" if name in program.written else flag


def _configured(body: Mapping[str, Any], program: Program) -> dict[str, Any]:
    """Return a pod that runs the program with the flags which its configuration file stands for."""
    values = {flag: _at(body, path) for flag, path in program.flags.items()}
    flags = [_as_written(program, f"{flag}={_as_argument(v)}") for flag, v in values.items() if v is not None]
    return _pod_of(program, [_container(program, flags)])


def _pod_of(program: Program, containers: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": program.name}, "spec": {"containers": containers}}


def _container(program: Program, flags: list[str]) -> dict[str, Any]:
    return {"name": program.name, "command": [program.name, *flags], "args": flags}


def _as_argument(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _written_out(arguments: list[str]) -> Iterator[str]:
    """Yield flags with their values as `--name=value`: also those whose value is the next argument, or only meant."""
    following = [*arguments[1:], "--"][: len(arguments)]
    is_value = False
    for argument, after in zip(arguments, following, strict=True):
        if is_value or not argument.startswith("--") or "=" in argument:
            if not is_value:
                yield argument
            is_value = False
            continue
        is_value = not after.startswith("-")
        yield f"{argument}={after}" if is_value else f"{argument}=true"
