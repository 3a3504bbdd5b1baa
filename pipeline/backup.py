"""Backups: all stores, the key and the installation's file in one archive; restored whole, or one tenant alone.

An archive is a ZIP of JSON lines, one entry a table, with a manifest of every entry's hash. It moves between SQLite and
PostgreSQL. The service's store is read first: a tenant's audit chain may be ahead of its head there, never behind.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec import Struct

from model.canonical import encode, instant
from model.clock import Clock
from model.fault import Fault, Refused
from store import archive
from store.database import Database, Stores
from store.home import Home
from store.schema import VERSIONS

_MANIFEST = "manifest.json"
_FORMAT = 1


class Entry(Struct, frozen=True):
    """One file of the archive."""

    rows: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What an archive holds: the stores' versions, its tenants, each entry with its hash."""

    format: int
    made_at: str
    versions: dict[str, str]
    tenants: list[str]
    entries: dict[str, Entry]


def back_up(stores: Stores, files: dict[str, bytes], target: Path, clock: Clock) -> Manifest:
    """Write an archive that only its owner reads, whole or not at all; `files` are the home's own."""
    if target.exists():
        raise Refused([Fault(str(target), 0, 0, "is there already; a backup never takes the place of anything")])
    home = Home(stores)
    home.check()
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        with (
            os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out,
            zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
        ):
            writer = _Writer(made)
            for name, content in files.items():
                writer.file(f"home/{name}", content)
            writer.store(stores.service(), "service", "service")
            tenants = home.tenants()
            for tenant in tenants:
                writer.store(stores.tenant(tenant), "tenant", f"tenants/{tenant}")
            manifest = Manifest(_FORMAT, instant(clock.now()), dict(VERSIONS), tenants, writer.entries)
            made.writestr(_MANIFEST, encode(manifest))
        part.replace(target)
    except OSError as problem:
        raise Refused([Fault(str(target), 0, 0, f"cannot be written: {problem.strerror}")]) from None
    return manifest


class Archive:
    """An archive that was read through once: what is wrong with it is known before anything is written."""

    def __init__(self, file: Path) -> None:
        """Raises `Refused` for a file that is no archive, was changed, or is of a newer version."""
        self._file = file
        try:
            self._zip = zipfile.ZipFile(file)
            self.manifest = msgspec.json.decode(self._zip.read(_MANIFEST), type=Manifest)
        except OSError as problem:
            raise self._refused(f"cannot be read: {problem.strerror}") from None
        except (zipfile.BadZipFile, KeyError, msgspec.MsgspecError):
            raise self._refused("is no backup of Hinomi") from None
        self._check()

    def files(self) -> dict[str, bytes]:
        """Return the home's own files."""
        names = [name for name in self.manifest.entries if name.startswith("home/")]
        return {name.removeprefix("home/"): self._zip.read(name) for name in names}

    def fill(self, database: Database, kind: str, prefix: str) -> None:
        """Write a store's rows into an empty one, then bring it to this program's version."""
        database.create(self.manifest.versions[kind])
        with database.write() as connection:
            for name in self._tables(prefix):
                archive.fill(connection, name, self.rows(f"{prefix}/{name}.jsonl"))
            archive.count_on(connection, kind)
        database.create()

    def rows(self, entry: str) -> Iterator[dict[str, Any]]:
        """Yield the rows of an entry."""
        with self._zip.open(entry) as lines:
            for line in lines:
                yield msgspec.json.decode(line)

    def _tables(self, prefix: str) -> list[str]:
        inside = [name for name in self.manifest.entries if name.startswith(f"{prefix}/")]
        return [name.removeprefix(f"{prefix}/").removesuffix(".jsonl") for name in inside]

    def _check(self) -> None:
        if self.manifest.format > _FORMAT or any(self.manifest.versions[kind] > VERSIONS[kind] for kind in VERSIONS):
            raise self._refused("was made by a newer version of the program; use that one")
        if set(self._zip.namelist()) != {*self.manifest.entries, _MANIFEST}:
            raise self._refused("holds other entries than its manifest says")
        for name, entry in self.manifest.entries.items():
            try:
                with self._zip.open(name) as content:
                    found = _hash_of(content)
            except (zipfile.BadZipFile, OSError, EOFError):
                found = ""
            if found != entry.sha256:
                raise self._refused(f"was changed or damaged: {name}")

    def _refused(self, problem: str) -> Refused:
        return Refused([Fault(str(self._file), 0, 0, problem)])


def restore(found: Archive, stores: Stores, clock: Clock, person: str) -> list[str]:
    """Fill empty stores with everything of an archive; return its tenants.

    All tokens are revoked: one that was revoked after the backup would be good again. Raises `Refused` where something
    is there already, and where an audit chain does not hold.
    """
    databases = [(stores.service(), "service", "service")]
    databases += [(stores.tenant(tenant), "tenant", f"tenants/{tenant}") for tenant in found.manifest.tenants]
    if there := [database.name for database, _, _ in databases if database.exists()]:
        raise Refused(f"{there[0]} is there already; restore into an empty home, or one tenant by --tenant")
    for database, kind, prefix in reversed(databases):  # the service's last: until then there is no home
        found.fill(database, kind, prefix)
    home = Home(stores)
    for tenant in found.manifest.tenants:
        _settle(home, tenant)
    at = instant(clock.now())
    with home.service.write(at, person) as door:
        revoked = sum(door.people.revoke([t.id for t in door.people.tokens(p.id)], at) for p in door.people.all())
        door.record("service.restored", "service", made_at=found.manifest.made_at, tokens_revoked=revoked)
    if fault := home.service.audit_fault():
        raise Refused(f"restored, but the service's audit chain does not hold: {fault}")
    return found.manifest.tenants


def restore_tenant(found: Archive, stores: Stores, tenant: str, clock: Clock, person: str) -> str:
    """Fill one tenant's store from an archive; return the name under which an earlier one was put aside, if any.

    The tenant's file, its audit head and its data come back together; other tenants and people stay as they are.
    """
    if tenant not in found.manifest.tenants:
        raise Refused(f"the backup holds no tenant {tenant!r}; it has {', '.join(found.manifest.tenants)}")
    home, database, at = Home(stores), stores.tenant(tenant), instant(clock.now())
    home.check()
    aside = database.put_aside(at) if database.exists() else ""
    found.fill(database, "tenant", f"tenants/{tenant}")
    editions = [row for row in found.rows("service/edition.jsonl") if row["tenant"] == tenant]
    heads = [row for row in found.rows("service/audit_head.jsonl") if row["tenant"] == tenant]
    home.replace_tenant(tenant, editions, heads)
    _settle(home, tenant)
    with home.service.write(at, person) as door:
        door.record("tenant.restored", tenant, made_at=found.manifest.made_at, aside=aside)
    return aside


def _settle(home: Home, tenant: str) -> None:
    """See that lease numbers go on above the tenant's fences, and that its audit chain holds."""
    store = home.tenant(tenant)
    with store.read() as reader:
        fences = reader.fences()
    home.lift_leases(fences)
    if fault := store.audit_fault():
        raise Refused(f"{tenant} was restored, but its audit chain does not hold: {fault}")


class _Writer:
    def __init__(self, made: zipfile.ZipFile) -> None:
        self._zip = made
        self.entries: dict[str, Entry] = {}

    def file(self, name: str, content: bytes) -> None:
        self._zip.writestr(name, content)
        self.entries[name] = Entry(0, hashlib.sha256(content).hexdigest())

    def store(self, database: Database, kind: str, prefix: str) -> None:
        with database.read() as connection:
            for name in archive.names(kind):
                entry, number, sha256 = f"{prefix}/{name}.jsonl", 0, hashlib.sha256()
                with self._zip.open(entry, "w", force_zip64=True) as out:
                    for row in archive.rows(connection, kind, name):
                        line = encode(row) + b"\n"
                        out.write(line)
                        sha256.update(line)
                        number += 1
                self.entries[entry] = Entry(number, sha256.hexdigest())


def _hash_of(content: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while piece := content.read(1 << 20):
        sha256.update(piece)
    return sha256.hexdigest()
