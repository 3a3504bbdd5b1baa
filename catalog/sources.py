"""Sources of monitoring logs, a file each: where their events have their parts (`config/sources/`)."""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path

from catalog.folder import config_folder
from catalog.form import convert_all
from catalog.yaml_reader import Document, KeyPath
from model.fault import Fault, Refused
from model.log_source import ENVELOPE_KEYS, LogSource, parts_of

_FOLDER = "sources"


@cache
def shipped() -> Mapping[str, LogSource]:
    """Return the sources by their ids, as they came with the program."""
    return load(config_folder())


def load(config: Path) -> dict[str, LogSource]:
    """Return the sources of a config folder by their ids, in the order of the ids.

    Raises `Refused` with every fault and its place: what does not fit the form, an id that is not the file's name or
    stands in two files, a place that is written wrong or lies in an envelope, a critical type that cannot be one.
    """
    found, faults = convert_all(sorted((config / _FOLDER).glob("*.yaml")), LogSource)
    for number, (document, source) in enumerate(found):
        faults += _faults(document, source, {before.id for _, before in found[:number]})
    if not found and not faults:
        faults.append(Fault(str(config / _FOLDER), 0, 0, "holds no source (*.yaml)"))
    if faults:
        raise Refused(faults)
    return {source.id: source for _, source in sorted(found, key=lambda pair: pair[1].id)}


def _faults(document: Document, source: LogSource, before: Collection[str]) -> Iterator[Fault]:
    name = Path(document.file).stem
    if source.id in before:
        yield document.fault(("id",), f"the id {source.id!r} stands in two files; rename one")
    if source.id != name:
        yield document.fault(("id",), f"{source.id!r} has to be the file's name, {name!r}; rename one of them")
    for language in ("en", "ja"):
        if not getattr(source.text, language).strip():
            yield document.fault(("text", language), "is empty; name the source as people read it")
    for number, envelope in enumerate(source.envelopes):
        if envelope in source.envelopes[:number]:
            yield document.fault(("envelopes", number), f"{envelope!r} stands there twice; remove one")
    yield from _faults_of_places(document, source)
    yield from _faults_of_critical(document, source)


def _faults_of_places(document: Document, source: LogSource) -> Iterator[Fault]:
    taken_off = {ENVELOPE_KEYS[envelope]: envelope for envelope in source.envelopes}
    for field, places in source.event.places().items():
        for number, place in enumerate(places):
            at: KeyPath = ("event", field, number)
            parts = parts_of(place)
            if not parts:
                yield document.fault(at, f"{place!r} is no place; write key.key, or {{key.key}} and text between")
            for part in parts:
                if part.keys[0] in taken_off:
                    problem = f"{part.keys[0]!r} is what the envelope {taken_off[part.keys[0]]!r} is known by"
                    yield document.fault(at, f"{problem}; take one of them out")


def _faults_of_critical(document: Document, source: LogSource) -> Iterator[Fault]:
    known: set[str] = set()
    for number, critical in enumerate(source.critical):
        at: KeyPath = ("critical", number, "type")
        if critical.type.lower() in known:
            yield document.fault(at, f"{critical.type!r} stands there twice; remove one")
        known.add(critical.type.lower())
        if not _can_be(source, critical.type):
            composed = ", ".join(source.event.type)
            yield document.fault(at, f"{critical.type!r} is no type of this source, which is written {composed}")
        if not (critical.technique or critical.rule or critical.why):
            yield document.fault(("critical", number), "lacks a reason; give a technique, a rule or why")


def _can_be(source: LogSource, critical: str) -> bool:
    """Return whether a type can be composed by a place of the source; one that has several parts has its first text."""
    if critical != critical.strip():
        return False
    places = [parts_of(place) for place in source.event.type]
    if any(len(parts) < 2 for parts in places):
        return True  # one text of the provider's: whatever it says; or a place that is wrong, which is said there
    separators = [parts[1].before for parts in places]
    return critical.endswith("*") or any(separator in critical for separator in separators)
