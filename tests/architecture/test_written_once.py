"""What many places need is written in one of them."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.project import ROOT, SOURCES

# What a type file says of it, and the one place that goes by it.
READS_VOLATILE = "model/asset.py"
READS_TYPE_FILES = "resource_types.py"

THE_WALK = "model/json_walk.py"
# Functions that walk JSON by hand, with what keeps each from that one walk.
BY_HAND = {
    "catalog/form.py _faults": "follows the faults of a validator; a dict is asked for its unknown keys only",
    "clouds/aws/service_models.py _slim": "changes models of megabytes in place, and keeps one of equal parts",
    "collectors/aws/paths.py _elements": "follows one path",
    "collectors/kept.py _unstated": "what a pair's value is called stands beside it, in the same dict",
    "collectors/templates.py fill": "has other names at each call: to prepare a walk costs as much as the few texts",
    "demo/stand_ins/azure.py filled": "a stand-in for Azure imports nothing of the product that asks it",
    "demo/stand_ins/kubernetes.py merged": "goes through two values at once (RFC 7386)",
    "detectors/checkov/paths.py _misfit": "follows one path",
    "detectors/checkov/paths.py _within": "follows one path",
    "model/canonical.py plain": "an SDK's values are more than JSON: tuples and sets, moments, bytes",
    "pipeline/tenants/files.py _differences": "goes through two values at once",
    "remediation/states.py _differences": "goes through two values at once",
    "remediation/states.py bare": "a list is one value there, and names are left out by how they begin",
}
_LOOKED_INTO = {"dict", "list", "Mapping", "MutableMapping", "Sequence"}

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@cache
def trees() -> dict[Path, ast.Module]:
    """Return what all sources say, by their paths from the root."""
    return {file.relative_to(ROOT): ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES}


def reads(tree: ast.AST, attribute: str) -> Iterator[int]:
    """Yield the lines that read an attribute of this name, however its owner is called."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == attribute and isinstance(node.ctx, ast.Load):
            yield node.lineno


@pytest.mark.parametrize(
    ("code", "lines"),
    [
        ("x = 1\ny = type_.kind.volatile", [2]),
        ("self.volatile = 1", []),
        ("volatile = Kind(volatile=x)", []),
    ],
)
def test_what_is_read_is_found(code: str, lines: list[int]) -> None:
    assert list(reads(ast.parse(code), "volatile")) == lines


def test_only_the_hash_of_a_body_goes_by_its_volatile_fields() -> None:
    found = {file for file, tree in trees().items() if any(reads(tree, "volatile"))}
    assert {str(file) for file in found if file.name != READS_TYPE_FILES} == {READS_VOLATILE}


def by_hand(tree: ast.AST) -> Iterator[str]:
    """Yield the functions that name themselves and ask whether something is a dict or a list.

    Not found: two functions that call each other.
    """
    for node in ast.walk(tree):
        if isinstance(node, Definition):
            inside = [inner for statement in node.body for inner in ast.walk(statement)]
            if any(_names(inner, node.name) for inner in inside) and any(map(_asks_for_nested, inside)):
                yield node.name


def _names(node: ast.AST, function: str) -> bool:
    match node:
        case ast.Name(id=name) | ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
            return name == function
        case _:
            return False


def _asks_for_nested(node: ast.AST) -> bool:
    match node:
        case ast.Call(func=ast.Name(id="isinstance"), args=[_, types]):
            return bool(_LOOKED_INTO & {name.id for name in ast.walk(types) if isinstance(name, ast.Name)})
        case ast.MatchClass(cls=ast.Name(id=name)):
            return name in _LOOKED_INTO
        case ast.MatchMapping() | ast.MatchSequence():
            return True
        case _:
            return False


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("def f(v):\n  if isinstance(v, dict):\n    return {k: f(x) for k, x in v.items()}\n  return v", ["f"]),
        ("class A:\n  def f(self, v):\n    return [self.f(x) for x in v] if isinstance(v, list | tuple) else v", ["f"]),
        ("def f(v):\n  if not isinstance(v, (list, Mapping)):\n    return v\n  return list(map(f, v))", ["f"]),
        ("def f(v):\n  match v:\n    case dict():\n      yield from f(v)", ["f"]),
        ("def f(v):\n  match v:\n    case [first, *rest]:\n      return f(rest)", ["f"]),
        ("def f(v):\n  return f(v - 1) if isinstance(v, int) else g(v)", []),
        ("def f(v):\n  return g(v) if isinstance(v, dict) else v.f()", []),
    ],
)
def test_walks_by_hand_are_found(code: str, found: list[str]) -> None:
    assert list(by_hand(ast.parse(code))) == found


def test_json_is_walked_by_one_module_and_by_hand_for_a_reason_only() -> None:
    assert "leaves" in by_hand(trees()[Path(THE_WALK)])
    found = [f"{file} {name}" for file, tree in trees().items() if str(file) != THE_WALK for name in by_hand(tree)]
    assert sorted(found) == sorted(BY_HAND)
