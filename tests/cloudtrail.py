"""Events of CloudTrail, in files."""

import json
from collections.abc import Sequence
from pathlib import Path


def lines(first: int, last: int, at: str = "2026-06-01T00:00:00Z") -> list[str]:
    """Return events of CloudTrail, a line each (CloudTrail record contents, event version 1.11)."""
    return [
        json.dumps(
            {
                "eventVersion": "1.11",
                "eventID": f"00000000-0000-4000-8000-{number:012}",
                "eventTime": at,
                "eventSource": "s3.amazonaws.com",
                "eventName": "GetObject",
                "userIdentity": {"arn": "arn:aws:iam::123456789012:user/mio"},
            }
        )
        for number in range(first, last + 1)
    ]


def write(file: Path, found: Sequence[str]) -> Path:
    file.write_text("".join(f"{one}\n" for one in found), encoding="utf-8")
    return file
