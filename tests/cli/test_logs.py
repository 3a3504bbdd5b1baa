"""`hinomi logs`: taken in, counted, listed and read again, by commands and over the API alike."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from bench.people import tokens
from cli.main import main
from tests.cloudtrail import lines, write
from tests.doors import application
from tests.passwords import QUICK

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01}
scopes: [{aws: "123456789012", role: "arn:aws:iam::123456789012:role/hinomi-read"}]
"""
SOURCE = "aws.cloudtrail"


class Site:
    """A home with one tenant, and people."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capsys = folder, patch, capsys
        patch.setenv("HINOMI_HOME", str(folder / "home"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("COLUMNS", "120")
        (folder / "aozora.yaml").write_text(TENANT, encoding="utf-8")
        assert self("init")[0] == 0
        assert self("apply", folder / "aozora.yaml")[0] == 0
        roles = {"mio": "analyst", "sora": "operator", "ito": "viewer"}
        self.people = tokens(folder / "home", "aozora", roles, QUICK)

    def __call__(self, *arguments: object, person: str = "") -> tuple[int, str, str]:
        self._patch.setenv("HINOMI_TOKEN", self.people[person] if person else "")
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        out, err = self._capsys.readouterr()
        return int(ended.value.code or 0), out.strip(), err.strip()

    def take(self, *paths: Path, source: str = SOURCE) -> tuple[int, str, str]:
        return self("logs", "take", "aozora", *paths, "--source", source, "--format", "json", person="mio")

    def volume(self, *more: str) -> list[dict[str, object]]:
        status, out, _ = self("logs", "volume", "aozora", "--format", "json", *more, person="ito")
        assert status == 0
        found: list[dict[str, object]] = json.loads(out)["sources"]
        return found


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, monkeypatch, capsys)


def packed(file: Path, found: list[str]) -> Path:
    """Write events as CloudTrail puts them into its bucket."""
    records = {"Records": [json.loads(one) for one in found]}
    file.write_bytes(gzip.compress(json.dumps(records).encode()))
    return file


def test_files_and_folders_are_taken_in_and_each_record_is_in_one_column(site: Site) -> None:
    (site.folder / "in").mkdir()
    packed(site.folder / "in" / "a.json.gz", lines(1, 50))
    write(site.folder / "in" / "b.jsonl", [*lines(41, 60), "{"])
    status, out, err = site.take(site.folder / "in")
    counted = {"accepted": 71, "duplicate": 10, "malformed": 1, "offered": 71, "processed": 60}
    assert (status, json.loads(out)) == (3, counted)
    assert err == f"hinomi: {site.folder}/in/b.jsonl:21: not JSON; set aside"
    (found,) = site.volume()
    said = {name: found[name] for name in ("offered", "processed", "waiting", "malformed", "duplicate", "customer")}
    assert said == {"offered": 71, "processed": 60, "waiting": 0, "malformed": 1, "duplicate": 10, "customer": 0}
    assert found["causes"] == {"back-fill": 61, "repeat": 10}
    tomorrow = (datetime.now(UTC) + timedelta(days=2)).date().isoformat()
    assert site.volume("--since", tomorrow) == []
    assert site.take(packed(site.folder / "c.gz", lines(1, 3)))[0] == 0
    rows = dict(line.rsplit(maxsplit=1) for line in site("logs", "volume", "aozora", person="ito")[1].splitlines()[1:])
    assert {name: rows[name] for name in ("offered", "processed", "malformed", "duplicate", "too late")} == {
        "offered": "74", "processed": "60", "malformed": "1", "duplicate": "13", "too late": "0",
    }  # fmt: skip
    listed = site("logs", "sources", "aozora", "--format", "jsonl", person="ito")[1].splitlines()
    heard = {one["source"]: one["last_heard"][:10] for one in map(json.loads, listed)}
    assert len(heard) == 6
    assert {source for source, last in heard.items() if last} == {SOURCE}
    with httpx.Client() as http, TestClient(application(site.folder / "home", http), "http://127.0.0.1") as client:
        bearer = {"authorization": f"Bearer {site.people['ito']}"}
        answer = client.get("/v1/tenants/aozora/logs/volume", headers=bearer)
        assert answer.json() == {"tenant": "aozora", "committed_per_minute": None, "sources": site.volume()}
        assert client.get(f"/v1/tenants/aozora/logs/volume?since={tomorrow}", headers=bearer).json()["sources"] == []


def test_what_our_own_scans_leave_is_said_to_be_ours(site: Site) -> None:
    ours = "arn:aws:sts::123456789012:assumed-role/hinomi-read/hinomi"
    found = [one.replace("arn:aws:iam::123456789012:user/mio", ours) for one in lines(1, 4)]
    site.take(write(site.folder / "a", [*found, *lines(5, 6)]))
    assert site.volume()[0]["causes"] == {"back-fill": 2, "own": 4}


def test_who_reads_kept_events_says_what_for_and_is_on_record(site: Site) -> None:
    site.take(packed(site.folder / "a.gz", lines(1, 4)))
    time = ("--since", "2026-06-01T00:00:00Z", "--until", "2026-06-01T00:00:01Z")
    asked = ("logs", "read", "aozora", "--source", SOURCE, *time, "--purpose")
    for person in ("", "sora", "ito"):
        status, out, err = site(*asked, "case 7", person=person)
        assert (status, out) == (2, ""), person
        assert "may not read events that are kept" in err, person
    status, out, _ = site(*asked, "case 7", person="mio")
    assert (status, [json.loads(line) for line in out.splitlines()]) == (0, [json.loads(one) for one in lines(1, 4)])
    assert site(*asked, "", person="mio")[0] == 2
    assert site("audit", "verify", "aozora") == (0, "aozora: ok", "")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("take", "aozora", "gone", "--source", SOURCE), "gone: there is no such file or folder"),
        (("take", "aozora", "aozora.yaml", "--source", "aws.trail"), "there is no source 'aws.trail'; known are aws."),
        (("read", "aozora", "--source", SOURCE, "--since", "x", "--until", "y", "--purpose", "p"), "'x' is no moment"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_taken_in(
    site: Site, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], problem: str
) -> None:
    monkeypatch.chdir(site.folder)
    status, out, err = site("logs", *arguments, person="mio")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert problem in err
    assert site.volume() == []


def test_a_backup_brings_the_keys_of_kept_events_along(site: Site) -> None:
    site.take(packed(site.folder / "a.gz", lines(1, 4)))
    assert site("backup", site.folder / "b.zip")[0] == 0
    new = ("--home", site.folder / "new")
    assert site("restore", site.folder / "b.zip", *new)[2] == ""
    kept, brought = site.folder / "home/keys/logs/aozora.key", site.folder / "new/keys/logs/aozora.key"
    key = kept.read_bytes()
    assert brought.read_bytes() == key
    kept.unlink()
    for _ in range(2):  # a key that is there stays
        assert site("restore", site.folder / "b.zip", "--tenant", "aozora")[2] == ""
        assert kept.read_bytes() == key
