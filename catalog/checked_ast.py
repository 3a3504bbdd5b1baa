"""An expression's checked syntax tree.

`cel.Expression.serialize()` is a `google.protobuf.Any` around the `CheckedExpr` message of the CEL specification
(cel/expr/checked.proto, cel/expr/syntax.proto). Only what matters is decoded, by field number.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from semantics.shapes import Sort

# CheckedExpr.type_map, .expr, .source_info; SourceInfo.positions; Expr.* by their field numbers in syntax.proto.
_ANY_VALUE, _TYPES, _EXPR, _SOURCE, _POSITIONS = 2, 3, 4, 5, 4
_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = 2, 3, 4, 5, 6, 7, 8, 9
_CONST_STRING = 6
# Type.* by their field numbers in checked.proto; the primitive ones by their number in Type.PrimitiveType.
_PRIMITIVE, _LIST_TYPE, _MAP_TYPE = 3, 6, 7
_PRIMITIVES: dict[int, Sort] = {1: "boolean", 2: "number", 3: "number", 4: "number", 5: "text"}

INDEXING = frozenset({"_[_]", "_?._", "_[?_]"})


class Constant(Struct, frozen=True):
    """A constant; `text` is its value where it is a text."""

    id: int
    text: str | None


class Ident(Struct, frozen=True):
    """A name; `.r` is `r`, looked up from the root."""

    id: int
    name: str


class Select(Struct, frozen=True):
    """A field of something; `tested` where it is only asked whether it is there (`has`)."""

    id: int
    operand: "Node"
    field: str
    tested: bool


class Invocation(Struct, frozen=True):
    """A call of a function or an operator; the target of a method is its first argument."""

    id: int
    function: str
    arguments: "tuple[Node, ...]"


class Made(Struct, frozen=True):
    """A list, or a mapping with its keys and values by turns."""

    id: int
    is_list: bool
    parts: "tuple[Node, ...]"


class Comprehension(Struct, frozen=True):
    """A macro such as `exists`, spread out: what it goes over, and how its accumulator goes on and ends."""

    id: int
    variable: str
    range: "Node"
    accumulator: str
    initial: "Node"
    condition: "Node"
    step: "Node"
    result: "Node"


Node: TypeAlias = Constant | Ident | Select | Invocation | Made | Comprehension


class Tree(Struct, frozen=True):
    """A checked syntax tree: its root, the sort of what nodes yield, by their ids, and where they stand in the text."""

    root: Node
    sorts: Mapping[int, Sort]
    offsets: Mapping[int, int]


def tree_of(serialized: bytes) -> Tree:
    """Return the tree of a serialized expression."""
    checked = _fields(_first(_fields(serialized), _ANY_VALUE))
    return Tree(
        _node(_first(checked, _EXPR)), dict(_sorts(_all(checked, _TYPES))), dict(_positions(_first(checked, _SOURCE)))
    )


def parts_of(node: Node) -> "tuple[Node, ...]":
    """Return the nodes that a node directly consists of."""
    match node:
        case Select():
            return (node.operand,)
        case Invocation():
            return node.arguments
        case Made():
            return node.parts
        case Comprehension():
            return (node.range, node.initial, node.condition, node.step, node.result)
        case Ident() | Constant():
            return ()


def free_names(node: Node, bound: frozenset[str] = frozenset()) -> Iterator[str]:
    """Yield the names that stand in a tree, but for those that it binds itself and those that are `bound` around it."""
    if isinstance(node, Ident) and node.name not in bound:
        yield node.name
    own = frozenset({node.variable, node.accumulator}) if isinstance(node, Comprehension) else frozenset[str]()
    for part in parts_of(node):
        outside = isinstance(node, Comprehension) and part is node.range
        yield from free_names(part, bound if outside else bound | own)


def index_of(call: Invocation) -> str | None:
    """Return the field that an indexing call names by a constant text."""
    key = call.arguments[1] if call.function in INDEXING else None
    return key.text if isinstance(key, Constant) else None


def _node(raw: bytes) -> Node:
    """Return the node of an Expr message."""
    id_, kind, value = 0, _CONST, b""
    for number, found in _fields(raw):
        if number == _ID:
            id_ = int.from_bytes(found, "little")
        elif number >= _CONST:
            kind, value = number, found
    return _MAKERS[kind](id_, value)


def _constant(id_: int, raw: bytes) -> Constant:
    return Constant(id_, next((_text(value) for number, value in _fields(raw) if number == _CONST_STRING), None))


def _identifier(id_: int, raw: bytes) -> Ident:
    return Ident(id_, _text(_first(_fields(raw), 1)).removeprefix("."))


def _select(id_: int, raw: bytes) -> Select:
    parts = _fields(raw)
    return Select(id_, _node(_first(parts, 1)), _text(_first(parts, 2)), any(_first(parts, 3)))


def _call(id_: int, raw: bytes) -> Invocation:
    parts = _fields(raw)
    return Invocation(id_, _text(_first(parts, 2)), tuple(_node(part) for part in [*_all(parts, 1), *_all(parts, 3)]))


def _list(id_: int, raw: bytes) -> Made:
    return Made(id_, True, tuple(_node(part) for part in _all(_fields(raw), 1)))


def _struct(id_: int, raw: bytes) -> Made:
    entries = [_fields(entry) for entry in _all(_fields(raw), 2)]
    return Made(
        id_, False, tuple(_node(part) for entry in entries for number in (3, 4) for part in _all(entry, number))
    )


def _spread_out(id_: int, raw: bytes) -> Comprehension:
    parts = _fields(raw)
    inner = (_node(_first(parts, number)) for number in (4, 5, 6, 7))  # accu_init, loop_condition, loop_step, result
    return Comprehension(id_, _text(_first(parts, 1)), _node(_first(parts, 2)), _text(_first(parts, 3)), *inner)


_MAKERS: Mapping[int, Callable[[int, bytes], Node]] = {
    _CONST: _constant,
    _IDENT: _identifier,
    _SELECT: _select,
    _CALL: _call,
    _LIST: _list,
    _STRUCT: _struct,
    _COMPREHENSION: _spread_out,
}


def _sorts(entries: list[bytes]) -> Iterator[tuple[int, Sort]]:
    """Yield the ids of nodes of which it is known what they yield."""
    for entry in entries:
        pair = _fields(entry)
        for number, value in _fields(_first(pair, 2)):
            sort = _sort(number, value)
            if sort:
                yield int.from_bytes(_first(pair, 1), "little"), sort


def _sort(number: int, value: bytes) -> Sort | None:
    if number == _PRIMITIVE:
        return _PRIMITIVES.get(int.from_bytes(value, "little"))
    return "list" if number == _LIST_TYPE else "mapping" if number == _MAP_TYPE else None


def _positions(source: bytes) -> Iterator[tuple[int, int]]:
    for entry in _all(_fields(source), _POSITIONS):
        pair = _fields(entry)
        yield int.from_bytes(_first(pair, 1), "little"), int.from_bytes(_first(pair, 2), "little")


def _first(fields: list[tuple[int, bytes]], number: int) -> bytes:
    return next((value for n, value in fields if n == number), b"")


def _all(fields: list[tuple[int, bytes]], number: int) -> list[bytes]:
    return [value for n, value in fields if n == number]


def _text(raw: bytes) -> str:
    return raw.decode("utf-8")


def _fields(raw: bytes) -> list[tuple[int, bytes]]:
    """Return a message's (field number, value); integers as little-endian bytes. Protobuf encoding, wire types 0-5."""
    result, position = [], 0
    while position < len(raw):
        key, position = _varint(raw, position)
        number, wire = key >> 3, key & 7
        if wire == 2:
            size, position = _varint(raw, position)
        elif wire == 0:
            value, position = _varint(raw, position)
            result.append((number, value.to_bytes(10, "little")))
            continue
        else:
            size = {1: 8, 5: 4}[wire]
        result.append((number, raw[position : position + size]))
        position += size
    return result


def _varint(raw: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = raw[position]
        position += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, position
