"""YAML with its places, in the core schema of YAML 1.2 (clause 10.3), without aliases.

PyYAML's own constructors let the last of two equal keys win, read `on` as true and follow alias bombs; here the events
of libyaml are turned into values by us.
"""

import os
import re
import stat
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from msgspec import Struct

from model.fault import Fault, Refused

MAX_BYTES = 1_000_000
MAX_DEPTH = 100
_LONGEST_NUMBER = 40
_MOST_FAULTS = 100
_MOST_DIRECTIVES = 10
_IN_A_KEY = "?"
_NO_FILE = "is no file, but a folder, a pipe or a device"

KeyPath = tuple[str | int, ...]

_TEXT_TAGS = (None, "!", "tag:yaml.org,2002:str")
_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_BOOL = re.compile(r"(?:true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"[-+]?[0-9]+\Z|0o[0-7]+\Z|0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z|[-+]?\.(?:inf|Inf|INF)\Z|\.(?:nan|NaN|NAN)\Z"
)


class Position(Struct, frozen=True):
    """Where a value stands; line and column count from 1. `first` is where a scalar's own text begins."""

    line: int
    column: int
    first: tuple[int, int] = (0, 0)
    multiline: bool = False


class Document(Struct, frozen=True):
    """A parsed file: its value; and its text, in which the place of every value and key is found by its key path."""

    file: str
    value: Any
    text: str

    def fault(self, path: KeyPath, problem: str) -> Fault:
        """Return a fault at the value's place, or at its nearest parent's."""
        place = self.place(path)
        return Fault(self.file, place.line, place.column, problem)

    def fault_at_key(self, path: KeyPath, problem: str) -> Fault:
        """Return a fault at the last key of the path itself."""
        place = _places(self.text).keys[path]
        return Fault(self.file, place.line, place.column, problem)

    def place(self, path: KeyPath) -> Position:
        """Return the place of the value, or of the nearest parent that has one."""
        places = _places(self.text).values
        while path and path not in places:
            path = path[:-1]
        return places.get(path, Position(1, 1))

    def fault_in_text(self, path: KeyPath, line: int, column: int, problem: str) -> Fault:
        """Return a problem as a fault at a line and column (from 1) inside the scalar at `path`."""
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
    """Return a file's bytes: everything that others have written is opened here (`tests/architecture/test_reading.py`).

    Raises `Refused` for what is no regular file, cannot be read or is larger than `most`. `name` stands in errors,
    where it is not to be the file's path.
    """
    shown = name or str(file)
    try:
        # Without waiting: a FIFO would keep whoever opens it until somebody writes.
        with os.fdopen(os.open(file, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC), "rb") as stream:
            if not stat.S_ISREG(os.fstat(stream.fileno()).st_mode):
                raise Refused([Fault(shown, 0, 0, _NO_FILE)])
            raw = stream.read(most + 1)
    except IsADirectoryError:
        raise Refused([Fault(shown, 0, 0, _NO_FILE)]) from None
    except OSError as problem:
        raise Refused([Fault(shown, 0, 0, f"cannot be read: {problem.strerror}")]) from None
    if len(raw) > most:
        raise Refused([Fault(shown, 0, 0, f"is larger than {most:,} bytes; split it")])
    return raw


def parse(raw: bytes, name: str) -> Document:
    """Return the document in bytes; `name` stands in errors.

    Raises `Refused` with every fault for what is too large, not UTF-8 or not the YAML that we take.
    """
    if len(raw) > MAX_BYTES:
        raise Refused([Fault(name, 0, 0, f"is larger than {MAX_BYTES:,} bytes; split it")])
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as problem:
        before = raw[: problem.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        raise Refused([Fault(name, line, column, "is not UTF-8; save the file as UTF-8")]) from None
    if text.count("\n%") > _MOST_DIRECTIVES:  # libyaml looks through all of them for each
        raise Refused([Fault(name, 0, 0, "has more than a few directives (%); take them out")])
    builder = _Builder(name, text)
    value = builder.document()
    if builder.faults:
        raise Refused(builder.faults)
    return Document(name, value, text)


class _Places(Struct, frozen=True):
    """Where the values and the keys of a text stand."""

    values: dict[KeyPath, Position]
    keys: dict[KeyPath, Position]


@lru_cache(maxsize=16)
def _places(text: str) -> _Places:
    """Return the places in a text that was read before: few files have faults, so few are asked where things stand."""
    surveyor = _Surveyor("", text)
    surveyor.document()
    return _Places(surveyor.places, surveyor.keys)


class _Builder:
    """Turns the events of libyaml into values, and gathers faults on the way."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.faults: list[Fault] = []
        self._events = yaml.parse(text, Loader=yaml.CBaseLoader)

    def document(self) -> Any:
        """Return the value of the one document, None where there is none; raises `Refused` for what is not YAML."""
        value = None
        try:
            for number, event in enumerate(e for e in self._events if isinstance(e, yaml.DocumentStartEvent)):
                if number:
                    raise Refused([self._fault(event, "a second document begins; keep one in a file")])
                value = self.value(next(self._events), ())
        except yaml.MarkedYAMLError as problem:
            mark = problem.problem_mark or problem.context_mark
            what = problem.problem or problem.context or "is not YAML"
            place = (mark.line + 1, mark.column + 1) if mark else (0, 0)
            raise Refused([Fault(self.file, *place, f"is not valid YAML: {what}")]) from None
        except yaml.YAMLError as problem:
            first = str(problem).splitlines()[0]
            raise Refused([Fault(self.file, 0, 0, f"is not valid YAML: {first}")]) from None
        return value

    def value(self, event: yaml.Event, path: KeyPath) -> Any:
        """Return the value that begins with an event."""
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            raise Refused([self._fault(event, "aliases (*name) are not taken; write the value out")])
        if len(path) == MAX_DEPTH:
            raise Refused([self._fault(event, f"is nested deeper than {MAX_DEPTH} levels")])
        return self._mapping(path) if isinstance(event, yaml.MappingStartEvent) else self._sequence(path)

    def key(self, event: yaml.ScalarEvent, path: KeyPath) -> None:
        """Take notice of a key."""

    def _mapping(self, path: KeyPath) -> dict[str, Any]:
        result: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                self._wrong(event, "a key has to be plain text")
                self.value(event, (*path, _IN_A_KEY))  # as deep as any other value
                self.value(next(self._events), (*path, _IN_A_KEY))
                continue
            key = str(event.value)
            if key in result:
                self._wrong(event, f"the key {key!r} stands twice; remove one")
            self.key(event, (*path, key))
            result[key] = self.value(next(self._events), (*path, key))
        return result

    def _sequence(self, path: KeyPath) -> list[Any]:
        result: list[Any] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            result.append(self.value(event, (*path, len(result))))
        return result

    def _scalar(self, event: yaml.ScalarEvent) -> Any:
        text = str(event.value)
        if event.tag not in _TEXT_TAGS:
            return self._wrong(event, f"the tag {event.tag!r} is not taken; write a plain value")
        if event.style:  # quoted or a block
            return text
        for pattern, convert in _RESOLVERS:
            if pattern.match(text):
                return convert(text) if len(text) <= _LONGEST_NUMBER else self._wrong(event, "is too long for a number")
        return text

    def _wrong(self, event: yaml.Event, problem: str) -> None:
        self.faults.append(self._fault(event, problem))
        if len(self.faults) == _MOST_FAULTS:
            more = self._fault(event, f"is the {_MOST_FAULTS}th fault; the rest was not looked at")
            raise Refused([*self.faults, more])

    def _fault(self, event: yaml.Event, problem: str) -> Fault:
        return Fault(self.file, *_begin(event), problem)


def _begin(event: yaml.Event) -> tuple[int, int]:
    """Return line and column where an event begins, from 1."""
    mark = event.start_mark
    assert mark is not None, "libyaml marks every event"
    return mark.line + 1, mark.column + 1


class _Surveyor(_Builder):
    """Notes where everything stands, too."""

    def __init__(self, file: str, text: str) -> None:
        super().__init__(file, text)
        self.places: dict[KeyPath, Position] = {}
        self.keys: dict[KeyPath, Position] = {}
        self._lines = text.splitlines()

    def value(self, event: yaml.Event, path: KeyPath) -> Any:
        self.places[path] = self._place(event)
        return super().value(event, path)

    def key(self, event: yaml.ScalarEvent, path: KeyPath) -> None:
        self.keys[path] = self._place(event)

    def _place(self, event: yaml.Event) -> Position:
        line, column = _begin(event)
        style = getattr(event, "style", None)
        first = (line, column)
        if style in ("'", '"'):
            first = (line, column + 1)
        elif style in ("|", ">"):
            below = next((i for i in range(line, len(self._lines)) if self._lines[i].strip()), line - 1)
            first = (below + 1, len(self._lines[below]) - len(self._lines[below].lstrip()) + 1)
        return Position(line, column, first, style == "|")


def _integer(text: str) -> int:
    return int(text, 0) if text.startswith(("0o", "0x")) else int(text)


_RESOLVERS: tuple[tuple[re.Pattern[str], Callable[[str], Any]], ...] = (
    (_NULL, lambda _: None),
    (_BOOL, lambda text: text.lower() == "true"),
    (_INT, _integer),
    (_FLOAT, lambda text: float(text.lower().replace(".inf", "inf").replace(".nan", "nan"))),
)
