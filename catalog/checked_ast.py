"""What an expression reads, taken from its checked AST.

`cel.Expression.serialize()` is a `google.protobuf.Any` around the `CheckedExpr` message of the CEL specification
(cel/expr/checked.proto, cel/expr/syntax.proto). Only the few node kinds that matter are decoded, by field number.
"""

from collections.abc import Iterator, Mapping

from msgspec import Struct

# CheckedExpr.expr, .source_info; SourceInfo.positions; Expr.* by their field numbers in syntax.proto.
_ANY_VALUE, _EXPR, _SOURCE, _POSITIONS = 2, 4, 5, 4
_ID, _CONST, _IDENT, _SELECT, _CALL, _LIST, _STRUCT, _COMPREHENSION = 2, 3, 4, 5, 6, 7, 8, 9
_CONST_STRING = 6

_INDEX = frozenset({"_[_]", "_?._", "_[?_]"})


class Misuse(Exception):
    """A resource is used as a whole, or its name is taken for something else; `offset` counts characters from 0."""

    def __init__(self, problem: str, offset: int) -> None:
        super().__init__(problem)
        self.problem = problem
        self.offset = offset


class Roots(Struct, frozen=True):
    """The names that stand for resources: `one` each, or lists of `many`."""

    one: frozenset[str]
    many: frozenset[str] = frozenset()


def reads(serialized: bytes, roots: Roots) -> dict[str, frozenset[str]]:
    """Return for each root that is used the fields that are read of it.

    Raises `Misuse` where a root stands by itself: what is read would not be known.
    """
    checked = _fields(_first(_fields(serialized), _ANY_VALUE))
    reader = _AstReader(roots, dict(_positions(_first(checked, _SOURCE))))
    reader.visit(_first(checked, _EXPR), {name: name for name in roots.one})
    return {root: frozenset(fields) for root, fields in reader.found.items()}


class _AstReader:
    def __init__(self, roots: Roots, offsets: dict[int, int]) -> None:
        self.roots = roots
        self.offsets = offsets
        self.found: dict[str, set[str]] = {}

    def visit(self, raw: bytes, names: Mapping[str, str]) -> None:
        """Walk one Expr; `names` maps the identifiers in scope that stand for a resource to their root."""
        expr = _fields(raw)
        for kind, value in expr:
            match kind:
                case n if n == _IDENT:
                    self._bare(_name(value), expr, names)
                case n if n == _SELECT:
                    select = _fields(value)
                    self._field_of(_first(select, 1), _text(_first(select, 2)), names)
                case n if n == _CALL:
                    self._call(value, names)
                case n if n == _COMPREHENSION:
                    self._comprehension(value, names)
                case n if n in (_LIST, _STRUCT):
                    for part in _parts(n, value):
                        self.visit(part, names)

    def _field_of(self, operand: bytes, field: str, names: Mapping[str, str]) -> None:
        ident = _ident(operand)
        if ident in names:
            self.found.setdefault(names[ident], set()).add(field)
        else:
            self.visit(operand, names)

    def _call(self, raw: bytes, names: Mapping[str, str]) -> None:
        call = _fields(raw)
        function = _text(_first(call, 2))
        arguments = [*_all(call, 1), *_all(call, 3)]
        if function in _INDEX and (field := _string(arguments[1])) is not None:
            self._field_of(arguments[0], field, names)
        elif function == "@in" and _ident(arguments[1]) in names and (field := _string(arguments[0])) is not None:
            self._field_of(arguments[1], field, names)
        elif function == "size" and _ident(arguments[0]) in self.roots.many:
            self.found.setdefault(_ident(arguments[0]), set())
        else:
            for argument in arguments:
                self.visit(argument, names)

    def _comprehension(self, raw: bytes, names: Mapping[str, str]) -> None:
        parts = _fields(raw)
        variable, range_ = _text(_first(parts, 1)), _first(parts, 2)
        if variable in self.roots.one | self.roots.many:
            raise Misuse(
                f"the name {variable!r} stands for a resource here; take another", self._offset(_fields(range_))
            )
        inner = {name: root for name, root in names.items() if name != variable}
        root = _ident(range_)
        if root in self.roots.many:
            self.found.setdefault(root, set())
            inner[variable] = root
        else:
            self.visit(range_, names)
        for number in (4, 5, 6, 7):  # accu_init, loop_condition, loop_step, result
            for part in _all(parts, number):
                self.visit(part, inner)

    def _bare(self, name: str, expr: list[tuple[int, bytes]], names: Mapping[str, str]) -> None:
        if name in self.roots.many:
            raise Misuse(f"{name!r} is a list of resources: use it by exists, all, map or size", self._offset(expr))
        if name in names:
            raise Misuse(
                f"{name!r} stands alone; name the fields that are read, as in {name}.Field", self._offset(expr)
            )

    def _offset(self, expr: list[tuple[int, bytes]]) -> int:
        identity = next((value for number, value in expr if number == _ID), b"\0")
        return self.offsets.get(int.from_bytes(identity, "little"), 0)


def _parts(kind: int, raw: bytes) -> list[bytes]:
    """Return a list's elements, or a map's keys and values."""
    if kind == _LIST:
        return _all(_fields(raw), 1)
    entries = [_fields(entry) for entry in _all(_fields(raw), 2)]
    return [part for entry in entries for number in (3, 4) for part in _all(entry, number)]


def _ident(raw: bytes) -> str:
    value = _first(_fields(raw), _IDENT)
    return _name(value) if value else ""


def _name(ident: bytes) -> str:
    """Return an identifier's name; `.r` is `r`, looked up from the root."""
    return _text(_first(_fields(ident), 1)).removeprefix(".")


def _string(raw: bytes) -> str | None:
    constant = _first(_fields(raw), _CONST)
    return next((_text(value) for number, value in _fields(constant) if number == _CONST_STRING), None)


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
