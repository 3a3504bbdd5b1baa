"""States and what differs between them; pure.

A mapping is looked into, anything else is one value. What a playbook lists by content (a firewall's rules) is a mapping
with the content as its key, so that neighbours never belong to a difference.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import UNSET

from model.plan import Change, State

_HANDLE = "_"


def bare(state: Mapping[str, Any]) -> State:
    """Return a state without its handles: what is compared and planned."""
    return {
        key: bare(value) if isinstance(value, Mapping) else value
        for key, value in state.items()
        if not key.startswith(_HANDLE)
    }


def same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Return whether two states are equal, handles aside."""
    return not difference(one, other)


def difference(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """Return every value that differs, by path."""
    return tuple(_differences(bare(before), bare(after), ()))


def _differences(before: State, after: State, path: tuple[str, ...]) -> Iterator[Change]:
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key, UNSET), after.get(key, UNSET)
        if isinstance(old, dict) and isinstance(new, dict):
            yield from _differences(old, new, (*path, key))
        elif type(old) is not type(new) or old != new:  # 1 is not true
            yield Change((*path, key), old, new)


class Conflict(Exception):
    """What is to be rolled back was changed by somebody else since: three values for a person to look at."""

    def __init__(self, places: tuple[tuple[Change, Any], ...]) -> None:
        super().__init__(", ".join(".".join(change.path) for change, _ in places))
        self.places = places


def rolled_back(goal: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> State:
    """Return the present state (`now`) with our changes rolled back, and nothing else.

    A value that is what we made of it (`after`) becomes the goal's; one that is the goal's already stays. Raises
    `Conflict` with all others.
    """
    result: State = bare(now)
    conflicts = []
    for change in difference(goal, after):
        present = value_at(now, change.path)
        if _equal(present, change.after):
            put(result, change.path, _raw(goal, change.path))
        elif not _equal(present, change.before):
            conflicts.append((change, present))
    if conflicts:
        raise Conflict(tuple(conflicts))
    return result if not same(result, goal) else dict(goal)  # the goal's own handles and spelling, where it is reached


def is_between(before: Mapping[str, Any], after: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    """Return whether a state (`now`) could be what a change that was broken off has left.

    Whatever differs from `before` is as in `after`: nothing is of anybody else's making.
    """
    halfway = {change.path: change for change in difference(before, after)}
    return all(
        (change := halfway.get(other.path)) is not None and _equal(other.after, change.after)
        for other in difference(before, now)
    )


def value_at(state: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at a path, UNSET where there is none."""
    value: Any = state
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return UNSET
        value = value[key]
    return bare(value) if isinstance(value, Mapping) else value


def _raw(state: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value at a path with its handles."""
    value: Any = state
    for key in path:
        if key not in value:
            return UNSET
        value = value[key]
    return value


def put(state: State, path: tuple[str, ...], value: Any) -> None:
    """Set the value at a path of a state in place; UNSET takes it away."""
    for key in path[:-1]:
        state = state.setdefault(key, {})
    if value is UNSET:
        state.pop(path[-1], None)
    else:
        state[path[-1]] = value


def _equal(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)
