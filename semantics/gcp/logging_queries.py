"""Queries of Cloud Logging, compared by what they mean.

Source of the syntax: Google Cloud documentation, «Logging query language»:
`resource.type="gce_route" AND protoPayload.methodName:("routes.insert" OR "routes.delete")`. Comparisons, words that
are looked for everywhere, `NOT` before `OR` before `AND`, terms side by side as with `AND`, parentheses, comments,
`log_id`. Texts are compared without case, but for regular expressions. What is not of this grammar is no query here.
"""

import itertools
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

_TOKEN = re.compile(r'(?:\s|--[^\n]*+)*+([()]|!=|!~|=~|<=|>=|[=:<>]|(?:[^\s()"=:<>!]|"(?:[^"\\]|\\.)*")+)')
_BLANK = re.compile(r"(?:\s|--[^\n]*+)*+")
_OPERATORS = frozenset({"=", "!=", ":", "=~", "!~", "<", ">", "<=", ">="})
_OPPOSITES = {"!=": "=", "!~": "=~"}
_WORDS = frozenset({"AND", "OR", "NOT"})
_OTHER_FUNCTIONS = frozenset({"sample", "source", "ip_in_net", "search", "cast", "regexp_extract", "has_any_field"})
# Without repetition an expression cannot run away; of its alternatives there may be few.
_PLAIN_EXPRESSION = re.compile(r"(?:[\w.\-/:|()^$]|\\[./\-])*")
_LONGEST, _DEEPEST, _MOST_ALTERNATIVES = 20_000, 100, 1000


class Test(NamedTuple):
    """One condition on one field of a log entry; without a field, on any of them."""

    field: str
    operator: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        """Return the condition as a query writes it."""
        value = '"' + re.sub(r'(["\\])', r"\\\1", self.value) + '"' if self.value != "*" else "*"
        field = ".".join(part if re.fullmatch(r"\w+", part) else f'"{part}"' for part in self.field.split("."))
        return ("NOT " if self.negated else "") + (f"{field}{self.operator}{value}" if self.field else value)


class All(NamedTuple):
    """Conditions that have to hold together."""

    parts: "tuple[Condition, ...]"


class Any(NamedTuple):
    """Conditions of which one is enough."""

    parts: "tuple[Condition, ...]"


Condition = Test | All | Any


class NoQuery(ValueError):
    """The text is no query of the grammar that is understood here."""


def alternatives(query: str) -> list[str]:
    """Return the queries whose entries together are those of a query, each without `OR`; raises `NoQuery`."""
    return [" AND ".join(map(str, tests)) for tests in _alternatives(parsed(query))]


def catches(query: str, wanted: str) -> bool:
    """Return whether a query finds every entry that the wanted one describes; raises `NoQuery` for that one.

    A query that is not understood, or an empty one, finds nothing. What is reported is true; that several conditions of
    a query cover one wanted condition only together is not seen.
    """
    described = _alternatives(parsed(wanted))
    try:
        condition = parsed(query)
    except NoQuery:
        return False
    return all(_follows(condition, tests) for tests in described)


@lru_cache(maxsize=1024)
def parsed(query: str) -> Condition:
    """Return what a query says; raises `NoQuery`."""
    if len(query) > _LONGEST:
        raise NoQuery("too long")
    reader = _QueryParser(_tokens(query))
    condition = reader.all()
    if reader.next:
        raise NoQuery(f"{reader.next!r} is too much")
    return condition


def _tokens(text: str) -> list[str]:
    found, at = [], 0
    while token := _TOKEN.match(text, at):
        found.append(token[1])
        at = token.end()
    if not _BLANK.fullmatch(text, at):
        raise NoQuery(f"unreadable: {text[at:][:20]!r}")
    return found


class _QueryParser:
    """Reads tokens by the grammar: all = any [AND] any …; any = one OR one …; one = [NOT] one | ( all ) | test."""

    def __init__(self, tokens: list[str]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> str:
        """The token that comes next, empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def all(self) -> Condition:
        """Read conditions that have to hold together, with `AND` between them or nothing."""
        parts = [self._any()]
        while self._taken("AND") or self.next not in ("", ")"):
            parts.append(self._any())
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def _any(self) -> Condition:
        parts = [self._one()]
        while self._taken("OR"):
            parts.append(self._one())
        return parts[0] if len(parts) == 1 else Any(tuple(parts))

    def _one(self) -> Condition:
        if self._taken("NOT"):
            return _opposite(self._deeper(self._one))
        if self.next.startswith("-") and self.next != "-":
            self._tokens[self._at] = self.next[1:]
            return _opposite(self._deeper(self._one))
        return self._inner(self.all) if self.next == "(" else self._test()

    def _test(self) -> Condition:
        name = self._text()
        if self.next == "(" and name.lower() == "log_id":
            return self._inner(lambda: Test("logName", ":", "/logs/" + _plain(self._text()).replace("/", "%2F")))
        if self.next == "(" and name.lower() in _OTHER_FUNCTIONS:
            raise NoQuery(f"{name} is not understood")
        if self.next not in _OPERATORS:
            return Test("", ":", _plain(name))
        operator = self._take()
        return self._values(_plain(name), operator)

    def _values(self, field: str, operator: str) -> Condition:
        """Read what a field is compared with: a value, or values in parentheses, each as if it had the field."""
        if self.next != "(":
            return _test(field, operator, _plain(self._text()))
        return self._inner(lambda: _with_field(self.all(), field, operator))

    def _inner(self, read: Callable[[], Condition]) -> Condition:
        self._take()
        inner = self._deeper(read)
        if not self._taken(")"):
            raise NoQuery("a parenthesis is left open")
        return inner

    def _deeper(self, read: Callable[[], Condition]) -> Condition:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise NoQuery("too deep")
        found = read()
        self._depth -= 1
        return found

    def _text(self) -> str:
        token = self._take()
        if token in _OPERATORS or token in _WORDS or token in ("(", ")"):
            raise NoQuery(f"{token!r} is no text")
        return token

    def _taken(self, token: str) -> bool:
        if self.next != token:
            return False
        self._at += 1
        return True

    def _take(self) -> str:
        token = self.next
        if not token:
            raise NoQuery("ends too early")
        self._at += 1
        return token


def _plain(token: str) -> str:
    """Return a token without its quotes: `labels."a.b/c"` is `labels.a.b/c`."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda quoted: re.sub(r"\\(.)", r"\1", quoted[1]), token)


def _test(field: str, operator: str, value: str) -> Test:
    return Test(field, _OPPOSITES.get(operator, operator), value, operator in _OPPOSITES)


def _with_field(condition: Condition, field: str, operator: str) -> Condition:
    if isinstance(condition, Test):
        if condition.field:
            raise NoQuery("a comparison stands where a value was expected")
        made = _test(field, operator, condition.value)
        return made._replace(negated=made.negated != condition.negated)
    return type(condition)(tuple(_with_field(part, field, operator) for part in condition.parts))


def _opposite(condition: Condition) -> Condition:
    if isinstance(condition, Test):
        return condition._replace(negated=not condition.negated)
    parts = tuple(_opposite(part) for part in condition.parts)
    return Any(parts) if isinstance(condition, All) else All(parts)


def _alternatives(condition: Condition) -> list[tuple[Test, ...]]:
    found = list(itertools.islice(_combined(condition), _MOST_ALTERNATIVES + 1))
    if len(found) > _MOST_ALTERNATIVES:
        raise NoQuery("has too many alternatives")
    return found


def _combined(condition: Condition) -> Iterator[tuple[Test, ...]]:
    if isinstance(condition, Test):
        yield (condition,)
    elif isinstance(condition, Any):
        for part in condition.parts:
            yield from _combined(part)
    else:
        yield from _product(condition.parts)


def _product(parts: tuple[Condition, ...]) -> Iterator[tuple[Test, ...]]:
    if not parts:
        yield ()
        return
    for first in _combined(parts[0]):
        for rest in _product(parts[1:]):
            yield first + rest


def _follows(condition: Condition, known: tuple[Test, ...]) -> bool:
    """Return whether a condition holds for every entry for which the known tests hold."""
    if isinstance(condition, Test):
        return any(_implies(test, condition) for test in known)
    if isinstance(condition, All):
        return all(_follows(part, known) for part in condition.parts)
    return any(_follows(part, known) for part in condition.parts)


def _implies(known: Test, asked: Test) -> bool:
    field, wanted = known.field.lower(), asked.field.lower()
    if known._replace(field=field) == asked._replace(field=wanted):
        return True
    if known.negated or known.operator not in ("=", ":"):
        return False
    if asked.negated:
        return field == wanted and known.operator == "=" and _matches(asked, known.value) is False
    if not wanted:
        return asked.value.lower() in known.value.lower()
    if asked.operator == ":" and asked.value == "*":
        return f"{field}.".startswith(f"{wanted}.")
    if field != wanted:
        return False
    # What is known by `:` is a part of the text only.
    anchored = asked.operator == "=" or re.search(r"[$^]", asked.value) is not None
    return (known.operator == "=" or not anchored) and _matches(asked, known.value) is True


def _matches(test: Test, text: str) -> bool | None:
    """Return whether a test without its negation holds for a text; None where that is not understood."""
    if test.operator == "=":
        return test.value.lower() == text.lower()
    if test.operator == ":":
        return test.value == "*" or test.value.lower() in text.lower()
    few = test.value.count("(") <= 3 and test.value.count("|") <= 20
    if test.operator != "=~" or not few or not _PLAIN_EXPRESSION.fullmatch(test.value):
        return None
    try:
        return re.search(test.value, text) is not None
    except re.error:
        return None
