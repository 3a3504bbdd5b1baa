"""Articles of the terms of service by the commands, each with what follows from the article itself.

What other files of this folder show has its mark there.
"""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from shutil import copytree
from typing import Any, NamedTuple

import pytest

from bench.people import tokens
from cli.main import main
from contract.days import day_of
from pipeline.clock import SystemClock
from tests.commands import said
from tests.commitments import committing, plain
from tests.passwords import QUICK

TENANT = """\
tenant: aozora
name: {en: Aozora, ja: 青空}
contract: {start: 2026-01-01}
scopes: [{aws: "123456789012", regions: [ap-northeast-1]}]
"""
Run = Callable[..., tuple[int, str, list[str]]]


class Begun(NamedTuple):
    """A home with one tenant, of whose contract four records were taken over, and the tokens of its people."""

    home: Path
    tokens: dict[str, str]


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> Begun:
    folder = tmp_path_factory.mktemp("begun")
    (folder / "aozora.yaml").write_text(TENANT, encoding="utf-8")
    for arguments in (["init"], ["apply", str(folder / "aozora.yaml")]):
        with pytest.raises(SystemExit) as ended:
            main([*arguments, "--home", str(folder / "home")])
        assert not ended.value.code
    people = {"mori": "contract-manager", "rin": "lead"}
    return Begun(folder / "home", tokens(folder / "home", "aozora", people, QUICK))


@pytest.fixture
def hinomi(begun: Begun, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Return what runs a command as a contract manager, or as somebody else, in a home that is the test's own."""
    monkeypatch.setenv("HINOMI_HOME", str(copytree(begun.home, tmp_path / "home")))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("COLUMNS", "200")

    def run(*arguments: str, by: str = "mori") -> tuple[int, str, list[str]]:
        monkeypatch.setenv("HINOMI_TOKEN", begun.tokens[by])
        return said(capsys, *arguments)

    return run


@pytest.fixture
def record(hinomi: Run, tmp_path: Path) -> Run:
    """Return what records a text, on a document."""

    def recorded(text: str, by: str = "mori") -> tuple[int, str, list[str]]:
        (tmp_path / "record.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "form.txt").write_text("as it came", encoding="utf-8")
        file, evidence = str(tmp_path / "record.yaml"), str(tmp_path / "form.txt")
        return hinomi("contract", "record", "aozora", file, "--evidence", evidence, by=by)

    return recorded


def shown(hinomi: Run, day: str, *names: str) -> list[Any]:
    """Return what is shown of the contract on a day, by the names of what is asked for; None where it is not shown."""
    status, out, _ = hinomi("contract", "show", "aozora", "--on", day, "--format", "json")
    assert status == 0
    found = json.loads(out)
    return [found[name]["value"] if name in found else None for name in names]


def days(*from_today: int) -> list[str]:
    """Return days so many days from today, in Japan."""
    return [(day_of(SystemClock().now()) + timedelta(days=one)).isoformat() for one in from_today]


@pytest.mark.article(2)
def test_an_option_needs_the_base_menu_on_its_days(hinomi: Run, record: Run) -> None:
    assert record("item: {item: base, first_day: 2026-01-01, last_day: 2099-06-30}\n")[0] == 0
    assert record("acceptance: {of: 5}\n")[0] == 0
    assert record("judgement: {of: 5, decision: confirmed, reason: as on the form}\n", by="rin")[0] == 0
    status, _, refused = record("item: {item: own-policies, first_day: 2099-07-01}\n")
    assert (status, "no base item is agreed on 2099-07-01 (Article 2)" in refused[0]) == (2, True)
    assert record("item: {item: own-policies, first_day: 2099-06-30}\n")[0] == 0


@pytest.mark.article(3)
def test_the_fee_is_owed_without_a_licence_and_for_thirty_days_alerts_go_on(hinomi: Run, record: Run) -> None:
    today, tomorrow = days(0, 1)
    licence = f"product: cloud-security-product, first_day: {tomorrow}, last_day: 2099-06-30, checked_on: {today}"
    assert record(f"licence: {{{licence}}}\n")[0] == 0
    assert {
        day: shown(hinomi, day, "licence", "state", "entitled", "billable")
        for day in ("2099-06-30", "2099-07-01", "2099-07-30", "2099-07-31")
    } == {
        "2099-06-30": ["valid", "running", True, True],
        "2099-07-01": ["lapsed", "grace", False, True],
        "2099-07-30": ["lapsed", "grace", False, True],
        "2099-07-31": ["lapsed", "unlicensed", False, True],
    }


@pytest.mark.article(5)
def test_what_is_accepted_late_takes_effect_then_and_not_on_its_day(hinomi: Run, record: Run) -> None:
    assert record("item: {item: own-policies, first_day: 2099-04-01}\n")[0] == 0
    assert shown(hinomi, "2099-04-30", "menus") == [["base"]]
    assert record("acceptance: {of: 5}\neffective: 2099-04-20\n")[0] == 0
    assert shown(hinomi, "2099-04-19", "menus") == [["base"]]
    assert shown(hinomi, "2099-04-20", "menus") == [["base", "own-policies"]]


@pytest.mark.article(6)
def test_conditions_are_not_changed_without_consent_and_a_person_says_the_days_of_notice(hinomi: Run) -> None:
    def explained(key: str) -> list[Any]:
        found = json.loads(hinomi("contract", "explain", "aozora", key, "--format", "json")[1])
        return [found["value"], found["layer"], found["clause"]]

    assert explained("conditions.change_without_consent") == [False, "default", "6(2)"]
    assert explained("specification.notice_days")[::2] == [None, "6(3)"]
    said = hinomi("contract", "explain", "aozora", "specification.notice_days", "--language", "ja")[1]
    assert said.splitlines()[-1] == "担当者が判断します（第6条第3項）"


@pytest.mark.article(7)
@pytest.mark.parametrize(
    ("arrived", "undecided"),
    [("2099-11-29", None), ("2099-11-30", 5)],
)
def test_between_the_safe_day_and_the_latest_a_person_decides(
    hinomi: Run, record: Run, arrived: str, undecided: int | None
) -> None:
    names = ("first_day", "last_day", "notice_safe_by", "notice_latest")
    assert shown(hinomi, "2099-06-01", *names) == ["2099-01-01", "2099-12-31", "2099-11-29", "2099-11-30"]
    assert shown(hinomi, "2100-01-01", *names[:2]) == ["2100-01-01", "2100-12-31"], "it renews"
    assert record(f"notice: {{side: customer, way: form, arrived_on: {arrived}, last_day: 2099-12-31}}\n")[0] == 0
    assert shown(hinomi, "2099-12-01", "last_day", "undecided") == ["2099-12-31", undecided]


@pytest.mark.article(7, 9)
def test_notice_after_the_latest_day_does_not_end_the_term(hinomi: Run, record: Run) -> None:
    late = record("notice: {side: customer, way: form, arrived_on: 2099-12-01, last_day: 2099-12-31}\n")
    assert (late[0], "ends no contract before 2100-01-01 (Article 9(1))" in late[2][0]) == (2, True)
    assert shown(hinomi, "2100-06-01", "state", "last_day") == ["running", "2100-12-31"]


@pytest.mark.article(8)
def test_an_invoice_goes_out_in_the_month_of_the_start_or_renewal_and_is_due_a_month_later(hinomi: Run) -> None:
    assert shown(hinomi, "2026-06-01", "invoice_by", "due") == ["2026-01-31", "2026-02-28"]
    assert shown(hinomi, "2028-06-01", "invoice_by", "due") == ["2028-01-31", "2028-02-29"]
    assert (
        "請求書の発行期限：2028-01-31、支払期限：2028-02-29（第8条）"
        in hinomi("contract", "show", "aozora", "--on", "2028-06-01", "--language", "ja")[1].splitlines()
    )


@pytest.mark.article(9)
@pytest.mark.parametrize(
    ("side", "way", "last", "status", "undecided"),
    [
        ("customer", "form", "2099-03-30", 2, None),
        ("customer", "form", "2099-03-31", 0, None),
        ("provider", "form", "2099-03-31", 0, None),
        ("customer", "telephone", "2099-03-31", 0, 5),
    ],
)
def test_either_side_ends_the_contract_a_month_ahead_in_the_prescribed_way(
    hinomi: Run, record: Run, side: str, way: str, last: str, status: int, undecided: int | None
) -> None:
    notice = f"notice: {{side: {side}, way: {way}, arrived_on: 2099-02-28, last_day: {last}}}\n"
    assert record(notice)[0] == status
    state = ["ended", undecided] if status == 0 else ["running", None]
    assert shown(hinomi, "2099-04-01", "state", "undecided") == state


@pytest.mark.article(10)
@pytest.mark.parametrize("language", ["en", "ja"])
def test_what_commands_say_of_a_contract_commits_to_no_outcome(hinomi: Run, language: str) -> None:
    about = [
        ("show", "aozora", "--on", "2026-06-01"),
        ("options", "aozora"),
        ("explain", "aozora", "licence.grace_days"),
        ("explain", "aozora", "specification.notice_days"),
    ]
    printed = [hinomi("contract", *arguments, "--language", language) for arguments in about]
    assert [(status, len(out) > 50) for status, out, _ in printed] == [(0, True)] * len(about)
    assert [committing(plain(out)) for _, out, _ in printed] == [[]] * len(about)


@pytest.mark.article(11)
def test_a_suspension_needs_no_notice_ends_on_its_day_and_the_fee_goes_on(hinomi: Run, record: Run) -> None:
    first, last, after = days(1, 9, 10)
    flood = f"suspension: {{since: {first}, until: {last}, scope: service, reason: logs flood the service}}\n"
    assert record(flood)[0] == 2, "it is for a lead to judge"
    assert record(flood, by="rin")[0] == 0
    names = ("state", "entitled", "billable")
    assert shown(hinomi, last, *names) == ["suspended", False, True]
    assert shown(hinomi, after, *names) == ["running", True, True]
