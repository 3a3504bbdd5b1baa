"""Which texts policies compare fields with, by where these stand, and which values AWS's service models name there.

A field is a path in the body of a kind, `Metadata.KeyState` or `Features[].Name`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeAlias

from msgspec import Struct
from msgspec.structs import replace

from catalog import expression
from catalog.checked_ast import Comprehension, Constant, Ident, Invocation, Made, Node, Select, index_of, tree_of
from catalog.fields_read import Roots
from catalog.policies import Many, Policy
from clouds.aws.service_models import operation, step
from collectors.aws.resource_types import ResourceType


class Field(Struct, frozen=True):
    """A field of a kind's body; `spelled` where an expression writes its value in another way before it looks at it."""

    kind: str
    path: str = ""
    spelled: bool = False


class _Listed(Struct, frozen=True):
    """A list that an expression makes."""

    members: "_Value"


class _Named(Struct, frozen=True):
    """A mapping that an expression makes."""

    fields: "Mapping[str, _Value]"


_Value: TypeAlias = "tuple[Field | _Listed | _Named | str, ...]"
_Names: TypeAlias = Mapping[str, _Value]


class Compared(Struct):
    """What one policy compares: texts by field, and of those sorted into good and bad ones all that are sorted."""

    texts: dict[Field, set[str]]
    sorted: dict[Field, set[str]]


def compared_by(policy: Policy) -> Compared:
    """Return the texts that a policy's judging expressions compare fields with."""
    return _Reader(policy).read()


_SPELLING = frozenset({"lowerAscii", "upperAscii", "trim", "replace"})
# What has the value of its arguments; texts are none of a field any more once they are put together.
_PASSING = frozenset({"value", "optional.of", "optional.ofNonZeroValue", "or", "orValue", "dyn", "_+_"})


class _Reader:
    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._found = Compared(defaultdict(set), defaultdict(set))

    def read(self) -> Compared:
        form = self._policy.form
        names: dict[str, _Value] = {"r": (Field(form.kind),)}
        many = frozenset(name for name, other in form.with_.items() if isinstance(other, Many))
        roots = Roots(one=frozenset({"r", *form.with_}) - many, many=many)
        for name, other in form.with_.items():
            if isinstance(other, Many):
                names[name] = (Field(other.all, "[]"),)
                self._value(other.by, Roots(one=frozenset({"o"})), {"o": (Field(other.all),)})
            else:
                names[name] = (Field(other),)
        for other in form.with_.values():
            self._value(other.of if isinstance(other, Many) else "", roots, names)
        if form.each:
            names["e"] = tuple(_items(self._value(form.each.list, roots, names)))
            self._value(form.each.key, roots, names)
        self._value(form.when, roots, names)
        self._value(form.pass_, roots, names)
        return self._found

    def _value(self, source: str, roots: Roots, names: _Names) -> _Value:
        if not source:
            return ()
        checked = expression._environment(roots).compile(source)
        return self._of(tree_of(checked.serialize()).root, names)

    def _of(self, node: Node, names: _Names) -> _Value:
        match node:
            case Constant():
                return () if node.text is None else (node.text,)
            case Ident():
                return names.get(node.name, ())
            case Select():
                return self._select(node, names)
            case Invocation():
                return self._call(node, names)
            case Comprehension():
                return self._comprehension(node, names)
            case Made():
                return self._made(node, names)

    def _select(self, node: Select, names: _Names) -> _Value:
        if isinstance(node.operand, Ident) and node.operand.name == "settings":
            setting = self._policy.form.settings.get(node.field)
            return (_Listed(tuple(x for x in setting if isinstance(x, str))),) if isinstance(setting, list) else ()
        return tuple(_fields(self._of(node.operand, names), node.field))

    def _made(self, node: Made, names: _Names) -> _Value:
        values = [self._of(part, names) for part in node.parts]
        if node.is_list:
            return (_Listed(tuple(place for value in values for place in value)),)
        keys = [key.text or "" for key in node.parts[::2] if isinstance(key, Constant)]
        return (_Named(dict(zip(keys, values[1::2], strict=False))),)

    def _comprehension(self, node: Comprehension, names: _Names) -> _Value:
        inner = {**names, node.variable: tuple(_items(self._of(node.range, names)))}
        initial = self._of(node.initial, names)
        inner[node.accumulator] = initial
        self._of(node.condition, inner)
        inner[node.accumulator] = _without_repeats(initial + self._of(node.step, inner))
        return self._of(node.result, inner)

    def _call(self, call: Invocation, names: _Names) -> _Value:
        if (field := index_of(call)) is not None:
            return tuple(_fields(self._of(call.arguments[0], names), field))
        found = [self._of(argument, names) for argument in call.arguments]
        self._note(call.function, found)
        if call.function in _PASSING or call.function == "_?_:_":
            if call.function == "_?_:_":
                return found[1] + found[2]
            return tuple(place for value in found for place in value if not isinstance(place, str))
        if call.function in _SPELLING:
            return tuple(replace(place, spelled=True) for place in found[0] if isinstance(place, Field))
        if call.function in ("_[_]", "_[?_]"):
            by_key = isinstance(call.arguments[1], Ident)
            return tuple(_fields(found[0], "*") if by_key else _items(found[0]))
        return (_Listed(tuple(_items(_items(found[0])))),) if call.function == "flat" else ()

    def _note(self, function: str, found: list[_Value]) -> None:
        match function:
            case "_==_" | "_!=_":
                self._compare(self._found.texts, found[0], found[1])
                self._compare(self._found.texts, found[1], found[0])
            case "@in":
                self._compare(self._found.texts, found[0], _items(found[1]))
                self._compare(self._found.texts, tuple(_items(found[1])), found[0])
            case "one_of":
                known = [*_items(found[1]), *_items(found[2])]
                self._compare(self._found.texts, found[0], known)
                self._compare(self._found.sorted, found[0], known)
            case "orValue":
                self._compare(self._found.texts, found[0], found[1])

    @staticmethod
    def _compare(noted: dict[Field, set[str]], value: _Value, others: "Iterable[Any]") -> None:
        texts = {other for other in others if isinstance(other, str)}
        for place in value:
            if isinstance(place, Field) and texts:
                noted[place] |= texts


def _fields(value: _Value, name: str) -> Iterator[Any]:
    for place in value:
        if isinstance(place, Field):
            yield Field(place.kind, f"{place.path}.{name}".removeprefix("."))
        elif isinstance(place, _Named):
            yield from place.fields.get(name, ())


def _items(value: Iterable[Any]) -> Iterator[Any]:
    for place in value:
        if isinstance(place, _Listed):
            yield from place.members
        elif isinstance(place, Field):  # of a list of resources the path begins with the brackets: they are the bodies
            yield Field(place.kind) if place.path == "[]" else Field(place.kind, place.path + "[]")


def _without_repeats(value: _Value) -> _Value:
    return tuple({repr(place): place for place in value}.values())


def values_of(type_: ResourceType, path: str) -> frozenset[str]:
    """Return the values that the service model names for a field, none where it names none."""
    first, *rest = path.split(".")
    shape = _top_shape(type_, first.removesuffix("[]"))
    shape = _within(shape, first.endswith("[]"))
    for part in rest:
        if getattr(shape, "type_name", "") == "map":
            shape = shape.value
        else:
            shape = getattr(shape, "members", {}).get(part.removesuffix("[]"))
        shape = _within(shape, part.endswith("[]"))
    return frozenset(getattr(shape, "enum", None) or ())


def _within(shape: Any, is_listed: bool) -> Any:
    return getattr(shape, "member", None) if is_listed else shape


def _top_shape(type_: ResourceType, field: str) -> Any:
    form = type_.form
    if (detail := form.details.get(field)) is not None:
        return None if detail.json else _reply(form.service, detail.op, detail.get)
    listing = form.listing
    rows = [_reply(form.service, listing.op, listing.rows)] if listing and not (listing.csv or listing.as_) else []
    if listing and listing.describe:
        rows.insert(0, _reply(form.service, listing.describe.op, listing.describe.rows))
    members = [getattr(getattr(row, "member", row), "members", {}) for row in rows]
    return next((known[field] for known in members if field in known), None)


def _reply(service: str, op: str, path: str | None) -> Any:
    output = operation(service, op).output
    return step(output, path) if path else output


def spelling(text: str) -> str:
    """Return a value without what expressions take away before they compare: case and separators."""
    return "".join(letter for letter in text.lower() if letter.isalnum())
