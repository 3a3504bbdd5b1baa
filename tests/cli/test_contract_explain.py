"""`hinomi contract explain`: a setting, where it comes from, and what it overrides."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from bench.people import tokens
from cli.main import main
from tests.passwords import QUICK

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01, customer_approves: true}
scopes: [{aws: "123456789012", regions: [ap-northeast-1]}]
"""
GRACE = "licence.grace_days"
Run = Callable[..., tuple[int, str, str]]
Record = Callable[..., tuple[int, str, str]]


@pytest.fixture
def hinomi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command by a token, in a home with one tenant."""
    monkeypatch.setenv("HINOMI_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: object, token: str = "") -> tuple[int, str, str]:
        monkeypatch.setenv("HINOMI_TOKEN", token)
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        out, err = capsys.readouterr()
        return int(ended.value.code or 0), out.strip(), err.strip()

    (tmp_path / "aozora.yaml").write_text(TENANT, encoding="utf-8")
    assert run("init")[0] == 0
    assert run("apply", tmp_path / "aozora.yaml")[0] == 0
    return run


@pytest.fixture
def record(hinomi: Run, tmp_path: Path) -> Record:
    """Return what records a text as somebody who has signed in, by name."""
    people = tokens(tmp_path / "home", "aozora", {"mori": "contract-manager", "rin": "lead", "ito": "viewer"}, QUICK)

    def recorded(text: str, person: str = "mori") -> tuple[int, str, str]:
        (tmp_path / "record.yaml").write_text(text, encoding="utf-8")
        return hinomi("contract", "record", "aozora", tmp_path / "record.yaml", token=people[person])

    return recorded


def explained(hinomi: Run, key: str, *more: str) -> dict[str, Any]:
    status, out, _ = hinomi("contract", "explain", "aozora", key, "--format", "json", *more)
    assert status == 0
    found: dict[str, Any] = json.loads(out)
    return found


@pytest.mark.article(1, 6)
def test_without_a_setting_the_default_holds(hinomi: Run) -> None:
    assert explained(hinomi, GRACE, "--on", "2026-06-01") == {
        "tenant": "aozora", "key": GRACE, "on": "2026-06-01T14:59:59.999999Z", "value": 30, "unit": "days",
        "layer": "default", "clause": "3(2)", "record": None, "edition": None, "effective": None,
        "overrides": [], "conflict": None,
    }  # fmt: skip
    status, out, _ = hinomi("contract", "explain", "aozora", GRACE)
    assert (status, out.splitlines()) == (
        0,
        [
            "aozora, licence.grace_days: 30 days (how long collection and alerts go on after a licence has lapsed)",
            "From: default of the program (Article 3(2))",
        ],
    )
    japanese = hinomi("contract", "explain", "aozora", GRACE, "--language", "ja")[1]
    assert japanese.splitlines()[1] == "根拠：プログラムの既定値（第3条第2項）"


@pytest.mark.article(1, 6)
def test_a_setting_on_record_holds_from_its_moment_on(hinomi: Run, record: Record) -> None:
    assert record("setting: {key: licence.grace_days, value: 45}\neffective: 2099-10-01T00:30:00Z\n")[0] == 0
    before, after = (
        explained(hinomi, GRACE, "--on", moment) for moment in ("2099-10-01T00:29:59Z", "2099-10-01T09:30:00+09:00")
    )
    assert (before["value"], before["layer"]) == (30, "default")
    assert (after["value"], after["layer"], after["clause"], after["record"]) == (45, "individual", "6(1)", 6)
    assert [(one["layer"], one["clause"], one["value"]) for one in after["overrides"]] == [("default", "3(2)", 30)]
    assert explained(hinomi, GRACE, "--on", "2099-10-01")["value"] == 45


@pytest.mark.article(6)
def test_what_was_taken_over_from_the_file_is_an_individual_condition(hinomi: Run) -> None:
    found = explained(hinomi, "changes.customer_approves", "--on", "2026-06-01")
    assert (found["value"], found["layer"], found["record"]) == (True, "individual", 5)


def test_where_the_tenants_file_says_something_else_it_is_shown(hinomi: Run, record: Record) -> None:
    assert record('setting: {key: scan.schedule, value: "30 5 * * *"}\neffective: 2099-10-01\n')[0] == 0
    found = explained(hinomi, "scan.schedule", "--on", "2099-10-01")
    assert (found["value"], found["file"]) == ("30 5 * * *", {"key": "schedule.cron", "value": "0 3 * * *"})
    said = hinomi("contract", "explain", "aozora", "scan.schedule", "--on", "2099-10-01")[1].splitlines()
    assert said[-1] == "The service goes by the tenant's file today, which says 0 3 * * *"
    same = hinomi("contract", "explain", "aozora", "scan.schedule", "--on", "2026-09-30")[1]
    assert "tenant's file" not in same


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("setting: {key: coffee.cups, value: 3}\n", ":1:16: there is no setting 'coffee.cups'; known are changes."),
        ("setting: {key: licence.grace_days, value: soon}\n", ':1:43: "soon" has to be a whole number'),
        ("setting: {key: licence.grace_days, value: true}\n", ":1:43: true has to be a whole number"),
        ("setting: {key: licence.grace_days, value: -3}\n", ":1:43: -3 has to be between 0 and 1,000,000 days"),
        ("setting: {key: changes.customer_approves, value: 1}\n", ":1:50: 1 has to be true or false"),
        ("setting: {key: scan.schedule, value: at night}\n", ":1:38: 'at night' is no cron expression"),
        ("setting: {key: scan.schedule, value: 3}\n", ":1:38: 3 has to be text; put it in quotes"),
        ("setting: {key: specification.notice_days, value: 30}\n", ":1:16: 'specification.notice_days' is not set by"),
    ],
)
def test_what_is_no_setting_is_not_recorded(hinomi: Run, record: Record, text: str, problem: str) -> None:
    status, out, refused = record(text)
    assert (status, out, refused.count("\n")) == (2, "", 0)
    assert problem in refused
    assert record("setting: {key: licence.grace_days, value: 45}\n")[1].startswith("aozora: record 6,")


def test_a_setting_is_recorded_by_those_whom_the_data_says_and_confirmed_by_a_lead(hinomi: Run, record: Record) -> None:
    setting = "setting: {key: licence.grace_days, value: 45}\neffective: 2099-10-01\n"
    assert "rin may not record orders" in record(setting, "rin")[2]
    assert record(setting)[0] == 0
    confirmed = "judgement: {of: 6, decision: confirmed, reason: agreed}\neffective: 2099-10-02\n"
    assert "mori may not" in record(confirmed)[2]
    assert record(confirmed, "rin")[:2] == (0, "aozora: record 7, effective from 2099-10-02")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (("aozora", "licence.days"), "there is no setting 'licence.days'; known are changes.customer_approves, "),
        (("aozora", GRACE, "--on", "2026-02-30"), "--on: '2026-02-30' is no day and no moment; write 2026-04-01 or"),
        (("aozora", GRACE, "--on", "soon"), "--on: 'soon' is no day and no moment"),
        (("aozora", GRACE, "--on", "9999-12-31"), "9999-12-31 is no day of this service"),
        (("aozora", GRACE, "--on", "0001-01-01T00:00:00+09:00"), "0001-01-01 is no day of this service"),
        (("midori", GRACE), "there is no tenant 'midori'"),
    ],
)
def test_what_cannot_be_explained_is_one_line(hinomi: Run, arguments: tuple[str, ...], problem: str) -> None:
    status, out, refused = hinomi("contract", "explain", *arguments)
    assert (status, out, refused.count("\n")) == (2, "", 0)
    assert refused.startswith("hinomi: ")
    assert problem in refused
