"""Texts of type files that refer to a resource's fields: `$Name`, `${Key.Id}`."""

import re
from typing import Any

from model.json_walk import leaves

_REFERENCE = re.compile(r"\$(?:\{([A-Za-z0-9_.]+)\}|([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*))")


def references(value: Any) -> set[str]:
    """Return the first names of all references (`$Name`, `${Key.Id}`) in a value of templates."""
    texts = (leaf for _, leaf in leaves(value) if isinstance(leaf, str))
    return {(m[1] or m[2]).split(".")[0] for text in texts for m in _REFERENCE.finditer(text)}


def fill(value: Any, names: dict[str, Any]) -> Any:
    """Return the templates with references replaced; a text that is one reference keeps the value's type.

    Raises KeyError where a name has no value.
    """
    if isinstance(value, str):
        whole = _REFERENCE.fullmatch(value)
        if whole:
            return _look_up(whole, names)
        return _REFERENCE.sub(lambda match: str(_look_up(match, names)), value)
    if isinstance(value, dict):
        return {key: fill(v, names) for key, v in value.items()}
    if isinstance(value, list):
        return [fill(v, names) for v in value]
    return value


def values(text: str, names: dict[str, Any]) -> list[Any]:
    """Return what the references of a template lead to; raises KeyError where a name has no value."""
    return [_look_up(match, names) for match in _REFERENCE.finditer(text)]


def _look_up(match: re.Match[str], names: dict[str, Any]) -> Any:
    value: Any = names
    for part in (match[1] or match[2]).split("."):
        value = value[part]
    return value
