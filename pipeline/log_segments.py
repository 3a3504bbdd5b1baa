"""What was processed, kept in sealed segments by tenant and day for as long as the contract says.

A segment is a file: JSON lines, deflated, sealed whole (AES-256-GCM) with the tenant's key and bound to its name. It is
there before the store knows of it; one that the store never came to know of is written over by whoever goes on.
"""

import hashlib
import hmac
import os
import shutil
import zlib
from collections.abc import Callable, Sequence
from datetime import date
from functools import cached_property
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from intake.events import Event
from model.fault import Fault, Refused
from model.log_volume import Segment
from pipeline.log_keys import KEPT, log_key
from pipeline.whole_files import written
from store.database import StoreFault

FOLDER = KEPT
_NONCE_BYTES = 12
_PSEUDONYM = 12  # hexadecimal digits: enough to tell a customer's principals apart
# What is repeated in logs is repeated near by; more effort makes a segment hardly smaller, and takes twice the time.
_EFFORT = 1


class Segments:
    """A tenant's segments in a home's folder."""

    def __init__(self, home: Path, tenant: str) -> None:
        self._home = home
        self._tenant = tenant

    def write(self, segment: Segment, events: Sequence[Event]) -> int:
        """Write events as a segment, whole or not at all; return how many bytes it has, sealed.

        Raises `StoreFault` where it cannot be written.
        """
        name = _name(segment)
        packed = zlib.compress(b"\n".join(event.raw for event in events), _EFFORT)
        nonce = os.urandom(_NONCE_BYTES)
        try:
            sealed = nonce + self._cipher.encrypt(nonce, packed, self._bound_to(name))
            with written(self._folder / name) as out:
                out.write(sealed)
        except OSError as problem:
            file = str(self._folder / name)
            raise StoreFault([Fault(file, 0, 0, f"cannot be written: {problem.strerror}")]) from None
        return len(sealed)

    def read(self, segment: Segment) -> list[bytes]:
        """Return the events of a segment as they came, in their order.

        Raises `Refused` where it is not there, or is not what was sealed under its name.
        """
        name = _name(segment)
        file = self._folder / name
        try:
            sealed = file.read_bytes()
            packed = self._cipher.decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], self._bound_to(name))
        except OSError as problem:
            raise Refused([Fault(str(file), 0, 0, f"cannot be read: {problem.strerror}")]) from None
        except (InvalidTag, ValueError):
            raise Refused([Fault(str(file), 0, 0, "was changed since it was sealed, or is another's")]) from None
        return zlib.decompress(packed).split(b"\n")

    def pseudonym(self, text: str) -> str:
        """Return a keyed pseudonym of a text: the same within a tenant, and nobody without its key can try names."""
        key = log_key(self._home, self._tenant)
        return hmac.new(key, b"pseudonym\0" + text.encode(), hashlib.sha256).hexdigest()[:_PSEUDONYM]

    def remove_before(self, day: date) -> None:
        """Remove all segments of the days before a day."""
        if self._folder.is_dir():
            for found in self._folder.iterdir():
                if found.name < day.isoformat():
                    shutil.rmtree(found)

    @property
    def _folder(self) -> Path:
        return self._home / FOLDER / self._tenant

    @cached_property
    def _cipher(self) -> AESGCM:
        return AESGCM(log_key(self._home, self._tenant))

    def _bound_to(self, name: str) -> bytes:
        return f"{self._tenant}/{name}".encode()


def segments_in(home: Path) -> Callable[[str], Segments]:
    """Return what gives each tenant's segments in a home's folder."""
    return lambda tenant: Segments(home, tenant)


def _name(segment: Segment) -> str:
    return f"{segment.day}/{segment.source}-{segment.id}.seg"
