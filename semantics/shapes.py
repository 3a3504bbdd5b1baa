"""What JSON values have to be for those who read them: what has another shape is not understood, and never skipped."""

from collections.abc import Callable, Mapping
from typing import Any, Literal, NoReturn

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


class _Check(Struct, frozen=True):
    """How a value is looked at: its type has to be one of these (None: any), and what is within is looked at."""

    types: frozenset[type] | None
    expected: str
    within: Fit | None

    def refuse(self, value: Any, where: str) -> NoReturn:
        """Raise what is to be said of a value of another type."""
        if value is None and where.startswith("."):
            raise FoundNull
        found = _NAMES[_SORTS.get(type(value), "null")]
        raise Misfit(f"malformed: {found} where {self.expected} was expected", where)


def fit_of(shape: Shape) -> Fit:
    """Return what raises `Misfit` for a value that is not of a shape, and `FoundNull` for a null in a field of one.

    It is made once for a shape: it is asked for every resource.
    """
    check = _check_of(shape)
    types, within = check.types, check.within

    def fit(value: Any) -> None:
        if types is not None and type(value) not in types:
            check.refuse(value, "")
        if within is not None:
            within(value)

    return fit


def _check_of(shape: Shape) -> _Check:
    types = frozenset(type_ for type_, sort in _SORTS.items() if sort in shape.sorts) if shape.sorts else None
    expected = " or ".join(_NAMES[one] for one in sorted(shape.sorts))
    parts = [part for make in (_needing, _with_fields, _with_others, _with_items) if (part := make(shape))]
    return _Check(types, expected, _all_of(parts))


def _all_of(parts: list[Fit]) -> Fit | None:
    if len(parts) < 2:
        return parts[0] if parts else None

    def fit(value: Any) -> None:
        for part in parts:
            part(value)

    return fit


def _needing(shape: Shape) -> Fit | None:
    needed = sorted(shape.needed)

    def fit(value: Any) -> None:
        if isinstance(value, dict):
            for name in needed:
                if value.get(name) is None:
                    raise Misfit("not returned", f".{name}")

    return fit if needed else None


# Types are looked at where a value is taken out, and not by a call for each: most values are of the right one.
def _with_fields(shape: Shape) -> Fit | None:
    checks = [(name, check) for name, one in shape.fields.items() if _says_anything(check := _check_of(one))]
    looks = [(name, check.types, check.within, check) for name, check in checks]

    def fit(value: Any) -> None:
        if not isinstance(value, dict):
            return
        for name, types, within, check in looks:
            if name in value:
                inner = value[name]
                if inner is None or (types is not None and type(inner) not in types):
                    check.refuse(inner, f".{name}")
                if within is not None:
                    _go_into(inner, within, name)

    return fit if looks else None


def _with_others(shape: Shape) -> Fit | None:
    if shape.others is None or not _says_anything(check := _check_of(shape.others)):
        return None
    types, within, known = check.types, check.within, frozenset(shape.fields)

    def fit(value: Any) -> None:
        if not isinstance(value, dict):
            return
        for name, inner in value.items():
            if name in known:
                continue
            if inner is None or (types is not None and type(inner) not in types):
                check.refuse(inner, f".{name}")
            if within is not None:
                _go_into(inner, within, name)

    return fit


def _with_items(shape: Shape) -> Fit | None:
    if shape.items is None or not _says_anything(check := _check_of(shape.items)):
        return None
    types, within = check.types, check.within

    def fit(value: Any) -> None:
        if not isinstance(value, list):
            return
        for number, inner in enumerate(value):
            if types is not None and type(inner) not in types:
                check.refuse(inner, f"[{number}]")
            if within is not None:
                _go_into(inner, within, number)

    return fit


def _go_into(value: Any, fit: Fit, at: str | int) -> None:
    try:
        fit(value)
    except Misfit as problem:
        raise problem.within(f"[{at}]" if isinstance(at, int) else f".{at}") from None


def _says_anything(check: _Check) -> bool:
    return check.types is not None or check.within is not None
