"""Article 11's stages on volumes: beside a second implementation of the model, and by hand."""

import json
import random
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as settings_of_runs
from hypothesis import strategies as st

from model.fault import Refused
from pipeline.intake.simulation import SimulationSettings, changes, settings_in, volumes_in
from tests import naive_suspension
from tests.commands import said
from tests.naive_suspension import Line

TIMES = (0, 0.3, 0.85, 1, 1.15, 1.25, 2, 2.9, 3.2, 5, 10, 40, 100, 1_000)


def volume(chosen: random.Random, committed: dict[str, float], minutes: int) -> list[dict[str, float]]:
    """Return volumes that stay at a multiple of the committed rate for a while, with single quiet and loud minutes."""
    found: list[dict[str, float]] = [{} for _ in range(minutes)]
    for name, rate in committed.items():
        at = 0
        while at < minutes:
            length, times = chosen.choice([1, 3, 6, 15, 35, 70, 120]), chosen.choice(TIMES)
            for number in range(at, min(minutes, at + length)):
                quiet = chosen.random() < 0.05
                found[number][name] = round(rate * (chosen.choice(TIMES) if quiet else times), 3)
            at += length
    return found


def flooded(chosen: random.Random, committed: dict[str, float], minutes: int) -> list[dict[str, float]]:
    """Return volumes in which one tenant floods for long, and the others are calm."""
    found = [
        {name: round(rate * chosen.uniform(0.5, 1.1), 3) for name, rate in committed.items()} for _ in range(minutes)
    ]
    name, since = chosen.choice(list(committed)), chosen.randint(0, 30)
    times = chosen.choice([4, 10, 100, 1_000])
    for number in range(since, min(minutes, since + chosen.choice([90, 150, 400]))):
        if chosen.random() > 0.03:
            found[number][name] = committed[name] * times
    return found


def settings(chosen: random.Random) -> dict[str, Any]:
    committed: dict[str, float] = {f"t{n}": chosen.choice([10, 37.5, 100, 250]) for n in range(chosen.randint(1, 4))}
    found: dict[str, Any] = {
        "committed": committed,
        "capacity": sum(committed.values()) * chosen.choice([0.6, 1.2, 2, 5]),
    }
    choices: dict[str, list[Any]] = {
        "disk": [0, 0, 50 * found["capacity"], 300 * found["capacity"]],
        "spool": [0, 2, 30, 1_440],
        "refusal": [0, 0.05, 0.3],
        "keep": [0, 0.5, 1],
        "target_s": [0, 60, 600],
        "calm_p99_s": [0, 45, 200],
        "dwell": [0, 10, 25],
        "period": [20, 60, 1_440],
        "automatic": [True, True, False],
        "bucket": [1, 5],
    }
    return found | {key: chosen.choice(of) for key, of in choices.items() if chosen.random() < 0.7}


def ours(minutes: list[dict[str, float]], wanted: dict[str, Any]) -> list[Line]:
    made = SimulationSettings(**wanted)
    return [(one.minute, one.tenant, one.before, one.after, one.reason) for one in changes(minutes, made)]


def compared(seed: int) -> list[Line]:
    """Return the lines of random volumes and settings, once both implementations have given the same."""
    chosen = random.Random(seed)
    wanted = settings(chosen)
    minutes = chosen.choice([volume, flooded])(chosen, wanted["committed"], 320)
    found = ours(minutes, wanted)
    assert found == naive_suspension.lines(minutes, wanted)
    return found


@settings_of_runs(max_examples=25)
@given(st.integers(min_value=0))
def test_it_says_what_the_second_implementation_says(seed: int) -> None:
    compared(seed)


def test_every_change_for_every_reason_is_among_them() -> None:
    kinds = {line[2:] for seed in range(60) for line in compared(seed)}
    assert kinds == {
        ("normal", "watch", "rate"),
        ("watch", "normal", "calm"),
        ("watch", "limited", "rate"),
        ("limited", "normal", "calm"),
        *(("limited", to, impact) for to in ("suspended", "proposed") for impact in ("waiting", "disk", "intake")),
        ("suspended", "probing", "period"),
        ("probing", "suspended", "massive"),
        ("probing", "normal", "calm"),
    }


FIFTY: dict[str, float] = {f"t{number:02}": 100 for number in range(50)}


def flood(times: float, minutes: int, quiet: int = 0) -> list[dict[str, float]]:
    """Return volumes of fifty tenants, of whom the first floods; of every so many minutes one is quiet."""
    found = [dict.fromkeys(FIFTY, 80.0) for _ in range(minutes)]
    for number in range(minutes):
        found[number]["t00"] = 80.0 if quiet and number % quiet == quiet - 1 else 100.0 * times
    return found


@pytest.mark.parametrize(
    ("times", "quiet", "more", "stages"),
    [
        (10, 0, {}, ["watch", "limited"]),  # nobody else is affected: there is capacity and disk left
        (100, 0, {}, ["watch", "limited"]),
        (100, 0, {"disk": 900_000, "spool": 1e9}, ["watch", "limited", "suspended"]),
        (100, 12, {"disk": 900_000, "spool": 1e9}, ["watch", "limited", "suspended"]),
        (1_000, 0, {}, ["watch", "limited", "suspended"]),  # refusing costs more than a quarter of the capacity
        (1_000, 12, {}, ["watch", "limited", "suspended"]),
        (1_000, 0, {"automatic": False}, ["watch", "limited", "proposed"]),
    ],
)
def test_floods_of_one_of_fifty(times: float, quiet: int, more: dict[str, Any], stages: list[str]) -> None:
    """The examples of docs/suspension.md: a suspension comes 61 minutes after the onset at the latest."""
    wanted = {"committed": FIFTY, "capacity": 2 * sum(FIFTY.values())} | more
    calm = 70  # nobody floods from the first minute on
    found = ours([*flood(0.8, calm), *flood(times, 75 if quiet else 180, quiet)], wanted)
    assert {line[1] for line in found} == {"t00"}
    assert [line[3] for line in found] == stages
    if stages[-1] == "suspended":
        assert found[-1][0] <= calm + 61


def test_after_the_period_it_is_probed_calm_first_and_then_by_shares() -> None:
    wanted = {"committed": FIFTY, "capacity": 10_000, "period": 90}
    minutes = [*flood(1_000, 60), *flood(0.8, 300)]
    assert [line for line in ours(minutes, wanted) if line[2] != "normal"] == [
        (15, "t00", "watch", "limited", "rate"),
        (60, "t00", "limited", "suspended", "intake"),
        (150, "t00", "suspended", "probing", "period"),
        (181, "t00", "probing", "normal", "calm"),
    ]


HEADER = "minute,tenant,records,bytes,cause"
GOOD = {"committed": {"a": 10, "b": 20}, "capacity": 60}


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        ("", "has no row"),
        ("1,a,5,0,", "1:1: there is no row of minute 0"),
        ("0,a,5,0,\n2,a,5,0,", "3:1: there is no row of minute 1"),
        ("0,a,5,0,\n1000000000000,a,5,0,", "3:1: there is no row of minute 1"),
        ("0,a,5,0,\n1,a,5,0,\n0,b,5,0,", "4:1: minute 0 comes after later ones"),
        ("0,a,5,0,\n0,a,6,0,customer", "3:1: minute 0 of 'a' stands twice"),
        ("0,c,5,0,", "2:3: 'c' is none of the tenants in 'committed'"),
        ("0,a,-5,0,", "2:5: '-5' is no number"),
        ("0,a,nan,0,", "2:5: 'nan' is no number"),
        ("0,a,,0,", "2:5: '' is no number"),
        (f"0,a,{'9' * 400},0,", f"2:5: '{'9' * 40}' is more than 1e+15 records"),
        ("0,a,5,much,", "2:7: 'much' is no number"),
        ("-1,a,5,0,", "2:1: '-1' is no minute"),
        ("0.5,a,5,0,", "2:1: '0.5' is no minute"),
        ("0,a,5", "2:1: has 3 cells, and line 1 names 5"),
    ],
)
def test_rows_that_are_none_are_named_with_their_place(tmp_path: Path, rows: str, problem: str) -> None:
    file = tmp_path / "volume.csv"
    file.write_text(f"{HEADER}\n{rows}", encoding="utf-8")
    place = problem.replace("1:1: there is no row of minute 0", "2:1: there is no row of minute 0")
    with pytest.raises(Refused) as refused:
        volumes_in(file, ["a", "b"])
    assert str(refused.value).startswith(f"{file}: {place}" if not place[0].isdigit() else f"{file}:{place}")


@pytest.mark.parametrize(
    ("more", "problem"),
    [
        ({"capacity": 0}, "capacity"),
        ({"capacity": None}, "capacity"),
        ({"committed": {"a": 0}}, "committed"),
        ({"committed": {}}, "committed"),
        ({"cool": 0}, "cool"),
        ({"hot": 1e9}, "hot"),
        ({"period": -1}, "period"),
        ({"spool": "much"}, "spool"),
        ({"peroid": 1}, "peroid"),
    ],
)
def test_settings_that_can_never_begin_or_end_anything_are_refused(
    tmp_path: Path, more: dict[str, Any], problem: str
) -> None:
    file = tmp_path / "settings.json"
    file.write_text(json.dumps({key: value for key, value in (GOOD | more).items() if value is not None}))
    with pytest.raises(Refused, match=problem):
        settings_in(file)


def test_what_has_another_cause_is_left_out_and_the_command_prints_a_line_for_each_change(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    volume, wanted = tmp_path / "volume.csv", tmp_path / "settings.json"
    rows = [HEADER]
    for minute in range(8):
        rows += [f"{minute},a,{40 if minute else 5},0,", f"{minute},b,20,100,customer", f"{minute},b,9000,,own"]
    volume.write_text("\n".join(rows), encoding="utf-8")
    wanted.write_text(json.dumps(GOOD))
    for _ in range(2):
        status, out, err = said(capsys, "suspension", "simulate", str(volume), "--settings", str(wanted))
        assert (status, err) == (0, [])
        assert [json.loads(line) for line in out.splitlines()] == [
            {"minute": 3, "tenant": "a", "from": "normal", "to": "watch", "reason": "rate"}
        ]
    volume.write_text(f"{HEADER}\n0,a,x,0,", encoding="utf-8")
    status, _, err = said(capsys, "suspension", "simulate", str(volume), "--settings", str(wanted))
    assert (status, len(err)) == (2, 1)
