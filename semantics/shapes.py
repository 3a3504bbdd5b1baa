"""What JSON values have to be for those who read them: what has another shape is not understood, and never skipped."""

from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

Sort = Literal["text", "number", "boolean", "list", "mapping"]

_SORTS: dict[type, Sort] = {
    str: "text",
    int: "number",
    float: "number",
    bool: "boolean",
    list: "list",
    tuple: "list",
    dict: "mapping",
}
_NAMES = {
    "text": "text",
    "number": "a number",
    "boolean": "true or false",
    "list": "a list",
    "mapping": "a mapping",
    "null": "null",
}


class Shape(Struct, frozen=True):
    """What a value has to be: of one of these sorts (none named: of any), and what has to stand within.

    `fields` are a mapping's by name, `others` the shape of all its other fields, `items` that of a list's elements.
    What is `needed` has to be there; else a field that is not there, or null, has no shape.
    """

    sorts: frozenset[Sort] = frozenset()
    fields: Mapping[str, "Shape"] = {}
    others: "Shape | None" = None
    items: "Shape | None" = None
    needed: frozenset[str] = frozenset()

    def __or__(self, other: "Shape") -> "Shape":
        """Return the shape of what fits either, where they say the same thing of different fields: both."""
        fields = {**self.fields, **other.fields}
        fields |= {name: self.fields[name] | other.fields[name] for name in self.fields.keys() & other.fields.keys()}
        return Shape(
            self.sorts | other.sorts,
            fields,
            _either(self.others, other.others),
            _either(self.items, other.items),
            self.needed | other.needed,
        )


def _either(one: Shape | None, other: Shape | None) -> Shape | None:
    return one | other if one and other else one or other


ANYTHING = Shape()
TEXT = Shape(frozenset({"text"}))
NUMBER = Shape(frozenset({"number"}))
BOOLEAN = Shape(frozenset({"boolean"}))
SCALAR = TEXT | NUMBER | BOOLEAN


def listing(items: Shape) -> Shape:
    """Return the shape of a list of such elements."""
    return Shape(frozenset({"list"}), items=items)


def mapping(fields: Mapping[str, Shape] = {}, others: Shape | None = None, needed: tuple[str, ...] = ()) -> Shape:
    """Return the shape of a mapping with these fields, and others, of which some are `needed`."""
    return Shape(frozenset({"mapping"}), fields, others, needed=frozenset(needed))


def one_or_more(shape: Shape) -> Shape:
    """Return the shape of a value that may be written alone or in a list."""
    return shape | listing(shape)


class Misfit(Exception):
    """A value that is not of its shape; the text says where, what stands there, and what was expected."""

    def __init__(self, problem: str, where: str = "") -> None:
        super().__init__(f"{where.removeprefix('.')}: {problem}" if where else problem)
        self._problem = problem
        self._where = where

    def within(self, where: str) -> "Misfit":
        """Return it as seen from further outside."""
        return Misfit(self._problem, where + self._where)


class FoundNull(Exception):
    """A field that is read is null, where one that is not there was meant: it has to be left out first."""


Fit = Callable[[Any], None]


def _nothing(_value: Any) -> None:
    """Let any value pass."""


def fit_of(shape: Shape) -> Fit:
    """Return what raises `Misfit` for a value that is not of a shape, and `FoundNull` for a null in a field of one.

    It is made once for a shape: it is asked for every resource.
    """
    return _fit_of(shape) or _nothing


def _fit_of(shape: Shape) -> Fit | None:
    parts = [part for make in (_of_sorts, _of_needed, _of_fields, _of_others, _of_items) if (part := make(shape))]
    if len(parts) < 2:
        return parts[0] if parts else None

    def fit(value: Any) -> None:
        for part in parts:
            part(value)

    return fit


def _of_sorts(shape: Shape) -> Fit | None:
    if not shape.sorts:
        return None
    types = frozenset(type_ for type_, sort in _SORTS.items() if sort in shape.sorts)
    expected = " or ".join(_NAMES[one] for one in sorted(shape.sorts))

    def fit(value: Any) -> None:
        if type(value) not in types:
            raise Misfit(f"malformed: {_NAMES[_SORTS.get(type(value), 'null')]} where {expected} was expected")

    return fit


def _of_needed(shape: Shape) -> Fit | None:
    needed = sorted(shape.needed)

    def fit(value: Any) -> None:
        if isinstance(value, dict):
            for name in needed:
                if value.get(name) is None:
                    raise Misfit("not returned", f".{name}")

    return fit if needed else None


def _of_fields(shape: Shape) -> Fit | None:
    fits = [(name, of_field) for name, one in shape.fields.items() if (of_field := _fit_of(one))]

    def fit(value: Any) -> None:
        if isinstance(value, dict):
            for name, of_field in fits:
                if name in value:
                    _look(of_field, value[name], f".{name}")

    return fit if fits else None


def _of_others(shape: Shape) -> Fit | None:
    of_other, known = _fit_of(shape.others) if shape.others else None, frozenset(shape.fields)
    if of_other is None:
        return None

    def fit(value: Any) -> None:
        if isinstance(value, dict):
            for name, inner in value.items():
                if name not in known:
                    _look(of_other, inner, f".{name}")

    return fit


def _of_items(shape: Shape) -> Fit | None:
    of_item = _fit_of(shape.items) if shape.items else None
    if of_item is None:
        return None

    def fit(value: Any) -> None:
        if isinstance(value, list):
            for number, inner in enumerate(value):
                try:
                    of_item(inner)
                except Misfit as problem:
                    raise problem.within(f"[{number}]") from None

    return fit


def _look(fit: Fit, value: Any, where: str) -> None:
    if value is None:
        raise FoundNull
    try:
        fit(value)
    except Misfit as problem:
        raise problem.within(where) from None
