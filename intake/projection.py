"""Only what a source's form names is decoded: the form as a Struct type, made once for a source."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property, lru_cache
from operator import attrgetter
from typing import Any, TypeAlias

import msgspec
from msgspec import UNSET, Struct

from intake.envelopes import field_of
from model.log_source import ENVELOPE_KEYS, EnvelopeName, Keys, LogSource, Part, parts_of

_MOST_TYPES = 4_096  # of events, of which it is kept whether they are critical: clouds have a few thousand
_MESSAGE_TYPE = "messageType"  # of CloudWatch's subscriptions

Getter: TypeAlias = Callable[[Any], object]


class _Node:
    """A key of the form: whether a text may stand there, and the keys below it."""

    def __init__(self) -> None:
        self.has_text = False
        self.below: dict[str, _Node] = {}

    def add(self, keys: Sequence[str]) -> None:
        if not keys:
            self.has_text = True
            return
        self.below.setdefault(keys[0], _Node()).add(keys[1:])

    @cached_property
    def names(self) -> Mapping[str, str]:
        """Return the names of fields by the keys: keys are no identifiers."""
        return {key: f"f{number}" for number, key in enumerate(self.below)}

    def form(self, more: Sequence[tuple[str, Any, str]] = ()) -> type[Struct]:
        """Return the keys below as a Struct; `more` fields are (name, type, key)."""
        fields = [(self.names[key], node.field(), None) for key, node in self.below.items()]
        renamed = {self.names[key]: key for key in self.below} | {name: key for name, _, key in more}
        extra = [(name, form, UNSET) for name, form, _ in more]
        return msgspec.defstruct("Projection", [*fields, *extra], rename=renamed, frozen=True, gc=False)

    def field(self) -> Any:
        """Return the type of what may stand under the key; null is as if it were not there."""
        form: Any = None
        for part in [self.form()] * bool(self.below) + [str] * self.has_text:
            form = part if form is None else form | part
        return form | None


class Projection:
    """How one source's documents are decoded, and what is found in them."""

    def __init__(self, source: LogSource) -> None:
        root = _Node()
        root.add((_MESSAGE_TYPE,))
        places = {name: [parts_of(place) for place in listed] for name, listed in source.event.places().items()}
        for part in (part for listed in places.values() for parts in listed for part in parts):
            root.add(part.keys)
        self.envelopes: list[tuple[str, EnvelopeName]] = [
            (f"e{number}", name) for number, name in enumerate(source.envelopes)
        ]
        # Asked for several fields, a getter gives all at once: the form's own first, so that there are several.
        self._wrappings = attrgetter(root.names[_MESSAGE_TYPE], *(field for field, _ in self.envelopes))
        self.envelope_keys = frozenset(ENVELOPE_KEYS[name] for name in source.envelopes)
        form = root.form([(field, field_of(name), ENVELOPE_KEYS[name]) for field, name in self.envelopes])
        self._has_envelopes = bool(self.envelopes)
        self.decode = msgspec.json.Decoder(form).decode
        self.message_type = _getter(root, (_MESSAGE_TYPE,))
        self.id, self.time, self.type, self.principal = (_finder(root, places[name]) for name in places)
        self.is_critical = lru_cache(maxsize=_MOST_TYPES)(_judge(source))

    def is_wrapped(self, decoded: Any) -> bool:
        """Return whether a decoded document has a key of one of the source's envelopes."""
        return self._has_envelopes and self._wrappings(decoded).count(UNSET) < len(self.envelopes)


def _judge(source: LogSource) -> Callable[[str], bool]:
    """Return what says whether a type of events is one of a source's critical types."""
    critical = [folded(one.type) for one in source.critical]
    exact = frozenset(critical)
    beginnings = tuple(one[:-1] for one in critical if one.endswith(b"*"))
    return lambda type_: folded(type_) in exact or folded(type_).startswith(beginnings)


def folded(text: str) -> bytes:
    """Return a text as types are compared: without the case of ASCII letters, which are all that providers use.

    Other characters have no case here: some have an ASCII letter as their lower case, as KELVIN SIGN has `k`, and
    whoever searches bytes for types (`intake.lane`) would have to know them.
    """
    return text.encode().lower()


def _getter(root: _Node, keys: Keys) -> Getter:
    """Return what gets the value at a path; it raises AttributeError where an object is missing on the way."""
    names, node = [], root
    for key in keys:
        names.append(node.names[key])
        node = node.below[key]
    return attrgetter(".".join(names))


def _finder(root: _Node, places: Sequence[Sequence[Part]]) -> Callable[[Any], str]:
    """Return what finds the text at the first place that there is, the empty text where there is none."""
    getters = [[(part.before, _getter(root, part.keys)) for part in parts] for parts in places]
    compiled = [(first, others) for (_, first), *others in getters]

    def find(decoded: Any) -> str:
        for first, others in compiled:
            try:  # as in `_text`: a call less for each field of each event
                text = first(decoded)
            except AttributeError:
                continue
            if text and isinstance(text, str):
                return text + "".join(_rest(others, decoded)) if others else text
        return ""

    return find


def _rest(parts: Sequence[tuple[str, Getter]], decoded: Any) -> Iterator[str]:
    for before, get in parts:
        if text := _text(get, decoded):
            yield before + text


def _text(get: Getter, decoded: Any) -> str:
    try:
        value = get(decoded)
    except AttributeError:
        return ""
    return value if isinstance(value, str) else ""
