"""Filter patterns of CloudWatch Logs for JSON events, compared by what they mean.

Source of the syntax: Amazon CloudWatch Logs User Guide, «Filter pattern syntax for metric filters», JSON log events:
`{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }`. Comparisons with `*` in their value,
`IS NULL|TRUE|FALSE`, `EXISTS`, `NOT EXISTS`, `&&` before `||`, parentheses.
"""

import itertools
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from semantics.aws.wildcards import includes, overlaps

_TOKEN = re.compile(r'\s*(&&|\|\||[()]|[<>!]?=|[<>]|"(?:[^"\\]|\\.)*"|%[^%]+%|[^\s()&|=!<>"%]+)')
_COMPARISONS = frozenset({"=", "!=", "<", ">", "<=", ">="})
_STATES = frozenset({"IS NULL", "IS TRUE", "IS FALSE", "EXISTS", "NOT EXISTS"})
_MOST_ALTERNATIVES = 1000


class Test(NamedTuple):
    """One condition on one field of an event."""

    field: str
    operator: str
    value: str = ""

    def __str__(self) -> str:
        """Return the condition as a pattern writes it."""
        plain = re.fullmatch(r"[\w.*-]*|%[^%]+%", self.value)
        value = self.value if plain else '"' + re.sub(r'(["\\])', r"\\\1", self.value) + '"'
        return f"$.{self.field} {self.operator} {value}".strip()


class All(NamedTuple):
    """Conditions that have to hold together."""

    parts: "tuple[Condition, ...]"


class Any(NamedTuple):
    """Conditions of which one is enough."""

    parts: "tuple[Condition, ...]"


Condition = Test | All | Any


class NoPattern(ValueError):
    """The text is no filter pattern for JSON events."""


def alternatives(pattern: str) -> list[str]:
    """Return the patterns whose events together are those of a pattern, each without `||`, in the pattern's order.

    Raises `NoPattern`.
    """
    return ["{ " + " && ".join(map(str, tests)) + " }" for tests in _alternatives(parsed(pattern))]


def catches(pattern: str, wanted: str) -> bool:
    """Return whether a filter counts every event that the wanted pattern describes; raises `NoPattern` for that one.

    A filter in another syntax catches nothing. What is reported is true; that several conditions of a filter cover one
    wanted condition only together is not seen.
    """
    described = _alternatives(parsed(wanted))
    try:
        condition = parsed(pattern)
    except NoPattern:
        return False
    return all(_follows(condition, tests) for tests in described)


@lru_cache(maxsize=1024)
def parsed(pattern: str) -> Condition:
    """Return what a pattern says; raises `NoPattern`."""
    text = pattern.strip()
    if not (text.startswith("{") and text.endswith("}")):
        raise NoPattern("not a pattern for JSON events")
    reader = _PatternParser(_tokens(text[1:-1]))
    condition = reader.any()
    if reader.next:
        raise NoPattern(f"{reader.next!r} is too much")
    return condition


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    text = text.rstrip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise NoPattern(f"unreadable: {text[at:][:20]!r}")
        found.append(token[1])
        at = token.end()
    return found


class _PatternParser:
    """Reads tokens by the grammar: any = all || all …; all = one && one …; one = ( any ) | test."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> str:
        """The token that comes next, empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def any(self) -> Condition:
        """Read conditions of which one is enough."""
        parts = [self._all()]
        while self._taken("||"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _all(self) -> Condition:
        parts = [self._one()]
        while self._taken("&&"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _one(self) -> Condition:
        if not self._taken("("):
            return self._test()
        self._depth += 1
        if self._depth > 100:
            raise NoPattern("too deep")
        inner = self.any()
        if not self._taken(")"):
            raise NoPattern("a parenthesis is left open")
        self._depth -= 1
        return inner

    def _test(self) -> Test:
        field = self._take()
        if not field.startswith("$"):
            raise NoPattern(f"{field!r} is no field")
        name = field.removeprefix("$").removeprefix(".")
        operator = self._take()
        if operator in _COMPARISONS:
            return Test(name, operator, _value(self._take()))
        state = operator.upper()
        if state in ("IS", "NOT"):
            state += " " + self._take().upper()
        if state not in _STATES:
            raise NoPattern(f"{state!r} is no condition")
        return Test(name, state)

    def _taken(self, token: str) -> bool:
        if self.next != token:
            return False
        self._at += 1
        return True

    def _take(self) -> str:
        token = self.next
        if not token:
            raise NoPattern("ends too early")
        self._at += 1
        return token


def _value(token: str) -> str:
    if token in ("(", ")", "&&", "||") or token in _COMPARISONS:
        raise NoPattern(f"{token!r} is no value")
    if token.startswith('"'):
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token


def _alternatives(condition: Condition) -> list[tuple[Test, ...]]:
    found = list(itertools.islice(_combined(condition), _MOST_ALTERNATIVES + 1))
    if len(found) > _MOST_ALTERNATIVES:
        raise NoPattern("has too many alternatives")
    return found


def _combined(condition: Condition) -> Iterator[tuple[Test, ...]]:
    if isinstance(condition, Test):
        yield (condition,)
    elif isinstance(condition, Any):
        for part in condition.parts:
            yield from _combined(part)
    else:
        # Not all at once: a product of many alternatives would fill the memory before it is refused.
        yield from _product(condition.parts)


def _product(parts: tuple[Condition, ...]) -> Iterator[tuple[Test, ...]]:
    if not parts:
        yield ()
        return
    for first in _combined(parts[0]):
        for rest in _product(parts[1:]):
            yield first + rest


def _follows(condition: Condition, known: tuple[Test, ...]) -> bool:
    """Return whether a condition holds for every event for which the known tests hold."""
    if isinstance(condition, Test):
        return any(_implies(test, condition) for test in known)
    if isinstance(condition, All):
        return all(_follows(part, known) for part in condition.parts)
    return any(_follows(part, known) for part in condition.parts)


def _implies(known: Test, asked: Test) -> bool:
    if known.field != asked.field:
        return False
    if known == asked:
        return True
    if "%" in (known.value[:1], asked.value[:1]):  # regular expressions are equal or not compared
        return False
    match known.operator, asked.operator:
        case "=", "=":
            return includes(asked.value, known.value)
        case "=", "!=":
            return not overlaps(asked.value, known.value)
        case "!=", "!=":
            return includes(known.value, asked.value)
        case "=", "EXISTS":
            return True
    return False
