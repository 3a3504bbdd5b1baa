"""`hinomi coverage`: by source and day, in both languages, within a terminal's width, over the API alike."""

import json
import unicodedata
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from fastapi.testclient import TestClient

from bench.people import tokens
from cli.main import main
from contract.days import day_of
from tests.cloudtrail import lines, write
from tests.doors import application
from tests.passwords import QUICK

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01}
scopes: [{aws: "123456789012", role: "arn:aws:iam::123456789012:role/hinomi-read"}]
logs:
  - source: aws.cloudtrail
    aws: "123456789012"
    queue: https://sqs.ap-northeast-1.amazonaws.com/123456789012/aozora-logs
    buckets: [aozora-logs]
    role: arn:aws:iam::123456789012:role/hinomi-logs
"""


class Site:
    """A home with one tenant whose file names a feed, and one of the customer's people."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self.folder, self._patch, self._capsys = folder, patch, capsys
        patch.setenv("HINOMI_HOME", str(folder / "home"))
        patch.setenv("XDG_CONFIG_HOME", str(folder / "config"))
        patch.setenv("COLUMNS", "80")
        (folder / "aozora.yaml").write_text(TENANT, encoding="utf-8")
        assert self("init")[0] == 0
        assert self("apply", folder / "aozora.yaml")[0] == 0
        self.people = tokens(folder / "home", "aozora", {"mio": "analyst", "ito": "viewer"}, QUICK)

    def __call__(self, *arguments: object, person: str = "") -> tuple[int, str, str]:
        self._patch.setenv("HINOMI_TOKEN", self.people[person] if person else "")
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        out, err = self._capsys.readouterr()
        return int(ended.value.code or 0), out.strip(), err.strip()


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    return Site(tmp_path, monkeypatch, capsys)


def width(line: str) -> int:
    """Return how many columns of a terminal a line takes: wide characters take two (UAX #11)."""
    return sum(2 if unicodedata.east_asian_width(one) in "WF" else 1 for one in line)


@pytest.mark.article(12)
def test_what_was_covered_is_said_by_source_and_day_by_command_and_over_the_api(site: Site) -> None:
    status, _, _ = site("logs", "take", "aozora", write(site.folder / "a.jsonl", [*lines(1, 20), "{"]), "--source",
                        "aws.cloudtrail", person="mio")  # fmt: skip
    assert status == 3
    today = day_of(datetime.now(UTC))
    status, out, err = site("coverage", "aozora", "--format", "json", person="ito")
    assert (status, err) == (0, "")
    found = json.loads(out)
    rows = {(row["source"], row["day"]): row for row in found["logs"]["sources"]}
    assert len(rows) == 7
    row = rows["aws.cloudtrail", today.isoformat()]
    names = ("state", "received", "analysed", "stored", "malformed", "waiting", "unfetched")
    assert [row[name] for name in names] == ["filled back", 21, 20, 20, 1, 0, None]
    assert rows["aws.cloudtrail", (today - timedelta(days=1)).isoformat()]["state"] == "not heard"
    assert [one["run"] for one in found["scans"]] == [""] * 7
    with httpx.Client() as http, TestClient(application(site.folder / "home", http), "http://127.0.0.1") as client:
        bearer = {"authorization": f"Bearer {site.people['ito']}"}
        asked = client.get(f"/v1/tenants/aozora/coverage?month={today:%Y-%m}", headers=bearer).json()
        assert asked["last"] == today.isoformat()
        assert asked["logs"]["sources"][-1] == row
        for wrong in ("month=2026-13", "month=2026-6", f"on={today + timedelta(days=1)}"):
            assert client.get(f"/v1/tenants/aozora/coverage?{wrong}", headers=bearer).status_code == 400, wrong
        assert client.get("/v1/tenants/aozora/coverage?on=yesterday", headers=bearer).status_code == 422


@pytest.mark.parametrize(("language", "words"), [("en", ("not heard", "unknown")), ("ja", ("受信なし", "不明"))])
def test_people_read_it_within_eighty_columns(site: Site, language: str, words: tuple[str, str]) -> None:
    site("logs", "take", "aozora", write(site.folder / "a", [*lines(1, 20), "{"]), "--source", "aws.cloudtrail")
    status, out, err = site("coverage", "aozora", "--language", language, person="ito")
    assert (status, err) == (0, "")
    assert all(word in out for word in words)
    assert max(map(width, out.splitlines())) <= 80


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("--month", "2026-13"), "'2026-13' is no month"),
        (("--month", "9000-12"), "has not come yet"),
        (("--on", "2100-01-01"), "has not come yet"),
        (("--on", "2026-01-01", "--month", "2026-01"), "cannot be asked for at once"),
    ],
)
def test_a_day_or_month_that_is_none_is_one_line(site: Site, given: tuple[str, ...], said: str) -> None:
    status, out, err = site("coverage", "aozora", *given, person="ito")
    assert (status, out, len(err.splitlines())) == (2, "", 1)
    assert said in err
