"""Functions stay small, and what catches everything says why."""

import ast
import re
from collections.abc import Iterator, Sequence

import pytest

from tests.architecture.project import ROOT, SOURCES

MOST_COMPLEX, MOST_COMPLEX_MEAN = 10, 2.8
MOST_BROAD_PER_1000_LINES = 0.5
_ALL = {"Exception", "BaseException", "ExceptionGroup", "BaseExceptionGroup"}
_REASON = re.compile(r"# noqa: BLE001 - \S+(?: \S+){2,}")

Definition = ast.FunctionDef | ast.AsyncFunctionDef


def complexity(node: Definition) -> int:
    """Return a function's cyclomatic complexity as ruff's C901 counts it (McCabe's statements, no expressions)."""
    return 1 + _branches(node.body)


def _branches(body: Sequence[ast.stmt]) -> int:
    found = 0
    for node in body:
        match node:
            case ast.If(body=inner, orelse=other):
                found += 1 + _branches(inner) + _branches(other)
            case ast.For(body=inner, orelse=other) | ast.AsyncFor(body=inner, orelse=other):
                found += 1 + _branches(inner) + _branches(other)
            case ast.While(body=inner, orelse=other):
                found += 1 + _branches(inner) + _branches(other)
            case ast.Try() | ast.TryStar():
                found += bool(node.orelse) + len(node.handlers)
                for inner in (node.body, node.orelse, node.finalbody, *(handler.body for handler in node.handlers)):
                    found += _branches(inner)
            case ast.Match(cases=cases):
                found += len(cases) - any(_takes_all(case) for case in cases)
                found += sum(_branches(case.body) for case in cases)
            case ast.FunctionDef(body=inner) | ast.AsyncFunctionDef(body=inner):
                found += 1 + _branches(inner)
            case ast.With(body=inner) | ast.AsyncWith(body=inner) | ast.ClassDef(body=inner):
                found += _branches(inner)
    return found


def _takes_all(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None


def broad(tree: ast.AST) -> Iterator[int]:
    """Yield the lines that catch everything: an `except` of all, or a `suppress` of it."""
    for node in ast.walk(tree):
        match node:
            case ast.ExceptHandler(type=None):
                yield node.lineno
            case (
                ast.ExceptHandler(type=ast.Tuple(elts=caught))
                | ast.Call(func=ast.Name(id="suppress") | ast.Attribute(attr="suppress"), args=caught)
            ):
                if _ALL & {ast.unparse(one).rpartition(".")[2] for one in caught}:
                    yield node.lineno
            case ast.ExceptHandler(type=ast.expr() as one):
                if ast.unparse(one).rpartition(".")[2] in _ALL:
                    yield node.lineno


TEXTS = {file: file.read_text(encoding="utf-8") for file in SOURCES}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return [x for x in y if x and z] if y else 1", 1),
        ("if x:\n  y()\nelif z:\n  y()\nelse:\n  y()", 3),
        ("for x in y:\n  while x:\n    x()\nelse:\n  y()", 3),
        ("try:\n  x()\nexcept KeyError:\n  y()\nelse:\n  if z:\n    y()\nfinally:\n  z()", 4),
        ("match x:\n  case 1:\n    y()\n  case 2 if y:\n    y()\n  case _:\n    y()", 3),
        ("def f():\n  if x:\n    y()\nwith x:\n  f()", 3),
    ],
)
def test_branches_are_counted(body: str, expected: int) -> None:
    node = ast.parse("def f(x, y, z):\n" + "\n".join(f"  {line}" for line in body.splitlines())).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert complexity(node) == expected


def test_functions_are_simple() -> None:
    """Over all functions of the rooms, methods and nested ones too."""
    found = {
        f"{file.relative_to(ROOT)}:{node.lineno} {node.name}": complexity(node)
        for file, text in TEXTS.items()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, Definition)
    }
    assert len(found) > 2000
    assert {place: number for place, number in found.items() if number > MOST_COMPLEX} == {}
    assert sum(found.values()) / len(found) <= MOST_COMPLEX_MEAN


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("try:\n  x()\nexcept:\n  y()", [3]),
        ("try:\n  x()\nexcept builtins.Exception as problem:\n  y()", [3]),
        ("try:\n  x()\nexcept (OSError, BaseException):\n  raise", [3]),
        ("with contextlib.suppress(Exception):\n  x()", [1]),
        ("try:\n  x()\nexcept (OSError, ValueError):\n  y()", []),
    ],
)
def test_what_catches_everything_is_found(code: str, lines: list[int]) -> None:
    assert list(broad(ast.parse(code))) == lines


def test_few_places_catch_everything_and_each_says_why() -> None:
    """A thousand lines are lines of the rooms' `*.py` as they stand there, with comments and blank ones."""
    found = {
        f"{file.relative_to(ROOT)}:{line}": text.splitlines()[line - 1]
        for file, text in TEXTS.items()
        for line in broad(ast.parse(text))
    }
    assert {place: line for place, line in found.items() if not _REASON.search(line)} == {}
    lines = sum(len(text.splitlines()) for text in TEXTS.values())
    assert len(found) <= MOST_BROAD_PER_1000_LINES * lines / 1000, sorted(found)
