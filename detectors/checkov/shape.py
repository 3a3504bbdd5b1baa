"""What a check of checkov's gets to see of an asset, and whether there is enough for its word to mean anything."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from catalog.checkov import Adopted, Equals, TemplateMapping
from detectors.checkov.paths import at, misfit, put
from detectors.checkov.programs import NO_PLUGIN, PLUGINS, as_pod, given, release, running
from model.asset import Asset
from model.finding import Status
from semantics.kubernetes.access import account, self_escalations

_EMPTY: tuple[object, ...] = (None, "", [], {})
# What every Kubernetes object has, and its checks may look at.
_ALWAYS = frozenset({"apiVersion", "kind", "metadata"})
# How the runners of templates call a resource's type.
_TYPE = {"cloudformation": "Type", "arm": "type"}


def likeness(adopted: Adopted) -> str:
    """Return what checks have in common that can be shown an asset in one shape."""
    if adopted.form.template is not None:
        return adopted.id
    program = adopted.form.program
    if program is None:
        return f"{'container' if adopted.form.container_lists else 'object'} {adopted.form.shape}"
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


def as_template(body: Mapping[str, Any], template: TemplateMapping, type_name: str) -> dict[str, Any]:
    """Return the resource of a template that a live body would have come of, as far as its file says.

    The template's own type stands under the key `type_name`.
    """
    resource: dict[str, Any] = {type_name: template.type}
    for path, source in template.values.items():
        value = _equals(body, source) if isinstance(source, Equals) else at(body, source)
        if value is not None:
            put(resource, path.split("."), value)
    return resource


def shape(adopted: Adopted, asset: Asset) -> Mapping[str, Any]:
    """Return the object as the check expects it: what checkov overlooks elsewhere stands where it looks."""
    program = adopted.form.program
    return _SHAPES[adopted.form.shape](asset.body if program is None else as_pod(asset.body, program))


def foregone(adopted: Adopted, asset: Asset) -> tuple[Status, str] | None:
    """Return the verdict that needs nobody's word, and why: it is not the check's matter, not known, or follows."""
    if not _is_its_matter(adopted, asset):
        return "not_applicable", ""
    if reason := _why_unknown(adopted, asset):
        return "unknown", reason
    if adopted.form.lacking != "unknown" and all(at(asset.body, path) in _EMPTY for path in adopted.form.needs):
        return adopted.form.lacking, ""
    program = adopted.form.program
    missing = sorted(set(program.needs) - set(given(asset.body, program))) if program else []
    if program is None or not missing:
        return None
    if program.absent != "unknown":
        return program.absent, ""
    return "unknown", f"{program.name} has no {missing[0]}, and checkov does not look at what holds without it"


def _is_its_matter(adopted: Adopted, asset: Asset) -> bool:
    """Return whether the check is for such an asset at all: by a value of it, or by the program that runs there.

    What does not state its value may be the check's matter.
    """
    for path, wanted in adopted.form.only.items():
        if (value := at(asset.body, path)) not in _EMPTY and value not in wanted:
            return False
    if any(at(asset.body, path) in others for path, others in adopted.form.except_.items()):
        return False
    program = adopted.form.program
    if program is None:
        return True
    if program.flags:
        return bool(adopted.fields & (asset.body.keys() | asset.unknown.keys()))
    releases = [release(container) for container in running(asset.body, program)]
    gone = _release_of(program.before) if program.before else None
    return bool(releases) and not (gone and all(one and one >= gone for one in releases))


def _why_unknown(adopted: Adopted, asset: Asset) -> str:
    """Return why the check's word would mean nothing, empty where it means something."""
    for field in sorted(adopted.fields & asset.unknown.keys()):
        return f"{field}: {asset.unknown[field]}"
    program = adopted.form.program
    if program and program.before and not all(map(release, running(asset.body, program))):
        return f"the image does not state the release, and the check is for those before {program.before}"
    own = ("kind",) if adopted.form.template is None else ()
    needs = adopted.form.needs if adopted.form.lacking == "unknown" else []
    for path in (*own, *adopted.form.only, *needs):
        if at(asset.body, path) in _EMPTY:
            return f"{path} is not there, and the check looks at nothing else"
    return _malformed(adopted, asset) if adopted.form.template is None else ""


def _malformed(adopted: Adopted, asset: Asset) -> str:
    """Return where an object is not as its API returns it: checkov would pass over it."""
    wrong = next((path for path in adopted.form.reads if misfit(asset.body, path)), "")
    return f"{wrong}: malformed" if wrong else ""


def _release_of(text: str) -> tuple[int, int]:
    major, _, minor = text.partition(".")
    return int(major), int(minor)


def _equals(body: Mapping[str, Any], source: Equals) -> bool | None:
    value = at(body, source.of)
    return None if value is None else value == source.is_


def _in_one_rule(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a role whose first rule has all that its rules name: checkov looks for wildcards in no other."""
    rules = [rule for rule in _list(body["rules"]) if isinstance(rule, Mapping)]
    lists = ("apiGroups", "resources", "verbs")
    one = {name: sorted({str(value) for rule in rules for value in _list(rule.get(name))}) for name in lists}
    return {**body, "rules": [one]}


def _on_bindings(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a role whose rules on roles are on bindings: there checkov looks for a verb that counts on roles.

    Rules that name roles count where these are powerful themselves.

    Kubernetes, «Using RBAC Authorization», «Restrictions on role binding creation or update».
    """
    rules = [rule for rule in _list(body["rules"]) if isinstance(rule, Mapping) and _is_powerful(rule)]
    moved = [
        {**rule, "resources": [_BINDINGS.get(str(each), "") for each in _list(rule.get("resources"))]} for rule in rules
    ]
    return {**body, "rules": moved}


def _with_accounts(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a binding whose service accounts are named as such, where it names the users that they are."""
    return {**body, "subjects": [_as_account(subject) for subject in _list(body.get("subjects"))]}


def _as_account(subject: Mapping[str, Any]) -> Mapping[str, Any]:
    found = account(subject)
    return {"kind": "ServiceAccount", "namespace": found[0], "name": found[1]} if found else subject


def _with_annotation_list(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return an object whose annotations are a list of pairs, as checkov reads them."""
    metadata = body.get("metadata")
    metadata = metadata if isinstance(metadata, Mapping) else {}
    annotations = metadata.get("annotations")
    pairs = annotations.items() if isinstance(annotations, Mapping) else ()
    return {**body, "metadata": {**metadata, "annotations": [{name: value} for name, value in pairs]}}


def _as_admission_configuration(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the file that would name the plugins which a server runs: checkov looks for some there alone."""
    flags = {flag for container in pod["spec"]["containers"] for flag in _list(container.get("args"))}
    named = sorted(flag.partition("=")[2] for flag in flags if str(flag).startswith(f"{PLUGINS}="))
    plugins = [{"name": name} for name in named if name != NO_PLUGIN]
    return {"apiVersion": "apiserver.config.k8s.io/v1", "kind": "AdmissionConfiguration", "plugins": plugins}


def _is_powerful(rule: Mapping[str, Any]) -> bool:
    return not rule.get("resourceNames") or bool(self_escalations([rule], ""))


_BINDINGS = {"*": "*", "roles": "rolebindings", "clusterroles": "clusterrolebindings"}
_SHAPES: dict[str, Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "as-it-is": lambda body: body,
    "one-rule": _in_one_rule,
    "on-bindings": _on_bindings,
    "admission-configuration": _as_admission_configuration,
    "annotation-list": _with_annotation_list,
    "accounts": _with_accounts,
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
