"""Backups: all stores, the key and the installation's file in one archive; restored whole, or one tenant alone.

An archive is a ZIP of JSON lines, one entry a table, with a manifest of every entry's hash. It moves between SQLite and
PostgreSQL. The service's store is read first: a tenant's audit chain may be ahead of its head there, never behind.
"""

import hashlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct
from sqlalchemy import Connection

from model.canonical import encode, instant
from model.clock import Clock
from model.fault import Fault, Refused
from model.tenant import TenantId
from pipeline.audit_keys import ArchivedKeys
from pipeline.whole_files import written
from store import archive
from store.archive import Row
from store.audit import UNKEYED, AuditKeys, Head, Record, Sealer, first_fault
from store.database import Database, Stores
from store.home import Home
from store.schema import VERSIONS

_MANIFEST = "manifest.json"
_FORMAT = 1
# Rows shrink to a twentieth or so. What is neither rows nor the manifest is a key, or a file of a page.
_MOST_UNPACKED_TIMES, _ALWAYS_UNPACKED_BYTES = 200, 2**30
_MOST_WHOLE_BYTES = _LONGEST_ROW_BYTES = 64 * 2**20
_HOME_FILES = re.compile(r"home/(installation\.yaml|keys/(service|audit/[0-9]{1,6}|logs/[a-z0-9-]{1,63})\.key)")

RowFilter = Callable[[str, Iterator[Row]], Iterator[Row]]


class ArchivedFile(Struct, frozen=True):
    """One file of the archive."""

    rows: int
    sha256: str


class Manifest(Struct, frozen=True):
    """What an archive holds: the stores' versions, its tenants, each entry with its hash."""

    format: int
    made_at: str
    versions: dict[str, str]
    tenants: list[str]
    entries: dict[str, ArchivedFile]


def back_up(stores: Stores, files: Callable[[], dict[str, bytes]], target: Path, clock: Clock) -> Manifest:
    """Write an archive to the target that only its owner reads, whole or not at all; `files` reads the home's own.

    Everything of the stores is in it, and the keys as they are afterwards: each record's key is among them. The clock
    says when it was made. Raises `Refused` where the target is there already, cannot be written, or a store is not as
    it has to be.
    """
    if target.exists():
        raise Refused([Fault(str(target), 0, 0, "is there already; a backup never takes the place of anything")])
    for tenant in Home(stores, ArchivedKeys({})).tenants():
        stores.tenant(tenant).check()
    if not target.parent.is_dir():
        raise Refused([Fault(str(target), 0, 0, "cannot be written: there is no such folder")])
    try:
        with written(target, over=False) as out, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
            writer = _Writer(made)
            writer.store(stores.service(), "service", "service")
            tenants = sorted(writer.tenants)  # as they were when the service's store was read
            for tenant in tenants:
                writer.store(stores.tenant(tenant), "tenant", f"tenants/{tenant}")
            for name, content in files().items():
                writer.file(f"home/{name}", content)
            manifest = Manifest(_FORMAT, instant(clock.now()), dict(VERSIONS), tenants, writer.entries)
            made.writestr(_MANIFEST, encode(manifest))
    except OSError as problem:
        raise Refused([Fault(str(target), 0, 0, f"cannot be written: {problem.strerror}")]) from None
    return manifest


def fingerprint(file: Path) -> str:
    """Return a file's SHA-256 in hexadecimal; raises `Refused` where it cannot be read."""
    try:
        with file.open("rb") as content:
            return _hash_of(content)
    except OSError as problem:
        raise Refused([Fault(str(file), 0, 0, f"cannot be read: {problem.strerror}")]) from None


class Archive:
    """An archive that was read through once: what is wrong with it is known before anything is written."""

    def __init__(self, file: Path, sha256: str = "") -> None:
        """Raises `Refused` for a file that is no archive, was changed, or is of a newer version.

        The archive's own hashes show damage. That nobody wrote it anew, with people of theirs, only its hash shows
        that was kept elsewhere: `sha256`.
        """
        self._file = file
        if file.exists() and not file.is_file():
            raise self._refused("is no file")
        if sha256 and fingerprint(file) != sha256.lower():
            raise self._refused("is not the archive that has this SHA-256; nothing was restored")
        try:
            self._zip = zipfile.ZipFile(file)
            self._refuse_bombs(file.stat().st_size)
            self.manifest = msgspec.json.decode(self._zip.read(_MANIFEST), type=Manifest)
        except OSError as problem:
            raise self._refused(f"cannot be read: {problem.strerror}") from None
        except (
            zipfile.BadZipFile,
            zlib.error,
            NotImplementedError,
            RuntimeError,
            KeyError,
            msgspec.MsgspecError,
            RecursionError,
        ):
            raise self._refused("is no backup of Hinomi") from None
        self._check()

    @property
    def has_keys(self) -> bool:
        """Return whether it brings keys for its records: then none without one is of it."""
        return bool(self._keys().current)

    @property
    def is_older(self) -> bool:
        """Return whether it was made by an older version of the program."""
        return self.manifest.versions != VERSIONS

    def files(self) -> dict[str, bytes]:
        """Return the home's own files."""
        names = [name for name in self.manifest.entries if name.startswith("home/")]
        return {name.removeprefix("home/"): self._zip.read(name) for name in names}

    def fill(self, database: Database, kind: str, prefix: str, change: RowFilter = lambda _name, rows: rows) -> None:
        """Write the rows under a prefix into an empty database, all or nothing.

        Its kind is `service` or `tenant`; `change` may alter a table's rows on the way.
        """

        def write(connection: Connection) -> None:
            for name in self._tables(prefix):
                archive.fill(connection, name, change(name, self.rows(f"{prefix}/{name}.jsonl")))

        database.fill(self.manifest.versions[kind], write)
        database.create()
        with database.write() as connection:
            archive.count_on(connection, kind)

    def rows(self, entry: str) -> Iterator[Row]:
        """Yield the rows of an entry; raises `Refused` for a line that is none."""
        with self._zip.open(entry) as lines:
            while line := lines.readline(_LONGEST_ROW_BYTES):
                try:
                    yield msgspec.json.decode(line, type=dict[str, str | int | None])
                except msgspec.MsgspecError:
                    raise self._refused(f"holds a line that is no row: {entry}") from None

    def of_tenant(self, table: str, tenant: str) -> list[Row]:
        """Return a tenant's rows of one of the service's tables; an older service may not have had the table yet."""
        entry = f"service/{table}.jsonl"
        return [row for row in self.rows(entry) if row["tenant"] == tenant] if entry in self.manifest.entries else []

    def _refuse_bombs(self, size: int) -> None:
        """Refuse an archive of so many bytes that unpacks to far more than rows do, or holds what is read whole.

        No entry is unpacked further than it says of itself (`zipfile`).
        """
        entries = self._zip.infolist()
        whole = [entry for entry in entries if not entry.filename.endswith(".jsonl")]
        most = max(_ALWAYS_UNPACKED_BYTES, size * _MOST_UNPACKED_TIMES)
        too_much = sum(entry.file_size for entry in entries) > most
        if too_much or any(entry.file_size > _MOST_WHOLE_BYTES for entry in whole):
            raise self._refused("unpacks to far more than a backup holds; nothing was restored")

    def _tables(self, prefix: str) -> list[str]:
        inside = [name for name in self.manifest.entries if name.startswith(f"{prefix}/")]
        return [name.removeprefix(f"{prefix}/").removesuffix(".jsonl") for name in inside]

    def _check(self) -> None:
        manifest = self.manifest
        if manifest.versions.keys() != VERSIONS.keys() or manifest.format != _FORMAT:
            raise self._refused("is of a form that this program does not know; use a newer one")
        if any(version > VERSIONS[kind] for kind, version in manifest.versions.items()):
            raise self._refused("was made by a newer version of the program; use that one")
        try:
            msgspec.convert(manifest.tenants, list[TenantId])
        except msgspec.ValidationError:
            raise self._refused("names a tenant by what is no id") from None
        names = self._zip.namelist()
        if set(names) != {*manifest.entries, _MANIFEST} or len(names) != len(set(names)):
            raise self._refused("holds other entries than its manifest says")
        for name, entry in manifest.entries.items():
            if not self._is_known(name):
                raise self._refused(f"holds what no backup holds: {name[:100]}")
            if self._hash_of(name) != entry.sha256:
                raise self._refused(f"was changed or damaged: {name}")
        self._check_chains()

    def _is_known(self, name: str) -> bool:
        prefix, _, last = name.rpartition("/")
        if prefix.startswith("home"):
            return _HOME_FILES.fullmatch(name) is not None
        kind = "service" if prefix == "service" else "tenant"
        known = prefix == "service" or prefix in {f"tenants/{tenant}" for tenant in self.manifest.tenants}
        return known and last.removesuffix(".jsonl") in archive.names(kind)

    def _hash_of(self, name: str) -> str:
        try:
            with self._zip.open(name) as content:
                return _hash_of(content)
        except (zipfile.BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError):
            return ""

    def _check_chains(self) -> None:
        """Refuse an archive in which an audit chain does not hold: before anything is written."""
        heads = {row["tenant"]: Head(row["seq"], row["hash"]) for row in self.rows("service/audit_head.jsonl")}
        keys = self._keys()
        for tenant in self.manifest.tenants:
            chain = [Record(**row) for row in self.rows(f"tenants/{tenant}/audit.jsonl")]
            sealer = Sealer(f"tenant {tenant}", keys) if keys.current else UNKEYED
            if fault := first_fault(chain, heads.get(tenant), sealer):
                raise self._refused(f"the audit chain of {tenant} does not hold: {fault}")

    def _keys(self) -> ArchivedKeys:
        """Return the keys that the archive brings for its own records."""
        names = [name for name in self.manifest.entries if name.startswith("home/keys/audit/")]
        return ArchivedKeys({Path(name).stem: self._zip.read(name) for name in names})

    def _refused(self, problem: str) -> Refused:
        return Refused([Fault(str(self._file), 0, 0, problem)])


class Restoring(Struct, frozen=True):
    """Where something is restored to: the stores, the keys that seal their records, who does it, and the time."""

    stores: Stores
    keys: AuditKeys
    clock: Clock
    person: str

    @property
    def home(self) -> Home:
        """Return the home of the stores."""
        return Home(self.stores, self.keys)


def restore(found: Archive, there: Restoring) -> list[str]:
    """Fill empty stores with everything of an archive that was `found` whole; return its tenants.

    The service's store comes last and in one transaction: until then there is no home, and whoever was killed in the
    middle does it again. All tokens are revoked in it: one that was revoked after the backup would be good again. Lease
    numbers go on above the tenants' fences. Raises `Refused` `there` where there is a home already.
    """
    stores, at = there.stores, instant(there.clock.now())
    service = stores.service()
    if service.exists():
        raise Refused(f"{service.name} is there already; restore into an empty home, or one tenant by --tenant")
    fences: dict[str, int] = {}
    for tenant in found.manifest.tenants:
        database = stores.tenant(tenant)
        if database.exists():  # of an earlier attempt that was broken off
            database.put_aside(at)
        found.fill(database, "tenant", f"tenants/{tenant}")
        fences |= {row["job"]: row["number"] for row in found.rows(f"tenants/{tenant}/fence.jsonl")}
    found.fill(service, "service", "service", lambda name, rows: _renewed(name, rows, at, fences))
    if not found.has_keys:
        there.home.seal_older()
    with there.home.service.observe(at, there.person) as session:
        session.note_ended_tokens()
        session.record("service.restored", "service", made_at=found.manifest.made_at)
    there.home.service.vouch_for_older(there.person)
    return found.manifest.tenants


def _renewed(name: str, rows: Iterator[Row], at: str, fences: dict[str, int]) -> Iterator[Row]:
    """Yield the service's rows as they are good after a restore."""
    left = dict(fences) if name == "lease" else {}
    for row in rows:
        if name == "token":
            row["revoked_at"] = row["revoked_at"] or at
        if name == "lease":
            row["number"] = max(row["number"], left.pop(row["job"], 0))
        yield row
    for job, number in left.items():
        yield {"job": job, "number": number, "run": "", "done_at": None}


def restore_tenant(found: Archive, there: Restoring, tenant: str) -> str:
    """Fill a tenant's store from an archive (`found`); return the name of the one that was put aside, if any.

    The tenant's file and its data come back together; other tenants and people of the stores `there` stay as they are.
    Its chain holds by the archive's keys, or the archive were none; it is sealed anew by those of the home, with a
    record of that. Raises `Refused` where the archive has no such tenant.
    """
    if tenant not in found.manifest.tenants:
        raise Refused(f"the backup holds no tenant {tenant!r}; it has {', '.join(found.manifest.tenants)}")
    home, database, at = there.home, there.stores.tenant(tenant), instant(there.clock.now())
    home.check()
    with home.service.observe(at, there.person) as session:
        session.record("tenant.restore-begun", tenant, made_at=found.manifest.made_at)
    aside = database.put_aside(at) if database.exists() else ""
    found.fill(database, "tenant", f"tenants/{tenant}")
    names = ("edition", "external_id")
    home.replace_tenant(tenant, {name: found.of_tenant(name, tenant) for name in names})
    home.seal_restored(tenant)
    with home.tenant(tenant).write(at, there.person) as writer:
        fences = writer.fences()
        writer.record("tenant.restored", tenant, made_at=found.manifest.made_at)
    home.lift_leases(fences)
    with home.service.observe(at, there.person) as session:
        session.record("tenant.restored", tenant, made_at=found.manifest.made_at, aside=aside)
    return aside


class _Writer:
    def __init__(self, made: zipfile.ZipFile) -> None:
        self._zip = made
        self.entries: dict[str, ArchivedFile] = {}
        self.tenants: set[str] = set()

    def file(self, name: str, content: bytes) -> None:
        self._zip.writestr(name, content)
        self.entries[name] = ArchivedFile(0, hashlib.sha256(content).hexdigest())

    def store(self, database: Database, kind: str, prefix: str) -> None:
        with database.read() as connection:
            for name in archive.names(kind):
                entry, number, sha256 = f"{prefix}/{name}.jsonl", 0, hashlib.sha256()
                with self._zip.open(entry, "w", force_zip64=True) as out:
                    for row in archive.rows(connection, kind, name):
                        if name == "edition":
                            self.tenants.add(row["tenant"])
                        line = encode(row) + b"\n"
                        out.write(line)
                        sha256.update(line)
                        number += 1
                self.entries[entry] = ArchivedFile(number, sha256.hexdigest())


def _hash_of(content: IO[bytes]) -> str:
    sha256 = hashlib.sha256()
    while piece := content.read(1 << 20):
        sha256.update(piece)
    return sha256.hexdigest()
