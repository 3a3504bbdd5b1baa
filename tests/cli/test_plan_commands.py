"""The commands about changes, as people who have signed in run them."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bench.people import tokens
from cli.main import main
from demo.stand_ins.aws_emulator import Emulator
from tests.changing import ALL_ON, BLOCK, block_of, buckets
from tests.passwords import QUICK

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01, options: [standing-orders]}
scopes: [{aws: "123456789012", regions: [ap-northeast-1], write: {}}]
"""


class Said(NamedTuple):
    """How a command ended, and what it printed."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture
def hinomi(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., Said]:
    """Return what runs a command as somebody, in a home with people and a tenant that was scanned."""
    monkeypatch.setenv("HINOMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    people: dict[str, str] = {}

    def run(*arguments: str, who: str = "") -> Said:
        monkeypatch.setenv("HINOMI_TOKEN", people[who] if who else "")
        with pytest.raises(SystemExit) as ended:
            main(list(arguments))
        out, err = capsys.readouterr()
        return Said(int(ended.value.code or 0), out, err)

    buckets("one", "two")
    file = tmp_path / "aozora.yaml"
    file.write_text(TENANT, encoding="utf-8")
    assert run("init").returncode == 0
    assert run("apply", str(file)).returncode == 0
    people |= tokens(tmp_path / "home", "aozora", {"aki": "analyst", "ken": "lead", "rin": "lead"}, QUICK)
    run("scan", "aozora")
    return run


def test_from_the_plan_to_the_change_and_back(hinomi: Callable[..., Said]) -> None:
    planned = json.loads(hinomi("plan", "aozora", BLOCK, "--format", "json", who="aki").stdout)
    id_, hash_ = planned["plan"]["id"], planned["hash"]
    shown = hinomi("show", "aozora", id_, who="ken").stdout
    for text in (f"Hash: {hash_}", "- PublicAccessBlock: (absent)", "s3 delete_public_access_block (ap-northeast-1)"):
        assert text in shown
    page = hinomi("show", "aozora", id_, "--format", "html", "--language", "ja").stdout
    assert "<h1>バケットのS3ブロックパブリックアクセスを有効にする</h1>" in page
    refused = hinomi("approve", "aozora", id_, "--hash", "0" * 12, who="ken")
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert hinomi("approve", "aozora", id_, "--hash", hash_).returncode == 2, "the host's shell is nobody"
    assert hinomi("run", "aozora", id_, who="aki").returncode == 2, "not approved yet"
    assert "is approved" in hinomi("approve", "aozora", id_, "--hash", hash_[:12], who="ken").stdout
    ran = hinomi("run", "aozora", id_, who="aki")
    assert (ran.returncode, ran.stdout.count("verified")) == (0, 2)
    assert block_of("one") == block_of("two") == ALL_ON
    assert hinomi("verify", "aozora", id_, who="aki").returncode == 0
    rollback = json.loads(hinomi("rollback", "aozora", id_, "--resource", "one", "--format", "json", who="aki").stdout)
    for who in ("ken", "rin"):
        hinomi("approve", "aozora", rollback["plan"]["id"], "--hash", rollback["hash"], who=who)
    assert hinomi("run", "aozora", rollback["plan"]["id"], who="aki").returncode == 0
    assert (block_of("one"), block_of("two")) == (None, ALL_ON)
    listed = hinomi("status", "aozora").stdout
    assert f"(rolls back {id_})" in listed
    assert "1 undone, 1 verified" in listed
    assert hinomi("audit", "verify", "aozora").returncode == 0


def test_nobody_approves_what_was_made_for_them_in_another_spelling(hinomi: Callable[..., Said]) -> None:
    for text in ("KEN", "ken ", "k\u0435n", "mallory", " "):
        refused = hinomi("plan", "aozora", BLOCK, "--requested-by", text, who="aki")
        assert (refused.returncode, refused.stdout, refused.stderr.count("\n")) == (2, "", 1)
        assert f"there is nobody called {text!r}" in refused.stderr
    planned = json.loads(hinomi("plan", "aozora", BLOCK, "--requested-by", "ken", "--format", "json", who="aki").stdout)
    refused = hinomi("approve", "aozora", planned["plan"]["id"], "--hash", planned["hash"], who="ken")
    assert (refused.returncode, "was made for" in refused.stderr) == (2, True)


def test_rejected_stopped_and_ordered(hinomi: Callable[..., Said]) -> None:
    planned: Any = json.loads(hinomi("plan", "aozora", BLOCK, "--format", "json", who="aki").stdout)
    id_ = planned["plan"]["id"]
    assert "is denied" in hinomi("reject", "aozora", id_, "--reason", "not in May", who="ken").stdout
    assert "not in May" in hinomi("run", "aozora", id_, who="aki").stderr
    day = str(date.today() + timedelta(days=30))  # noqa: DTZ011 - any day to come
    granted = hinomi("orders", "grant", "aozora", BLOCK, "--reason", "agreed", "--expires", day, who="ken")
    assert BLOCK in hinomi("orders", "list", "aozora").stdout
    assert hinomi("changes", "halt", "aozora", "--reason", "incident", who="ken").returncode == 0
    assert hinomi("scan", "aozora", who="aki").returncode in (0, 3), "what is stopped is the change, not the scan"
    assert block_of("one") is None
    assert hinomi("changes", "resume", "aozora", who="ken").returncode == 0
    hinomi("scan", "aozora", who="aki")
    assert block_of("one") == block_of("two") == ALL_ON
    order = granted.stdout.split(":")[0]
    assert "has ended" in hinomi("orders", "withdraw", "aozora", order, who="rin").stdout
    assert hinomi("permissions", "changes", "--provider", "azure").returncode == 0
