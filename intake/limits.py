"""How much of a stream is held and unpacked at once, and why something in it is set aside."""

from typing import Literal, TypeAlias

from msgspec import Struct

Reason: TypeAlias = Literal[
    "a bomb",  # unpacked, it is too large, or too many times what it was
    "a lone surrogate",
    "a NUL",
    "a wrong type",  # in a place where the source has a text
    "broken envelope",  # what it holds is no list, no text, or again an envelope, and so on
    "broken packing",
    "cut off",
    "nested too deep",  # than the decoder goes: 1,000 levels or so
    "no object",
    "not JSON",
    "not UTF-8",
    "too large",
]


class LogLimits(Struct, frozen=True):
    """Bounds of reading, in bytes but for `ratio` (unpacked bytes to one packed) and `elements`.

    A document of several events may be as long as `document`, and has at most so many objects (`elements`), or tiny
    values, and three times as many commas; one event may be as long as `event`.
    The ratio counts once more than `leeway` was unpacked: deflate does
    not reach more than 1,032 (https://zlib.net/zlib_tech.html), logs reach a few dozens.
    """

    event: int = 1_048_576
    document: int = 48_000_000
    elements: int = 700_000
    unpacked: int = 4_000_000_000
    ratio: int = 300
    leeway: int = 16_000_000
    chunk: int = 262_144


LIMITS = LogLimits()
