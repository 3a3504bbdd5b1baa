"""Expressions of policies: CEL by Google's implementation, compiled once, evaluated without side effects."""

import itertools
import re
import threading
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from cel_expr_python import cel
from cel_expr_python.ext import ext_bindings, ext_optional, ext_strings
from msgspec import Struct

from catalog.checked_ast import free_names, tree_of
from catalog.expectations import expectations
from catalog.fields_read import Misuse, Roots, reads
from catalog.functions import DECLARATIONS
from semantics.shapes import Shape

_T = cel.Type
_MAP = _T.Map(_T.STRING, _T.DYN)
_TYPES = {
    "map": (_MAP,),
    "document": (_MAP, _T.NULL),
    "string": (_T.STRING,),
    "strings": (_T.List(_T.STRING),),
    "ints": (_T.List(_T.INT),),
    "list": (_T.List(_MAP),),
    "documents": (_T.List(_T.DYN),),
    "lists": (_T.List(_T.DYN),),
    "anything": (_T.List(_T.DYN),),
    "value": (_T.DYN,),
    "bool": (_T.BOOL,),
    "double": (_T.DOUBLE,),
    "timestamp": (_T.TIMESTAMP,),
}
# What every expression can name beside resources: the moment, the policy's settings, the scope's id, the regions that
# were looked at where that is not all, an element.
_VARIABLES = {
    "now": _T.TIMESTAMP,
    "settings": _MAP,
    "scope": _T.STRING,
    "regions": _T.List(_T.STRING),
    "e": _T.DYN,
}
_PLACE = re.compile(r"<input>:(\d+):(\d+): (.*)")


class ExpressionFault(Exception):
    """An expression that cannot be used; line and column count from 1 within its text."""

    def __init__(self, problem: str, line: int = 1, column: int = 1) -> None:
        super().__init__(problem)
        self.problem = problem
        self.line = line
        self.column = column


class EvaluationError(Exception):
    """The expression has no value for this input: a missing key, a wrong type, a budget overrun."""


class OutOfTime(EvaluationError):
    """What was left of the time for one resource ended: with more, the expression may have a value."""


class Expression(Struct, frozen=True):
    """One compiled expression; `reads` names per resource the fields that it looks at, `expects` what shape they have.

    `names` are all that it uses and does not bind itself. `evaluate` returns the value for variables, as plain Python;
    it raises `EvaluationError`.
    """

    source: str
    type_name: str
    reads: dict[str, frozenset[str]]
    expects: dict[str, Shape]
    names: frozenset[str]
    evaluate: Callable[[Mapping[str, Any]], Any]

    def place_of(self, word: str) -> tuple[int, int]:
        """Return line and column, from 1, where a word first stands in the text."""
        found = re.search(rf"\b{re.escape(word)}\b", self.source)
        before = self.source[: found.start()] if found else ""
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


Compile = Callable[[str, Roots], Expression]


def compiled(source: str, roots: Roots) -> Expression:
    """Return an expression that is evaluated in this process; raises `ExpressionFault` with the place in the text."""
    environment = _environment(roots)
    try:
        program = environment.compile(source)
    except RuntimeError as problem:
        raise _placed(str(problem)) from None
    try:
        tree = tree_of(program.serialize())
        read = reads(tree, roots)
    except Misuse as misuse:
        before = source[: misuse.offset]
        line, column = before.count("\n") + 1, misuse.offset - (before.rfind("\n") + 1) + 1
        raise ExpressionFault(misuse.problem, line, column) from None
    names = frozenset(free_names(tree.root))
    evaluate = _Program(environment, program, names).evaluate
    return Expression(source, program.return_type().name(), read, expectations(tree, roots), names, evaluate)


class _Program:
    """What was compiled, with the environment that it needs as long as it lives, and the names that stand in it.

    Only they are handed over: each value is converted before anything is evaluated.
    """

    def __init__(self, environment: cel.Env, program: cel.Expression, names: frozenset[str]) -> None:
        self._environment = environment
        self._program = program
        self._names = names

    def evaluate(self, variables: Mapping[str, Any]) -> Any:
        try:
            value = self._program.eval(data={name: variables[name] for name in self._names if name in variables})
            plain = value.plain_value()
        except RuntimeError as problem:
            raise EvaluationError(_first_line(str(problem))) from None
        finally:
            _LENT.take_back()
        if value.type() == _T.ERROR:
            raise EvaluationError(_first_line(str(plain)))
        return plain


class _Lent(threading.local):
    """What functions were given and have returned in an evaluation.

    cel-expr-python 0.1.3 keeps a reference to each for ever, with all that is in it: so they are emptied.
    """

    def __init__(self) -> None:
        self._returned: list[dict[Any, Any] | list[Any]] = []

    def lending(self, called: Callable[..., Any]) -> Callable[..., Any]:
        """Return a function that is given copies of its arguments, and whose value is copied: both are emptied.

        The arguments are values that were converted for it alone.
        """

        def lent(*arguments: Any) -> Any:
            own = [_copy(argument) for argument in arguments]
            for argument in arguments:
                if isinstance(argument, dict | list):
                    argument.clear()
            returned = _copy(called(*own))
            if isinstance(returned, dict | list):
                self._returned.append(returned)
            return returned

        return lent

    def take_back(self) -> None:
        """Empty what was returned, now that its value is known."""
        for returned in self._returned:
            returned.clear()
        self._returned.clear()


_LENT = _Lent()


def _copy(value: Any) -> Any:
    return dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value


def _placed(problem: str) -> ExpressionFault:
    found = _PLACE.search(problem)
    if not found:
        return ExpressionFault(_first_line(problem))
    return ExpressionFault(_first_line(found[3]), int(found[1]), int(found[2]))


def _first_line(text: str) -> str:
    return text.splitlines()[0].removeprefix("INVALID_ARGUMENT: ")[:200] if text else "no value"


@lru_cache
def _environment(roots: Roots) -> cel.Env:
    variables = dict(_VARIABLES) | dict.fromkeys(roots.one, _MAP) | dict.fromkeys(roots.many, _T.List(_MAP))
    extensions = [ext_optional.ExtOptional(), ext_strings.ExtStrings(), ext_bindings.ExtBindings()]
    return cel.NewEnv(variables=variables, extensions=extensions, functions=_functions())


@lru_cache
def _functions() -> list[cel.FunctionDecl]:
    declared = []
    for name, parameters, returned, function in DECLARATIONS:
        shapes = itertools.product(*(_TYPES[parameter.type] for parameter in parameters))
        overloads = [
            cel.Overload(f"{name}_{number}", _TYPES[returned][0], list(shape), False, _LENT.lending(function))
            for number, shape in enumerate(shapes)
        ]
        declared.append(cel.FunctionDecl(name, overloads))
    return declared
