"""Files of monitoring logs that somebody gives us."""

import hashlib
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from model.canonical import instant
from model.clock import Clock
from model.fault import Fault, Refused
from model.log_volume import LogPiece
from pipeline.intake.taking import Incoming

_AT_ONCE = 2**20


def files_in(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are named, and those below folders that are, in the order of their names.

    Raises `Refused` where one is not there, or is neither.
    """
    faults = [_fault(path, "there is no such file or folder") for path in paths if not path.exists()]
    found: list[Path] = []
    for path in paths:
        found += sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    faults += [_fault(one, "is no file") for one in found if one.exists() and not one.is_file()]
    if faults:
        raise Refused(faults)
    return found


@contextmanager
def opened(path: Path, source: str, clock: Clock) -> Iterator[Incoming]:
    """Yield the file at a path as a piece of a source, known by its content, with a stream of what it held then.

    The clock says when that was; what is added later is another piece. Raises `Refused` where it cannot be read, or was
    changed meanwhile: what was taken in until then is kept.
    """
    try:
        with path.open("rb") as file:
            hashed, size = hashlib.sha256(), 0
            while part := file.read(_AT_ONCE):
                hashed.update(part)
                size += len(part)
            file.seek(0)
            sha256 = hashed.hexdigest()
            piece = LogPiece(source, sha256, sha256, str(path), instant(clock.now()))
            yield Incoming(piece, lambda: io.BufferedReader(_Same(path, file, size, sha256), _AT_ONCE))
    except OSError as problem:
        raise Refused([_fault(path, f"cannot be read: {problem.strerror or problem}")]) from None


class _Same(io.RawIOBase):
    """The first bytes of a file, as many as there were; at their end they have to be the same still."""

    def __init__(self, path: Path, file: BinaryIO, size: int, sha256: str) -> None:
        super().__init__()
        self._path = path
        self._file = file
        self._left = size
        self._sha256 = sha256
        self._hashed = hashlib.sha256()

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into a buffer; return how many bytes. Raises `Refused` at the end, where it is another file by now."""
        part = self._file.read(min(len(buffer), self._left))
        self._left -= len(part)
        self._hashed.update(part)
        buffer[: len(part)] = part
        if not part and (self._left or self._hashed.hexdigest() != self._sha256):
            raise Refused([_fault(self._path, "was changed while it was read; take it in again")])
        return len(part)


def _fault(path: Path, problem: str) -> Fault:
    return Fault(str(path), 0, 0, problem)
