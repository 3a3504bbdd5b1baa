"""Settings: the resolver against one that tries everything, examples by the articles, the data and its faults."""

import re
import shutil
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from operator import attrgetter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from catalog.folder import config_folder
from catalog.terms import load_settings
from contract import schedule
from contract.records import CUSTOMER_APPROVES
from contract.settings import Definition, EditionLayer, EditionValue, LayerValue, explain, lines
from contract.suspension_settings import PREFIX
from model.contract_record import ContractRecord, JudgementRecord, OrderRecord, SettingRecord, What
from model.fault import Refused
from model.tenant import Schedule, Tenant
from model.text import Text
from pipeline.tenants.terms import definitions
from tests.contracts import why_not

ROOT = Path(__file__).parent.parent.parent
KEY, OTHER = "licence.grace_days", "scan.jitter"
FIRST_DAY, FIRST_MOMENT = date(2026, 1, 1), datetime(2025, 12, 31, 15, tzinfo=UTC)  # midnight in Japan
LAYERS: list[EditionLayer] = ["specification", "terms", "base-terms"]
Candidate = tuple[str, datetime, int, int | None]


def moment(hours: int) -> datetime:
    return FIRST_MOMENT + timedelta(hours=hours)


def effective(hours: int) -> str:
    """Return what is effective so many hours later as records write it: a day where one begins, else a moment."""
    if hours % 24 == 0:
        return (FIRST_DAY + timedelta(days=hours // 24)).isoformat()
    return moment(hours).strftime("%Y-%m-%dT%H:%M:%SZ")


def record(number: int, what: What, hours: int) -> ContractRecord:
    return ContractRecord(number, what, effective(hours), "2025-12-01T00:00:00.000000Z", "keiko")


HOURS = st.sampled_from([0, 1, 23, 24, 25, 47, 48, 72])
VALUES = st.integers(0, 2)
EDITIONS = st.lists(
    st.tuples(st.sampled_from([LAYERS[0], *LAYERS]), st.integers(0, 3), st.none() | VALUES),
    max_size=8,
    unique_by=lambda one: one[:2],
)
RECORDED = st.lists(
    st.tuples(HOURS, st.tuples(st.sampled_from([KEY, KEY, OTHER]), VALUES) | st.integers(1, 3)), max_size=6
)


def newest(candidates: list[Candidate], layer: str, at: datetime) -> Candidate | None:
    """Return the one of a layer that nothing else of it comes after, by comparing each with each."""
    there = [one for one in candidates if one[0] == layer and one[1] <= at]
    for one in there:
        if not any((other[1], other[2]) > (one[1], one[2]) for other in there):
            return one
    return None


def tried(
    candidates: list[Candidate], judged: list[tuple[int, datetime]], default: int | None, at: datetime
) -> tuple[list[tuple[str, int]], int | None]:
    """Return all layers that say something with their values, strongest first, and what conflicts, by trying all."""
    found = []
    for layer in ("individual", *LAYERS):
        one = newest(candidates, layer, at)
        if one is not None and one[3] is not None:
            found.append((layer, one[3]))
    if default is not None:
        found.append(("default", default))
    said, own = dict(found), newest(candidates, "individual", at)
    if own is None or said.get("specification") in (None, own[3]):
        return found, None
    for number, since in judged:
        if number == own[2] and since <= at:
            then = newest(candidates, "specification", since)
            if then is not None and then[3] == said["specification"]:
                return found, None
    return found, said["specification"]


@pytest.mark.article(1, 6)
@given(EDITIONS, RECORDED, st.none() | VALUES)
@settings(max_examples=400, deadline=None)
def test_the_resolver_does_as_one_that_tries_everything(
    editions: list[tuple[EditionLayer, int, int | None]],
    recorded: list[tuple[int, tuple[str, int] | int]],
    default: int | None,
) -> None:
    """Each generated case is asked at eight moments: more than three thousand in all."""
    stated = [
        EditionValue(layer, f"of day {day}", FIRST_DAY + timedelta(days=day), value) for layer, day, value in editions
    ]
    records, candidates, judged = list[ContractRecord](), list[Candidate](), list[tuple[int, datetime]]()
    candidates += [(layer, moment(24 * day), 0, value) for layer, day, value in editions]
    for number, (hours, said) in enumerate(recorded, start=1):
        if isinstance(said, int):
            records.append(record(number, JudgementRecord(said, "confirmed", "agreed with the customer"), hours))
            judged.append((said, moment(hours)))
        else:
            records.append(record(number, SettingRecord(*said), hours))
            if said[0] == KEY:
                candidates.append(("individual", moment(hours), number, said[1]))
    known = {KEY: Definition("days", "3(2)", default, stated), OTHER: Definition("minutes", "6(1)", 7)}
    for hours in (-1, 0, 12, 24, 36, 48, 71, 72):
        at = moment(hours)
        wanted, conflict = tried(candidates, judged, default, at)
        found = explain(KEY, known, records, at)
        layers = [(found.layer, found.value), *((one.layer, one.value) for one in found.overrides)]
        assert (layers if found.value is not None else []) == wanted
        assert (found.conflict.value if found.conflict else None) == conflict
        own = newest(candidates, "individual", at)
        assert found.record == (own[2] if own else None)


SPECIFICATION = [
    EditionValue("specification", "2026", FIRST_DAY, 45),
    EditionValue("specification", "2026-02", date(2026, 2, 1), 60),
    EditionValue("terms", "2024", date(2024, 4, 1), 20),
]
GRACE = {KEY: Definition("days", "3(2)", 30, SPECIFICATION)}
OWN = record(5, SettingRecord(KEY, 90), 24)
CONFIRMED = record(6, JudgementRecord(5, "confirmed", "agreed with the customer"), 48)


@pytest.mark.article(1, 6)
@pytest.mark.parametrize(
    ("records", "hours", "value", "layer", "clause", "number", "overridden", "conflict"),
    [
        ([], -1, 20, "terms", "1(1)", None, [30], None),
        ([], 0, 45, "specification", "6(1)", None, [20, 30], None),
        ([OWN], 23, 45, "specification", "6(1)", None, [20, 30], None),
        ([OWN], 24, 90, "individual", "6(1)", 5, [45, 20, 30], 45),
        ([OWN, CONFIRMED], 47, 90, "individual", "6(1)", 5, [45, 20, 30], 45),
        ([OWN, CONFIRMED], 48, 90, "individual", "6(1)", 5, [45, 20, 30], None),
        # The next edition says something else: another conflict, on which somebody has to judge again.
        ([OWN, CONFIRMED], 24 * 31, 90, "individual", "6(1)", 5, [60, 20, 30], 60),
        # So has a later record: of one day, the one with the higher number counts.
        ([OWN, CONFIRMED, record(7, SettingRecord(KEY, 91), 24)], 72, 91, "individual", "6(1)", 7, [45, 20, 30], 45),
        ([OWN, record(7, SettingRecord(KEY, 45), 48)], 72, 45, "individual", "6(1)", 7, [45, 20, 30], None),
    ],
)  # fmt: skip
def test_the_strongest_layer_wins(
    records: list[ContractRecord], hours: int, value: int, layer: str, clause: str, number: int | None,
    overridden: list[int], conflict: int | None,
) -> None:  # fmt: skip
    found = explain(KEY, GRACE, records, moment(hours))
    assert (found.value, found.unit, found.layer, found.clause, found.record) == (value, "days", layer, clause, number)
    assert [one.value for one in found.overrides] == overridden
    assert (found.conflict.value if found.conflict else None) == conflict


@pytest.mark.article(1, 6)
def test_what_is_overridden_is_named_with_its_clause_and_edition() -> None:
    assert list(explain(KEY, GRACE, [OWN], moment(24)).overrides) == [
        LayerValue("specification", "6(1)", 45, "2026-01-01", edition="2026"),
        LayerValue("terms", "1(1)", 20, "2024-04-01", edition="2024"),
        LayerValue("default", "3(2)", 30),
    ]


@pytest.mark.article(1, 6)
def test_an_edition_replaces_the_one_before_as_a_whole() -> None:
    silent = [*SPECIFICATION, EditionValue("specification", "2026-03", date(2026, 3, 1), None)]
    found = explain(KEY, {KEY: Definition("days", "3(2)", 30, silent)}, [OWN], moment(24 * 59))
    assert [one.layer for one in found.overrides] == ["terms", "default"]
    assert found.conflict is None


@pytest.mark.article(6)
def test_what_nothing_says_anything_of_a_person_decides() -> None:
    found = explain(KEY, {KEY: Definition("days", "6(3)", None)}, [], moment(0))
    assert (found.value, found.clause, found.overrides) == (None, "6(3)", ())
    said = lines("aozora", Text(en="notice", ja="告知"), found)
    assert [one.en for one in said] == ["aozora: not set (notice)", "A person decides (Article 6(3))"]
    assert said[1].ja == "担当者が判断します（第6条第3項）"


def test_a_key_that_is_none_is_refused() -> None:
    with pytest.raises(Refused, match=r"there is no setting 'coffee\.cups'; known are licence\.grace_days"):
        explain("coffee.cups", GRACE, [], moment(0))


def test_lines_say_it_in_both_languages() -> None:
    said = lines("aozora", Text(en="grace", ja="猶予"), explain(KEY, GRACE, [OWN], moment(24)), filed=1)
    assert [one.en for one in said] == [
        "aozora: 90 days (grace)",
        "From: individual conditions, record 5, effective from 2026-01-02 (Article 6(1))",
        "Overrides: 45 days, specification, edition 2026, effective from 2026-01-01 (Article 6(1))",
        "Overrides: 20 days, terms of service, edition 2024, effective from 2024-04-01 (Article 1(1))",
        "Overrides: 30 days, default of the program (Article 3(2))",
        "Conflict: the specification says 45 days; a person has to judge on record 5 "
        "(`hinomi contract record`: judgement of 5, confirmed)",
        "The service goes by the tenant's file today, which says 1 day",
    ]
    assert [one.ja for one in said] == [
        "aozora：90日（猶予）",
        "根拠：個別条件、記録5、2026-01-02発効（第6条第1項）",
        "上書きされた値：45日、仕様書、2026版、2026-01-01発効（第6条第1項）",
        "上書きされた値：20日、約款、2024版、2024-04-01発効（第1条第1項）",
        "上書きされた値：30日、プログラムの既定値（第3条第2項）",
        "矛盾：仕様書の定めは45日です。記録5について担当者の判断が必要です"
        "（`hinomi contract record`：judgement、of: 5、confirmed）",
        "現在、サービスはテナントのファイルの値（1日）に従って動作しています",
    ]


def test_a_setting_is_confirmed_and_nothing_else() -> None:
    there = [record(1, OrderRecord(FIRST_DAY), 0), record(2, SettingRecord(KEY, 90), 0)]
    judged = {decision: JudgementRecord(2, decision, "why") for decision in ("confirmed", "rejected", "lifted")}
    found = {decision: why_not(there, what, "2026-01-02") for decision, what in judged.items()}
    assert found == {
        "confirmed": "",
        "rejected": "the record 2 is nothing that is rejected",
        "lifted": "the record 2 is nothing that is lifted",
    }


# The data.


def test_the_shipped_settings() -> None:
    form = load_settings(config_folder())
    of_stages = {key for key in form.settings if key.startswith(PREFIX)}  # test_suspension_settings.py
    assert {key: (one.default, one.unit) for key, one in form.settings.items() if key not in of_stages} == {
        "contract.provider": (None, "provider"),  # Article 1(1): by contract; the default one is the installation's
        CUSTOMER_APPROVES: (False, "bool"),
        "scan.schedule": (Schedule().cron, "cron"),
        "licence.on_lapse": ("grace", "choice"),  # Article 3(2)
        "licence.grace_days": (30, "days"),  # Article 3(2)
        "logs.retention_days": (14, "days"),
        "logs.spool_megabytes": (512, "megabytes"),
        "logs.committed_records_per_minute": (None, "records"),
        "conditions.change_without_consent": (False, "bool"),  # Article 6(2): off by default
        "specification.notice_days": (None, "days"),  # Article 6(3): unset
    }
    days = [(layer, one.edition, one.effective) for layer, _, one in form.dated()]
    assert days == [("terms", "2022-09-01", "2022-09-01"), ("terms", "2024-04-01", "2024-04-01")]
    crons = [one.default for one in form.settings.values() if one.unit == "cron"]
    crons += [
        value for _, _, by in form.dated() for key, value in by.values.items() if form.settings[key].unit == "cron"
    ]
    assert [schedule.fault(Schedule(cron=str(cron))) for cron in crons] == [""] * len(crons)
    tenant = Tenant("aozora", Text(en="Aozora", ja="青空"))
    filed = {key: attrgetter(one.file)(tenant) for key, one in form.settings.items() if one.file}
    assert filed == {"scan.schedule": "0 3 * * *"}


@pytest.mark.article(1)
def test_the_shipped_settings_resolve_before_between_and_after_the_editions() -> None:
    known = definitions(load_settings(config_folder()))
    for year in (2021, 2023, 2026):
        found = {key: explain(key, known, [], datetime(year, 6, 1, tzinfo=UTC)) for key in known}
        assert {one.layer for one in found.values()} == {"default"}
        assert found["licence.grace_days"].value == 30


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str], Path]:
    """Return a config folder whose settings have another text in the place of one."""

    def made(old: str, new: str) -> Path:
        shutil.copy(config_folder() / "access.yaml", tmp_path)
        text = (config_folder() / "terms" / "settings.yaml").read_text("utf-8")
        assert text.count(old) >= 1
        (tmp_path / "terms").mkdir()
        (tmp_path / "terms" / "settings.yaml").write_text(text.replace(old, new, 1), encoding="utf-8")
        return tmp_path

    return made


NONE = "specification: []"
BEGUN = "specification: [{edition: a, effective: 2026-04-01, values: {"


@pytest.mark.parametrize(
    ("old", "new", "at", "problem"),
    [
        (NONE, BEGUN + "coffee.cups: 3}}]", "coffee.cups", "there is no setting 'coffee.cups'; known are changes."),
        (NONE, BEGUN + "licence.grace_days: soon}}]", "soon", '"soon" has to be a whole number'),
        (NONE, BEGUN + "licence.grace_days: true}}]", "true}}]", "true has to be a whole number"),
        (NONE, BEGUN + "licence.grace_days: -1}}]", "-1}}]", "-1 has to be between 0 and 1,000,000 days"),
        (NONE, BEGUN + "licence.grace_days: 1.5}}]", "1.5", "does not fit"),
        (NONE, BEGUN + "scan.schedule: 5}}]", "5}}]", "5 has to be text; put it in quotes"),
        (NONE, BEGUN + "changes.customer_approves: true}}]", "true}}]", "is not set by 'specification'; what may"),
        (NONE, BEGUN.replace("04-01", "04-31") + "}}]", "2026-04-31", "is no day; write it as YYYY-MM-DD"),
        (NONE, BEGUN.replace("2026-04-01", "20260401") + "}}]", "20260401", "has to be text; put it in quotes"),
        (NONE, BEGUN.replace("2026-04-01", "'20260401'") + "}}]", "'20260401'", "is no day; write it as YYYY-MM-DD"),
        (NONE, BEGUN.replace("2026-04-01", "2026-04-01T00:00:00Z") + "}}]", "2026-04-01T", "is no day; write it"),
        (NONE, BEGUN + "}}, {edition: b, effective: 2026-04-01, values: {}}]", "2026-04-01, values: {}}]", "same day"),
        (NONE, BEGUN + "}}, {edition: a, effective: 2026-05-01, values: {}}]", "a, effective: 2026-05", "twice"),
        (NONE, "specifications: []", "specifications", "did you mean 'specification'?"),
        ("unit: days", "unit: weeks", "weeks", "has to be one of bool, choice, cron, days, hours, megabytes"),
        ("unit: days", "unit: cron", "cron\n    default: 30", "'cron' is no unit of 'int'; it goes with"),
        ("default: 30", "default: soon", "soon", '"soon" has to be a whole number'),
        ("default: 30", "", "{en: how long collection", "lacks 'default'"),
        ("who: contract.record", "who: contract.recorded", "contract.recorded", "there is no action 'contract.rec"),
        ("file: schedule.cron", "file: schedule.corn", "schedule.corn", "known are schedule.cron"),
        ("layers: [individual]", "layers: [customer]", "customer]", "has to be one of"),
    ],
)  # fmt: skip
def test_a_fault_of_the_data_is_one_line_with_its_place(
    edited: Callable[[str, str], Path], old: str, new: str, at: str, problem: str
) -> None:
    config = edited(old, new)
    text = (config / "terms" / "settings.yaml").read_text("utf-8")
    before = text[: text.index(at)]
    with pytest.raises(Refused) as refused:
        load_settings(config)
    [fault] = refused.value.faults
    assert problem in fault.problem
    assert fault.file == str(config / "terms" / "settings.yaml")
    place = (before.count("\n") + 1, len(before) - before.rfind("\n"))
    assert "lacks" in problem or (fault.line, fault.column) == place


# The document.


def rows(title: str) -> Iterator[list[str]]:
    """Yield the cells of the rows of the table below a title of docs/terms.md."""
    text = (ROOT / "docs" / "terms.md").read_text("utf-8").split(f"## {title}\n")[1].split("\n## ")[0]
    for line in [line for line in text.splitlines() if line.startswith("|")][2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def test_each_key_of_a_tenants_file_has_its_row() -> None:
    found = {key.strip("`"): cells for key, *cells in rows("What of a tenant's file is agreed")}
    assert list(found) == list(Tenant.__struct_fields__)
    assert {cells[0] for cells in found.values()} == {"individual condition", "operation", "record"}
    assert all(len(reason) > 20 for _, reason in found.values())


def test_each_setting_has_its_row() -> None:
    form = load_settings(config_folder())
    found = {key.strip("`"): cells for key, *cells in rows("Settings")}
    assert list(found) == list(form.settings)
    for key, (unit, default, clause, layers, _) in found.items():
        one = form.settings[key]
        value = "none" if one.default is None else re.sub(r'^"|"$', "", msgspec.json.encode(one.default).decode())
        assert (unit, default.strip("`"), clause, layers) == (one.unit, value, one.clause, ", ".join(one.layers))
