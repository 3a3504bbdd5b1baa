"""Sources of monitoring logs: where events have their parts, what they are wrapped in, which are critical."""

import re
from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from model.text import Text

EnvelopeName: TypeAlias = Literal[
    "aks-log",
    "azure-records",
    "cloudtrail-records",
    "cloudwatch-subscription",
    "lookup-event",
    "lookup-events",
]
# The key by which a document is known to be an envelope, and under which it holds what is inside.
ENVELOPE_KEYS: Mapping[EnvelopeName, str] = {
    "aks-log": "properties",
    "azure-records": "records",
    "cloudtrail-records": "Records",
    "cloudwatch-subscription": "logEvents",
    "lookup-event": "CloudTrailEvent",
    "lookup-events": "Events",
}
_KEY = re.compile(r'"([^"]+)"|([^."]+)')
_PATH = re.compile(r'(?:"[^"]+"|[^."{}\s]+)(?:\.(?:"[^"]+"|[^."{}\s]+))*')
_PART = re.compile(r"([^{}]*)\{([^{}]+)\}")

Keys: TypeAlias = tuple[str, ...]
# A path, or a text with paths in braces.
Place: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]
_Places: TypeAlias = Annotated[list[Place], Meta(min_length=1, max_length=10)]


class Part(Struct, frozen=True):
    """One path of a place: the keys that lead to a text, and what stands before that text."""

    before: str
    keys: Keys


def parts_of(place: str) -> list[Part]:
    """Return the parts of a place; the empty list where it is not written as one.

    A place is a path, keys joined by dots, a key that has dots in quotes: `protoPayload.methodName`. Or it is a text
    with paths in braces, `{verb} {objectRef.resource}/{objectRef.subresource}`: what such a path leads to is put in,
    and what is not there is left out together with the text before it.
    """
    if _PATH.fullmatch(place):
        return [Part("", _keys_of(place))]
    found = list(_PART.finditer(place))
    whole = bool(found) and sum(len(one[0]) for one in found) == len(place) and not found[0][1]
    if not whole or not all(_PATH.fullmatch(one[2]) for one in found):
        return []
    return [Part(one[1], _keys_of(one[2])) for one in found]


def _keys_of(path: str) -> Keys:
    return tuple(one[1] or one[2] for one in _KEY.finditer(path))


class EventForm(Struct, frozen=True, forbid_unknown_fields=True):
    """Where an event has its parts: for each the places in order, of which the first that is found counts.

    A place is found where its first path leads to a text that is not empty (`parts_of`).
    """

    id: _Places
    time: _Places
    type: _Places
    principal: _Places

    def places(self) -> Mapping[str, list[Place]]:
        """Return the places by the parts of an event that they are for."""
        return {"id": self.id, "time": self.time, "type": self.type, "principal": self.principal}


class CriticalType(Struct, frozen=True, forbid_unknown_fields=True):
    """A type of events that is critical: the whole type, or with `*` at its end how it begins; case is no matter.

    `technique` is what ATT&CK calls it, `rule` the id of a public Sigma rule that looks for it; `why` says it in words
    where there is neither.
    """

    type: Annotated[str, Meta(pattern=r"^[^*]+\*?$(?!\n)", max_length=200)]
    technique: Annotated[str, Meta(pattern=r"^(T[0-9]{4}(\.[0-9]{3})?)?$(?!\n)")] = ""
    rule: Annotated[str, Meta(pattern=r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?$(?!\n)")] = ""
    why: Annotated[str, Meta(max_length=300)] = ""


class LogSource(Struct, frozen=True, forbid_unknown_fields=True):
    """A source of monitoring logs, `config/sources/<id>.yaml`."""

    id: Annotated[str, Meta(pattern=r"^[a-z]+(\.[a-z]+)+$(?!\n)")]
    text: Text
    provider: Literal["aws", "azure", "gcp", "kubernetes"]
    event: EventForm
    envelopes: list[EnvelopeName]
    critical: Annotated[list[CriticalType], Meta(min_length=1, max_length=25)]
