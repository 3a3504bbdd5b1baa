"""The sources that the program ships, read once, and what reads a stream of bytes by one."""

import io
from functools import cache

from catalog import sources
from catalog.folder import config_folder
from intake.events import Control, Event, Malformed, read
from intake.limits import LIMITS, LogLimits
from model.log_source import LogSource


@cache
def shipped() -> dict[str, LogSource]:
    return sources.load(config_folder())


def taken(source: str, data: bytes, limits: LogLimits = LIMITS) -> list[Event | Malformed | Control]:
    return list(read(shipped()[source], io.BytesIO(data), limits))


def events(source: str, data: bytes) -> list[Event]:
    """Return what is read where all of it are events."""
    found = taken(source, data)
    assert all(isinstance(one, Event) for one in found), found
    return [one for one in found if isinstance(one, Event)]


def brief(source: str, data: bytes, limits: LogLimits = LIMITS) -> list[tuple[str, str]]:
    """Return position and reason of each, the id of an event."""
    return [
        (one.position, one.reason if isinstance(one, Malformed) else one.id if isinstance(one, Event) else "control")
        for one in taken(source, data, limits)
    ]
