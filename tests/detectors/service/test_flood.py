"""A flood by the minutes: when it is found, when it is worse, when it is over (docs/logs.md)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from detectors.service.flood import OVER_MINUTES, flood
from model.finding import Finding

AT, COMMITTED = "2026-06-01T00:30:05.000000Z", 100
CALM = [50] * OVER_MINUTES


def minutes(*newest: int) -> list[int]:
    return [*CALM, *newest][-OVER_MINUTES:]


def found(*newest: int, before: Finding | None = None) -> Finding | None:
    change = flood(minutes(*newest), COMMITTED, before, AT)
    return change[0] if change else None


@pytest.mark.parametrize(
    ("newest", "severity"),
    [
        ((301,) * 4, None),
        ((301,) * 5, "medium"),
        ((300,) * 5, None),
        ((301, 301, 299, 301, 301), None),
        ((100_000,) * 4, None),
        ((1_001,) * 5, "high"),
        ((1_001, 1_001, 900, 1_001, 1_001), "medium"),
        ((10_001,) * 5, "high"),
    ],
)
def test_a_flood_is_found_once_each_of_five_minutes_is_massive(newest: tuple[int, ...], severity: str | None) -> None:
    made = found(*newest)
    assert (made and made.severity) == severity
    if made:
        assert (made.category, made.state) == ("service", "open")


def test_it_is_worse_at_each_step_and_never_twice_at_the_same() -> None:
    first = found(*[400] * 5)
    assert first
    assert "400 records a minute on average, 4 times 100" in first.message.en
    assert found(*[900] * 5, before=first) is None
    change = flood(minutes(*[1_500] * 5), COMMITTED, first, AT)
    assert change
    worse, fact = change
    assert (worse.uid, worse.severity, worse.opened_at, fact.became) == (first.uid, "high", first.opened_at, "open")
    assert found(*[1_500] * 5, before=worse) is None
    assert found(*[500] * 5, before=worse) is None
    worst = found(*[20_000] * 5, before=worse)
    assert worst
    assert "more than 100 times the committed rate" in worst.message.en


def test_it_is_over_after_thirty_calm_minutes_and_may_come_again() -> None:
    first = found(*[400] * 5)
    assert first
    assert flood([*[119] * 29, 120], COMMITTED, first, AT) is None
    assert flood([400, *[119] * 29], COMMITTED, first, AT) is None
    change = flood([119] * 30, COMMITTED, first, AT)
    assert change
    over, fact = change
    assert (over.state, fact.became) == ("resolved", "resolved")
    again = flood(minutes(*[400] * 5), COMMITTED, over, AT)
    assert again
    assert (again[0].state, again[1].became) == ("reopened", "reopened")


@given(st.lists(st.integers(0, 120), min_size=30, max_size=30), st.integers(100, 10_000))
def test_what_is_within_the_rate_is_none(numbers: list[int], committed: int) -> None:
    assert flood(numbers, committed, None, AT) is None
