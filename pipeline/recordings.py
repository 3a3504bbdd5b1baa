"""Recorded exchanges through the parsers that scans use."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec

from collectors.azure import recordings as azure_recordings
from collectors.azure import resource_types as azure_types
from collectors.azure.recordings import Parsed
from model.fault import Fault, Refused


def parse(files: Sequence[Path], provider: Literal["azure", "gcp"]) -> Iterator[tuple[Path, Parsed]]:
    """Yield for each resource of each file what becomes of it; raises `Refused` for files that cannot be read.

    A file that is no JSON is `malformed` as a whole.
    """
    missing = [Fault(str(file), 0, 0, "there is no such file") for file in files if not file.is_file()]
    if missing:
        raise Refused(missing)
    types = azure_types.load()
    for file in files:
        try:
            exchange = msgspec.json.decode(file.read_bytes())
        except (msgspec.DecodeError, UnicodeDecodeError):
            yield file, Parsed("", "", "malformed")
            continue
        for parsed in azure_recordings.read(exchange, types):
            yield file, parsed
