"""Conditions joined by «and» and «or»: what the clouds' languages for filters and queries share.

A language brings its tests (one condition on one field), how they are read, and which test follows from which; here are
the joints between them, and the comparison of two texts by what they mean.
"""

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from typing import Generic, TypeAlias, TypeVar

from msgspec import Struct

Test = TypeVar("Test", bound=tuple[object, ...])
_MOST_ALTERNATIVES, _DEEPEST = 1000, 100


class NotParsed(ValueError):
    """The text is nothing that is understood of a language."""


class All(Struct, Generic[Test], frozen=True):
    """Conditions that have to hold together."""

    parts: "tuple[Condition[Test], ...]"


class Any(Struct, Generic[Test], frozen=True):
    """Conditions of which one is enough."""

    parts: "tuple[Condition[Test], ...]"


Condition: TypeAlias = Test | All[Test] | Any[Test]


class Language(Struct, Generic[Test], frozen=True):
    """A language of conditions: how its texts are read, what follows from what, what is raised for other texts."""

    read: Callable[[str], Condition[Test]]
    implies: Callable[[Test, Test], bool]
    fault: type[NotParsed]

    def alternatives(self, text: str) -> list[tuple[Test, ...]]:
        """Return the tests of each alternative of a text, in the text's order.

        Raises `NotParsed` for what is no text of the language, and for too many alternatives.
        """
        found = list(itertools.islice(_combined(self.read(text)), _MOST_ALTERNATIVES + 1))
        if len(found) > _MOST_ALTERNATIVES:
            raise self.fault("has too many alternatives")
        return found

    def catches(self, text: str, wanted: str) -> bool:
        """Return whether a text finds all that the wanted one describes; raises `NotParsed` for that one.

        A text that is not understood finds nothing. What is reported is true; that several conditions of a text cover
        one wanted condition only together is not seen.
        """
        described = self.alternatives(wanted)
        try:
            condition = self.read(text)
        except NotParsed:
            return False
        return all(self._follows(condition, tests) for tests in described)

    def _follows(self, condition: Condition[Test], known: tuple[Test, ...]) -> bool:
        """Return whether a condition holds wherever the known tests hold."""
        if isinstance(condition, All):
            return all(self._follows(part, known) for part in condition.parts)
        if isinstance(condition, Any):
            return any(self._follows(part, known) for part in condition.parts)
        return any(self.implies(test, condition) for test in known)


class Tokens:
    """The tokens of a text, read one after another; raises the language's fault where one is missing."""

    def __init__(self, tokens: Sequence[str], fault: type[NotParsed]) -> None:
        self._tokens = list(tokens)
        self._fault = fault
        self._at = 0
        self._depth = 0

    @property
    def next(self) -> str:
        """The token that comes next, empty at the end."""
        return self._tokens[self._at] if self._at < len(self._tokens) else ""

    def take(self) -> str:
        """Return the next token, and go on; raises `NotParsed` where there is none."""
        token = self.next
        if not token:
            raise self._fault("ends too early")
        self._at += 1
        return token

    def taken(self, token: str) -> bool:
        """Go on if the next token is this one; return whether it was."""
        if self.next != token:
            return False
        self._at += 1
        return True

    def shorten(self, prefix: str) -> None:
        """Take a prefix off the next token."""
        self._tokens[self._at] = self.next.removeprefix(prefix)

    def inner(self, read: Callable[[], Condition[Test]]) -> Condition[Test]:
        """Read what stands between the next token, which opens a parenthesis, and the one that closes it.

        Raises `NotParsed` where nothing closes it.
        """
        self.take()
        found = self.deeper(read)
        if not self.taken(")"):
            raise self._fault("a parenthesis is left open")
        return found

    def deeper(self, read: Callable[[], Condition[Test]]) -> Condition[Test]:
        """Read one level deeper, which has an end; raises `NotParsed` where that is too deep."""
        self._depth += 1
        if self._depth > _DEEPEST:
            raise self._fault("too deep")
        found = read()
        self._depth -= 1
        return found

    def end(self) -> None:
        """Make sure that nothing is left; raises `NotParsed` where something is."""
        if self.next:
            raise self._fault(f"{self.next!r} is too much")


def split(text: str, token: re.Pattern[str], blank: re.Pattern[str], fault: type[NotParsed]) -> list[str]:
    """Return the tokens of a text, each the first group of its pattern, with nothing but blanks behind the last.

    Raises a `fault`, which is an `NotParsed`, for what is neither.
    """
    found, at = [], 0
    while one := token.match(text, at):
        found.append(one[1])
        at = one.end()
    if not blank.fullmatch(text, at):
        raise fault(f"unreadable: {text[at:][:20]!r}")
    return found


def all_of(parts: Sequence[Condition[Test]]) -> Condition[Test]:
    """Return the condition that all parts hold; one part is itself."""
    return parts[0] if len(parts) == 1 else All(tuple(parts))


def any_of(parts: Sequence[Condition[Test]]) -> Condition[Test]:
    """Return the condition that one of the parts holds; one part is itself."""
    return parts[0] if len(parts) == 1 else Any(tuple(parts))


def quoted(text: str) -> str:
    """Return a text in quotes, with backslashes before quotes and backslashes."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def unquoted(text: str) -> str:
    """Return what stands in quotes, without the backslashes."""
    return re.sub(r"\\(.)", r"\1", text[1:-1])


def _combined(condition: Condition[Test]) -> Iterator[tuple[Test, ...]]:
    if isinstance(condition, Any):
        for part in condition.parts:
            yield from _combined(part)
    elif isinstance(condition, All):
        # Not all at once: a product of many alternatives would fill the memory before it is refused.
        yield from _product(condition.parts)
    else:
        yield (condition,)


def _product(parts: tuple[Condition[Test], ...]) -> Iterator[tuple[Test, ...]]:
    if not parts:
        yield ()
        return
    for first in _combined(parts[0]):
        for rest in _product(parts[1:]):
            yield first + rest
