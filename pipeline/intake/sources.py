"""The sources of monitoring logs that are known."""

from collections.abc import Mapping
from functools import cache

from catalog.folder import config_folder
from catalog.sources import load
from model.fault import Refused
from model.log_source import LogSource


@cache
def sources() -> Mapping[str, LogSource]:
    """Return the sources by their ids, as they came with the program."""
    return load(config_folder())


def source_called(name: str) -> LogSource:
    """Return the source of a name; raises `Refused` for a name that none has."""
    if name not in sources():
        raise Refused(f"there is no source {name!r}; known are {', '.join(sources())}")
    return sources()[name]
