"""Whoever may only read cannot write: what changes a store is defined in writers alone."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from store.reader import Reader
from store.service import ServiceReader, ServiceWriter
from store.writer import Writer

STORE = Path(__file__).parent.parent.parent / "store"
WRITES = frozenset({"insert", "update", "delete", "put"})
PARTS = {"Reader": ("plans", "policies"), "ServiceReader": ("people", "jobs", "halts")}


def called(node: ast.AST) -> Iterator[str]:
    for inner in ast.walk(node):
        if isinstance(inner, ast.Call):
            function = inner.func
            if isinstance(function, ast.Name):
                yield function.id
            elif isinstance(function, ast.Attribute) and not inner.args:  # `table.update()`; that of a set takes one
                yield function.attr


def writing(module: ast.Module) -> Iterator[tuple[str, str]]:
    """Yield class and method of everything that makes a statement which changes something, or names one."""
    statements = {
        target.id
        for node in module.body
        if isinstance(node, ast.Assign) and WRITES & set(called(node.value))
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for class_ in (node for node in module.body if isinstance(node, ast.ClassDef)):
        for method in (node for node in class_.body if isinstance(node, ast.FunctionDef)):
            named = {inner.id for inner in ast.walk(method) if isinstance(inner, ast.Name)}
            if WRITES & set(called(method)) or statements & named:
                yield class_.name, method.name


@pytest.mark.parametrize("name", ["plans", "own_policies", "people", "jobs", "halts", "reader", "writer", "service"])
def test_what_changes_a_store_stands_in_writers_alone(name: str) -> None:
    module = ast.parse((STORE / f"{name}.py").read_text(encoding="utf-8"))
    found = list(writing(module))
    assert [(class_, method) for class_, method in found if not class_.endswith("Writer")] == []
    assert found or name in ("reader", "service"), "nothing was found where there is something to find"


def test_a_reader_s_parts_have_nothing_of_a_writer_s() -> None:
    pairs: list[tuple[Any, Any, list[Any]]] = [(Reader, Writer, [None]), (ServiceReader, ServiceWriter, [None, None])]
    for reader, writer, nothing in pairs:
        for part in PARTS[reader.__name__]:
            narrow, wide = (type(getattr(made(*nothing), part)) for made in (reader, writer))
            assert narrow in wide.__bases__
            assert {name for name in vars(wide) if not name.startswith("_")}.isdisjoint(dir(narrow))
