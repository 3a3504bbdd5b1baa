"""Queries of Cloud Logging, compared by what they mean.

Source of the syntax: Google Cloud documentation, «Logging query language»:
`resource.type="gce_route" AND protoPayload.methodName:("routes.insert" OR "routes.delete")`. Comparisons, words that
are looked for everywhere, `NOT` before `OR` before `AND`, terms side by side as with `AND`, parentheses, comments,
`log_id`. Texts are compared without case, but for regular expressions. What is not of this grammar is no query here.
"""

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from semantics import conditions
from semantics.conditions import All, Any, Language, NotParsed, Tokens, all_of, any_of, quoted, unquoted

_TOKEN = re.compile(r'(?:\s|--[^\n]*+)*+([()]|!=|!~|=~|<=|>=|[=:<>]|(?:[^\s()"=:<>!]|"(?:[^"\\]|\\.)*")+)')
_BLANK = re.compile(r"(?:\s|--[^\n]*+)*+")
_OPERATORS = frozenset({"=", "!=", ":", "=~", "!~", "<", ">", "<=", ">="})
_OPPOSITES = {"!=": "=", "!~": "=~"}
_WORDS = frozenset({"AND", "OR", "NOT"})
_OTHER_FUNCTIONS = frozenset({"sample", "source", "ip_in_net", "search", "cast", "regexp_extract", "has_any_field"})
# Without repetition an expression cannot run away; of its alternatives there may be few.
_PLAIN_EXPRESSION = re.compile(r"(?:[\w.\-/:|()^$]|\\[./\-])*")
_LONGEST = 20_000


class Test(NamedTuple):
    """One condition on one field of a log entry; without a field, on any of them."""

    field: str
    operator: str
    value: str
    negated: bool = False

    def __str__(self) -> str:
        """Return the condition as a query writes it."""
        value = quoted(self.value) if self.value != "*" else "*"
        field = ".".join(part if re.fullmatch(r"\w+", part) else f'"{part}"' for part in self.field.split("."))
        return ("NOT " if self.negated else "") + (f"{field}{self.operator}{value}" if self.field else value)


Condition: TypeAlias = conditions.Condition[Test]


class NoQuery(NotParsed):
    """The text is no query of the grammar that is understood here."""


def alternatives(query: str) -> list[str]:
    """Return the queries whose entries together are those of a query, each without `OR`; raises `NoQuery`."""
    return [" AND ".join(map(str, tests)) for tests in _LANGUAGE.alternatives(query)]


def catches(query: str, wanted: str) -> bool:
    """Return whether a query finds every entry that the wanted one describes; raises `NoQuery` for that one.

    A query that is not understood, or an empty one, finds nothing.
    """
    return _LANGUAGE.catches(query, wanted)


@lru_cache(maxsize=1024)
def parsed(query: str) -> Condition:
    """Return what a query says; raises `NoQuery` for what is none, or too long."""
    if len(query) > _LONGEST:
        raise NoQuery("too long")
    reader = _Reader(Tokens(conditions.split(query, _TOKEN, _BLANK, NoQuery), NoQuery))
    condition = reader.all()
    reader.tokens.end()
    return condition


class _Reader:
    """Reads tokens by the grammar: all = any [AND] any …; any = one OR one …; one = [NOT] one | ( all ) | test."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def all(self) -> Condition:
        """Read conditions that have to hold together, with `AND` between them or nothing."""
        parts = [self._any()]
        while self.tokens.taken("AND") or self.tokens.next not in ("", ")"):
            parts.append(self._any())
        return all_of(parts)

    def _any(self) -> Condition:
        parts = [self._one()]
        while self.tokens.taken("OR"):
            parts.append(self._one())
        return any_of(parts)

    def _one(self) -> Condition:
        if self.tokens.taken("NOT"):
            return _opposite(self.tokens.deeper(self._one))
        if self.tokens.next.startswith("-") and self.tokens.next != "-":
            self.tokens.shorten("-")
            return _opposite(self.tokens.deeper(self._one))
        return self.tokens.inner(self.all) if self.tokens.next == "(" else self._test()

    def _test(self) -> Condition:
        name = self._text()
        if self.tokens.next == "(" and name.lower() == "log_id":
            return self.tokens.inner(lambda: Test("logName", ":", "/logs/" + _plain(self._text()).replace("/", "%2F")))
        if self.tokens.next == "(" and name.lower() in _OTHER_FUNCTIONS:
            raise NoQuery(f"{name} is not understood")
        if self.tokens.next not in _OPERATORS:
            return Test("", ":", _plain(name))
        operator = self.tokens.take()
        return self._values(_plain(name), operator)

    def _values(self, field: str, operator: str) -> Condition:
        """Read what a field is compared with: a value, or values in parentheses, each as if it had the field."""
        if self.tokens.next != "(":
            return _test(field, operator, _plain(self._text()))
        return self.tokens.inner(lambda: _with_field(self.all(), field, operator))

    def _text(self) -> str:
        token = self.tokens.take()
        if token in _OPERATORS or token in _WORDS or token in ("(", ")"):
            raise NoQuery(f"{token!r} is no text")
        return token


def _plain(token: str) -> str:
    """Return a token without its quotes: `labels."a.b/c"` is `labels.a.b/c`."""
    return re.sub(r'"((?:[^"\\]|\\.)*)"', lambda found: unquoted(found[0]), token)


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


_LANGUAGE = Language(parsed, _implies, NoQuery)
