"""What is kept of an object: nothing that may be a secret, and nothing that changes without anybody changing it."""

from functools import lru_cache
from typing import Any

from collectors.kept import without_passwords
from collectors.secret_signs import looks_like
from model.json_walk import Walk

Row = dict[str, Any]

# Written by the server at every change. The last applied manifest is the whole object over again, of a Secret too.
_OMITTED_METADATA = frozenset({"managedFields", "resourceVersion", "selfLink"})
_OMITTED_ANNOTATIONS = frozenset({"kubectl.kubernetes.io/last-applied-configuration"})
REDACTED = "redacted"


def kept(row: Row) -> Row:
    """Return an object without nulls, server's notes and secrets.

    Values of variables are left out, with what they look like beside the name where they look like a secret; words of
    commands and values of annotations that do are redacted. References (`valueFrom`) stay.
    """
    body = {name: value for name, value in row.items() if name != "metadata"}
    body = _KEPT.of(body) | {"metadata": _metadata(row.get("metadata"))}
    returned: Row = without_passwords(body)
    return returned


def _metadata(value: Any) -> Row:
    metadata = dict(value) if isinstance(value, dict) else {}
    found = {k: v for k, v in metadata.items() if v is not None and k not in _OMITTED_METADATA}
    if isinstance(annotations := found.get("annotations"), dict):
        found["annotations"] = {
            name: _open(name, str(text)) for name, text in annotations.items() if name not in _OMITTED_ANNOTATIONS
        }
    return found


def _template_metadata(value: Any) -> Any:
    return _metadata(value) if isinstance(value, dict) else _KEPT.of(value)


def _variables(value: Any) -> Any:
    if not isinstance(value, list):
        return _KEPT.of(value)
    # An odd one may hold a secret, and is not one fewer.
    return [_variable(inner) if isinstance(inner, dict) else None for inner in value]


def _command(value: Any) -> Any:
    if not isinstance(value, list):
        return _KEPT.of(value)
    return [None if word is None else _open("", str(word)) for word in value]


_KEPT = Walk(
    fields={"metadata": _template_metadata, "env": _variables, "command": _command, "args": _command}, nulls=False
)


def _variable(variable: Row) -> Row:
    own: Row = _KEPT.of({key: inner for key, inner in variable.items() if key != "value"})
    kind = _looks_like(str(variable.get("name", "")), str(variable.get("value") or ""))
    return own | ({"looksLike": kind} if kind else {})


def _open(name: str, text: str) -> str:
    return REDACTED if _looks_like(name, text) else text


@lru_cache(maxsize=65_536)  # the replicas of a workload all say the same
def _looks_like(name: str, text: str) -> str:
    return looks_like(name, text) if text else ""
