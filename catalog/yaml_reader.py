"""YAML with its places, in the core schema of YAML 1.2 (clause 10.3), without aliases.

PyYAML's own constructors let the last of two equal keys win, read `on` as true and follow alias bombs; here nodes are
composed by libyaml and turned into values by us.
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from model.fault import Fault, Refused

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
_LONGEST_NUMBER = 40

KeyPath = tuple[str | int, ...]

_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)


class Place(Struct, frozen=True):
    """Where a value stands; line and column count from 1. `first` is where a scalar's own text begins."""

    line: int
    column: int
    first: tuple[int, int] = (0, 0)
    multiline: bool = False


class Document(Struct, frozen=True):
    """A parsed file: its value, and the place of every value and key in it, by key path."""

    file: str
    value: Any
    places: dict[KeyPath, Place]
    keys: dict[KeyPath, Place]

    def fault(self, path: KeyPath, problem: str) -> Fault:
        """Return a fault at the value's place, or at its nearest parent's."""
        place = self.place(path)
        return Fault(self.file, place.line, place.column, problem)

    def fault_at_key(self, path: KeyPath, problem: str) -> Fault:
        """Return a fault at the last key of the path itself."""
        place = self.keys[path]
        return Fault(self.file, place.line, place.column, problem)

    def place(self, path: KeyPath) -> Place:
        """Return the place of the value, or of the nearest parent that has one."""
        while path and path not in self.places:
            path = path[:-1]
        return self.places.get(path, Place(1, 1))

    def fault_in_text(self, path: KeyPath, line: int, column: int, problem: str) -> Fault:
        """Return a fault at a line and column (from 1) inside the scalar at `path`."""
        place = self.place(path)
        if line > 1 and not place.multiline:
            return self.fault(path, problem)
        start_line, start_column = place.first if place.first != (0, 0) else (place.line, place.column)
        return Fault(self.file, start_line + line - 1, start_column + column - 1, problem)


def read(file: Path, name: str = "") -> Document:
    """Return the document in a file.

    Raises `Refused` for a file that cannot be read, is over 1 MB, is not UTF-8, or is not plain YAML.
    """
    return parse(content(file, name), name or str(file))


def content(file: Path, name: str = "", most: int = MAX_BYTES) -> bytes:
    """Return a file's bytes; raises `Refused` for one that is no file, cannot be read or is larger than `most`."""
    shown = name or str(file)
    try:
        if file.exists() and not file.is_file():
            raise Refused([Fault(shown, 0, 0, "is no file")])
        with file.open("rb") as stream:
            raw = stream.read(most + 1)
    except OSError as problem:
        raise Refused([Fault(shown, 0, 0, f"cannot be read: {problem.strerror}")]) from None
    if len(raw) > most:
        raise Refused([Fault(shown, 0, 0, f"is larger than {most:,} bytes; split it")])
    return raw


def parse(raw: bytes, name: str) -> Document:
    """Return the document in bytes; `name` stands in errors. Raises `Refused`."""
    if len(raw) > MAX_BYTES:
        raise Refused([Fault(name, 0, 0, f"is larger than {MAX_BYTES:,} bytes; split it")])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        before = raw[: problem.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise Refused([Fault(name, line, column, "is not UTF-8; save the file as UTF-8")]) from None
    node = _compose(text, name)
    builder = _Builder(name, text.splitlines())
    value = None if node is None else builder.value(node, ())
    if builder.faults:
        raise Refused(builder.faults)
    return Document(name, value, builder.places, builder.keys)


def _compose(text: str, name: str) -> yaml.Node | None:
    try:
        _guard(text, name)
        return yaml.compose(text, Loader=yaml.CBaseLoader)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        what = problem.problem or problem.context or "is not YAML"
        place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise Refused([Fault(name, *place, f"is not valid YAML: {what}")]) from None
    except yaml.YAMLError as problem:
        first = str(problem).splitlines()[0]
        raise Refused([Fault(name, 0, 0, f"is not valid YAML: {first}")]) from None


def _guard(text: str, name: str) -> None:
    """Refuse aliases and deep nesting while they are still events: composing recurses, in C, without a limit."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        mark = event.start_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        if isinstance(event, yaml.AliasEvent):
            raise Refused([Fault(name, line, column, "aliases (*name) are not taken; write the value out")])
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise Refused([Fault(name, line, column, f"is nested deeper than {MAX_DEPTH} levels")])


class _Builder:
    """Turns nodes into values and notes every place and fault on the way."""

    def __init__(self, file: str, lines: list[str]) -> None:
        self.file = file
        self.lines = lines
        self.places: dict[KeyPath, Place] = {}
        self.keys: dict[KeyPath, Place] = {}
        self.faults: list[Fault] = []

    def value(self, node: yaml.Node, path: KeyPath) -> Any:
        self.places[path] = self._place(node)
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(child, (*path, i)) for i, child in enumerate(node.value)]
        return self._scalar(node)

    def _mapping(self, node: yaml.MappingNode, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._wrong(key_node, "a key has to be plain text")
                continue
            key = str(key_node.value)
            if key in result:
                self._wrong(key_node, f"the key {key!r} stands twice; remove one")
            self.keys[(*path, key)] = self._place(key_node)
            result[key] = self.value(value_node, (*path, key))
        return result

    def _scalar(self, node: yaml.Node) -> Any:
        text = str(node.value)
        if node.tag != "tag:yaml.org,2002:str":
            return self._wrong(node, f"the tag {node.tag!r} is not taken; write a plain value")
        if getattr(node, "style", ""):  # quoted or a block
            return text
        for pattern, convert in _RESOLVERS:
            if pattern.match(text):
                return convert(text) if len(text) <= _LONGEST_NUMBER else self._wrong(node, "is too long for a number")
        return text

    def _place(self, node: yaml.Node) -> Place:
        mark = node.start_mark
        style = getattr(node, "style", None)
        first = (mark.line + 1, mark.column + 1)
        if style in ("'", '"'):
            first = (mark.line + 1, mark.column + 2)
        elif style in ("|", ">"):
            below = next((i for i in range(mark.line + 1, len(self.lines)) if self.lines[i].strip()), mark.line)
            first = (below + 1, len(self.lines[below]) - len(self.lines[below].lstrip()) + 1)
        return Place(mark.line + 1, mark.column + 1, first, style == "|")

    def _wrong(self, node: yaml.Node, problem: str) -> None:
        self.faults.append(Fault(self.file, node.start_mark.line + 1, node.start_mark.column + 1, problem))


def _integer(text: str) -> int:
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


_RESOLVERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_NULL, lambda _: None),
    (_BOOL, lambda text: text.lower() == "true"),
    (_INT, _integer),
    (_FLOAT, lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))),
)
