"""CodeBuild's build specifications: where they name what is read from a store (YAML, by events)."""

from collections.abc import Iterator
from typing import Any

import yaml

# Where a build specification names what it reads from a store, and how deep such a place can be looked for.
_STORED_IN_BUILD = frozenset({("env", "parameter-store"), ("env", "secrets-manager")})
_DEEPEST = 100


def stored_spans(text: str) -> list[tuple[int, int]]:
    """Return where the references to stores stand, from and to which character; a text that is no YAML has none."""
    try:
        return [(start, end) for path, start, end in _scalars(text) if path[:-1] in _STORED_IN_BUILD]
    except (yaml.YAMLError, ValueError):
        return []


def _scalars(text: str) -> Iterator[tuple[tuple[str, ...], int, int]]:
    """Yield the values of a YAML text, each with the keys that lead to it and where it stands.

    It goes by events, so that neither aliases nor deep nesting cost anything.
    """
    stack: list[_Level] = []
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.CollectionEndEvent):
            stack.pop()
        elif isinstance(event, yaml.NodeEvent):
            path = tuple(level.key for level in stack)
            if not (stack and stack[-1].took_key(event)) and isinstance(event, yaml.ScalarEvent):
                yield path, _index(event.start_mark), _index(event.end_mark)
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append(_Level(isinstance(event, yaml.MappingStartEvent)))
        if len(stack) > _DEEPEST:
            raise ValueError


def _index(mark: Any) -> int:
    return int(mark.index)


class _Level:
    """A mapping or list of a YAML text while it is read: the key that was read last, none in a list."""

    def __init__(self, mapping: bool) -> None:
        self.key = ""
        self._mapping = mapping
        self._has_key = False

    def took_key(self, node: yaml.NodeEvent) -> bool:
        """Return whether the node is a key; the next one is its value then."""
        if not self._mapping:
            return False
        self._has_key = not self._has_key
        if self._has_key:
            self.key = str(getattr(node, "value", ""))
        return self._has_key
