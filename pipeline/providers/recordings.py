"""Recorded exchanges through the parsers that scans use."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from catalog.json_reader import parse_json
from catalog.yaml_reader import content
from collectors.recorded import Parsed
from model.fault import Fault, Refused
from pipeline.providers.provider import Provider

# The longest page of a cloud's list is a tenth of it.
_MOST_BYTES = 64 * 2**20


def parse(files: Sequence[Path], provider: Provider) -> Iterator[tuple[Path, Parsed]]:
    """Yield for each resource of each file what becomes of it.

    A file that is no JSON, or none that a cloud would send, is `malformed` as a whole. Raises `Refused` for files that
    cannot be read or are too large, and where the provider has no recordings.
    """
    missing = [Fault(str(file), 0, 0, "there is no such file") for file in files if not file.exists()]
    if missing:
        raise Refused(missing)
    if provider.recordings is None:
        raise Refused(f"{provider.name} has no recordings")
    read = provider.recordings()
    for file in files:
        raw = content(file, most=_MOST_BYTES)
        try:
            exchange = parse_json(raw, str(file), dict[str, Any])
        except Refused:
            yield file, Parsed("", "", "malformed")
            continue
        for parsed in read(exchange):
            yield file, parsed
