"""What is wrong with a channel as a file names it: its type, and the settings of that."""

from collections.abc import Iterator

import msgspec

from catalog.form import convert
from catalog.yaml_reader import Document, KeyPath
from model.fault import Fault, Refused
from model.tenant import Channel
from notifier import channels


def faults(document: Document, path: KeyPath, channel: Channel) -> Iterator[Fault]:
    """Yield the faults of a channel that stands at a path of a document."""
    if channel.type not in channels.types():
        known = ", ".join(channels.types())
        yield document.fault((*path, "type"), f"{channel.type!r} is no type of channel; known are {known}")
        return
    try:
        if channel.settings:
            convert(document, channels.way(channel.type).settings, (*path, "settings"))
        else:
            msgspec.convert({}, channels.way(channel.type).settings)
    except Refused as refused:
        yield from refused.faults
    except msgspec.ValidationError:
        yield document.fault(path, "lacks 'settings'")
