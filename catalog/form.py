"""A file's form is a frozen Struct: its JSON Schema finds all faults at once, each with its place."""

import difflib
import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from catalog.yaml_reader import Document, KeyPath, read
from model.fault import Fault, Refused

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

T = TypeVar("T")


def convert(document: Document, form: type[T], at: KeyPath = ()) -> T:
    """Return the document, or its part `at` a path, as an instance of a form.

    Raises `Refused` with every fault and its place.
    """
    value = document.value
    for key in at:
        value = value[key]
    try:
        return msgspec.convert(value, form)
    except msgspec.ValidationError as problem:
        first = problem
    problems = list(_validator(form).iter_errors(value))
    if faults := [fault for found in problems for fault in _faults(document, at, found)]:
        raise Refused(faults)
    # What a schema does not assert, such as dates.
    what, _, where = str(first).partition(" - at `$")
    path = tuple(int(n) if n else name for name, n in re.findall(r"\.?([^.\[\]`]+)|\[(\d+)\]", where))
    raise Refused([document.fault((*at, *path), f"does not fit: {what}")])


def convert_all(files: Iterable[Path], form: type[T]) -> tuple[list[tuple[Document, T]], list[Fault]]:
    """Return the files that are of a form, each read, and every fault of those that are not."""
    found: list[tuple[Document, T]] = []
    faults: list[Fault] = []
    for file in files:
        try:
            document = read(file)
            found.append((document, convert(document, form)))
        except Refused as refused:
            faults += refused.faults
    return found, faults


def _validator(form: type) -> Any:
    from jsonschema import Draft202012Validator  # only what has faults needs it

    if form not in _VALIDATORS:
        _VALIDATORS[form] = Draft202012Validator(msgspec.json.schema(form))
    return _VALIDATORS[form]


_VALIDATORS: dict[type, Any] = {}


def _faults(document: Document, at: KeyPath, problem: "ValidationError") -> list[Fault]:
    inner_path = tuple(problem.absolute_path)
    path = (*at, *inner_path)
    if problem.validator in ("anyOf", "oneOf") and problem.context:
        deeper = [p for p in problem.context if len(p.absolute_path) > len(inner_path) or p.validator != "type"]
        return [fault for inner in deeper for fault in _faults(document, at, inner)] or [
            document.fault(path, f"does not fit: {_short(problem.instance)} is none of the forms taken here")
        ]
    if problem.validator == "additionalProperties" and isinstance(problem.instance, dict):
        known = list(problem.schema.get("properties", {}))
        return [
            document.fault_at_key((*path, key), f"the key {key!r} is not known here{_nearest(key, known)}")
            for key in problem.instance
            if key not in known
        ]
    if problem.validator == "required" and _is_misspelt(problem):
        return []  # said already, where the other spelling stands
    return [document.fault(path, _said(problem))]


def _is_misspelt(problem: "ValidationError") -> bool:
    """Return whether what a required key lacks stands there under a name that is not known, but near."""
    missing = problem.message.split("'")[1]
    known = problem.schema.get("properties", {})
    strange = [key for key in problem.instance if key not in known]
    return any(missing in difflib.get_close_matches(key, list(known), 1) for key in strange)


def _said(problem: "ValidationError") -> str:
    instance = _short(problem.instance)
    match problem.validator:
        case "required":
            return "lacks " + str(problem.message.split(" is a required")[0])
        case "type":
            quotes = (
                "; put it in quotes" if problem.validator_value == "string" and _is_scalar(problem.instance) else ""
            )
            return f"{instance} has to be {_type_name(problem.validator_value)}{quotes}"
        case "enum":
            values = problem.validator_value
            return f"{instance} has to be one of {', '.join(map(str, values))}{_nearest(str(problem.instance), values)}"
        case "pattern":
            return f"{instance} does not fit the pattern {problem.validator_value}"
        case _:
            return str(problem.message).replace(repr(problem.instance), instance)


def _type_name(value: str | list[str]) -> str:
    names = {"object": "a mapping", "array": "a list", "string": "text", "integer": "a whole number"}
    names |= {"number": "a number", "boolean": "true or false", "null": "empty"}
    return " or ".join(names[name] for name in ([value] if isinstance(value, str) else value))


def _is_scalar(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _nearest(word: str, known: list[str]) -> str:
    near = difflib.get_close_matches(word, [str(k) for k in known], 1)
    return f"; did you mean {near[0]!r}?" if near else f"; known are {', '.join(map(str, known))}" if known else ""


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
