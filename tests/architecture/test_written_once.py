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
