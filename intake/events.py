"""Monitoring logs into events: whatever came in comes out once, as an event or set aside, with its place."""

import codecs
import re
from collections.abc import Iterator
from datetime import UTC
from functools import lru_cache
from hashlib import sha256
from typing import Any, BinaryIO, TypeAlias

import msgspec
from msgspec import Raw, Struct

from intake.envelopes import CONTROL, ENVELOPES, Inner, opened
from intake.limits import LIMITS, LogLimits, Reason
from intake.projection import Projection
from intake.texts import Bytes, Piece, pieces
from intake.unpacking import unpacked
from model import canonical
from model.log_source import LogSource

_MOST_ENVELOPES = 4
# Bytes to a comma: numbers and the like, of which nothing else says how many there are.
_TINY = 8
_STEP = 1_048_576
_UTF8 = codecs.getincrementaldecoder("utf-8")
_FIRST_YEAR = 1970
_ANY = msgspec.json.Decoder(Raw)
_LIST = msgspec.json.Decoder(list[Raw])
_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)$")
_FIRST_KEY = re.compile(r"at `\$\.([^.`\[]+)")
# An escape that is no character by itself (RFC 8259, section 8.2): msgspec refuses it, with several messages.
_HALF = re.compile(rb"\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])|(?<!\\u....)\\u[dD][c-fC-F]", re.DOTALL)
_BLANK = b" \t\r\n"


class Event(Struct, frozen=True, gc=False):
    """One event of a source.

    `id` is the source's own, or a digest of the event where it gives none; `at` is UTC as `model.canonical` writes
    moments; `type` and `principal` are as the source's form finds them. Each is empty where the event has no such part,
    and `at` where it has a text that is no moment: an event is looked at all the same.
    `position` counts from 1: the line, or the place in the list where one list is all that the stream holds; with dots
    where a line holds several (`3.2`). `raw` is the event's JSON as it came, without what it was wrapped in and, where
    it stood on several lines, without blanks. Two events are equal, wherever they were taken from, if the canonical
    JSON of their `raw` is, and all else but the position.
    """

    id: str
    at: str
    type: str
    principal: str
    critical: bool
    position: str
    raw: bytes


class Malformed(Struct, frozen=True, gc=False):
    """What is set aside: its position (see `Event`), the reason, and its length in bytes."""

    position: str
    reason: Reason
    bytes: int


class Control(Struct, frozen=True, gc=False):
    """A message of the transport's own, which holds no events: CloudWatch asks so whether the way is open."""

    position: str


Read: TypeAlias = Event | Malformed | Control


class _BadError(Exception):
    """A text that is set aside."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(reason)


def read(source: LogSource, stream: BinaryIO, limits: LogLimits = LIMITS) -> Iterator[Read]:
    """Yield what a stream of a source holds, in its order: JSON lines, documents, or both, packed by gzip or not.

    A value is an event, a list of them, or one of the source's envelopes. What cannot be read comes out as `Malformed`,
    and reading goes on behind it, but where the packing itself is broken. At most one document of `limits` is held.
    """
    reader = _Reader(Projection(source), limits)
    for piece in pieces(unpacked(stream, limits), limits):
        if piece.reason:
            yield Malformed(str(piece.line), piece.reason, piece.length)
        else:
            yield from reader.read(piece)


class _Reader:
    """Reads the pieces of one stream."""

    def __init__(self, projection: Projection, limits: LogLimits) -> None:
        self._projection = projection
        self._limits = limits

    def read(self, piece: Piece) -> Iterator[Read]:
        """Yield what a piece holds: one value, or several that stand one after another."""
        position = "" if piece.alone else str(piece.line)
        if self._are_too_many(piece.text):
            yield Malformed(position or "1", "too large", piece.length)
            return
        try:
            decoded = self._projection.decode(piece.text)
        except (ValueError, RecursionError):
            yield from self._several(piece.text, position)
        else:
            yield from self._value(piece.text, decoded, position, 0)

    def _several(self, text: Bytes, position: str) -> Iterator[Read]:
        first, rest = _parted(text)
        if not rest:
            yield from self._inner(first, position, 0)
            return
        number = 0
        while first:
            number += 1
            yield from self._inner(first, _below(position, number), 0)
            first, rest = _parted(rest)

    def _inner(self, text: Bytes | memoryview, position: str, level: int) -> Iterator[Read]:
        """Yield what a text is that has not been decoded."""
        if level and self._are_too_many(bytes(text)):
            yield Malformed(position or "1", "too large", len(text))
            return
        try:
            if bytes(text[:64]).lstrip(_BLANK).startswith(b"["):
                yield from self._all(iter(_LIST.decode(text)), position, level)
                return
            decoded = self._projection.decode(text)
        except (ValueError, RecursionError) as problem:
            yield Malformed(position or "1", self._why(text, problem), len(text))
        else:
            yield from self._value(text, decoded, position, level)

    def _are_too_many(self, text: Bytes) -> bool:
        """Return whether a text may be a list of so many elements that they take much more memory than it has bytes."""
        most = self._limits.elements
        if len(text) <= 2 * most:
            return False
        commas = text.count(b",")
        are_tiny = commas > most and len(text) < _TINY * commas
        return are_tiny or commas > 3 * most or text.count(b"{") > most

    def _value(self, text: Any, decoded: Any, position: str, level: int) -> Iterator[Read]:
        for field, name in self._projection.envelopes:
            inner = opened(name, getattr(decoded, field))
            if inner is None:
                continue
            if level == _MOST_ENVELOPES:
                yield Malformed(position or "1", "broken envelope", len(text))
            elif self._projection.message_type(decoded) == CONTROL:
                yield Control(position or "1")
            elif ENVELOPES[name].many:
                yield from self._all(inner, position, level + 1)
            else:
                for one in inner:
                    yield from self._inner(one or b"", position, level + 1)
            return
        yield self._event(bytes(text), decoded, position or "1")

    def _all(self, inner: Inner, position: str, level: int) -> Iterator[Read]:
        decode = self._projection.decode
        for number, one in enumerate(inner, 1):
            below = _below(position, number)
            if one is None:
                yield Malformed(below, "broken envelope", 0)
                continue
            text = bytes(one)
            try:
                decoded = decode(text)
            except (ValueError, RecursionError):
                yield from self._inner(text, below, level)
                continue
            if self._projection.is_wrapped(decoded):
                yield from self._value(text, decoded, below, level)
            else:
                yield self._event(text, decoded, below)

    def _event(self, raw: bytes, decoded: Any, position: str) -> Event | Malformed:
        projection = self._projection
        try:
            if b"\n" in raw:
                raw = msgspec.json.format(raw, indent=-1)
            raw = raw.strip(_BLANK)
            self._refuse(raw)
            type_ = projection.type(decoded)
            at, principal = _moment(projection.time(decoded)), projection.principal(decoded)
            id_ = projection.id(decoded) or _digest(raw)
            if "\0" in id_ or "\0" in type_ or "\0" in principal:
                raise _BadError("a NUL")
        except _BadError as bad:
            return Malformed(position, bad.reason, len(raw))
        return Event(id_, at, type_, principal, projection.is_critical(type_), position, raw)

    def _refuse(self, raw: bytes) -> None:
        """Refuse what decoding a few fields does not notice."""
        if len(raw) > self._limits.event:
            raise _BadError("too large")
        if not raw.isascii() and not _is_utf8(raw):
            raise _BadError("not UTF-8")

    def _why(self, text: Any, problem: Exception) -> Reason:
        """Return why a text was not decoded."""
        if isinstance(problem, RecursionError):
            return "nested too deep"
        if isinstance(problem, UnicodeDecodeError):
            return "not UTF-8"
        raw = bytes(text)
        if not isinstance(problem, msgspec.ValidationError) or not _is_json(raw):
            return _why_no_json(raw)
        if not raw.lstrip(_BLANK).startswith(b"{"):
            return "no object"
        key = _FIRST_KEY.search(str(problem))
        return "broken envelope" if key and key[1] in self._projection.envelope_keys else "a wrong type"


def _below(position: str, number: int) -> str:
    return f"{position}.{number}" if position else str(number)


def _parted(text: Bytes | memoryview) -> tuple[Bytes | memoryview, memoryview]:
    """Return the first value of a text, and what is behind it."""
    try:
        _ANY.decode(text)
    except (ValueError, RecursionError) as problem:
        end = _TRAILING.search(str(problem))
        first = bytes(text[:64]).lstrip(_BLANK)
        if end and first.startswith((b"{", b"[")):
            behind = int(end[1]) - 1  # msgspec counts bytes from 1 here
            return memoryview(text)[:behind], memoryview(text)[behind:]
    return text, memoryview(b"")


def _is_json(raw: bytes) -> bool:
    try:
        _ANY.decode(raw)
    except (ValueError, RecursionError):
        return False
    return True


def _why_no_json(raw: bytes) -> Reason:
    if b"\0" in raw:
        return "a NUL"
    if not _is_utf8(raw):
        return "not UTF-8"
    return "a lone surrogate" if _HALF.search(raw) else "not JSON"


def _is_utf8(raw: bytes) -> bool:
    """Return whether bytes are UTF-8; piece by piece, for text may take four times the memory."""
    decode = _UTF8().decode
    try:
        for start in range(0, len(raw), _STEP):
            decode(raw[start : start + _STEP], start + _STEP >= len(raw))
    except UnicodeDecodeError:
        return False
    return True


@lru_cache(maxsize=8_192)
def _moment(text: str) -> str:
    """Return a moment as `model.canonical` writes it, the empty text where it is none; without an offset it is UTC."""
    if len(text) <= len("2024-01-01"):  # a day is no moment
        return ""
    try:
        moment = canonical.parse_instant(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return ""
    return canonical.instant(moment) if moment.year >= _FIRST_YEAR else ""


def _digest(raw: bytes) -> str:
    """Return a digest of an event: of its canonical JSON, so that key order and spelling are no matter."""
    try:
        return canonical.digest(msgspec.json.decode(raw))
    except (ValueError, RecursionError):  # a number without bounds: JSON has it, Python's floats have not
        return sha256(raw).hexdigest()[:32]
