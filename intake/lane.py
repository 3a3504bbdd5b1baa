"""Which pieces may hold critical events: found by searching their bytes, without decoding.

Never one too few: a piece of which `intake.events.read` gives an event with `critical` is found, however it is spelled,
wrapped and cut into chunks. A few too many, of which decoding says that there is nothing.

What the search goes by:
- The type of an event, or each text that it is put together of, stands between quotes as JSON has it (RFC 8259, section
  7), in any case; `/` and others may have backslashes before them, in texts inside of texts several.
- Any character may be written as `\\u0053` instead. A piece that writes one so which can be part of a critical type is
  found for that; in texts inside of texts also one which can be part of such an escape. Writers of JSON escape quotes,
  line breaks, `<`, `&` and what is not ASCII, and no letters.
- What a type is put together of stands in one event. Two texts are not of one event where a line ends with `}` and the
  next begins with `{` (`intake.texts`), and, if they stand inside of a text, where that text ends: with the first quote
  that has no backslash before it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import re2
from msgspec import Struct

from intake.envelopes import ENVELOPES
from intake.projection import folded
from model.log_source import LogSource, parts_of

# The letter behind the backslash, of characters that have a short escape (RFC 8259, section 7).
_SHORT = {'"': '"', "\\": "\\", "/": "/", "\b": "b", "\f": "f", "\n": "n", "\r": "r", "\t": "t"}
# What an escape consists of besides the character; quotes are looked for in both spellings.
_ESCAPES = "\\u0123456789abcdef"
_MOST_BACKSLASHES = 31  # before one character, in a text inside of four texts: each level doubles them, and adds one
_LONGEST_TEXT = 8 * 2**20  # bytes: no event of `intake.limits` is so long, unless most of it is escapes
_MEMORY = 16 * 2**20  # bytes that the automaton of a source may take
_TOO_LONG = "the critical types of a source are too long, or put together in too many ways, to be searched for"
_BOUNDARY = b"}\n{"
_BACKSLASH = ord("\\")

_ANYWHERE_IN_A_LINE = rb"(?:[^}]|\}+(?:\n\}+)*(?:[^}\n]|\n[^{}]))*(?:\}+(?:\n\}+)*\n?)?"  # has no boundary
_ANYWHERE_IN_A_TEXT = rb'(?:[^"]|\\")*'  # has no quote without a backslash


class _Text(Struct, frozen=True, order=True):
    """A text that stands in a critical event as a whole or, if `begins`, as how one begins."""

    text: str
    begins: bool = False


_Way: TypeAlias = tuple[_Text, ...]


class CriticalSigns:
    """What critical events of one source are found by; made once, and used by any number of searches.

    Raises `ValueError` where critical types are so long, or put together in so many ways, that `memory` (bytes) is too
    little for them; what is shipped does with 400 KB.
    """

    def __init__(self, source: LogSource, memory: int = _MEMORY) -> None:
        ways = frozenset(_ways(source))
        self.has_texts = any(ENVELOPES[name].as_text for name in source.envelopes)
        singles = sorted({way[0] for way in ways if len(way) == 1})
        # Of more than two texts the first and the last are enough to be looked for: that finds more, and not less.
        pairs = sorted({(way[0], way[-1]) for way in ways if len(way) > 1})
        texts = sorted({one for way in ways for one in way})
        found = [_escapes(texts, self.has_texts), *map(_single, singles), *_pairs(pairs, self.has_texts)]
        self.overlap = max(map(_length, texts))
        self.parts = sorted({one for pair in pairs for one in pair})
        self.pairs = frozenset((self.parts.index(one), self.parts.index(other)) for one, other in pairs)
        self.set = _set([*map(_bare, self.parts), b"|".join(found)], memory)
        self.found = len(self.parts)

    def search(self) -> "Search":
        """Return a search in one piece."""
        return Search(self)

    def may_hold(self, chunks: Iterable[bytes]) -> bool:
        """Return whether a piece, unpacked and in chunks of any length, may hold a critical event."""
        search = self.search()
        return any(map(search.feed, chunks)) or search.end()


class Search:
    """The search in one piece."""

    def __init__(self, signs: CriticalSigns) -> None:
        self._signs = signs
        self._held = bytearray()
        self._seen: set[int] = set()  # parts of the line that has not ended yet
        self._found = False

    def feed(self, chunk: bytes) -> bool:
        """Return whether a critical event may stand in what came until now; once true, it stays so."""
        if self._found:
            return True
        before = len(self._held)
        self._held += chunk
        end = self._end_of_texts(before)
        if end:
            self._look(bytes(memoryview(self._held)[:end]))
            del self._held[: max(0, end - self._signs.overlap)]
        elif len(self._held) > _LONGEST_TEXT:
            self._found = True
        return self._found

    def end(self) -> bool:
        """Return whether a critical event may stand in the piece, all of which came."""
        if not self._found and self._held:
            self._look(bytes(self._held))
        return self._found

    def _end_of_texts(self, start: int) -> int:
        """Return up to where what is held can be looked through: no pair inside of a text goes beyond; 0 where none."""
        end = len(self._held)
        if not (self._signs.pairs and self._signs.has_texts):
            return end
        while (end := self._held.rfind(b'"', start, end)) > 0:
            if self._held[end - 1] != _BACKSLASH:
                return end
        return 0

    def _look(self, block: bytes) -> None:
        parts = self._parts(block)
        self._found = self._signs.found in parts or (bool(self._signs.pairs) and self._goes_on(block, parts))

    def _goes_on(self, block: bytes, parts: set[int]) -> bool:
        """Return whether a pair stands in one line of which this block is not all."""
        first = block.find(_BOUNDARY)
        if parts:
            self._seen |= parts if first < 0 else self._parts(block[:first])
            if any(one in self._seen and other in self._seen for one, other in self._signs.pairs):
                return True
        if first >= 0:
            self._seen = self._parts(block[block.rfind(_BOUNDARY) :])
        return False

    def _parts(self, block: bytes) -> set[int]:
        return set(self._signs.set.Match(block) or ())


def _ways(source: LogSource) -> Iterator[_Way]:
    """Yield the texts that make up a critical type, each of the ways in which its places can put it together."""
    for critical in source.critical:
        type_ = critical.type.removesuffix("*")
        for place in source.event.type:
            befores = [part.before for part in parts_of(place)]
            yield from _put_together(type_, befores, critical.type.endswith("*"))


def _put_together(type_: str, befores: Sequence[str], begins: bool) -> Iterator[_Way]:
    """Yield how texts, the first of which follows the first of `befores`, make up a type or, if it `begins`, more."""
    before, *later = befores
    head, rest = type_[: len(before)], type_[len(before) :]
    if begins and not rest and folded(before).startswith(folded(head)):
        yield ()  # whatever the text is
    if folded(head) != folded(before) or not rest:
        return
    yield (_Text(rest, begins),)
    for cut in range(1, len(rest)):
        for number in range(len(later)):
            for others in _put_together(rest[cut:], later[number:], begins):
                yield (_Text(rest[:cut]), *others)


def _escapes(texts: Collection[_Text], has_texts: bool) -> bytes:
    """Return what matches an escape of a character that can be part of one of the texts."""
    chars = set("".join(one.text for one in texts))
    if has_texts:
        chars |= {*_ESCAPES, *(_SHORT[char] for char in chars if char in _SHORT)}
    units = {unit for char in chars for case in _cases(char) for unit in _units(case)}
    return rb"\\u(?:" + "|".join(sorted(units)).encode() + b")"


def _cases(char: str) -> tuple[str, ...]:
    return (char.lower(), char.upper()) if char.isascii() else (char,)


def _units(char: str) -> Iterator[str]:
    """Yield the UTF-16 units of a character, as escapes have them."""
    code = char.encode("utf-16-be").hex()
    return (code[start : start + 4] for start in range(0, len(code), 4))


def _single(text: _Text) -> bytes:
    return rb'(?:"|u0022)' + _spelled(text) + (b"" if text.begins else rb'["\\]')


def _bare(text: _Text) -> bytes:
    """Return what matches a text that does not stand inside of another."""
    return rb'[^\\]"' + _spelled(text) + (b"" if text.begins else b'"')


def _inside(text: _Text) -> bytes:
    """Return what matches a text that stands inside of another."""
    return rb'(?:\\"|u0022)' + _spelled(text) + (b"" if text.begins else rb'\\+(?:"|u0022)')


def _pairs(pairs: Collection[tuple[_Text, _Text]], has_texts: bool) -> Iterator[bytes]:
    """Yield what matches two texts of one event in either order; those with the same first text together."""
    spellings = [(_bare, _ANYWHERE_IN_A_LINE), *([(_inside, _ANYWHERE_IN_A_TEXT)] if has_texts else [])]
    together: Mapping[_Text, list[_Text]] = {first: [] for first, _ in pairs}
    for first, last in pairs:
        together[first].append(last)
    for first, lasts in together.items():
        for spelling, between in spellings:
            one, others = spelling(first), b"(?:" + b"|".join(map(spelling, lasts)) + b")"
            yield one + between + others
            yield others + between + one


def _spelled(text: _Text) -> bytes:
    """Return what matches the characters of a text, but for those that are written as `\\u0053`."""
    return b"".join(
        rb"\\*" + re2.escape(_SHORT[char].encode()) if char in _SHORT else re2.escape(char.encode())
        for char in text.text
    )


def _length(text: _Text) -> int:
    """Return how many bytes a text and the quotes around it take at most, written without `\\u0053` but for quotes."""
    return len(text.text.encode()) + _MOST_BACKSLASHES * (2 + sum(char in _SHORT for char in text.text))


def _options(memory: int) -> re2.Options:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes, whatever they stand for
    options.case_sensitive = False
    options.never_capture = True
    options.max_mem = memory
    options.log_errors = False  # what fails here is said by `CriticalSigns`
    return options


def _set(patterns: Iterable[bytes], memory: int) -> re2.Set:
    found = re2.Set.SearchSet(_options(memory))
    for pattern in patterns:
        found.Add(pattern)
    try:
        found.Compile()
    except re2.error:
        raise ValueError(_TOO_LONG) from None
    return found
