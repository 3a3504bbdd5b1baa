"""A contract's provider by the commands: recorded, shown, and named in what is written for the customer."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from bench.people import tokens
from tests.commands import said
from tests.passwords import QUICK

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01}
scopes: [{aws: "123456789012", regions: [ap-northeast-1]}]
"""
PROVIDERS = """\
providers:
  hinomi: {name: {en: Hinomi K.K., ja: 株式会社火の見}, registration_number: T1234567890123, bank: secret}
  group-co: {name: {en: Hinomi Group K.K., ja: 火の見グループ株式会社}}
provider: hinomi
aws_principal: arn:aws:iam::999999999999:root
"""
Run = Callable[..., tuple[int, str, list[str]]]


@pytest.fixture
def hinomi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command as a contract manager, in a home with one tenant and two providers."""
    home = tmp_path / "home"
    monkeypatch.setenv("HINOMI_HOME", str(home))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "aozora.yaml").write_text(TENANT, encoding="utf-8")
    assert said(capsys, "init")[0] == 0
    assert said(capsys, "apply", str(tmp_path / "aozora.yaml"))[0] == 0
    (home / "installation.yaml").write_text(PROVIDERS, encoding="utf-8")
    manager = tokens(home, "aozora", {"mori": "contract-manager"}, QUICK)["mori"]

    def run(*arguments: str, by: str = "") -> tuple[int, str, list[str]]:
        monkeypatch.setenv("HINOMI_TOKEN", manager if by else "")
        return said(capsys, *arguments)

    return run


def record(hinomi: Run, folder: Path, provider: str) -> tuple[int, str, list[str]]:
    file = folder / "record.yaml"
    file.write_text(
        f"setting: {{key: contract.provider, value: {provider}}}\neffective: 2099-10-01\n", encoding="utf-8"
    )
    return hinomi("contract", "record", "aozora", str(file), by="mori")


def shown(hinomi: Run, day: str) -> object:
    said = hinomi("contract", "show", "aozora", "--on", day, "--format", "json")[1]
    return json.loads(said).get("provider")


@pytest.mark.article(1)
def test_a_provider_is_recorded_from_a_day_on(hinomi: Run, tmp_path: Path) -> None:
    assert record(hinomi, tmp_path, "group-co")[:2] == (0, "aozora: record 5, effective from 2099-10-01\n")
    assert shown(hinomi, "2099-09-30") == {
        "value": {"name": {"en": "Hinomi K.K.", "ja": "株式会社火の見"}, "registration_number": "T1234567890123"},
        "clause": "1(1)",
    }
    assert shown(hinomi, "2099-10-01") == {
        "value": {"name": {"en": "Hinomi Group K.K.", "ja": "火の見グループ株式会社"}, "registration_number": None},
        "clause": "1(1)",
    }
    japanese = hinomi("contract", "show", "aozora", "--on", "2099-10-01", "--language", "ja")[1]
    assert japanese.splitlines()[-1] == "提供者：火の見グループ株式会社（第1条第1項）"


def test_an_unknown_provider_is_refused_and_nothing_is_recorded(hinomi: Run, tmp_path: Path) -> None:
    assert record(hinomi, tmp_path, "groupco") == (
        2,
        "",
        [
            f"hinomi: {tmp_path / 'record.yaml'}:1:42: there is no provider 'groupco' in installation.yaml "
            "(providers): known are hinomi, group-co"
        ],
    )
    assert record(hinomi, tmp_path, "hinomi")[1] == "aozora: record 5, effective from 2099-10-01\n"


def test_without_providers_it_is_said_where_they_are_set(hinomi: Run, tmp_path: Path) -> None:
    (tmp_path / "home" / "installation.yaml").write_text("workers: 2\n", encoding="utf-8")
    assert record(hinomi, tmp_path, "hinomi")[2][0].endswith("in installation.yaml (providers): it has none")
    assert (
        hinomi("contract", "show", "aozora")[1].splitlines()[-1] == "Provider: not set (installation.yaml, providers)"
    )
    assert shown(hinomi, "2099-10-01") is None


@pytest.mark.article(1)
def test_findings_and_the_guide_name_the_provider_of_their_day(hinomi: Run, tmp_path: Path) -> None:
    record(hinomi, tmp_path, "group-co")
    status, _, faults = hinomi("onboard", "aws", "aozora", "-o", str(tmp_path / "documents"))
    assert (status, faults) == (0, [])
    assert "\nサービス提供：" in (tmp_path / "documents" / "guide.ja.md").read_text("utf-8")
    before = hinomi("findings", "aozora", "--format", "csv", "--on", "2026-09-30", "--all")
    assert (before[0], '"Service provider"' in before[1]) == (0, True)
