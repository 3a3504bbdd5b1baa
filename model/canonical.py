"""One spelling for equal values, so that equal things have equal hashes."""

import base64
import hashlib
from datetime import UTC, datetime
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(order="sorted")


def encode(value: object) -> bytes:
    """Return the value as JSON with sorted keys and no white space."""
    return _ENCODER.encode(value)


def digest(*parts: object) -> str:
    """Return the first 128 bits of SHA-256 over the parts' canonical JSON, as 32 hex digits."""
    return hashlib.sha256(encode(parts)).hexdigest()[:32]


def instant(moment: datetime) -> str:
    """Return an aware moment as UTC in RFC 3339 with microseconds: sorts as it reads.

    Raises `ValueError` for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("a moment without a time zone")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_instant(text: str) -> datetime:
    """Return the moment that `instant` wrote, or any RFC 3339 text; without an offset it is UTC."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def plain(value: Any) -> Any:
    """Return an SDK's value as JSON values, without fields that are null: moments as RFC 3339, bytes as base64.

    Raises `TypeError` for a value that has no JSON form.
    """
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(v) for v in value]  # a null is an element
    if isinstance(value, datetime):
        return instant(value if value.tzinfo else value.replace(tzinfo=UTC))
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode("ascii")
    if value is None or isinstance(value, str | int | float | bool):
        return value
    raise TypeError(f"no JSON form for {type(value).__name__}")
