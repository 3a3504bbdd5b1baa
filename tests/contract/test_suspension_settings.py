"""What stages go by: numbers of the terms by precedence, the standing judgement, and what could never begin or end."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from catalog.terms import load_settings
from contract.records import Book
from contract.suspension import StageSettings
from contract.suspension_settings import InForce, explained, governing, settings_of, why_never
from contract.taking_over import records_of
from model.contract_record import ContractRecord, SettingRecord
from model.fault import Refused
from model.suspension_case import StandingJudgement
from model.tenant import Contract
from pipeline.tenants.terms import terms, terms_in
from tests.contracts import EVIDENCE, why_not

AT = datetime(2026, 6, 1, tzinfo=UTC)
RECORDS = records_of(Contract(date(2026, 1, 1)), terms().menus, "2026-01-01T00:00:00.000000Z", "p", EVIDENCE)


def with_own(*settings: tuple[str, int]) -> Book:
    own = [
        ContractRecord(len(RECORDS) + n, SettingRecord(key, value), "2026-02-01", "2026-02-01T00:00:00.000000Z", "p")
        for n, (key, value) in enumerate(settings, start=1)
    ]
    return Book([*RECORDS, *own], terms())


@pytest.mark.article(11)
def test_all_customers_go_by_the_same_numbers_but_by_individual_condition() -> None:
    """Those of the simulation's page, and what acts in the service alone: proposals, returns, one's own backlog."""
    shared = settings_of(Book(RECORDS, terms()), AT)
    assert shared == StageSettings(backlog=24 * 60, returns=3)
    own = settings_of(with_own(("suspension.massive_percent", 500), ("suspension.period_hours", 48)), AT)
    assert own == replace(shared, hot=5, period=2 * 1440)
    assert {one.layer for one in explained(Book(RECORDS, terms()), AT).values()} == {"default"}
    assert {one.clause for one in explained(Book(RECORDS, terms()), AT).values()} == {"11"}


@pytest.mark.parametrize(
    ("changed", "key"),
    [
        ({"limited": (21, 20)}, "limited"),
        ({"suspended": (61, 60)}, "long"),
        ({"lately": (11, 10)}, "late"),
        ({"cool": 3.0}, "calm_percent"),
        ({"suspended": (14, 60)}, "long_massive_minutes"),
        ({}, ""),
    ],
)
def test_what_could_never_begin_or_end_is_said(changed: dict[str, object], key: str) -> None:
    assert key in why_never(replace(StageSettings(), **changed))
    assert bool(why_never(replace(StageSettings(), **changed))) == bool(key)


@pytest.mark.parametrize(
    ("key", "value", "problem"),
    [
        ("suspension.long_massive_minutes", 14, "at least"),
        ("suspension.late_minutes", 7, "that never happens"),
        ("suspension.calm_percent", 300, "would be both"),
        ("suspension.limited_minutes", 15, ""),
    ],
)
def test_a_condition_by_which_a_stage_never_begins_is_not_recorded(key: str, value: int, problem: str) -> None:
    said = why_not(RECORDS, SettingRecord(key, value), "2026-02-01")
    assert problem in said
    assert bool(said) == bool(problem)


GOOD = "{on: 2026-03-20, author: keiko, approver: mio}"


@pytest.mark.article(11)
@pytest.mark.parametrize(
    ("layer", "judgement", "problem"),
    [
        ("specification", GOOD, ""),
        ("terms", GOOD, "in the specification alone"),
        ("specification", "{on: 2026-03-20, author: keiko, approver: ' Keiko'}", "two people"),
        ("specification", "{on: 2026-03-20, author: keiko, approver: ''}", "two people"),
        ("specification", "{on: 2026-04-02, author: keiko, approver: mio}", "of the past"),
        ("specification", "{on: 2026-03-32, author: keiko, approver: mio}", "no day"),
        ("specification", "{on: 2026-03-20, author: keiko}", "approver"),
    ],
)
def test_a_standing_judgement_is_of_two_people_and_of_before_it_governs(
    tmp_path: Path, layer: str, judgement: str, problem: str
) -> None:
    shutil.copy(config_folder() / "access.yaml", tmp_path)
    text = (config_folder() / "terms" / "settings.yaml").read_text("utf-8")
    (tmp_path / "terms").mkdir()
    edition = f"{{edition: a, effective: 2026-04-01, values: {{}}, standing_judgement: {judgement}}}"
    old, new = {
        "specification": ("specification: []", f"specification: [{edition}]"),
        "terms": ("  base-terms: []", f"  base-terms: [{edition}]"),
    }[layer]
    (tmp_path / "terms" / "settings.yaml").write_text(text.replace(old, new), encoding="utf-8")
    if not problem:
        assert load_settings(tmp_path).editions.specification[0].standing_judgement is not None
        return
    with pytest.raises(Refused) as refused:
        load_settings(tmp_path)
    [fault] = refused.value.faults
    assert problem in fault.problem


def test_the_edition_of_the_day_has_the_judgement() -> None:
    judgement = StandingJudgement("2026-03-20", "keiko", "mio")
    editions = [InForce("a", date(2026, 4, 1), judgement), InForce("b", date(2026, 5, 1), None)]
    for day, edition in ((date(2026, 3, 31), None), (date(2026, 4, 1), "a"), (date(2026, 5, 1), "b")):
        at = datetime(day.year, day.month, day.day, tzinfo=UTC)
        found = governing(editions, at)
        assert (found.edition if found else None) == edition


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ("{suspension.calm_percent: 300}", "a minute would be both"),
        ("{suspension.limited_minutes: 14}", "that never happens"),
        ("{suspension.limited_minutes: 15}", ""),
    ],
)
def test_an_edition_by_which_a_stage_never_begins_or_ends_is_not_loaded(
    tmp_path: Path, values: str, problem: str
) -> None:
    config = tmp_path / "config"
    shutil.copytree(config_folder() / "terms", config / "terms")
    shutil.copy(config_folder() / "access.yaml", config)
    file = config / "terms" / "settings.yaml"
    edition = f"specification: [{{edition: a, effective: 2026-04-01, values: {values}}}]"
    file.write_text(file.read_text("utf-8").replace("specification: []", edition), encoding="utf-8")
    if not problem:
        assert terms_in(config).settings
        return
    with pytest.raises(Refused, match=problem):
        terms_in(config)
