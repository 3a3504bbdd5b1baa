"""What an expression expects of the values that it reads, taken from its checked syntax tree.

`r.?Rules.orValue([]).exists(x, x.Action == "allow")` expects of `r` a list of mappings under `Rules`, with a text
under `Action`. CEL compares values of different types without a word: what is neither here nor there would be passed.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import cache

from catalog.checked_ast import Comprehension, Constant, Ident, Invocation, Made, Node, Select, Tree, index_of
from catalog.fields_read import Roots
from catalog.functions import DECLARATIONS
from semantics.shapes import ANYTHING, Shape, Sort

ELEMENT = "e"

_LOGICAL = frozenset({"_&&_", "_||_", "!_", "@not_strictly_false"})
_COMPARING = frozenset({"_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_", "_+_"})
# What has the value of its first argument, or of one of several.
_PASSING = frozenset({"value", "optional.of", "optional.ofNonZeroValue", "or", "dyn"})
# Methods of texts, by what they take beside the text.
_OF_TEXTS = frozenset(
    {"startsWith", "endsWith", "contains", "matches", "lowerAscii", "upperAscii", "trim", "split", "replace"}
    | {"indexOf", "lastIndexOf", "substring", "charAt", "timestamp"}
)
# What takes values of several sorts: they count only where nothing else says what a value has to be.
_CONVERTING: Mapping[str, frozenset[Sort]] = {
    "size": frozenset({"text", "list", "mapping"}),
    "int": frozenset({"text", "number"}),
    "double": frozenset({"text", "number"}),
    "string": frozenset({"text", "number", "boolean"}),
}
_COMPARED: frozenset[Sort] = frozenset({"text", "number", "boolean"})
_SHOWN: frozenset[Sort] = _COMPARED | {"list"}


def expectations(tree: Tree, roots: Roots) -> dict[str, Shape]:
    """Return for each resource that an expression reads, and for the element `e`, the shape that it expects."""
    reader = _Expecting(tree.sorts)
    places = {name: _Place(is_root=name != ELEMENT) for name in (*roots.one, *roots.many, ELEMENT)}
    names: _Names = {
        name: (_Place(members=(place,)) if name in roots.many else place,) for name, place in places.items()
    }
    yielded = reader.value(tree.root, names)
    _may_be(yielded, _SHOWN)
    for place in yielded:
        _may_be(place.members, _COMPARED | {"mapping"})
    return {name: place.shape() for name, place in places.items() if place.is_read}


class _Place:
    """A place in what is read, and what is expected there: `sorts` for sure, else one of those that it `may_be`."""

    def __init__(self, members: "_Value" = (), *, is_root: bool = False) -> None:
        self.members = members  # of a list that the expression made itself
        self.named: dict[str, _Value] = {}  # of a mapping that it made
        self.is_root = is_root
        self.sorts: set[Sort] = set()
        self.may_be: set[Sort] = set()
        self.fields: dict[str, _Place] = {}
        self.plainly: set[str] = set()
        self.asked: set[str] = set()
        self.every: _Place | None = None
        self.inner: _Place | None = None
        self.declared = ANYTHING

    @property
    def is_read(self) -> bool:
        return bool(self.fields or self.sorts or self.inner or self.every or self.declared != ANYTHING)

    def field(self, name: str, *, asked: bool) -> "_Value":
        """Return the place of a field, which is read plainly, or `asked` for: it may not be there."""
        if self.members or self.named:
            return self.named.get(name, ())
        self.sorts.add("mapping")
        (self.asked if asked else self.plainly).add(name)
        return (self.fields.setdefault(name, _Place()),)

    def other(self) -> "_Place":
        """Return the place of whatever field."""
        self.sorts.add("mapping")
        self.every = self.every or _Place()
        return self.every

    def items(self) -> "_Value":
        if self.members:
            return self.members
        self.inner = self.inner or _Place()
        return (self.inner,)

    def shape(self) -> Shape:
        """Return what is expected; of a root it is known that what is read plainly is always there."""
        sorts = self.sorts or (set() if self.declared.sorts else self.may_be)
        inner = self.inner.shape() if self.inner else None
        fields = {name: place.shape() for name, place in self.fields.items()}
        needed = frozenset(self.plainly - self.asked) if self.is_root else frozenset[str]()
        others = self.every.shape() if self.every else None
        return Shape(frozenset(sorts), fields, others, inner, needed) | self.declared


_Value = tuple[_Place, ...]
_Names = Mapping[str, _Value]


class _Expecting:
    """Goes through a tree: what a node's value is expected to be is noted at the places that it comes from."""

    def __init__(self, sorts: Mapping[int, Sort]) -> None:
        self._sorts = sorts

    def value(self, node: Node, names: _Names) -> _Value:
        """Return the places that a node's value may come from."""
        match node:
            case Ident():
                return names.get(node.name, ())
            case Select():
                operand = self.value(node.operand, names)
                fields = _fields_of(operand, node.field, asked=node.tested)
                return () if node.tested else fields
            case Invocation():
                return self._call(node, names)
            case Comprehension():
                return self._comprehension(node, names)
            case Made():
                return self._made(node, names)
            case Constant():
                return ()

    def _made(self, node: Made, names: _Names) -> _Value:
        values = [self.value(part, names) for part in node.parts]
        made = _Place()
        if node.is_list:
            made.members = _together(*values)
        else:
            named = zip(node.parts[::2], values[1::2], strict=True)
            made.named = {key.text: value for key, value in named if isinstance(key, Constant) and key.text is not None}
        return (made,)

    def _call(self, call: Invocation, names: _Names) -> _Value:
        if (field := index_of(call)) is not None:
            asked = call.function != "_[_]"
            operand = self.value(call.arguments[0], names)
            return _fields_of(operand, field, asked=asked)
        found = [self.value(argument, names) for argument in call.arguments]
        handle = _HANDLERS.get(call.function)
        if handle:
            return handle(self, call, found)
        if call.function in _functions():
            for value, shape in zip(found, _functions()[call.function], strict=False):
                for place in value:
                    _declare(place, shape)
        return ()

    def _comprehension(self, node: Comprehension, names: _Names) -> _Value:
        over = self.value(node.range, names)
        _may_be(over, frozenset({"list"}))
        inner = {**names, node.variable: _together(*(place.items() for place in over))}
        initial = self.value(node.initial, names)
        inner[node.accumulator] = initial
        self.value(node.condition, inner)
        inner[node.accumulator] = _together(initial, self.value(node.step, inner))
        return self.value(node.result, inner)

    def sort(self, node: Node) -> Sort | None:
        """Return what a node yields for sure."""
        return self._sorts.get(node.id)

    def logical(self, _call: Invocation, found: list[_Value]) -> _Value:
        _expect(found, "boolean")
        return ()

    def conditional(self, _call: Invocation, found: list[_Value]) -> _Value:
        _expect(found[:1], "boolean")
        return _together(found[1], found[2])

    def comparing(self, call: Invocation, found: list[_Value]) -> _Value:
        left, right = call.arguments
        for value, other in ((found[0], right), (found[1], left)):
            if sort := self.sort(other):
                _expect([value], sort)
            else:
                _may_be(value, _COMPARED)
        return _together(*found) if call.function == "_+_" else ()

    def belonging(self, call: Invocation, found: list[_Value]) -> _Value:
        sought, within = call.arguments
        if isinstance(within, Ident) and isinstance(sought, Constant) and sought.text is not None:
            for place in found[1]:
                if place.is_root:
                    place.field(sought.text, asked=True)
            return ()
        _may_be(found[1], frozenset({"list"}))  # keys of a mapping are asked for with a default that is one
        for place in found[1]:
            _may_be(place.items(), _COMPARED)
        if sort := self.sort(sought):
            _expect([place.items() for place in found[1]], sort)
        if isinstance(within, Made):
            for sort in {sort for part in within.parts if (sort := self.sort(part))}:
                _expect(found[:1], sort)
        elif not self.sort(sought):
            _may_be(found[0], _COMPARED)
        return ()

    def otherwise(self, call: Invocation, found: list[_Value]) -> _Value:
        if sort := self.sort(call.arguments[1]):
            _expect(found[:1], sort)
        return _together(*found)

    def passing(self, _call: Invocation, found: list[_Value]) -> _Value:
        return _together(*found)

    def indexing(self, call: Invocation, found: list[_Value]) -> _Value:
        if self.sort(call.arguments[1]) == "number":
            _expect(found[:1], "list")
            return _together(*(place.items() for place in found[0]))
        return tuple(place.other() for place in found[0] if not place.members)  # by a key that goes over it

    def of_texts(self, call: Invocation, found: list[_Value]) -> _Value:
        for value, argument in zip(found, call.arguments, strict=True):
            if self.sort(argument) in (None, "text"):
                _expect([value], "text")
        return ()

    def joining(self, _call: Invocation, found: list[_Value]) -> _Value:
        _expect(found[:1], "list")
        _expect([place.items() for place in found[0]], "text")
        return ()

    def flattening(self, _call: Invocation, found: list[_Value]) -> _Value:
        outer = [place.items() for place in found[0]]
        _expect([*found, *outer], "list")
        inner = _together(*(place.items() for value in outer for place in value))
        return (_Place(members=inner),) if inner else ()

    def converting(self, call: Invocation, found: list[_Value]) -> _Value:
        _may_be(found[0], _CONVERTING[call.function])
        return ()


_Handler = Callable[[_Expecting, Invocation, list[_Value]], _Value]
_HANDLERS: dict[str, _Handler] = {
    **dict.fromkeys(_LOGICAL, _Expecting.logical),
    **dict.fromkeys(_COMPARING, _Expecting.comparing),
    **dict.fromkeys(_PASSING, _Expecting.passing),
    **dict.fromkeys(_OF_TEXTS, _Expecting.of_texts),
    **dict.fromkeys(_CONVERTING, _Expecting.converting),
    "_?_:_": _Expecting.conditional,
    "@in": _Expecting.belonging,
    "orValue": _Expecting.otherwise,
    "_[_]": _Expecting.indexing,
    "_[?_]": _Expecting.indexing,
    "join": _Expecting.joining,
    "flat": _Expecting.flattening,
}


def _together(*values: _Value) -> _Value:
    """Return the places of several values, each once: a text may name the same over and over, twice as often a time."""
    return tuple(dict.fromkeys(place for value in values for place in value))


def _fields_of(operand: _Value, name: str, *, asked: bool) -> _Value:
    return _together(*(place.field(name, asked=asked) for place in operand))


def _expect(values: Iterable[_Value], sort: Sort) -> None:
    for value in values:
        for place in value:
            place.sorts.add(sort)


def _may_be(value: _Value, sorts: frozenset[Sort]) -> None:
    for place in value:
        place.may_be |= sorts


def _declare(place: _Place, shape: Shape) -> None:
    if place.members or place.named:
        for member in place.members:
            _declare(member, shape.items or ANYTHING)
        for name, value in place.named.items():
            for field in value:
                _declare(field, shape.fields.get(name, ANYTHING))
    else:
        place.declared |= shape


@cache
def _functions() -> dict[str, tuple[Shape, ...]]:
    """Return what our own functions expect of each argument."""
    return {name: tuple(parameter.shape for parameter in parameters) for name, parameters, _, _ in DECLARATIONS}
