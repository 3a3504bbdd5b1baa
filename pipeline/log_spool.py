"""What came in of monitoring logs and waits: sealed files by tenant and source, as they were sent.

A piece is there before the store knows of it. Of what the store does not come to know of, nobody was ever answered that
it is kept: it is removed after a while.
"""

import io
import os
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from model.fault import Fault
from pipeline.log_keys import WAITING, log_key
from pipeline.sealing import Opened, sealed
from pipeline.whole_files import PART, written
from store.database import StoreFault

# What was pushed, and what was fetched and can be fetched again.
PUSHED, FETCHED = WAITING, "spool/fetched"
_CRITICAL, _ORDINARY = ".critical", ".ordinary"
_BUFFER = 2**18
# So many pieces wait of one tenant at most, however small they are.
_MOST_PIECES = 20_000
# No file takes so long to be written.
_BROKEN_SECONDS = 3_600.0


class WaitingPiece(Struct, frozen=True):
    """A piece of a source that waits, by its id: since when (seconds of the clock of files), and its length, sealed.

    It is `critical` where an event of a critical type may be in it.
    """

    source: str
    id: str
    critical: bool
    since: float
    bytes: int


class Spool:
    """What waits of a tenant in a home's folder: what was `PUSHED`, or `FETCHED`."""

    def __init__(self, home: Path, tenant: str, kind: str = PUSHED) -> None:
        self._home = home
        self._tenant = tenant
        self._kind = kind

    def put(self, source: str, id_: str, chunks: Iterable[bytes], *, critical: bool = False) -> WaitingPiece:
        """Keep the chunks of a piece of a source, by its id, until it is processed; return how it waits.

        It is `critical` where an event of a critical type may be in it.

        Raises `StoreFault` where it cannot be written.
        """
        file, key = self._file(source, id_, critical), log_key(self._home, self._tenant)
        try:
            with written(file) as out:
                out.writelines(sealed(chunks, key, f"{source}/{id_}"))
        except OSError as problem:
            raise StoreFault([Fault(str(file), 0, 0, f"cannot be written: {problem.strerror}")]) from None
        status = file.stat()
        return WaitingPiece(source, id_, critical, status.st_mtime, status.st_size)

    def open(self, waiting: WaitingPiece) -> BinaryIO:
        """Return a stream of what a piece holds.

        Raises `Refused`, in mid-stream too, where it is not there, or not what was sealed under its name.
        """
        file = self._file(waiting.source, waiting.id, waiting.critical)
        name = f"{waiting.source}/{waiting.id}"
        return io.BufferedReader(Opened(file, log_key(self._home, self._tenant), name), _BUFFER)

    def remove(self, waiting: WaitingPiece) -> None:
        """Remove a piece that is processed; one that is not there is gone already."""
        self._file(waiting.source, waiting.id, waiting.critical).unlink(missing_ok=True)

    def waiting(self) -> list[WaitingPiece]:
        """Return what waits, the oldest first."""
        found = [one for folder in _entries(self._folder) if folder.is_dir() for one in _pieces(folder)]
        return sorted(found, key=lambda one: one.since)

    def is_full(self, most: int) -> bool:
        """Return whether as many bytes wait as may (`most`), or as many pieces."""
        found = self.waiting()
        return len(found) >= _MOST_PIECES or sum(one.bytes for one in found) >= most

    def free_bytes(self) -> int:
        """Return how many bytes the disk takes yet."""
        return shutil.disk_usage(self._home).free

    def changed(self) -> tuple[int, ...]:
        """Return something that differs once a piece has come, or has gone."""
        return tuple(sorted(folder.stat().st_mtime_ns for folder in _entries(self._folder)))

    def sweep(self) -> None:
        """Remove what whoever was killed while writing has left."""
        for folder in _entries(self._folder):
            for entry in _entries(Path(folder.path)):
                if entry.name.endswith(PART) and time.time() - entry.stat().st_mtime > _BROKEN_SECONDS:
                    Path(entry.path).unlink(missing_ok=True)

    def clear(self) -> None:
        """Remove everything."""
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def _folder(self) -> Path:
        return self._home / self._kind / self._tenant

    def _file(self, source: str, id_: str, critical: bool) -> Path:
        return self._folder / source / f"{id_}{_CRITICAL if critical else _ORDINARY}"


def spools_in(home: Path, kind: str = PUSHED) -> Callable[[str], Spool]:
    """Return what gives each tenant's spool of a kind in a home's folder."""
    return lambda tenant: Spool(home, tenant, kind)


def _entries(folder: Path) -> "list[os.DirEntry[str]]":
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except FileNotFoundError:
        return []


def _pieces(folder: "os.DirEntry[str]") -> list[WaitingPiece]:
    found = []
    for entry in _entries(Path(folder.path)):
        id_, dot, lane = entry.name.rpartition(".")
        if f"{dot}{lane}" not in (_CRITICAL, _ORDINARY):
            continue
        try:
            status = entry.stat()
        except FileNotFoundError:  # it was processed in between
            continue
        found.append(WaitingPiece(folder.name, id_, f".{lane}" == _CRITICAL, status.st_mtime, status.st_size))
    return found
