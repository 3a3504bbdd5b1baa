"""Recorded exchanges through the parsers that scans use."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec

from collectors.azure import recordings as azure_recordings
from collectors.azure import resource_types as azure_types
from collectors.azure.recordings import Parsed
from collectors.gcp import resource_types as gcp_types
from collectors.gcp.recordings import Recordings
from model.fault import Fault, Refused


def parse(files: Sequence[Path], provider: Literal["azure", "gcp"]) -> Iterator[tuple[Path, Parsed]]:
    """Yield for each resource of each file what becomes of it; raises `Refused` for files that cannot be read.

    A file that is no JSON is `malformed` as a whole.
    """
    missing = [Fault(str(file), 0, 0, "there is no such file") for file in files if not file.is_file()]
    if missing:
        raise Refused(missing)
    read = _reader(provider)
    for file in files:
        try:
            exchange = msgspec.json.decode(file.read_bytes())
        except (msgspec.DecodeError, UnicodeDecodeError):
            exchange = None
        if not isinstance(exchange, dict):
            yield file, Parsed("", "", "malformed")
            continue
        for parsed in read(exchange):
            yield file, parsed


def _reader(provider: Literal["azure", "gcp"]) -> Callable[[dict[str, Any]], Iterable[Parsed]]:
    if provider == "azure":
        types = azure_types.load()
        return lambda exchange: azure_recordings.read(exchange, types)
    gcp = Recordings(gcp_types.load())
    return lambda exchange: (Parsed(*line) for line in gcp.read(exchange))
