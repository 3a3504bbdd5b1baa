"""Committed rates that were observed, and stops between runs."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.rates import LEAST, observed, provisional
from intake.stops import SAID_EVERY, stops_of
from model.canonical import instant

DAY = datetime(2026, 6, 1, tzinfo=UTC)


@given(st.lists(st.integers(1, 10_000), max_size=60), st.integers(1, 100))
def test_nearly_all_minutes_are_within_the_observed_rate(heard: list[int], silent: int) -> None:
    """By the definition of the nearest rank: the least number that at least 99 % of the minutes do not exceed."""
    every = [*heard, *[0] * silent]
    rate = observed(heard, len(every))
    within = [one for one in sorted({*every, LEAST}) if sum(each <= one for each in every) * 100 >= 99 * len(every)]
    assert rate == max(LEAST, within[0])


@pytest.mark.parametrize(
    ("heard", "minutes", "rate"),
    [([], 20_160, 60), ([500] * 201, 20_160, 60), ([500] * 202, 20_160, 500), ([61, 5_000], 2, 5_000)],
)
def test_examples(heard: list[int], minutes: int, rate: int) -> None:
    assert observed(heard, minutes) == rate


def test_until_then_each_has_an_equal_part_of_half() -> None:
    assert provisional(10_000, 50) == 100
    assert provisional(10_000, 0) == 5_000


def test_what_lies_between_all_runs_is_a_stop() -> None:
    def runs(*minutes: tuple[float, float]) -> list[tuple[str, str]]:
        return [(instant(DAY + timedelta(minutes=a)), instant(DAY + timedelta(minutes=b))) for a, b in minutes]

    def stops(*minutes: tuple[float, float]) -> list[tuple[float, float]]:
        found = stops_of(runs(*minutes))
        return [((a - DAY).total_seconds() / 60, (b - DAY).total_seconds() / 60) for a, b in found]

    assert stops((0, 10), (20, 30)) == [(10, 20)]
    assert stops((0, 10), (5, 25), (20, 30), (8, 9)) == [], "another machine ran"
    assert stops((0, 10), (10.5, 12), (11, 11.5), (13, 14)) == [(12, 13)]
    assert stops() == []
    assert timedelta(seconds=30) == 3 * SAID_EVERY
