"""Takes a file of logs in, in a process that kills itself (SIGKILL) at a point.

A point is `read:N`, `commit:N` or `committed:N`: before the N-th record is read, before or after the N-th commit;
`none:0` lets it live.
"""

import io
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from msgspec.structs import replace
from sqlalchemy import Engine, event
from sqlalchemy.pool import Pool

from catalog.folder import config_folder
from catalog.sources import load
from pipeline.clock import SystemClock
from pipeline.intake.files import opened
from pipeline.intake.taking import Intake, take
from pipeline.log_segments import Segments
from tests.homes import home_at
from tests.servers.reaper import Reaper

TENANT, SOURCE = "aozora", "aws.cloudtrail"


class Watched(io.RawIOBase):
    """A stream that is read in small parts; `comes` is called before each of them."""

    def __init__(self, inner: BinaryIO, comes: Callable[[], None]) -> None:
        super().__init__()
        self._inner, self._comes = inner, comes

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._comes()
        part = self._inner.read(min(len(buffer), 500))
        buffer[: len(part)] = part
        return len(part)


def live(folder: str, file: str, point: str) -> None:
    """Take the file in once, in many small transactions."""
    reaper, clock = Reaper(point), SystemClock()
    event.listen(Engine, "commit", lambda _connection: reaper.comes("commit"))
    event.listen(Pool, "checkin", lambda _dbapi, _record: reaper.comes("committed"))
    store = home_at(folder).tenant(TENANT)
    intake = Intake(
        TENANT, store, Segments(Path(folder), TENANT), load(config_folder())[SOURCE], clock, "p", "back-fill"
    )
    with opened(Path(file), SOURCE, clock) as incoming:

        def watched() -> BinaryIO:
            return io.BufferedReader(Watched(incoming.opened(), lambda: reaper.comes("read")), 500)

        take(intake, replace(incoming, opened=watched), batch=7)
