"""JSON lines: each finding as the program keeps it, and as the HTTP API answers it."""

from collections.abc import Iterable, Iterator

import msgspec

from model.finding import Finding
from reports.export import Export


def write(findings: Iterable[Finding], export: Export) -> Iterator[str]:
    """Yield one line for each finding, with the provider's name where there is one; both languages are in it."""
    provider = {"provider": msgspec.to_builtins(export.provider)} if export.provider else {}
    for finding in findings:
        yield msgspec.json.encode(msgspec.to_builtins(finding) | provider if provider else finding).decode() + "\n"
