"""One word for one thing: the glossary names what exists, and metaphors of earlier days occur nowhere."""

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, get_args

import pytest
import typer
from typer.main import get_command

from cli.main import app
from tests.architecture.project import ROOMS, ROOT, SOURCES, tracked

BANNED = re.compile(
    r"\b(?:mend\w*|borne|bears?|un?told|told|tell|tells|telling|tellers?|deeds?|doors?|sights?|houses?|desks?)\b"
    r"|\b(?:take|takes|taken|taking|took)(?:\s+\w+){0,3}\s+back\b",
    re.IGNORECASE,
)
# What may stay, with the reason; nothing of it is a text of our own that people read.
ALLOWED = {
    r"`?\btell\b`?(?=$|:)": "the kind of a stored job, and the lease of its tenant",
    r"the kind `tell`": "the same, where its document names it",
    r"^resolved before anybody was told$": "the reason beside each dropped fact in tenants' stores",
    r"\bFront Door\b": "Azure's product",
    r"[\w./-]*[\w-]+\.(?:py|md|yaml|html)\b": "a file's name",
    r"`[a-z_]+(?:\.\w+)+`": "a dotted name",
    r"\]\([^)]*\)": "where a link leads",
}
_ALLOWED = re.compile("|".join(ALLOWED))
_NAME = {"door", "doors", "sight", "house", "desk", "mend", "mended", "borne", "told", "untold", "teller", "google"}
# Attributes that are keys of a tenant's file.
_KEYS = {"google"}
MOST_WORDS = 25


def banned(text: str) -> list[str]:
    """Return the banned words of a text."""
    return [found.group() for found in BANNED.finditer(_ALLOWED.sub(" ", text))]


def rows() -> list[tuple[str, str]]:
    """Return the words of the glossary with the names of what they are."""
    lines = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")][1:]
    return [(word, name.strip("`")) for word, _, name in cells]


def existing(name: str) -> Any:
    """Return what a dotted name names: a type, or a state, which is one of the texts of a Literal."""
    room, *parts = name.split(".")
    for end in range(len(parts), 0, -1):
        try:
            found: Any = import_module(".".join([room, *parts[: end - 1]]))
        except ModuleNotFoundError:
            continue
        for part in parts[end - 1 :]:
            found = part if part in get_args(found) else getattr(found, part)
        return found
    raise AssertionError(f"{name} names nothing")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("What mends it is told at the door.", ["mends", "told", "door"]),
        ("a plan that takes it back", ["takes it back"]),
        ("it is taken back; an exception bears it", ["taken back", "bears"]),
        ("a bearer token, the backup, Azure Front Door, `pipeline.access.authorization`, [a link](the-house.md)", []),
    ],
)
def test_the_words_are_found(text: str, found: list[str]) -> None:
    assert banned(text) == found


def test_the_glossary_names_what_exists() -> None:
    words = [word for word, _ in rows()]
    assert 10 < len(words) <= MOST_WORDS
    assert len(set(words)) == len(words)
    for _, name in rows():
        assert existing(name)
    assert {"docs/glossary.md", "glossary.md"} <= {
        link
        for file in ("README.md", "docs/design.md")
        for link in re.findall(r"\]\(([^)]+)\)", (ROOT / file).read_text("utf-8"))
    }


@pytest.mark.process
def test_documents_texts_and_templates_use_the_fields_words() -> None:
    files = [
        file
        for file in tracked()
        if file.suffix in (".md", ".html") or (file.suffix == ".yaml" and file.relative_to(ROOT).parts[0] != "tests")
    ]
    assert len(files) > 300
    found = {str(file.relative_to(ROOT)): banned(file.read_text(encoding="utf-8")) for file in files}
    assert {file: words for file, words in found.items() if words} == {}


def _helps(command: Any, path: str) -> Iterator[tuple[str, str]]:
    yield path, command.get_help(typer.Context(command, info_name=path, terminal_width=200))
    for name, inner in getattr(command, "commands", {}).items():
        yield from _helps(inner, f"{path} {name}")


def test_the_help_of_every_command_uses_the_fields_words() -> None:
    helps = dict(_helps(get_command(app), "hinomi"))
    assert len(helps) > 60
    assert {path: words for path, text in helps.items() if (words := banned(text))} == {}


def test_texts_of_the_code_use_the_fields_words() -> None:
    """Errors, wording, docstrings: every literal text of the product, and the names that it defines."""
    found: list[tuple[str, int, str]] = []
    for file in SOURCES:
        name = str(file.relative_to(ROOT))
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found += [(name, node.lineno, word) for word in banned(node.value)]
            found += [(name, line, defined) for line, defined in _defined(node) if _is_banned(defined)]
    assert len(SOURCES) > 200
    assert {room for room in ROOMS if (ROOT / room).is_dir()} == set(ROOMS)
    assert found == []


def _defined(node: ast.AST) -> Iterator[tuple[int, str]]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.lineno, node.name
        case ast.arg():
            yield node.lineno, node.arg
        case ast.Name(ctx=ast.Store()):
            yield node.lineno, node.id
        case ast.Attribute(ctx=ast.Store()):
            yield node.lineno, node.attr


def _is_banned(name: str) -> bool:
    parts = {part.lower() for part in re.findall(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])", name)}
    return name not in _KEYS and bool(parts & _NAME)
