"""Recorded exchanges through the parsers that scans use."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec

from collectors.recorded import Parsed
from model.fault import Fault, Refused
from pipeline.providers.provider import Provider


def parse(files: Sequence[Path], provider: Provider) -> Iterator[tuple[Path, Parsed]]:
    """Yield for each resource of each file what becomes of it.

    A file that is no JSON is `malformed` as a whole. Raises `Refused` for files that cannot be read, and where the
    provider has no recordings.
    """
    missing = [Fault(str(file), 0, 0, "there is no such file") for file in files if not file.is_file()]
    if missing:
        raise Refused(missing)
    if provider.recordings is None:
        raise Refused(f"{provider.name} has no recordings")
    read = provider.recordings()
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
