"""Where something lies in a reply: `Reservations[].Instances[]`. Nothing is passed over on the way, unlike JMESPath.

JMESPath leaves out of a list what is null there, and what has no field of the name.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct


class Misplaced(Struct, frozen=True):
    """What stands where rows should."""

    value: Any


_ABSENT = object()


def listed(path: str, reply: Mapping[str, Any]) -> Iterator[Any]:
    """Yield the rows at a path of a reply, odd ones too; a `Misplaced` for each place where rows should be and are not.

    There are none where the reply leaves out the path's first field, or says that their quantity is nought.
    """
    if path.partition(".")[0].removesuffix("[]") not in reply:
        return
    within, _, last = path.removesuffix("[]").rpartition(".")
    for holder in _elements(within, reply) if within else [reply]:
        if not isinstance(holder, Mapping):
            yield Misplaced(holder)
        elif last in holder or holder.get("Quantity") != 0:
            rows = holder.get(last)
            yield from rows if isinstance(rows, list) else [Misplaced(rows)]


def looked_up(path: str, reply: Any) -> Any:
    """Return what lies at a path, None where it is absent.

    Of a list it is what its elements have there. An element that is null, or that could not have it, is null there too.
    """
    before, many, _ = path.partition("[]")
    held = reply
    for name in before.split("."):
        held = held.get(name) if isinstance(held, Mapping) else None
    if held is None or not many:
        return held
    return [None if isinstance(one, Misplaced) else one for one in _elements(path, reply) if one is not _ABSENT]


def _elements(path: str, value: Any) -> Iterator[Any]:
    """Yield what a path leads to from a value; a mark for what is absent, and for what is not as the path says."""
    step, _, rest = path.partition(".")
    name, many = step.removesuffix("[]"), step.endswith("[]")
    if not isinstance(value, Mapping):
        yield Misplaced(value)
        return
    inner = value.get(name)
    if inner is None or (many and not isinstance(inner, list)):
        yield _ABSENT if inner is None else Misplaced(inner)
        return
    for one in inner if many else [inner]:
        if rest:
            yield from _elements(rest, one)
        else:
            yield one
