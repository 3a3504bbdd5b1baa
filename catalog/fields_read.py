"""Which fields of resources an expression reads."""

from collections.abc import Mapping

from msgspec import Struct

from catalog.checked_ast import (
    Comprehension,
    Constant,
    Ident,
    Invocation,
    Made,
    Node,
    Select,
    Tree,
    index_of,
    parts_of,
)


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


def reads(tree: Tree, roots: Roots) -> dict[str, frozenset[str]]:
    """Return for each root that is used the fields that are read of it.

    Raises `Misuse` where a root stands by itself: what is read would not be known.
    """
    reader = _Reader(roots, tree.offsets)
    reader.visit(tree.root, {name: name for name in roots.one})
    return {root: frozenset(fields) for root, fields in reader.found.items()}


class _Reader:
    def __init__(self, roots: Roots, offsets: Mapping[int, int]) -> None:
        self.roots = roots
        self.offsets = offsets
        self.found: dict[str, set[str]] = {}

    def visit(self, node: Node, names: Mapping[str, str]) -> None:
        """Walk one node; `names` maps the identifiers in scope that stand for a resource to their root."""
        match node:
            case Ident():
                self._bare(node, names)
            case Select():
                self._field_of(node.operand, node.field, names)
            case Invocation():
                self._call(node, names)
            case Comprehension():
                self._comprehension(node, names)
            case Made() | Constant():
                self._parts(node, names)

    def _field_of(self, operand: Node, field: str, names: Mapping[str, str]) -> None:
        name = _name_of(operand)
        if name in names:
            self.found.setdefault(names[name], set()).add(field)
        else:
            self.visit(operand, names)

    def _call(self, call: Invocation, names: Mapping[str, str]) -> None:
        arguments = call.arguments
        if (field := index_of(call)) is not None:
            self._field_of(arguments[0], field, names)
        elif call.function == "@in" and _name_of(arguments[1]) in names and (key := _text_of(arguments[0])) is not None:
            self._field_of(arguments[1], key, names)
        elif call.function == "size" and _name_of(arguments[0]) in self.roots.many:
            self.found.setdefault(_name_of(arguments[0]), set())
        else:
            self._parts(call, names)

    def _parts(self, node: Node, names: Mapping[str, str]) -> None:
        for part in parts_of(node):
            self.visit(part, names)

    def _comprehension(self, node: Comprehension, names: Mapping[str, str]) -> None:
        if node.variable in self.roots.one | self.roots.many:
            problem = f"the name {node.variable!r} stands for a resource here; take another"
            raise Misuse(problem, self._offset(node.range))
        inner = {name: root for name, root in names.items() if name != node.variable}
        root = _name_of(node.range)
        if root in self.roots.many:
            self.found.setdefault(root, set())
            inner[node.variable] = root
        else:
            self.visit(node.range, names)
        for part in (node.initial, node.condition, node.step, node.result):
            self.visit(part, inner)

    def _bare(self, node: Ident, names: Mapping[str, str]) -> None:
        name = node.name
        if name in self.roots.many:
            raise Misuse(f"{name!r} is a list of resources: use it by exists, all, map or size", self._offset(node))
        if name in names:
            raise Misuse(
                f"{name!r} stands alone; name the fields that are read, as in {name}.Field", self._offset(node)
            )

    def _offset(self, node: Node) -> int:
        return self.offsets.get(node.id, 0)


def _name_of(node: Node) -> str:
    return node.name if isinstance(node, Ident) else ""


def _text_of(node: Node) -> str | None:
    return node.text if isinstance(node, Constant) else None
