"""JSON that others have written (RFC 8259), read within a limit of depth."""

import re
from itertools import accumulate
from typing import TypeVar

import msgspec

from model.fault import Fault, Refused

T = TypeVar("T")
MAX_DEPTH = 100
# Also one that never ends: else every quote in it would be looked at anew.
_TEXT = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*(?:"|\\?\Z)', re.DOTALL)
_DEEPER = {**dict.fromkeys(b"[{", 1), **dict.fromkeys(b"]}", -1)}
_OTHERS = bytes(set(range(256)) - set(_DEEPER))
_AT_BYTE = re.compile(r" \(byte (\d+)\)$")


def parse_json(raw: bytes, name: str, form: type[T]) -> T:
    """Return the value in `raw` bytes, of a form; `name` stands in errors.

    Raises `Refused` for what is no JSON, has another form, or is nested deeper than 100 levels: whatever walks it
    calls itself for each.
    """
    if _depth(raw) > MAX_DEPTH:
        raise Refused([Fault(name, 0, 0, f"is nested deeper than {MAX_DEPTH} levels")])
    try:
        return msgspec.json.decode(raw, type=form)
    except msgspec.MsgspecError as problem:
        raise Refused([_fault(raw, name, str(problem))]) from None
    except (UnicodeDecodeError, RecursionError):
        raise Refused([Fault(name, 0, 0, "is no JSON in UTF-8")]) from None


def _depth(raw: bytes) -> int:
    """Return how deep brackets outside of texts are nested."""
    brackets = _TEXT.sub(b"", raw).translate(None, _OTHERS)
    return max(accumulate(map(_DEEPER.__getitem__, brackets)), default=0)


def _fault(raw: bytes, name: str, problem: str) -> Fault:
    place = _AT_BYTE.search(problem)
    before = raw[: int(place[1])] if place else b""
    line, column = (before.count(b"\n") + 1, len(before) - before.rfind(b"\n")) if place else (0, 0)
    return Fault(name, line, column, f"is not the JSON that is needed: {_AT_BYTE.sub('', problem)}")
