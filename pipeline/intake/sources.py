"""The sources of monitoring logs that are known."""

from collections.abc import Mapping

from catalog.sources import shipped
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
