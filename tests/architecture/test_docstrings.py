"""Docstrings say what a signature cannot: what a function raises, and what its parameters are for.

What counts as raised: a `raise` statement of the function itself, with the class that it names, also where it
translates what an `except` caught. A function that makes the exception (`raise self._refused(…)`) counts by the class
that it is declared to return, and what is declared as `type[X]` as X. Not counted: a bare `raise` and a variable, which
pass on what another function has raised; what an `except` of the same function catches by that name; and what nested
functions raise.

What counts as named: an exception by its class in backticks, in a sentence that says more than «raises»; a parameter
by its name as a word of the docstring, its singular, its plural, or its words apart (`scope_id`: scope id, scope's id).
Little words of every sentence (`at`, `by`) count in backticks alone.

Public are functions of modules and methods of public classes whose names begin with no underscore. A method that
overrides one of a class of ours, or is what a Protocol of ours asks for, has that one's docstring too.
"""

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

from tests.architecture.project import ROOT, SOURCES

EXEMPT = {
    "command": "the docstring of a command is its help: people read it, and the program says each refusal in full",
    "route": "the docstring of a route is its text in OpenAPI, where each parameter and each answer has its own",
    "migration": "Alembic calls it, nobody else",
}
MANY_PARAMETERS = 3
_COMMANDS = {"command", "callback"}
_ROUTES = {"get", "post", "put", "patch", "delete"}
_LITTLE_WORDS = {"a", "an", "and", "as", "at", "by", "do", "for", "from", "in", "is", "it", "of", "on", "or", "to"}
_BARE = re.compile(r"[Rr]aises? `\w+`(?:(?:, | and | or )`\w+`)*")

Definition = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Function:
    """A public function, where it stands."""

    file: Path
    node: Definition
    owner: ast.ClassDef | None

    @property
    def place(self) -> str:
        owner = f"{self.owner.name}." if self.owner else ""
        return f"{self.file.relative_to(ROOT)}:{self.node.lineno} {owner}{self.node.name}"

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.node) or ""

    @property
    def parameters(self) -> list[str]:
        given = self.node.args
        every = [*given.posonlyargs, *given.args, *given.kwonlyargs, *filter(None, [given.vararg, given.kwarg])]
        return [one.arg for one in every if one.arg not in ("self", "cls") and not one.arg.startswith("_")]


def public(file: Path, tree: ast.Module) -> Iterator[Function]:
    """Yield the public functions of a module and of its public classes."""
    bodies: list[tuple[ast.Module | ast.ClassDef, ast.ClassDef | None]] = [(tree, None)]
    for body, owner in bodies:
        for node in body.body:
            match node:
                case ast.ClassDef(name=name) if not name.startswith("_"):
                    bodies.append((node, node))
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) if not name.startswith("_"):
                    yield Function(file, node, owner)


def raised(node: Definition, makers: dict[str, str]) -> set[str]:
    """Return the classes that a function's own statements raise; `makers` are functions that return exceptions."""
    return set(_raised(node.body, frozenset(), makers))


def _raised(body: list[ast.stmt], caught: frozenset[str], makers: dict[str, str]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                continue
            case ast.Raise(exc=ast.expr() as what):
                yield from set(_classes(what, makers)) - caught
            case ast.Try():
                inside = {name for handler in node.handlers if handler.type for name in _classes(handler.type, {})}
                yield from _raised(node.body, caught | inside, makers)
                for rest in (node.orelse, node.finalbody, *(handler.body for handler in node.handlers)):
                    yield from _raised(rest, caught, makers)
            case ast.Match():
                for case in node.cases:
                    yield from _raised(case.body, caught, makers)
            case _:
                for part in ("body", "orelse"):
                    yield from _raised(getattr(node, part, []), caught, makers)


def _classes(what: ast.expr, makers: dict[str, str]) -> Iterator[str]:
    match what:
        case ast.Call(func=called):
            yield from _classes(called, makers)
        case ast.IfExp(body=one, orelse=other):
            yield from _classes(one, makers)
            yield from _classes(other, makers)
        case ast.Tuple(elts=several):
            for one in several:
                yield from _classes(one, makers)
        case ast.Name(id=name) | ast.Attribute(attr=name):
            if name.strip("_")[:1].isupper():
                yield name
            elif name in makers:
                yield makers[name]


def makers(tree: ast.Module) -> dict[str, str]:
    """Return the names whose call makes an exception: what is declared to return a class, or to be one."""
    found = {}
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name, returns=ast.Name(id=made)) if made[0].isupper():
                found[name] = made
            case (
                ast.AnnAssign(
                    target=ast.Name(id=name) | ast.Attribute(attr=name),
                    annotation=ast.Subscript(value=ast.Name(id="type"), slice=ast.Name(id=made)),
                )
                | ast.arg(arg=name, annotation=ast.Subscript(value=ast.Name(id="type"), slice=ast.Name(id=made)))
            ):
                found[name] = found[f"_{name}"] = made  # kept as an attribute, too
    return found


@cache
def known_makers(file: Path) -> dict[str, str]:
    """Return the names that make exceptions in a file: its own, and those that it imports from files of ours."""
    found: dict[str, str] = {}
    for node in ast.walk(trees()[file]):
        if isinstance(node, ast.ImportFrom) and node.module:
            made = every_maker().get((ROOT / node.module.replace(".", "/")).with_suffix(".py"), {})
            found |= {one.asname or one.name: made[one.name] for one in node.names if one.name in made}
    return found | every_maker()[file]


def says_when(name: str, text: str) -> bool:
    """Return whether a docstring names an exception together with when it is raised."""
    sentences = [part for part in re.split(r"[.;](?:\s+|$)", text) if f"`{name}`" in part]
    return any(not _BARE.fullmatch(" ".join(sentence.split())) for sentence in sentences)


def is_named(parameter: str, text: str) -> bool:
    """Return whether a docstring names a parameter."""
    if f"`{parameter}`" in text:
        return True
    word = parameter.strip("_").lower()
    if word in _LITTLE_WORDS:
        return False
    forms = {word, f"{word}s", f"{word}es", word.removesuffix("s")}
    forms |= {re.sub("y$", "ies", word), re.sub("ies$", "y", word)}
    apart = "|".join(re.sub("_+", r"(?:'s)?[ _-]", re.escape(form)) for form in forms)
    return re.search(rf"\b(?:{apart})\b", text, re.IGNORECASE) is not None


@cache
def trees() -> dict[Path, ast.Module]:
    """Return what all sources say; read when the first test asks, not where tests are only collected."""
    return {file: ast.parse(file.read_text(encoding="utf-8")) for file in SOURCES}


@cache
def functions() -> list[Function]:
    return [function for file, tree in trees().items() for function in public(file, tree)]


@cache
def methods() -> list[Function]:
    return [function for function in functions() if function.owner]


@cache
def every_maker() -> dict[Path, dict[str, str]]:
    return {file: makers(tree) for file, tree in trees().items()}


def exempt(function: Function) -> str:
    """Return why a function's docstring need not say it (see EXEMPT), the empty text where it has to."""
    called = [one.func if isinstance(one, ast.Call) else one for one in function.node.decorator_list]
    by = {one.attr for one in called if isinstance(one, ast.Attribute)}
    match function.file.relative_to(ROOT).parts:
        case ("cli", *_) if by & _COMMANDS:
            return "command"
        case ("api", *_) if by & _ROUTES:
            return "route"
        case ("store", "migrations", *_):
            return "migration"
        case _:
            return ""


def is_override(function: Function, other: Function) -> bool:
    """Return whether a method is what another one promises: a Protocol's, or one of a class that it derives from."""
    if not function.owner or not other.owner or function.node.name != other.node.name:
        return False
    promising = {ast.unparse(base).split("[")[0] for base in other.owner.bases}
    bases = {ast.unparse(base).split("[")[0] for base in function.owner.bases}
    return function.parameters == other.parameters and ("Protocol" in promising or other.owner.name in bases)


def texts(function: Function) -> str:
    """Return a function's docstring, with those of the methods that it overrides."""
    return "\n".join([function.docstring, *(one.docstring for one in methods() if is_override(function, one))])


@pytest.mark.parametrize(
    ("body", "classes"),
    [
        ("raise Refused('no') from None", {"Refused"}),
        ("try:\n  x()\nexcept KeyError as problem:\n  raise Refused(problem) from None", {"Refused"}),
        ("try:\n  x()\nexcept KeyError:\n  raise", set()),
        ("try:\n  raise KeyError(1)\nexcept (KeyError, OSError):\n  y()", set()),
        ("for x in y:\n  with z:\n    raise (NotSent if x else errors.Lost)(1)", {"NotSent", "Lost"}),
        ("def inner():\n  raise Refused()", set()),
        ("raise self._refused('x')", {"Refused"}),
        ("raise problem", set()),
    ],
)
def test_what_is_raised_is_found(body: str, classes: set[str]) -> None:
    node = ast.parse("def f(self):\n" + "\n".join(f"  {line}" for line in body.splitlines())).body[0]
    assert isinstance(node, ast.FunctionDef)
    assert raised(node, {"_refused": "Refused"}) == classes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Return a key; raises `Refused` where there is none.", True),
        ("Return a key.\n\nRaises `CallFailed`, and `Refused` for none.", True),
        ("Raise `Refused` where all changes are stopped.", True),
        ("Return a key; raises `Refused`.", False),
        ("Return a key. Raises `CallFailed` and\n`Refused`. It is new.", False),
        ("Refuse a key that is none.", False),
    ],
)
def test_what_is_said_of_an_exception_is_found(text: str, expected: bool) -> None:
    assert says_when("Refused", text) is expected


@pytest.mark.parametrize(
    ("parameter", "text", "expected"),
    [
        ("scope_id", "What a scope's id leads to.", True),
        ("policies", "Judge by a policy.", True),
        ("is_new", "`is_new`: nothing was there.", True),
        ("at", "Look at it.", False),
        ("at", "Look at the moment `at`.", True),
        ("scope", "Return the telescope.", False),
    ],
)
def test_a_named_parameter_is_found(parameter: str, text: str, expected: bool) -> None:
    assert is_named(parameter, text) is expected


def test_functions_that_raise_say_what() -> None:
    silent = []
    raising = 0
    for function in functions():
        what = raised(function.node, known_makers(function.file))
        raising += bool(what)
        lacking = [] if exempt(function) else [one for one in sorted(what) if not says_when(one, texts(function))]
        silent += [f"{function.place}: {', '.join(lacking)}"] if lacking else []
    assert raising > 150
    assert silent == []


def test_functions_of_many_parameters_name_them() -> None:
    silent = []
    many = [function for function in functions() if len(function.parameters) >= MANY_PARAMETERS]
    for function in many:
        text = texts(function)
        lacking = [] if exempt(function) else [one for one in function.parameters if not is_named(one, text)]
        silent += [f"{function.place}: {', '.join(lacking)}"] if lacking else []
    assert len(many) > 200
    assert silent == []


def test_each_exemption_has_its_reason_and_is_needed() -> None:
    assert {exempt(function) for function in functions()} == {"", *EXEMPT}
