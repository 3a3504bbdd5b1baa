"""JSON lines: each finding as the program keeps it, and as the HTTP API answers it."""

from collections.abc import Iterable, Iterator

import msgspec

from model.finding import Finding
from reports.export import Export


def write(findings: Iterable[Finding], _export: Export) -> Iterator[str]:
    """Yield one line for each finding; both languages are in it."""
    for finding in findings:
        yield msgspec.json.encode(finding).decode() + "\n"
