"""Where a tenant's file leads to something of this machine: every text whose form is marked as a reference."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import msgspec
import msgspec.inspect
from msgspec import Struct

from catalog.yaml_reader import KeyPath
from model.tenant import REFERENCE, Tenant
from notifier import channels


class Used(Struct, frozen=True):
    """A reference that stands in a tenant's file, and where."""

    path: KeyPath
    reference: str


def used_references(tenant: Tenant) -> Iterator[Used]:
    """Yield every reference of a tenant's file, those in its channels' settings too."""
    yield from _in_struct((), msgspec.inspect.type_info(Tenant), msgspec.to_builtins(tenant))
    for number, channel in enumerate(tenant.channels):
        if channel.type not in channels.types():
            continue
        form = channels.way(channel.type).settings
        with suppress(msgspec.ValidationError):  # what is no settings sends nothing either
            settings = msgspec.to_builtins(msgspec.convert(channel.settings, form))
            yield from _in_struct(("channels", number, "settings"), msgspec.inspect.type_info(form), settings)


def _in_struct(path: KeyPath, form: Any, value: dict[str, Any]) -> Iterator[Used]:
    for field in form.fields:
        if found := value.get(field.encode_name):
            yield from _below((*path, field.encode_name), field.type, found, value)


def _below(path: KeyPath, form: Any, value: Any, beside: dict[str, Any]) -> Iterator[Used]:
    """Yield the references in a value that is of a form; `beside` are the keys that stand with it."""
    match form:
        case msgspec.inspect.Metadata():
            yield from _in_marked(path, form, value, beside)
        case msgspec.inspect.UnionType():
            for one in form.types:
                yield from _below(path, one, value, beside)
        case msgspec.inspect.StructType():
            yield from _in_struct(path, form, value)
        case msgspec.inspect.ListType():
            for number, one in enumerate(value):
                yield from _below((*path, number), form.item_type, one, beside)
        case msgspec.inspect.DictType():
            for key, one in value.items():
                yield from _below((*path, str(key)), form.value_type, one, value)


def _in_marked(path: KeyPath, form: msgspec.inspect.Metadata, value: Any, beside: dict[str, Any]) -> Iterator[Used]:
    marks = form.extra or {}
    if REFERENCE not in marks:
        yield from _below(path, form.type, value, beside)
    elif not beside.get(marks.get("unless", "")):
        yield Used(path, _reference(marks[REFERENCE], value))


def _reference(begins: str, text: str) -> str:
    """Return the reference that a text means; a file may be written with or without its `file:`."""
    return text if begins == "file:" and text.startswith(begins) else begins + text
