"""Where a tenant's file leads to something of this machine: every text whose form is marked as a reference."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import msgspec.inspect
from msgspec import Struct

from catalog.yaml_reader import KeyPath
from model.tenant import REFERENCE, Channel, Tenant
from notifier import channels


class Used(Struct, frozen=True):
    """A reference that stands in a tenant's file, and where."""

    path: KeyPath
    reference: str


class Marked(Struct, frozen=True):
    """A text whose form is marked, what the mark says, and the keys that stand beside it."""

    path: KeyPath
    text: str
    mark: str
    marks: dict[str, Any]
    beside: dict[str, Any]


def used_references(tenant: Tenant) -> Iterator[Used]:
    """Yield every reference of a tenant's file, those in its channels' settings too."""
    written = _in_struct((), msgspec.inspect.type_info(Tenant), msgspec.to_builtins(tenant), REFERENCE)
    yield from _used(written)
    for number, channel in enumerate(tenant.channels):
        yield from _used(marked_settings(number, channel, REFERENCE))


def marked_settings(number: int, channel: Channel, mark: str) -> Iterator[Marked]:
    """Yield the texts in a channel's settings that have a mark; the channel's number is its place in the file."""
    if channel.type not in channels.types():
        return
    form = channels.way(channel.type).settings
    with suppress(msgspec.ValidationError):  # what is no settings sends nothing either
        settings = msgspec.to_builtins(msgspec.convert(channel.settings, form))
        yield from _in_struct(("channels", number, "settings"), msgspec.inspect.type_info(form), settings, mark)


def _used(found: Iterator[Marked]) -> Iterator[Used]:
    for one in found:
        if not one.beside.get(one.marks.get("unless", "")):
            yield Used(one.path, _reference(one.mark, one.text))


def _in_struct(path: KeyPath, form: Any, value: dict[str, Any], mark: str) -> Iterator[Marked]:
    for field in form.fields:
        if found := value.get(field.encode_name):
            yield from _below((*path, field.encode_name), field.type, found, _Search(mark, value))


class _Search(Struct, frozen=True):
    """Which mark is looked for, and the keys that stand with the value at hand."""

    mark: str
    beside: dict[str, Any]


def _below(path: KeyPath, form: Any, value: Any, search: _Search) -> Iterator[Marked]:
    """Yield the marked texts in a value that is of a form."""
    match form:
        case msgspec.inspect.Metadata():
            marks = form.extra or {}
            if search.mark in marks:
                yield Marked(path, value, marks[search.mark], marks, search.beside)
            else:
                yield from _below(path, form.type, value, search)
        case msgspec.inspect.UnionType():
            for one in form.types:
                yield from _below(path, one, value, search)
        case msgspec.inspect.StructType():
            yield from _in_struct(path, form, value, search.mark)
        case msgspec.inspect.ListType():
            for number, one in enumerate(value):
                yield from _below((*path, number), form.item_type, one, search)
        case msgspec.inspect.DictType():
            for key, one in value.items():
                yield from _below((*path, str(key)), form.value_type, one, _Search(search.mark, value))


def _reference(begins: str, text: str) -> str:
    """Return the reference that a text means; a file may be written with or without its `file:`."""
    return text if begins == "file:" and text.startswith(begins) else begins + text
