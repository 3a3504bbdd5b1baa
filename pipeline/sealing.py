"""Streams sealed at rest: in frames, each of them encrypted, so that one of any length is written and read in parts.

A file has a salt, and frames of `FRAME` bytes (the last one shorter) in AES-256-GCM. The key is derived from the
tenant's for this file alone (HKDF, RFC 5869), so that a frame's nonce is its number, and whether it is the last: frames
can be neither exchanged nor left out (Hoang, Reyhanitabar, Rogaway and Vizár, Online Authenticated-Encryption and its
Nonce-Reuse Misuse-Resistance, CRYPTO 2015: STREAM).
"""

import io
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from model.fault import Fault, Refused

FRAME = 256 * 1024
_TAG, _SALT = 16, 32


def sealed(chunks: Iterable[bytes], key: bytes, name: str) -> Iterator[bytes]:
    """Yield what a file holds in which a stream's chunks are sealed by a tenant's key, bound to the file's name."""
    salt = os.urandom(_SALT)
    yield salt
    cipher, held, number = _cipher(key, salt, name), bytearray(), 0
    for chunk in chunks:
        held += chunk
        while len(held) > FRAME:
            yield cipher.encrypt(_nonce(number, last=False), bytes(held[:FRAME]), None)
            del held[:FRAME]
            number += 1
    yield cipher.encrypt(_nonce(number, last=True), bytes(held), None)


class Damaged(Refused):
    """A file is not what was sealed under its name."""


class Opened(io.RawIOBase):
    """A sealed file as the stream that it was.

    Raises `Refused` where it cannot be read; reading raises `Damaged` where it was changed, cut off, or is another's.
    """

    def __init__(self, file: Path, key: bytes, name: str) -> None:
        super().__init__()
        self._path = file
        try:
            self._file = file.open("rb")
        except OSError as problem:
            raise Refused([Fault(str(file), 0, 0, f"cannot be read: {problem.strerror}")]) from None
        self._cipher = _cipher(key, self._file.read(_SALT), name)
        self._next = self._file.read(FRAME + _TAG)
        self._number = 0
        self._held = memoryview(b"")
        self._is_begun = False  # what is empty has a frame, too: a file without any was cut off

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def close(self) -> None:
        """Close the file, too."""
        if not self.closed:
            self._file.close()
        super().close()

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into a buffer; return how many bytes, none at the end."""
        if not self._held and (self._next or not self._is_begun):
            self._held = memoryview(self._frame())
        length = min(len(buffer), len(self._held))
        buffer[:length] = self._held[:length]
        self._held = self._held[length:]
        return length

    def _frame(self) -> bytes:
        frame, self._next, self._is_begun = self._next, self._file.read(FRAME + _TAG), True
        try:
            content = self._cipher.decrypt(_nonce(self._number, last=not self._next), frame, None)
        except InvalidTag:
            raise Damaged([Fault(str(self._path), 0, 0, "was changed since it was sealed, or is another's")]) from None
        self._number += 1
        return content


def _cipher(key: bytes, salt: bytes, name: str) -> AESGCM:
    return AESGCM(HKDF(SHA256(), 32, salt, name.encode()).derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes([last])
