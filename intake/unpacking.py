"""Bytes of a stream, unpacked where they are packed: gzip (RFC 1952) of any number of members, zlib (RFC 1950)."""

import zlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from intake.limits import LogLimits, Reason

_GZIP = b"\x1f\x8b"
_ZLIB = 0x78  # how zlib begins with its usual window; no JSON text begins with an x
_EITHER = zlib.MAX_WBITS | 32


class BrokenStreamError(Exception):
    """The stream cannot be read any further."""

    def __init__(self, reason: Reason) -> None:
        self.reason: Reason = reason
        super().__init__(reason)


def unpacked(stream: BinaryIO, limits: LogLimits) -> Iterator[bytes]:
    """Yield what a stream holds, in pieces of at most `limits.chunk` bytes.

    Raises `BrokenStreamError` where it is packed and broken, cut off, or a bomb by the limits.
    """
    first = stream.read(limits.chunk)
    if len(first) == 1:  # a pipe gives what there is
        first += stream.read(limits.chunk)
    if not _is_packed(first):
        while first:
            yield first
            first = stream.read(limits.chunk)
        return
    yield from _Unpacker(limits).pieces(first, stream)


def _is_packed(first: bytes) -> bool:
    if first.startswith(_GZIP):
        return True
    return len(first) > 1 and first[0] == _ZLIB and int.from_bytes(first[:2], "big") % 31 == 0


class _Unpacker:
    """Unpacks one stream, and counts."""

    def __init__(self, limits: LogLimits) -> None:
        self._limits = limits
        self._member: Any = zlib.decompressobj(_EITHER)
        self._packed = 0
        self._unpacked = 0

    def pieces(self, first: bytes, stream: BinaryIO) -> Iterator[bytes]:
        packed = first
        while packed:
            self._packed += len(packed)
            yield from self._of(packed)
            packed = stream.read(self._limits.chunk)
        if not self._member.eof:
            raise BrokenStreamError("cut off")

    def _of(self, packed: bytes) -> Iterator[bytes]:
        while packed:
            if self._member.eof:
                packed = packed.lstrip(b"\0")  # padding, which gzip takes, too
                if not packed:
                    return
                self._member = zlib.decompressobj(_EITHER)
            try:
                piece = self._member.decompress(packed, self._limits.chunk)
            except zlib.error:
                raise BrokenStreamError("broken packing") from None
            self._count(len(piece))
            if piece:
                yield piece
            packed = self._member.unused_data if self._member.eof else self._member.unconsumed_tail

    def _count(self, length: int) -> None:
        self._unpacked += length
        most = max(self._limits.leeway, self._packed * self._limits.ratio)
        if self._unpacked > min(most, self._limits.unpacked):
            raise BrokenStreamError("a bomb")
