"""Files that are written whole or not at all, for their owner alone, and outlast a loss of power."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# What a file's name ends with while it is written; whoever was killed leaves one.
PART = ".part"


@contextmanager
def written(file: Path, *, over: bool = True, mode: int = 0o600) -> Iterator[IO[bytes]]:
    """Yield what a file's content is written to; the file is there afterwards, unless writing ends with an exception.

    It takes the place of one that is there (`over`), or else raises `FileExistsError`: of several who write, the first
    one's stays. Raises `OSError`. The folder is made; only the file's owner reads it, unless its mode is another.
    """
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = file.with_name(f"{file.name}.{secrets.token_hex(4)}{PART}")
    try:
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
            yield out
            os.fchmod(out.fileno(), mode)
            out.flush()
            os.fsync(out.fileno())
        (os.replace if over else os.link)(part, file)
        _sync(file.parent)
    finally:
        part.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    """Let a folder's entries stand after a loss of power."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
