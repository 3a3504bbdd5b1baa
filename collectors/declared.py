"""The fields that a type file declares, each with its JSON type: what comes otherwise is malformed, and unknown."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

FieldType = Literal["boolean", "integer", "number", "string", "object", "array", "any"]


def checked(body: Mapping[str, Any], fields: Mapping[str, FieldType]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the body without declared fields of another JSON type, and for each of those why it is unknown.

    Fields that are not declared are left as they are.
    """
    unknown = {
        name: f"malformed: {_said(body[name])} where {_MEANT[type_]} was expected"
        for name, type_ in fields.items()
        if name in body and not _FITS[type_](body[name])
    }
    return {name: value for name, value in body.items() if name not in unknown}, unknown


def _is_integer(value: Any) -> bool:
    """Return whether a value is a whole number; 64 bits are written as text in the JSON form of protocol buffers."""
    if isinstance(value, str):
        return value.removeprefix("-").isascii() and value.removeprefix("-").isdigit()
    return _is_number(value) and float(value).is_integer()


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_FITS: dict[FieldType, Callable[[Any], bool]] = {
    "boolean": lambda value: isinstance(value, bool),
    "integer": _is_integer,
    "number": _is_number,
    "string": lambda value: isinstance(value, str),
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "any": lambda _value: True,
}
_MEANT: dict[FieldType, str] = {
    "boolean": "true or false",
    "integer": "a whole number",
    "number": "a number",
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "any": "anything",
}


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    return "text" if isinstance(value, str) else "a list" if isinstance(value, list) else "a mapping"
