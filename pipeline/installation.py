"""The home folder of an installation: its file, its key, and the stores that the file names."""

import ipaddress
import json
import os
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from catalog.form import convert
from catalog.yaml_reader import Document, parse, read
from model.fault import Fault, Refused
from model.installation import Installation
from model.person import HOST
from model.service_provider import why_no_name
from model.text import LANGUAGES
from notifier import settings as channel_settings
from outgoing.addresses import network_of
from pipeline.audit_keys import FOLDER as AUDIT_KEYS
from pipeline.audit_keys import KeyFolder, add_key
from pipeline.log_keys import FOLDER as LOG_KEYS
from pipeline.whole_files import written
from store.database import Stores
from store.home import Home
from store.sqlite import SqliteFolder

_FILE = "installation.yaml"
_KEY = Path("keys") / "service.key"
_KEY_BYTES = 32
_BLOCK = "# What each tenant's file refers to beside its own, as `hinomi upgrade` found it (docs/tenants.md).\ngrants:"


def make(folder: Path, template: Path) -> list[str]:
    """Make a home, or bring an older one to this version; return the names of the stores that were changed.

    Raises `Refused` where it cannot be written. The file is copied from a template, and left alone once it is there.
    """
    _folder(folder)
    if not (folder / _FILE).exists():
        _write_new(folder / _FILE, template.read_bytes())
    if not (folder / _KEY).exists():
        _write_new(folder / _KEY, secrets.token_bytes(_KEY_BYTES))
    stores = stores_of(folder)
    try:
        return bring_up(folder, stores)
    finally:
        stores.close()


def bring_up(folder: Path, stores: Stores) -> list[str]:
    """Make a home's stores, or bring older ones to this version; return the names of those that were changed.

    Its first key for audit records is made, where it has none, and seals what was recorded before, once. Raises
    `Refused` where keys are lost that have sealed something: with a new first one nothing would hold any more.
    """
    keys = KeyFolder(folder)
    home = Home(stores, keys)
    changed = home.create()
    if not keys.exists():
        if home.is_sealed():
            raise Refused([Fault(str(folder / AUDIT_KEYS), 0, 0, "has lost its keys; restore them from a backup")])
        add_key(folder)
    if not keys.has_sealed:
        home.seal_older()
        keys.mark_sealed()
    home.service.vouch_for_older(HOST.name)
    return changed


def settings(folder: Path) -> Installation:
    """Return what the installation's file says; a home without one is as it is by default.

    Raises `Refused` for what does not fit its form, for networks and proxies that are none, and for providers of which
    the default one is not known, or whose name cannot stand in a mail.
    """
    file = folder / _FILE
    if not file.exists():
        return Installation()
    document = read(file)
    if document.value is None:
        return Installation()
    installation: Installation = convert(document, Installation)
    checks = (_network_faults, _proxy_faults, _provider_faults, _channel_faults)
    if faults := [fault for check in checks for fault in check(document, installation)]:
        raise Refused(faults)
    return installation


def _network_faults(document: Document, installation: Installation) -> Iterator[Fault]:
    allow = installation.outgoing.allow
    for below, texts in [((), allow)] if isinstance(allow, list) else [((name,), each) for name, each in allow.items()]:
        for number, text in enumerate(texts):
            try:
                network_of(text)
            except ValueError as problem:
                yield document.fault(("outgoing", "allow", *below, number), f"{text!r} {problem}")


def _channel_faults(document: Document, installation: Installation) -> Iterator[Fault]:
    names = [channel.name for channel in installation.contract_channels]
    for number, channel in enumerate(installation.contract_channels):
        yield from channel_settings.faults(document, ("contract_channels", number), channel)
        if channel.name in names[:number]:
            problem = f"the channel {channel.name!r} stands twice"
            yield document.fault(("contract_channels", number, "name"), problem)


def _proxy_faults(document: Document, installation: Installation) -> list[Fault]:
    """Return what is wrong with the proxies: the server would take it for a name that no proxy has."""
    faults = []
    for number, text in enumerate(installation.proxies):
        try:
            everybody = ipaddress.ip_network(text).prefixlen == 0
        except ValueError:
            problem = f"{text!r} is no address and no network; write it as 10.0.0.1 or 10.0.0.0/24"
            faults.append(document.fault(("proxies", number), problem))
            continue
        if everybody:
            problem = "is everybody, who could say then where they come from; name the proxies"
            faults.append(document.fault(("proxies", number), problem))
    return faults


def _provider_faults(document: Document, installation: Installation) -> Iterator[Fault]:
    known, default = installation.providers, installation.provider
    if default is not None and default not in known:
        said = ", ".join(known) or "none: add it under 'providers'"
        yield document.fault(("provider",), f"there is no provider {default!r}; known are {said}")
    if default is None and len(known) > 1:
        problem = f"are several: say which one a contract has that names none (provider: {next(iter(known))})"
        yield document.fault_at_key(("providers",), problem)
    for id_, one in known.items():
        for language in LANGUAGES:
            if problem := why_no_name(text := one.name.of(language)):
                yield document.fault(("providers", id_, "name", language), f"{text!r} {problem}")


def grant(folder: Path, wanted: Mapping[str, Sequence[str]]) -> None:
    """Add to the installation's file the references that each of these tenants may name; the rest stays as it is.

    None of them has grants there yet: what people have granted or taken away is theirs to change. Raises `Refused`,
    with the lines to write by hand, where the file is written in a way that nothing can be added to.
    """
    if not wanted:
        return
    file = (folder / _FILE).resolve()
    before = read(file) if file.exists() else parse(b"", str(file))
    old, text = before.value or {}, _with_grants(before, wanted)
    if _value(text) != {**old, "grants": old.get("grants", {}) | dict(wanted)}:
        lines = "; ".join(_grant_lines(wanted, ""))
        raise Refused([Fault(str(file), 0, 0, f"cannot be added to; write under 'grants': {lines}")])
    mode = file.stat().st_mode if file.exists() else 0o600
    _write_new(file, text.encode(), mode & 0o777)


def _value(text: str) -> object:
    """Return what a text says, None where it is not the YAML that we take."""
    try:
        return parse(text.encode(), _FILE).value
    except Refused:
        return None


def _with_grants(document: Document, wanted: Mapping[str, Sequence[str]]) -> str:
    """Return an installation's text with grants: in a block of its own at the end, else before those that are there."""
    text = document.text if document.text.endswith("\n") or not document.text else document.text + "\n"
    granted = (document.value or {}).get("grants")
    if granted is None:
        return "\n".join([text + _BLOCK, *_grant_lines(wanted, "  ")]) + "\n"
    place, lines = document.place(("grants",)), text.splitlines(keepends=True)
    line = lines[place.line - 1]
    here = place.column - 1
    if line[here : here + 1] == "{":
        inside = "".join(f"{one.strip()}, " for one in _grant_lines(wanted, ""))
        lines[place.line - 1] = line[: here + 1] + inside + line[here + 1 :]
    else:
        lines.insert(place.line - 1, "".join(f"{one}\n" for one in _grant_lines(wanted, line[:here])))
    return "".join(lines)


def _grant_lines(wanted: Mapping[str, Sequence[str]], before: str) -> list[str]:
    """Return a line of YAML for each tenant; what JSON writes between quotes is YAML too."""
    return [f"{before}{name}: {json.dumps(list(each), ensure_ascii=False)}" for name, each in sorted(wanted.items())]


def open_home(folder: Path) -> Home:
    """Return the stores that a home's file names; raises `Refused` for a database that is none."""
    return Home(stores_of(folder), KeyFolder(folder))


def stores_of(folder: Path) -> Stores:
    """Return where the stores of a home are."""
    return _stores(folder, settings(folder).database)


def own_files(folder: Path) -> dict[str, bytes]:
    """Return the home's own files for a backup: the installation's file and the keys."""
    keys = sorted(file.relative_to(folder) for each in (AUDIT_KEYS, LOG_KEYS) for file in (folder / each).glob("*.key"))
    names = [Path(_FILE), _KEY, *keys]
    return {str(name): (folder / name).read_bytes() for name in names if (folder / name).exists()}


def put_back(folder: Path, files: dict[str, bytes]) -> None:
    """Put a backup's own files into an empty home; an installation's file that is there stays as it is.

    That is how a backup moves to another kind of store: write the new home's file before restoring. Raises `Refused`
    where another key is there.
    """
    _folder(folder)
    for name, content in files.items():
        file = folder / name
        if not file.exists():
            _write_new(file, content)
        elif name != _FILE and file.read_bytes() != content:
            raise Refused([Fault(str(file), 0, 0, "is another key than the backup's; restore into an empty home")])


def put_back_missing(folder: Path, files: Mapping[str, bytes], tenant: str) -> None:
    """Put the key of a tenant's logs back from a backup's own files into a home's folder that has none."""
    name = str(LOG_KEYS / f"{tenant}.key")
    if name in files and not (folder / name).exists():
        put_back(folder, {name: files[name]})


def service_key(folder: Path) -> bytes:
    """Return the key that seals what the service keeps of its people; raises `Refused` where it is missing."""
    try:
        key = (folder / _KEY).read_bytes()
    except OSError as problem:
        raise Refused([Fault(str(folder / _KEY), 0, 0, f"cannot be read: {problem.strerror}")]) from None
    if len(key) != _KEY_BYTES:
        raise Refused([Fault(str(folder / _KEY), 0, 0, f"is no key of {_KEY_BYTES} bytes; restore it from a backup")])
    return key


def _stores(folder: Path, database: str) -> Stores:
    if not database:
        return SqliteFolder(folder)
    from store.postgres import PostgresSchemas  # its driver is loaded only where it is used

    try:
        return PostgresSchemas(database)
    except Refused as refused:
        raise Refused([Fault(str(folder / _FILE), 0, 0, str(refused))]) from None


def _folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as problem:
        raise Refused([Fault(str(folder), 0, 0, f"cannot be made: {problem.strerror}")]) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise Refused([Fault(str(folder), 0, 0, "cannot be written; choose another home")])


def _write_new(file: Path, content: bytes, mode: int = 0o600) -> None:
    with written(file, mode=mode) as out:
        out.write(content)
