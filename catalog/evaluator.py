"""Expressions of others, evaluated in a process of their own: both ends of the line between.

`python -I -m catalog.evaluator` answers questions, one JSON object in a line each; `elsewhere` asks them. The process
keeps nothing that a later answer hangs on: when it has ended, another one takes its place.
"""

import sys
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import lru_cache, partial
from types import TracebackType
from typing import Any, Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from catalog.expression import Compile, EvaluationError, Expression, ExpressionFault, OutOfTime, compiled
from catalog.fields_read import Roots
from model.worker import NoAnswer, Worker
from semantics.shapes import Shape

COMMAND = [sys.executable, "-I", "-m", "catalog.evaluator"]
_KEPT = 1_000
_RESTART_SECONDS = 0.3


class _Question(Struct, frozen=True, omit_defaults=True):
    """An expression, and the variables to evaluate it for; without them it is only compiled."""

    source: str
    one: list[str]
    many: list[str]
    variables: dict[str, Any] | None = None
    now: datetime | None = None


class _Answer(Struct, frozen=True, omit_defaults=True):
    """What came of a question: what was compiled, a value, or a problem with its place in the text."""

    type_name: str = ""
    reads: dict[str, list[str]] = {}
    expects: dict[str, Shape] = {}
    names: list[str] = []
    value: Any = None
    problem: str = ""
    line: int = 1
    column: int = 1


class Spent(Exception):
    """There is no time left; the text says of what."""


class Allowance:
    """The seconds of CPU that one policy may take: for one resource, and for all of them in one scan.

    `with allowance:` goes around each resource; raises `Spent` where nothing is left. What else the machine does
    meanwhile takes nothing away: a verdict does not hang on how busy it is.
    """

    def __init__(
        self,
        in_all: float = 30.0,
        for_one: float = 1.5,
        tick: Callable[[], float] = time.thread_time,
        go_on: Callable[[], None] = lambda: None,
    ) -> None:
        """Take seconds, what shows this thread's own, and what to ask before each resource: it may end the whole."""
        self._in_all = in_all
        self._for_one = for_one
        self._tick = tick
        self._go_on = go_on
        self._used = 0.0
        self._charged = 0.0
        self._began = tick()

    def __enter__(self) -> Self:
        self._go_on()
        if self._used >= self._in_all:
            raise Spent(f"the policy has taken its {self._in_all:.0f} seconds of this scan")
        self._charged = 0.0
        self._began = self._tick()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self._used += self._for_one - self.left()

    def left(self) -> float:
        """Return the seconds that are left for the resource that is looked at."""
        return self._for_one - (self._tick() - self._began) - self._charged

    def charge(self, seconds: float) -> None:
        """Take seconds that another process used."""
        self._charged += seconds


def elsewhere(worker: Worker, allowance: Allowance) -> Compile:
    """Return how to compile expressions that a worker evaluates, within an allowance."""

    def compile_(source: str, roots: Roots) -> Expression:
        question = _Question(source, sorted(roots.one), sorted(roots.many))
        try:
            answer = _asked(worker, question, allowance)
        except NoAnswer as problem:
            raise ExpressionFault(f"cannot be compiled: {problem}") from None
        if answer.problem:
            raise ExpressionFault(answer.problem, answer.line, answer.column)
        read = {root: frozenset(fields) for root, fields in answer.reads.items()}
        names, evaluate = frozenset(answer.names), partial(_evaluate, worker, allowance, question)
        return Expression(source, answer.type_name, read, answer.expects, names, evaluate)

    return compile_


def _evaluate(worker: Worker, allowance: Allowance, question: _Question, variables: Mapping[str, Any]) -> Any:
    plain = {name: value for name, value in variables.items() if name != "now"}
    try:
        answer = _asked(worker, replace(question, variables=plain, now=variables.get("now")), allowance)
    except NoAnswer as problem:
        raise (OutOfTime if allowance.left() <= 0 else EvaluationError)(str(problem)) from None
    if answer.problem:
        raise EvaluationError(answer.problem)
    return answer.value


def _asked(worker: Worker, question: _Question, allowance: Allowance) -> _Answer:
    worker.ready()
    left = allowance.left()
    if left <= 0:
        raise NoAnswer("the policy took too long for one resource")
    try:
        said = worker.ask(msgspec.json.encode(question), left)
    except NoAnswer:
        allowance.charge(_RESTART_SECONDS)  # the next question waits for another child, and that is this one's doing
        raise
    finally:
        allowance.charge(worker.spent)
    try:
        return msgspec.json.decode(said, type=_Answer)
    except (msgspec.DecodeError, RecursionError):
        raise NoAnswer("broke its process") from None


def answer(line: bytes) -> bytes:
    """Return the answer to a question: the worker's side."""
    question = msgspec.json.decode(line, type=_Question)
    try:
        expression = _compiled(question.source, Roots(frozenset(question.one), frozenset(question.many)))
        if question.variables is None:
            reads = {root: sorted(fields) for root, fields in expression.reads.items()}
            names = sorted(expression.names)
            return msgspec.json.encode(_Answer(expression.type_name, reads, expression.expects, names))
        moment = {} if question.now is None else {"now": question.now}
        return msgspec.json.encode(_Answer(value=expression.evaluate(question.variables | moment)))
    except ExpressionFault as fault:
        return msgspec.json.encode(_Answer(problem=fault.problem, line=fault.line, column=fault.column))
    except EvaluationError as problem:
        return msgspec.json.encode(_Answer(problem=str(problem)))
    except (TypeError, RecursionError):
        return msgspec.json.encode(_Answer(problem="its value cannot be returned"))


_compiled = lru_cache(_KEPT)(compiled)


def _serve() -> None:
    answer(msgspec.json.encode(_Question("true", [], [])))  # what compiling needs is loaded before the limits count
    sys.stdout.buffer.write(b"ready\n")
    sys.stdout.buffer.flush()
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(answer(line) + b"\n")
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    _serve()
