"""The sources of monitoring logs that are known."""

from collections.abc import Mapping
from functools import cache

from catalog.sources import shipped
from intake.lane import CriticalSigns
from model.fault import Refused
from model.log_source import LogSource


def sources() -> Mapping[str, LogSource]:
    """Return the sources by their ids, as they came with the program."""
    return shipped()


def source_called(name: str) -> LogSource:
    """Return the source of a name; raises `Refused` for a name that none has."""
    if name not in sources():
        raise Refused(f"there is no source {name!r}; known are {', '.join(sources())}")
    return sources()[name]


@cache
def signs_of(source: str) -> CriticalSigns:
    """Return what critical events of a source are found by."""
    return CriticalSigns(sources()[source])
