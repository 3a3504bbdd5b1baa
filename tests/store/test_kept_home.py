"""A home, an archive and a tenant's file of before the program's words were changed read as they were written.

tests/data/kept_home/make.py made them: a tenant in four clouds, of which one could be entered, with findings, an
exception, a plan that was approved and carried out, one that rolls it back, a halt, and a queued job of kind `tell`.
"""

import csv
import hashlib
import json
import sqlite3
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cli.main import main
from model.canonical import digest, encode
from pipeline.installation import open_home
from store import schema
from tests.data.kept_home.make import ASKED, HERE, TENANT


def _answer(name: str) -> str:
    with zipfile.ZipFile(HERE / "answers.zip") as answers:
        return answers.read(name).decode("utf-8")


def _lasting(name: str, said: str) -> Any:
    """Return what an export has from the stores, without what it has from the catalog of the day.

    Left out is what findings have had since then, too: a category, and account types of other clouds than AWS.
    """
    match name:
        case "findings.jsonl":
            found = [json.loads(line) for line in said.splitlines()]
            assert {one.pop("category", "posture") for one in found} == {"posture"}
            return found
        case "plan.json":  # how it stands depends on the day
            plan = json.loads(said)
            return plan["plan"], plan["hash"], sorted(plan)
        case "findings.csv":
            header, *rows = csv.reader(said.splitlines())
            left_out = {"Title", "Mapped to", "Recommended change", "Category"}
            return [name for name in header if name != "Category"], [
                {k: v for k, v in zip(header, row, strict=True) if k not in left_out} for row in rows
            ]
        case "findings.ocsf":
            events = [json.loads(line) for line in said.splitlines()]
            for event in events:
                info = event["finding_info"]
                del info["title"], info["desc"], info["analytic"]["name"], event["remediation"]
                event["compliance"].pop("standards", None)
                event["compliance"].pop("requirements", None)
            return events
        case _:
            return said


def _unpacked(folder: Path) -> None:
    with zipfile.ZipFile(HERE / "home.zip") as kept:
        kept.extractall(folder)
    _run("upgrade")


def _restored(folder: Path) -> None:
    _run("restore", str(HERE / "backup.zip"))
    _run("upgrade")  # it was made before tenants were granted what their files refer to
    assert folder.is_dir()


def _run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(list(arguments))
    return int(ended.value.code or 0)


@pytest.fixture(params=[_unpacked, _restored], ids=["home", "archive"])
def folder(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the folder of a home that was unpacked, and of one that was restored."""
    monkeypatch.setenv("HINOMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    make: Callable[[Path], None] = request.param
    make(tmp_path / "home")
    return tmp_path / "home"


def test_findings_assets_and_plans_are_exported_as_before(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan = _answer("plan.id")
    capsys.readouterr()
    for name, arguments in ASKED.items():
        assert _run(*(plan if one == "PLAN" else one for one in arguments)) == 0
        said = capsys.readouterr().out
        assert _lasting(name, said) == _lasting(name, _answer(name))
        assert len(said) > 2000


def test_the_stores_hold_what_they_held(folder: Path) -> None:
    home, plan = open_home(folder), _answer("plan.id")
    assert _run("audit", "verify") == 0
    with home.tenant(TENANT).read() as reader:
        assert {step.state for step in reader.plans.progress(plan).values()} == {"verified"}
        assert [(vote.person, vote.yes) for vote in reader.plans.votes(plan)] == [("ken", True)]
        back, first = reader.plans.newest(9)
        assert (back.undoes, first.id, reader.plans.fault(first)) == (plan, plan, "")
        assert {delivery.state for delivery in reader.deliveries("queued")} == {"queued"}
        assert [exception.author for exception in reader.suppressions()] == ["ken"]
    with home.service.read() as service:
        jobs = list(service.jobs.open())
        assert {(job.kind, job.state) for job in jobs} == {("tell", "queued")}
        assert service.halts.holding(TENANT) is not None


def test_each_identity_is_made_of_what_its_row_says(folder: Path) -> None:
    """Kept before rows had keys and families: all are worked out, also those of the past."""
    with open_home(folder).tenant(TENANT).read() as reader:
        rows = list(reader._connection.execute(select(schema.asset)))
    assert [row.uid for row in rows] == [digest(row.scope, row.kind, row.resource, row.key) for row in rows]
    assert {row.key for row in rows} == {"", "ap-northeast-1"}
    assert {row.valid_to is None for row in rows} == {True, False}
    assert {row.family for row in rows} == {""}, "it has nothing of a cluster"


def test_the_tenants_file_changes_nothing(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """But for its webhook on this machine, which `hinomi upgrade` names, with the lines that allow it."""
    _run("upgrade")
    printed = capsys.readouterr().out.splitlines()
    assert _run("apply", str(HERE / "tenant.yaml"), "--dry-run") == 2
    lines = printed[printed.index("outgoing:") :]
    assert lines[2:] == ['    "aozora": ["127.0.0.1"]']
    with (folder / "installation.yaml").open("a", encoding="utf-8") as file:
        file.write("\n".join(["", *lines, ""]))
    assert _run("apply", str(HERE / "tenant.yaml"), "--dry-run") == 0
    assert "nothing" in capsys.readouterr().out


def _unkeyed(connection: sqlite3.Connection) -> tuple[int, str]:
    """Make the chain of a store one of before there were keys; return its head."""
    last, seq = "0" * 64, 0
    for row in connection.execute("SELECT seq, at, person, action, subject, detail FROM audit ORDER BY seq").fetchall():
        content, seq = encode([*row, last]), row[0]
        values = (last, hashlib.sha256(content).hexdigest(), seq)
        connection.execute("UPDATE audit SET previous = ?, hash = ?, key = '', session = 0 WHERE seq = ?", values)
        last = values[1]
    return seq, last


def test_what_has_no_key_is_sealed_once_and_never_again(folder: Path) -> None:
    """Whoever can write the stores makes chains of before, and waits for the next upgrade."""
    assert _run("audit", "verify") == 0
    with closing(sqlite3.connect(folder / "tenants" / f"{TENANT}.sqlite")) as connection, connection:
        head = _unkeyed(connection)
    with closing(sqlite3.connect(folder / "service.sqlite")) as connection, connection:
        _unkeyed(connection)
        connection.execute("UPDATE audit_head SET seq = ?, hash = ?, code = ''", head)
    assert _run("upgrade") == 1, "it says what does not hold"
    assert _run("audit", "verify") == 1
