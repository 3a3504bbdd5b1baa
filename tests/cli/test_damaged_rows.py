"""A row that was damaged is named, and hurts no other: no command fails over it, and none calls it a defect."""

import random
import shutil
import sqlite3
import zipfile
from collections.abc import Iterable
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from store import schema
from tests.commands import said
from tests.data.kept_home.make import HERE, TENANT

pytestmark = pytest.mark.sweep

ASKED = (
    ("findings", TENANT),
    ("assets", "list", TENANT),
    ("exceptions", "list", TENANT),
    ("scans", TENANT),
    ("status", TENANT),
    ("orders", "list", TENANT),
    ("people", "list"),
    ("audit", "verify"),
    ("report", TENANT, "--output", "report.html"),
)
# What stands in a row instead: half of what was there, bytes that are no text, a text where a number has to be.
DAMAGES = {"half": "substr({0}, 1, length({0}) / 2)", "bytes": "X'00FF7B'", "text": "'{{\"'"}
# Each with each, by each command, takes a minute: that is for `make soak`.
BRIEFLY = {"service": [("people", "list")], TENANT: [("findings", TENANT), ("status", TENANT)]}
KINDS = {"service": schema.service, TENANT: schema.tenant}
COLUMNS = [
    (store, table.name, column.name)
    for store, tables in KINDS.items()
    for table in tables.sorted_tables
    for column in table.columns
]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of a home with findings, an exception, a plan that was carried out, and one that rolls back."""
    folder = tmp_path_factory.mktemp("damaged") / "home"
    with zipfile.ZipFile(HERE / "home.zip") as archive:
        archive.extractall(folder)
    with suppress(SystemExit):
        main(["upgrade", "--home", str(folder)])
    return folder


def file_of(folder: Path, store: str) -> Path:
    return folder / "service.sqlite" if store == "service" else folder / "tenants" / f"{store}.sqlite"


def damaging(folder: Path, store: str, table: str, column: str, damages: Iterable[str]) -> list[str]:
    """Return the statements that damage a column of the first row, without those that change nothing."""
    found = []
    with closing(sqlite3.connect(file_of(folder, store), isolation_level=None)) as connection:
        for value in (DAMAGES[name] for name in sorted(damages)):
            first = f'WHERE rowid = (SELECT min(rowid) FROM "{table}")'
            statement = f'UPDATE "{table}" SET "{column}" = {value.format(chr(34) + column + chr(34))} {first}'
            connection.execute("BEGIN")
            try:
                if connection.execute(statement).rowcount:
                    found.append(statement)
            except sqlite3.IntegrityError:
                pass
            connection.execute("ROLLBACK")
    return found


@pytest.fixture
def home(kept: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = shutil.copytree(kept, tmp_path / "home")
    monkeypatch.setenv("HINOMI_HOME", str(folder))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    return folder


@pytest.mark.soak
@pytest.mark.parametrize(("store", "table", "column"), COLUMNS, ids=str)
def test_no_command_calls_any_damage_a_defect(
    store: str, table: str, column: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands_go_on(home, (store, table, column), (DAMAGES, ASKED), capsys)


@pytest.mark.parametrize(("store", "table", "column"), COLUMNS, ids=str)
def test_no_command_calls_a_damaged_row_a_defect(
    store: str, table: str, column: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands_go_on(home, (store, table, column), ({"bytes"}, BRIEFLY[store]), capsys)


def commands_go_on(
    home: Path, place: tuple[str, str, str], tried: tuple[Iterable[str], Any], capsys: pytest.CaptureFixture[str]
) -> None:
    store = place[0]
    for statement in damaging(home, *place, tried[0]):
        whole = file_of(home, store).read_bytes()
        with closing(sqlite3.connect(file_of(home, store), isolation_level=None)) as connection:
            connection.execute(statement)
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for arguments in tried[1]:
            status, _, err = said(capsys, *arguments)
            assert status in (0, 1, 2, 3), f"{statement}: {arguments}: {err}"
            assert not any("defect" in line for line in err), f"{statement}: {arguments}: {err}"
            assert status != 2 or all(line.startswith("hinomi: ") for line in err), err
        for ending in ("-wal", "-shm"):
            Path(f"{file_of(home, store)}{ending}").unlink(missing_ok=True)
        file_of(home, store).write_bytes(whole)


LEFT_OUT = [
    ("finding", "message", ("findings", TENANT)),
    ("finding", "elements", ("findings", TENANT)),
    ("asset", "unknown", ("assets", "list", TENANT)),
    ("plan", "document", ("status", TENANT)),
    ("suppression", "created_at", ("exceptions", "list", TENANT)),
]


@pytest.mark.parametrize(("table", "column", "asked"), LEFT_OUT, ids=str)
def test_the_others_are_listed_and_it_is_named(
    table: str, column: str, asked: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = said(capsys, *asked)[1].splitlines()
    with closing(sqlite3.connect(file_of(home, TENANT))) as connection, connection:
        connection.execute(f"UPDATE {table} SET {column} = '{{' WHERE rowid = (SELECT min(rowid) FROM {table})")
    status, after, err = said(capsys, *asked)
    assert status in (0, 3)
    assert len([line for line in err if f"of the table {table} cannot be read, and was left out" in line]) == 1
    assert len(after.splitlines()) < len(before)


def flipped_bytes_are_no_defect(home: Path, seeds: Iterable[int], capsys: pytest.CaptureFixture[str]) -> None:
    for seed in seeds:
        chosen = random.Random(seed)
        store = chosen.choice(sorted(KINDS))
        whole = file_of(home, store).read_bytes()
        damaged = bytearray(whole)
        start = chosen.randrange(100, len(whole))
        for place in range(start, min(start + chosen.choice([1, 1, 4, 50, 500]), len(whole))):
            damaged[place] = chosen.randrange(256)
        file_of(home, store).write_bytes(damaged)
        for arguments in BRIEFLY[store]:
            status, _, err = said(capsys, *arguments)
            assert status in (0, 1, 2, 3), f"{seed}: {arguments}: {err}"
        for ending in ("-wal", "-shm"):
            Path(f"{file_of(home, store)}{ending}").unlink(missing_ok=True)
        file_of(home, store).write_bytes(whole)


def test_flipped_bytes_of_a_file_are_no_defect(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flipped_bytes_are_no_defect(home, range(12), capsys)


@pytest.mark.soak
def test_many_flipped_bytes_of_a_file_are_no_defect(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    flipped_bytes_are_no_defect(home, range(1000), capsys)
