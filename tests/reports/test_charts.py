"""Charts: axes, places of points, gaps, levels, labels. Expected places are computed by hand from the frame.

The frame: 880 by 270, the plot from 64 to 736 and from 42 (above) to 226, so that it is 672 wide and 184 high.
"""

from itertools import pairwise
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from reports.charts import Chart, Level, draw, linear_axis, log_axis, number, runs, size

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = "</desc><script>alert(1)</script>&\"'"
CHART = Chart("c", "title", "description", "records", (100.0, 1000.0, None, 10_000.0), ((0, "09:00"),), is_log=True)


def drawn(chart: Chart) -> ElementTree.Element:
    return ElementTree.fromstring(draw(chart))


def those(svg: ElementTree.Element, tag: str, name: str) -> list[ElementTree.Element]:
    return [one for one in svg.iter(SVG + tag) if one.get("class") == name]


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([300.0, 900.0, 12_000.0], (100, 1000, 10_000, 100_000)),
        ([0.0, 0.0, 20.0], (10, 100)),  # what is nothing has no place on a logarithmic scale
        ([1000.0], (1000, 10_000)),
        ([1000.0, 100.0], (100, 1000)),
        ([0.05, 2.0], (0.01, 0.1, 1, 10)),
        ([], (1, 10)),
    ],
)
def test_a_logarithmic_axis_has_powers_of_ten_around_all_values(values: list[float], ticks: tuple[float, ...]) -> None:
    assert log_axis(values).ticks == pytest.approx(ticks)


@pytest.mark.parametrize(
    ("values", "ticks"),
    [
        ([3.0, 162.0], (0, 50, 100, 150, 200)),
        ([37.2, 25.0], (0, 10, 20, 30, 40)),
        ([100.0], (0, 50, 100)),
        ([80.0], (0, 20, 40, 60, 80)),
        ([0.07], (0, 0.02, 0.04, 0.06, 0.08)),
        ([0.0], (0, 0.5, 1)),
        ([], (0, 0.5, 1)),
    ],
)
def test_a_linear_axis_begins_with_nothing_and_has_round_ticks(values: list[float], ticks: tuple[float, ...]) -> None:
    assert linear_axis(values).ticks == pytest.approx(ticks)


def test_points_are_where_a_logarithmic_scale_has_them_and_a_gap_is_no_line() -> None:
    # Steps are 672 / 4 = 168 wide, with points in their middles; 1,000 is half way from 100 to 10,000: 226 - 184 / 2.
    svg = drawn(CHART)
    assert [one.get("points") for one in those(svg, "polyline", "values")] == [
        "148.00,226.00 316.00,134.00",
        "652.00,42.00",
    ]
    assert [(one.get("cx"), one.get("cy")) for one in those(svg, "circle", "value")] == [
        ("148.00", "226.00"), ("316.00", "134.00"), ("652.00", "42.00"),
    ]  # fmt: skip
    [missing] = those(svg, "rect", "missing")
    assert (missing.get("x"), missing.get("width"), missing.get("y"), missing.get("height")) == (
        "400.00", "168.00", "42.00", "184.00",
    )  # fmt: skip


def test_points_are_where_a_linear_scale_has_them() -> None:
    # Ticks to 200; 50 is a quarter of 184 above 226.
    svg = drawn(replace(CHART, values=(0.0, 50.0, 162.0, 200.0), is_log=False))
    assert [one.get("cy") for one in those(svg, "circle", "value")] == ["226.00", "180.00", "76.96", "42.00"]


def test_what_is_below_a_logarithmic_scale_is_on_its_lowest_line() -> None:
    svg = drawn(replace(CHART, values=(0.0, 100.0, 1000.0)))
    assert [one.get("cy") for one in those(svg, "circle", "value")] == ["226.00", "226.00", "42.00"]


def test_a_level_is_a_line_across_with_its_label_and_labels_keep_apart() -> None:
    # log10(900 / 100) / 2 = 0.47712: 226 - 87.79; the label of 890 would be less than a row of 14 below that of 900.
    levels = (Level(890, "lower", "base"), Level(900, "massive", "limit"))
    svg = drawn(replace(CHART, levels=levels))
    [line] = those(svg, "line", "level limit")
    assert (line.get("x1"), line.get("x2"), line.get("y1"), line.get("y2")) == ("64.00", "736.00", "138.21", "138.21")
    [upper], [lower] = those(svg, "text", "level limit"), those(svg, "text", "level base")
    assert (upper.text, upper.get("x"), upper.get("y")) == ("massive", "744.00", "142.21")
    assert (lower.text, lower.get("y")) == ("lower", "156.21")


def test_marks_stand_below_their_steps_and_points_differ() -> None:
    svg = drawn(replace(CHART, marked=frozenset({0, 3}), mark="massive"))
    assert [one.get("x") for one in those(svg, "rect", "marked")] == [
        "80.80",
        "584.80",
    ]  # 64 and 568, and a tenth of 168
    assert [one.get("cx") for one in those(svg, "circle", "marked")] == ["148.00", "652.00"]
    assert [one.text for one in those(svg, "text", "marked")] == ["massive"]


def test_events_that_are_near_each_other_have_their_labels_in_two_rows() -> None:
    svg = drawn(replace(CHART, values=(100.0,) * 28, events=((4, "a"), (6, "b"), (20, "c"))))  # steps of 24
    assert [(one.text, one.get("x"), one.get("y")) for one in those(svg, "text", "event")] == [
        ("a", "164.00", "36.00"), ("b", "212.00", "22.00"), ("c", "548.00", "36.00"),
    ]  # fmt: skip


def test_times_stand_at_the_middles_of_their_steps() -> None:
    [time] = those(drawn(CHART), "text", "time")
    assert (time.text, time.get("x")) == ("09:00", "148.00")


def test_a_picture_has_a_title_and_a_description_and_names_them() -> None:
    svg = drawn(CHART)
    found = {one.get("id"): one.text for one in svg if one.tag in (SVG + "title", SVG + "desc")}
    assert [found[id_] for id_ in (svg.get("aria-labelledby") or "").split()] == ["title", "description"]
    assert svg.get("role") == "img"


def test_texts_stay_texts() -> None:
    texts = dict.fromkeys(("title", "description", "unit", "mark"), HOSTILE)
    hostile = replace(CHART, levels=(Level(1, HOSTILE, "limit"),), events=((0, HOSTILE),), times=((0, HOSTILE),))
    svg = drawn(replace(hostile, **texts))
    assert [one.text for one in svg.iter()].count(HOSTILE) == 7
    assert not list(svg.iter(SVG + "script"))


MEASURED = st.lists(st.none() | st.floats(0, 1e15, allow_subnormal=False), max_size=40)


@given(MEASURED, st.booleans())
def test_each_value_has_one_point_within_the_plot(values: list[float | None], is_log: bool) -> None:
    svg = drawn(replace(CHART, values=values, is_log=is_log))
    points = [one.get("points", "").split() for one in svg.iter(SVG + "polyline")]
    assert sum(map(len, points)) == sum(value is not None for value in values)
    places = [tuple(map(float, point.split(","))) for run in points for point in run]
    assert all(64 <= x <= 736 and 42 <= y <= 226 for x, y in places)
    assert places == sorted(places, key=lambda place: place[0])


@given(MEASURED)
def test_runs_are_what_lies_between_gaps(values: list[float | None]) -> None:
    found = list(runs(values))
    assert [pair for run in found for pair in run] == [(at, one) for at, one in enumerate(values) if one is not None]
    assert all(after[0][0] - before[-1][0] > 1 for before, after in pairwise(found))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"), (900, "900"), (1_000_000, "1,000,000"), (75.96, "75.96"), (0.02, "0.02"), (1234567.5, "1,234,567.5"),
        (60.0, "60"), (99.999, "100"),
    ],
)  # fmt: skip
def test_numbers_have_no_more_digits_than_they_need(value: float, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.00 kB"), (1_250_000_000, "1.25 GB"), (4 * 10**15, "4,000.00 TB")],
)
def test_bytes_are_in_the_largest_unit_that_they_fill(amount: int, text: str) -> None:
    assert size(amount) == text
