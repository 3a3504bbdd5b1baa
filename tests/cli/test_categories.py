"""`hinomi findings` by category, of a home that nobody scanned."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from model.canonical import instant
from model.finding import CATEGORIES, Fact, finding_uid
from pipeline.installation import open_home
from tests.commands import lines, said
from tests.conftest import MovingClock
from tests.filled import fill, verdict


@pytest.fixture
def home(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    """Return the option for a home of a tenant with five findings of a policy, of which two are a threat's too."""
    given, clock = ("--home", str(tmp_path / "home")), MovingClock()
    said(capsys, "init", *given)
    home = open_home(tmp_path / "home")
    fill(home, clock, "aozora")
    at = instant(clock.now())
    with home.tenant("aozora").write(at, "p") as writer:
        for number, state in ((0, "open"), (1, "suppressed")):
            found = writer.finding(verdict(number).finding_uid)
            assert found is not None
            uid = finding_uid("threat", found.scope, found.policy, found.resource)
            writer.put_findings([replace(found, uid=uid, category="threat", state=state)])
            writer.put_facts([Fact(uid, state, at)], "")  # type: ignore[arg-type]
    return given


@pytest.mark.parametrize("on", [(), ("--on", "2026-06-01")])
def test_findings_of_one_category_are_listed(
    home: tuple[str, str], capsys: pytest.CaptureFixture[str], on: tuple[str, ...]
) -> None:
    numbers = {"": (6, 1), "posture": (5, 0), "threat": (1, 1)} | dict.fromkeys(("policy", "service"), (0, 0))
    for category, (number, accepted) in numbers.items():
        wanted = ("--category", category) if category else ()
        status, out, beside = said(capsys, "findings", "aozora", "--format", "jsonl", *wanted, *on, *home)
        found = {str(line["category"]) for line in lines(out)}
        assert (status, len(out.splitlines())) == (0, number)
        assert found == ({category} if category and number else {"posture", "threat"} if number else set())
        assert any("suppressed by exceptions" in line for line in beside) is bool(accepted)


def test_the_table_names_categories_where_not_all_are_of_configurations(
    home: tuple[str, str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    assert "threat" in said(capsys, "findings", "aozora", *home)[1]
    assert "分類" in said(capsys, "findings", "aozora", "--language", "ja", *home)[1]
    assert "category" not in said(capsys, "findings", "aozora", "--category", "posture", *home)[1]


def test_a_category_that_there_is_not_is_refused_with_those_that_there_are(
    home: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, beside = said(capsys, "findings", "aozora", "--category", "x", *home)
    assert status == 2
    assert all(category in json.dumps(beside) for category in CATEGORIES)
