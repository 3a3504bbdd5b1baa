"""The lines of a stream, and the documents that stand on one line or on several; bounded, whatever comes.

A document on several lines is known by how it is printed: its first line ends in `{`, `[`, `,` or `:`; a later one
ends so, too, or the next begins with `}`, `]`, `,` or `:`; and brackets close what they open. Where that ends too
early, what was held is taken line by line: a line that is cut off does not take along those behind it.
"""

import re
from collections.abc import Iterable, Iterator
from typing import TypeAlias

from msgspec import Struct

from intake.limits import LogLimits, Reason
from intake.unpacking import BrokenStreamError

Bytes: TypeAlias = bytes | bytearray
_OPEN = (b"{", b"[", b",", b":")
_STARTS = (b"{", b"[")
_CLOSE = (b"}", b"]", b",", b":")
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_OTHERS = bytes(set(range(256)) - set(b"{}[]"))
_PAIRS = {ord("}"): ord("{"), ord("]"): ord("[")}
_BLANK = b" \t\r\n"
_EDGE = 256  # how much of a line is looked at for how it begins and ends
_MARK = b"\xef\xbb\xbf"  # some programs of Windows begin a file with it


class Piece(Struct, gc=False):
    """What stands on a line, or on several of which it is the first: the text, or why there is none.

    `length` is in bytes. `alone` is true for what is all that the stream holds.
    """

    line: int
    text: Bytes
    length: int
    reason: Reason | None = None
    alone: bool = False


def pieces(chunks: Iterable[bytes], limits: LogLimits) -> Iterator[Piece]:
    """Yield what a stream holds, in its order; blank lines are nothing. At most one document of `limits` is held."""
    joining = _Joining(limits)
    for piece, is_last in _with_last(_lines(chunks, limits)):
        yield from joining.take(piece, is_last)
    yield from joining.end()


def _with_last(lines: Iterator[Piece | None]) -> Iterator[tuple[Piece, bool]]:
    """Yield the lines, each with whether it is the last; None says that something more has come."""
    held: Piece | None = None
    for piece in lines:
        if held:
            yield held, False
        held = piece
    if held:
        yield held, True


def _lines(chunks: Iterable[bytes], limits: LogLimits) -> Iterator[Piece | None]:
    """Yield the lines that are not blank; None, as soon as the next one has begun, so that none is held beside it."""
    line, length = 1, 0
    held = bytearray()
    try:
        for number, chunk in enumerate(chunks):
            first, *rest = (chunk if number else chunk.removeprefix(_MARK)).split(b"\n")
            if not length and first.strip():
                yield None
            length += len(first)
            if not rest:
                _hold(held, first, limits)
                continue
            if held or length > len(first):
                _hold(held, first, limits)
                yield from _line(line, held, length, limits)
                held = bytearray()
            else:
                yield from _line(line, first, length, limits)
            for text in rest[:-1]:
                line += 1
                yield from _line(line, text, len(text), limits)
            line += 1
            length = len(rest[-1])
            _hold(held, rest[-1], limits)
            if rest[-1].strip():
                yield None
    except BrokenStreamError as broken:
        yield Piece(line, b"", length, broken.reason)
        return
    yield from _line(line, held, length, limits)


def _hold(held: bytearray, more: bytes, limits: LogLimits) -> None:
    """Put more of a line beside what is held of it; what is over the limit is not kept."""
    if len(held) <= limits.document:
        held += more


def _line(line: int, text: Bytes, length: int, limits: LogLimits) -> Iterator[Piece]:
    if length > limits.document:
        yield Piece(line, b"", length, "too large")
    elif text and not text.isspace():
        yield Piece(line, text, length)


class _Joining:
    """Joins the lines of a document that stands on several."""

    def __init__(self, limits: LogLimits) -> None:
        self._limits = limits
        self._forget()
        self._is_first = True

    def _forget(self) -> None:
        self._held = bytearray()
        self._first = 0  # the number of the first line held, 0 where none is
        self._next = 0  # the number of the line behind the last one held
        self._length = 0
        self._open = bytearray()
        self._last = b""

    def take(self, piece: Piece, is_last: bool) -> Iterator[Piece]:
        """Yield what is whole with a line."""
        if self._first and not self._goes_on(piece):
            last = piece
            for number, part in enumerate(self._apart()):
                if number:
                    yield last
                last = part
            if piece.reason and piece.reason != "too large":  # the stream ended inside of it
                piece = Piece(last.line, b"", last.length + piece.length, piece.reason)
            else:
                yield last
        if piece.reason or not (self._first or self._begins(piece.text)):
            piece.alone = self._is_first and is_last and not piece.reason
            self._is_first = False
            yield piece
            return
        self._join(piece)
        if not self._open:
            whole = self._whole()
            whole.alone = self._is_first and is_last
            self._is_first = False
            self._forget()
            yield whole

    def end(self) -> Iterator[Piece]:
        """Yield what is left at the end of the stream."""
        if self._first:
            yield from self._apart()

    def _begins(self, text: Bytes) -> bool:
        return text[:_EDGE].lstrip(_BLANK).startswith(_STARTS) and text[-_EDGE:].rstrip(_BLANK).endswith(_OPEN)

    def _goes_on(self, piece: Piece) -> bool:
        """Return whether a line goes on with the document that is held."""
        if piece.reason:
            return False
        begin = piece.text[:_EDGE].lstrip(_BLANK)[:1]
        if not self._last.endswith(_OPEN):
            return begin in _CLOSE
        if self._open[-1:] == b"{" and self._last.endswith((b"{", b",")):
            return begin in (b'"', b"}")
        return True

    def _join(self, piece: Piece) -> None:
        for bracket in _TEXT.sub(b"", piece.text).translate(None, _OTHERS):
            if bracket not in _PAIRS:
                if len(self._open) <= self._limits.document:
                    self._open.append(bracket)
            elif self._open and self._open[-1] == _PAIRS[bracket]:
                self._open.pop()
        self._last = bytes(piece.text[-_EDGE:]).rstrip(_BLANK)[-1:]
        self._first = self._first or piece.line
        blank = piece.line - (self._next or piece.line)  # lines between, which are kept for their number
        self._next = piece.line + 1
        self._length += blank + piece.length + 1
        if self._length > self._limits.document:
            self._held = bytearray()
        else:
            self._held += b"\n" * blank
            self._held += piece.text
            self._held += b"\n"

    def _whole(self) -> Piece:
        if self._length > self._limits.document:
            return Piece(self._first, b"", self._length, "too large")
        return Piece(self._first, self._held, self._length)

    def _apart(self) -> Iterator[Piece]:
        """Yield line by line what does not go on: a line that begins like a record begins another one."""
        whole = self._whole()
        self._forget()
        self._is_first = False
        if whole.reason:
            yield whole
            return
        part: Piece | None = None
        for number, text in enumerate(_split(whole.text), whole.line):
            if part and not text.startswith(_STARTS):
                part.text += b"\n" + text
                part.length += len(text) + 1
                continue
            if part:
                yield part
            part = Piece(number, bytearray(text), len(text))
        if part:
            yield part


def _split(text: Bytes) -> Iterator[Bytes]:
    """Yield the lines of a text one by one, each of which ends in a line break."""
    start = 0
    while (end := text.find(b"\n", start)) >= 0:
        yield text[start:end]
        start = end + 1
