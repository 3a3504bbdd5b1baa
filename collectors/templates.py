"""Texts of type files that refer to a resource's fields: `$Name`, `${Key.Id}`."""

import re
from typing import Any

_REFERENCE = re.compile(r"\$(?:\{([A-Za-z0-9_.]+)\}|([A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)*))")


def references(value: Any) -> set[str]:
    """Return the first names of all references (`$Name`, `${Key.Id}`) in a value of templates."""
    if isinstance(value, str):
        return {(m[1] or m[2]).split(".")[0] for m in _REFERENCE.finditer(value)}
    if isinstance(value, dict):
        return set().union(*(references(v) for v in value.values()))
    if isinstance(value, list):
        return set().union(*(references(v) for v in value))
    return set()


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


def _look_up(match: re.Match[str], names: dict[str, Any]) -> Any:
    value: Any = names
    for part in (match[1] or match[2]).split("."):
        value = value[part]
    return value
