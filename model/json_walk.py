"""The one walk over JSON values: a dict or a list is looked into, all else is a leaf."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

Made = Callable[[Any], Any]


class Walk:
    """Makes JSON values anew at every depth; safe to share between threads, and quicker when it is made once.

    In the place of a leaf stands what the function of its type in `by_type` makes of it, and in the place of what has a
    name of `fields` likewise, which is not looked into. Fields named in `without` are left out, and so are fields that
    are null, unless `nulls` are wanted. A null in a list stays: an element that says nothing is not one fewer.
    """

    def __init__(
        self,
        by_type: Mapping[type, Made] = {},
        *,
        fields: Mapping[str, Made] = {},
        without: Collection[str] = (),
        nulls: bool = True,
    ) -> None:
        self._made_of = _ByType({**by_type, dict: self.of, list: self.of})
        self._fields, self._without, self._nulls = fields, frozenset(without), nulls

    def of(self, value: Any) -> Any:
        """Return a JSON value made anew; raises `RecursionError` where it is nested deeper than any resource is.

        A level costs two calls: what passes is nested half as deep as what can be written and read again.
        """
        if isinstance(value, dict):
            return self._dict(value)
        if isinstance(value, list):
            return self._list(value)
        make = self._made_of[type(value)]
        return make(value) if make else value

    # Both ask for the type before they call anything: most leaves stay, and a call costs more than all else here.
    def _dict(self, value: dict[str, Any]) -> dict[str, Any]:
        made_of, fields, without, nulls = self._made_of, self._fields, self._without, self._nulls
        made = {}
        for name, inner in value.items():
            if name not in without and (nulls or inner is not None):
                make = fields[name] if name in fields else made_of[type(inner)]
                made[name] = make(inner) if make else inner
        return made

    def _list(self, value: list[Any]) -> list[Any]:
        made_of = self._made_of
        made = []
        for inner in value:
            make = made_of[type(inner)]
            made.append(make(inner) if make else inner)
        return made


class _ByType(dict[type, Made | None]):
    """What is made of values by their type or one that it derives from, as `isinstance` goes; None: they stay."""

    def __missing__(self, kind: type) -> Made | None:
        self[kind] = found = next((self[known] for known in kind.__mro__ if known in self), None)
        return found


def leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield the leaves of a JSON value in their order, each with the name of the field that it stands under.

    Elements of a list have the list's name; `name` is that of the value itself.
    """
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, key)
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, name)
    else:
        yield name, value
