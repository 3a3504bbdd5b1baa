"""Secrets by reference: `env:NAME` or `file:/path`; their values stand nowhere."""

import os
from pathlib import Path

from model.fault import Refused


def secret(reference: str) -> bytes:
    """Return the secret; raises `Refused`, which names the reference only."""
    kind, _, where = reference.partition(":")
    if kind == "env":
        value = os.environ.get(where, "")
        if not value:
            raise Refused(f"the secret {reference} is not set")
        return value.encode()
    try:
        return Path(where).read_bytes().strip()
    except OSError as problem:
        raise Refused(f"the secret {reference} cannot be read: {problem.strerror}") from None
