"""Filter patterns of CloudWatch Logs for JSON events, compared by what they mean.

Source of the syntax: Amazon CloudWatch Logs User Guide, «Filter pattern syntax for metric filters», JSON log events:
`{ ($.eventName = "ConsoleLogin") && ($.additionalEventData.MFAUsed != "Yes") }`. Comparisons with `*` in their value,
`IS NULL|TRUE|FALSE`, `EXISTS`, `NOT EXISTS`, `&&` before `||`, parentheses.
"""

import re
from functools import lru_cache
from typing import NamedTuple, TypeAlias

from semantics import conditions
from semantics.aws.wildcards import includes, overlaps
from semantics.conditions import Language, NotParsed, Tokens, all_of, any_of, quoted, unquoted

_TOKEN = re.compile(r'\s*(&&|\|\||[()]|[<>!]?=|[<>]|"(?:[^"\\]|\\.)*"|%[^%]+%|[^\s()&|=!<>"%]+)')
_BLANK = re.compile(r"\s*")
_COMPARISONS = frozenset({"=", "!=", "<", ">", "<=", ">="})
_STATES = frozenset({"IS NULL", "IS TRUE", "IS FALSE", "EXISTS", "NOT EXISTS"})


class Test(NamedTuple):
    """One condition on one field of an event."""

    field: str
    operator: str
    value: str = ""

    def __str__(self) -> str:
        """Return the condition as a pattern writes it."""
        plain = re.fullmatch(r"[\w.*-]*|%[^%]+%", self.value)
        return f"$.{self.field} {self.operator} {self.value if plain else quoted(self.value)}".strip()


Condition: TypeAlias = conditions.Condition[Test]


class NoPattern(NotParsed):
    """The text is no filter pattern for JSON events."""


def alternatives(pattern: str) -> list[str]:
    """Return the patterns whose events together are those of a pattern, each without `||`, in the pattern's order.

    Raises `NoPattern`.
    """
    return ["{ " + " && ".join(map(str, tests)) + " }" for tests in _LANGUAGE.alternatives(pattern)]


def catches(pattern: str, wanted: str) -> bool:
    """Return whether a filter counts every event that the wanted pattern describes; raises `NoPattern` for that one.

    A filter in another syntax catches nothing.
    """
    return _LANGUAGE.catches(pattern, wanted)


@lru_cache(maxsize=1024)
def parsed(pattern: str) -> Condition:
    """Return what a pattern says; raises `NoPattern` for what is none for JSON events."""
    text = pattern.strip()
    if not (text.startswith("{") and text.endswith("}")):
        raise NoPattern("not a pattern for JSON events")
    reader = _Reader(Tokens(conditions.split(text[1:-1], _TOKEN, _BLANK, NoPattern), NoPattern))
    condition = reader.any()
    reader.tokens.end()
    return condition


class _Reader:
    """Reads tokens by the grammar: any = all || all …; all = one && one …; one = ( any ) | test."""

    def __init__(self, tokens: Tokens) -> None:
        self.tokens = tokens

    def any(self) -> Condition:
        """Read conditions of which one is enough."""
        parts = [self._all()]
        while self.tokens.taken("||"):
            parts.append(self._all())
        return any_of(parts)

    def _all(self) -> Condition:
        parts = [self._one()]
        while self.tokens.taken("&&"):
            parts.append(self._one())
        return all_of(parts)

    def _one(self) -> Condition:
        return self.tokens.inner(self.any) if self.tokens.next == "(" else self._test()

    def _test(self) -> Test:
        field = self.tokens.take()
        if not field.startswith("$"):
            raise NoPattern(f"{field!r} is no field")
        name = field.removeprefix("$").removeprefix(".")
        operator = self.tokens.take()
        if operator in _COMPARISONS:
            return Test(name, operator, _value(self.tokens.take()))
        state = operator.upper()
        if state in ("IS", "NOT"):
            state += " " + self.tokens.take().upper()
        if state not in _STATES:
            raise NoPattern(f"{state!r} is no condition")
        return Test(name, state)


def _value(token: str) -> str:
    if token in ("(", ")", "&&", "||") or token in _COMPARISONS:
        raise NoPattern(f"{token!r} is no value")
    return unquoted(token) if token.startswith('"') else token


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


_LANGUAGE = Language(parsed, _implies, NoPattern)
