"""Backups: all comes back together, one tenant alone too, between both kinds of stores; damage is named first."""

import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from sqlalchemy import select, text

from demo.company import DATA
from model.canonical import instant
from model.fault import Refused
from model.finding import Fact
from model.person import Person, TokenTerms
from pipeline.audit_keys import KeyFolder, add_key
from pipeline.backup import Archive, Restoring, back_up, fingerprint, restore, restore_tenant
from pipeline.installation import bring_up, own_files
from store import schema
from store.database import Database, Stores
from store.home import Home
from store.postgres import PostgresSchemas
from store.sqlite import SqliteFolder
from store.tenant import Fenced
from tests.conftest import MovingClock
from tests.filled import asset, fill
from tests.homes import KEYS, home_at, stores_at
from tests.servers.postgres import Server

AT = "2026-06-01T00:00:00.000000Z"
FILES = {"installation.yaml": b"workers: 3\n", "keys/service.key": b"k" * 32, "keys/audit/1.key": bytes(range(32))}


@pytest.fixture(params=["to sqlite", "to postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stores]:
    """Empty stores to restore into, of both kinds whatever the backup comes from."""
    if request.param == "to sqlite":
        yield SqliteFolder(tmp_path / "elsewhere")
        return
    server: Server = request.getfixturevalue("postgres")
    url = server.database("template1")
    stores = PostgresSchemas(url)
    yield stores
    stores.close()
    server.drop(url)


@pytest.fixture
def archive(home: Home, address: str, clock: MovingClock, tmp_path: Path) -> Path:
    for name in ("aozora", "midori"):
        fill(home, clock, name)
        fence = home.take(f"scan:{name}", "r")
        with home.tenant(name).write(AT, "p", fence) as writer:
            writer.record("did", "something")
    with home.service.write(AT, "operator@host") as session:
        session.people.put(Person("sato", "佐藤", "ja", ("analyst",), "all", AT))
        session.record("person.added", "sato")
    back_up(stores_at(address), lambda: FILES, tmp_path / "b.zip", clock)
    return tmp_path / "b.zip"


def everything(stores: Stores, name: str = "") -> dict[str, list[Any]]:
    """Return all rows of a store but those that a restore has to change: tokens, leases, the service's own records."""
    metadata = schema.tenant if name else schema.service
    with (stores.tenant(name) if name else stores.service()).read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
            if name or table.name not in ("token", "lease", "audit")
        }


@pytest.mark.process
def test_everything_comes_back(archive: Path, address: str, elsewhere: Stores, clock: MovingClock) -> None:
    assert restore(Archive(archive), Restoring(elsewhere, KEYS, clock, "operator@host")) == ["aozora", "midori"]
    for name in ("", "aozora", "midori"):
        before = everything(stores_at(address), name)
        assert everything(elsewhere, name) == before
        assert sum(map(len, before.values())) > 2
    home = Home(elsewhere, KEYS)
    assert [home.tenant(name).audit_fault() for name in home.tenants()] == ["", ""]
    assert home.service.audit_fault() == home.service.implied_fault(AT) == ""
    assert Archive(archive).files() == FILES


@pytest.mark.process
def test_a_restored_home_goes_on(archive: Path, elsewhere: Stores, clock: MovingClock) -> None:
    """New rows get new numbers, and the next worker passes the fence."""
    restore(Archive(archive), Restoring(elsewhere, KEYS, clock, "operator@host"))
    home = Home(elsewhere, KEYS)
    fence = home.take("scan:aozora", "r")
    with home.tenant("aozora").write(AT, "p", fence) as writer:
        writer.put_assets([asset(99)], AT)
        writer.put_facts([Fact("f", "open", AT)], "r")
        writer.record("did", "more")
    assert home.tenant("aozora").audit_fault() == ""


@pytest.mark.process
def test_leases_go_on_above_the_fences(
    home: Home, address: str, elsewhere: Stores, clock: MovingClock, tmp_path: Path
) -> None:
    """A tenant that was read a moment later than the service may have seen a higher number."""
    fill(home, clock, "aozora")
    for _ in range(5):
        fence = home.take("scan:aozora", "r")
    with home.tenant("aozora").write(AT, "p", fence) as writer:
        writer.record("did", "something")
    with stores_at(address).service().write() as connection:
        connection.execute(schema.lease.update().values(number=2))
    back_up(stores_at(address), lambda: FILES, tmp_path / "b.zip", clock)
    restore(Archive(tmp_path / "b.zip"), Restoring(elsewhere, KEYS, clock, "p"))
    restored = Home(elsewhere, KEYS)
    with restored.tenant("aozora").write(AT, "p", restored.take("scan:aozora", "r")) as writer:
        writer.record("did", "more")
    with pytest.raises(Fenced), restored.tenant("aozora").write(AT, "p", fence):
        pass


def test_tokens_of_before_are_good_no_more(home: Home, address: str, clock: MovingClock, tmp_path: Path) -> None:
    from datetime import timedelta

    from people import tokens

    person = Person("sato", "佐藤", "ja", ("analyst",), "all", AT)
    terms = (
        TokenTerms(kind="personal", label="t", tenants="all", person=person.id, parent="p"),
        TokenTerms(kind="machine", label="t", tenants=("a",), action="runs.read", source="s", issued_by=person.id),
    )
    every = [tokens.mint(one, timedelta(days=300), clock.now())[1] for one in terms]
    with home.service.write(AT, "p") as session:
        session.people.put(person)
        for kept in every:
            session.people.put_token(kept)
    back_up(stores_at(address), lambda: FILES, tmp_path / "b.zip", clock)
    there = SqliteFolder(tmp_path / "there")
    restore(Archive(tmp_path / "b.zip"), Restoring(there, KEYS, clock, "p"))
    with Home(there, KEYS).service.read() as session:
        restored = [session.people.token(kept.hash) for kept in every]
    assert restored == [replace(kept, revoked_at=instant(clock.now())) for kept in every]
    assert Home(there, KEYS).service.implied_fault(AT) == ""
    with there.service().write() as connection:
        connection.execute(text("UPDATE token SET revoked_at = ''"))
    assert Home(there, KEYS).service.implied_fault(AT).startswith("the token "), "the restore has a record of their end"


def test_one_tenant_alone_comes_back_and_what_it_had_is_put_aside(
    archive: Path, home: Home, address: str, clock: MovingClock
) -> None:
    before = {name: everything(stores_at(address), name) for name in ("aozora", "midori")}
    for name in before:
        with home.tenant(name).write(AT, "p") as writer:
            writer.put_assets([asset(50)], AT)
            writer.record("did", "after the backup")
    after = everything(stores_at(address), "midori")
    clock.sleep(1)
    aside = restore_tenant(Archive(archive), Restoring(stores_at(address), KEYS, clock, "sato"), "aozora")
    assert aside
    restored = everything(stores_at(address), "aozora")
    *records, last = restored.pop("audit")
    assert (records, restored) == (before["aozora"].pop("audit"), before["aozora"])
    assert "tenant.restored" in last
    assert everything(stores_at(address), "midori") == after
    assert [home.tenant(name).audit_fault() for name in before] == ["", ""]
    with home.tenant("aozora").write(AT, "p", home.take("scan:aozora", "r")) as writer:
        writer.record("did", "more")
    assert home.tenant("aozora").audit_fault() == ""
    with pytest.raises(Refused, match="holds no tenant 'nobody'"):
        restore_tenant(Archive(archive), Restoring(stores_at(address), KEYS, clock, "p"), "nobody")


def test_nothing_is_restored_over_something(archive: Path, address: str, clock: MovingClock) -> None:
    before = everything(stores_at(address), "aozora")
    with pytest.raises(Refused, match="is there already"):
        restore(Archive(archive), Restoring(stores_at(address), KEYS, clock, "p"))
    assert everything(stores_at(address), "aozora") == before


def rewritten(archive: Path, change: Callable[[str, bytes], bytes | None]) -> None:
    """Write an archive anew with changed entries."""
    with zipfile.ZipFile(archive) as old:
        entries = {name: change(name, old.read(name)) for name in old.namelist()}
    with zipfile.ZipFile(archive, "w") as new:
        for name, content in entries.items():
            if content is not None:
                new.writestr(name, content)


def forged(archive: Path, change: Callable[[str, bytes], bytes]) -> None:
    """Write an archive anew with changed entries, and a manifest that has their hashes."""
    contents: dict[str, bytes] = {}

    def with_hashes(name: str, content: bytes) -> bytes:
        if name != "manifest.json":
            contents[name] = change(name, content)
            return contents[name]
        manifest = json.loads(content)
        for entry, inside in contents.items():
            manifest["entries"][entry]["sha256"] = hashlib.sha256(inside).hexdigest()
        return json.dumps(manifest).encode()

    rewritten(archive, with_hashes)


def newer(name: str, content: bytes) -> bytes:
    return content.replace(b'"service":"0', b'"service":"9') if name == "manifest.json" else content


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda name, content: None if name.endswith("finding.jsonl") else content, "holds other entries"),
        (
            lambda name, content: content[:-1] if name == "tenants/aozora/asset.jsonl" else content,
            "was changed or damaged",
        ),
        (
            lambda name, content: content.replace(b'"p"', b'"q"') if "audit" in name else content,
            "was changed or damaged",
        ),
        (lambda name, content: None if name == "manifest.json" else content, "is no backup"),
        (newer, "newer version"),
    ],
)
def test_an_archive_that_does_not_hold_is_refused_before_anything_is_written(
    archive: Path, tmp_path: Path, change: Callable[[str, bytes], bytes | None], problem: str
) -> None:
    rewritten(archive, change)
    with pytest.raises(Refused, match=problem):
        Archive(archive)


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_whoever_changes_the_manifest_too_still_breaks_the_audit_chain(
    archive: Path, tmp_path: Path, clock: MovingClock
) -> None:
    def change(name: str, content: bytes) -> bytes:
        return content.replace(b'"person":"p"', b'"person":"q"') if name == "tenants/aozora/audit.jsonl" else content

    forged(archive, change)
    with pytest.raises(Refused, match="the audit chain of aozora does not hold: record 1 was changed"):
        Archive(archive)


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_who_writes_an_archive_anew_with_a_person_of_theirs_is_found_by_the_hash_kept_elsewhere(archive: Path) -> None:
    kept = hashlib.sha256(archive.read_bytes()).hexdigest()
    assert fingerprint(archive) == kept
    assert "aozora" in Archive(archive, kept.upper()).manifest.tenants

    def change(name: str, content: bytes) -> bytes:
        return content.replace(b'"sato"', b'"mallory"') if name == "service/person.jsonl" else content

    forged(archive, change)
    with zipfile.ZipFile(archive) as written:
        assert b'"mallory"' in written.read("service/person.jsonl")
    Archive(archive)  # its own hashes agree: they cannot show it
    with pytest.raises(Refused, match="not the archive that has this SHA-256"):
        Archive(archive, kept)


@pytest.mark.process
@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_files_that_are_no_archives(tmp_path: Path, address: str, clock: MovingClock) -> None:
    (tmp_path / "text").write_text("no archive")
    sqlite3.connect(tmp_path / "db").close()
    for name, problem in (("text", "is no backup"), ("nothing", "cannot be read"), ("db", "is no backup")):
        with pytest.raises(Refused, match=problem):
            Archive(tmp_path / name)
    for there in ("text", "."):
        with pytest.raises(Refused, match="is there already"):
            back_up(SqliteFolder(Path(address)), lambda: FILES, tmp_path / there, clock)
    assert (tmp_path / "text").read_text() == "no archive"
    with pytest.raises(Refused, match="cannot be written"):
        back_up(SqliteFolder(Path(address)), lambda: FILES, tmp_path / "no" / "b.zip", clock)


@pytest.mark.parametrize("entry", ["manifest.json", "service/person.jsonl", "home/installation.yaml"])
def test_a_zip_bomb_is_not_unpacked(archive: Path, entry: str) -> None:
    """More than a gigabyte in a megabyte or two: what the entry says of itself is enough to refuse it."""
    zeros = bytes(2**22)
    with zipfile.ZipFile(archive) as old:
        kept = {name: old.read(name) for name in old.namelist() if name != entry}
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bomb:
        for name, content in kept.items():
            bomb.writestr(name, content)
        with bomb.open(entry, "w", force_zip64=True) as out:
            for _ in range(257 if entry.endswith(".jsonl") else 17):
                out.write(zeros)
    with pytest.raises(Refused, match="unpacks to far more"):
        Archive(archive)


def test_a_row_without_an_end_is_not_read_whole(archive: Path) -> None:
    def endless(name: str, content: bytes) -> bytes:
        return b'{"id": "' + b"0" * (65 * 2**20) + b'"}' if name == "service/person.jsonl" else content

    forged(archive, endless)
    with pytest.raises(Refused, match="holds a line that is no row"):
        list(Archive(archive).rows("service/person.jsonl"))


def test_a_manifest_nested_for_ever_is_none(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "deep.zip", "w", zipfile.ZIP_DEFLATED) as deep:
        deep.writestr("manifest.json", b'{"versions":' + b"[" * 100_000)
    with pytest.raises(Refused, match="is no backup"):
        Archive(tmp_path / "deep.zip")


def test_a_key_that_is_added_meanwhile_is_in_the_archive(tmp_path: Path, clock: MovingClock) -> None:
    """Records that it has sealed already may be."""
    folder = tmp_path / "home"
    stores = SqliteFolder(folder)
    bring_up(folder, stores)
    home = Home(stores, KeyFolder(folder))
    fill(home, clock, "aozora")
    read: list[str] = []

    class Rotated(SqliteFolder):
        def service(self) -> Database:
            if not read:
                read.append(add_key(folder))
                with home.tenant("aozora").observe(AT, "p") as writer:
                    writer.record("audit.key-rotated", "aozora")
            return super().service()

    back_up(Rotated(folder), lambda: own_files(folder), tmp_path / "b.zip", clock)
    assert "keys/audit/2.key" in Archive(tmp_path / "b.zip").files()
    restore(Archive(tmp_path / "b.zip"), Restoring(SqliteFolder(tmp_path / "there"), KeyFolder(folder), clock, "p"))


def test_lost_keys_are_not_replaced_by_a_first_one(tmp_path: Path, clock: MovingClock) -> None:
    folder = tmp_path / "home"
    bring_up(folder, SqliteFolder(folder))
    fill(Home(SqliteFolder(folder), KeyFolder(folder)), clock, "aozora")
    (folder / "keys" / "audit" / "1.key").unlink()
    with pytest.raises(Refused, match="has lost its keys; restore them from a backup"):
        bring_up(folder, SqliteFolder(folder))


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_an_archive_is_for_its_owner_only(archive: Path) -> None:
    assert archive.stat().st_mode & 0o077 == 0


def test_names_in_an_archive_never_become_sql(home: Home, address: str) -> None:
    from store import archive as rows

    with stores_at(address).service().write() as connection:
        for name, row in (("audit; DROP TABLE audit", {"seq": 1}), ("audit", {"seq) VALUES (1); --": 1})):
            with pytest.raises(Refused, match="a name that no table or column has"):
                rows.fill(connection, name, [row])


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.commands import run

    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    there, then = ("--home", str(tmp_path / "home")), ("--home", str(tmp_path / "new"))
    run(capsys, "init", *there)
    run(capsys, "apply", str(DATA / "tenant.yaml"), *there)
    status, out = run(capsys, "backup", str(tmp_path / "b.zip"), *there)
    assert (status, "1 tenants" in out) == (0, True)
    kept = out.split()[-1]
    assert run(capsys, "restore", str(tmp_path / "b.zip"), "--sha256", "0" * 64, *then)[0] == 2
    assert not (tmp_path / "new").exists()
    status, out = run(capsys, "restore", str(tmp_path / "b.zip"), "--sha256", kept, *then)
    assert (status, "Everybody has to sign in again" in out) == (0, True)
    assert (tmp_path / "new" / "keys" / "service.key").read_bytes() == (
        tmp_path / "home" / "keys" / "service.key"
    ).read_bytes()
    assert run(capsys, "audit", "verify", *then)[1].startswith("service: ok\naozora-foods: ok")
    assert run(capsys, "restore", str(tmp_path / "b.zip"), "--tenant", "aozora-foods", *then)[0] == 0
    assert run(capsys, "upgrade", *then)[1] == "0 stores were upgraded; all are of this version.\n"
    assert run(capsys, "restore", str(tmp_path / "b.zip"), *then)[0] == 2
    assert home_at(str(tmp_path / "new")).tenants() == ["aozora-foods"]


@pytest.mark.process
def test_a_restore_that_was_broken_off_is_done_again(archive: Path, elsewhere: Stores, clock: MovingClock) -> None:
    class BreaksOff(Archive):
        def fill(self, *given: Any, **more: Any) -> None:
            if given[1] == "service":
                raise InterruptedError
            super().fill(*given, **more)

    with pytest.raises(InterruptedError):
        restore(BreaksOff(archive), Restoring(elsewhere, KEYS, clock, "p"))
    assert not elsewhere.service().exists()
    assert restore(Archive(archive), Restoring(elsewhere, KEYS, clock, "p")) == ["aozora", "midori"]
    assert [Home(elsewhere, KEYS).tenant(name).audit_fault() for name in ("aozora", "midori")] == ["", ""]


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_an_archive_names_nothing_outside(archive: Path) -> None:
    rewritten(archive, lambda name, content: content.replace(b'"midori"]', b'"../../outside"]'))
    with pytest.raises(Refused, match="by what is no id"):
        Archive(archive)


@pytest.mark.process
def test_a_tenant_that_comes_to_another_home_keeps_its_external_id(
    archive: Path, home: Home, address: str, clock: MovingClock, elsewhere: Stores, tmp_path: Path
) -> None:
    known = home.external_id("aozora", "made for aozora")
    back_up(stores_at(address), lambda: FILES, tmp_path / "c.zip", clock)
    there = Home(elsewhere, KEYS)
    there.create()
    restore_tenant(Archive(tmp_path / "c.zip"), Restoring(elsewhere, KEYS, clock, "p"), "aozora")
    assert there.external_id("aozora", "another") == known
