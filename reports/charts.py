"""Charts as inline SVG: what was measured step by step, with levels to compare it with. Pure.

A chart is readable without colours, and without seeing it: levels and marks have labels, and the picture has a title
and a description (`role="img"`; SVG 2, https://www.w3.org/TR/SVG2/struct.html#TitleElement). How its parts look, the
style sheet says, by their classes.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Literal
from xml.etree.ElementTree import Element, SubElement, tostring

from msgspec import Struct

# In units of the picture, which is as wide as its page.
WIDTH, HEIGHT = 880.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 64.0, 736.0, 42.0, 226.0
_ROW, _MARK = 14.0, 8.0
_NEAR = 96.0  # labels of events that begin nearer to each other stand in two rows
_TICKS = 4
_SIZES = (("TB", 10**12), ("GB", 10**9), ("MB", 10**6), ("kB", 10**3))


class Axis(Struct, frozen=True):
    """An axis by its ticks, which are in ascending order: two at least."""

    ticks: tuple[float, ...]
    is_log: bool = False

    def part(self, value: float) -> float:
        """Return where a value is, from 0 at the first tick to 1 at the last; what is beyond them is at the end."""
        low, high = self.ticks[0], self.ticks[-1]
        held = min(max(value, low), high)
        if self.is_log:
            return (math.log10(held) - math.log10(low)) / (math.log10(high) - math.log10(low))
        return (held - low) / (high - low)


class Level(Struct, frozen=True):
    """A horizontal line: a limit, or what is usual."""

    value: float
    label: str
    kind: Literal["limit", "base"]


class Chart(Struct, frozen=True):
    """What a chart shows: a value a step, None where nothing was measured.

    The id is unique on the page. `unit` stands above the axis; `times` are labels by their steps, and so are `events`,
    which happened as a step began. `marked` steps have a mark below the axis, which `mark` explains.
    """

    id: str
    title: str
    description: str
    unit: str
    values: Sequence[float | None]
    times: Sequence[tuple[int, str]]
    levels: Sequence[Level] = ()
    events: Sequence[tuple[float, str]] = ()
    marked: frozenset[int] = frozenset()
    mark: str = ""
    is_log: bool = False

    @property
    def axis(self) -> Axis:
        """Return the axis that has room for all values and levels."""
        known = [*(one for one in self.values if one is not None), *(one.value for one in self.levels)]
        return log_axis(known) if self.is_log else linear_axis(known)

    def x(self, step: float) -> float:
        """Return where a step begins; halves are the middles of steps."""
        return LEFT + step * (RIGHT - LEFT) / max(len(self.values), 1)

    def y(self, value: float) -> float:
        """Return where a value is: small ones are below, so that y is large."""
        return BOTTOM - self.axis.part(value) * (BOTTOM - TOP)


def log_axis(values: Iterable[float]) -> Axis:
    """Return an axis by powers of ten around all values that are more than nothing: one decade at least."""
    positive = [one for one in values if one > 0] or [1.0]
    low, high = math.floor(math.log10(min(positive))), math.ceil(math.log10(max(positive)))
    return Axis(tuple(10.0**one for one in range(low, max(high, low + 1) + 1)), is_log=True)


def linear_axis(values: Iterable[float]) -> Axis:
    """Return an axis from nothing to the largest value or beyond, by one, two or five times a power of ten."""
    most = max(values, default=0) or 1.0
    power = 10.0 ** math.floor(math.log10(most / _TICKS))
    step = next(power * times for times in (1, 2, 5, 10) if power * times * _TICKS >= most * (1 - 1e-9))
    return Axis(tuple(step * one for one in range(math.ceil(most / step - 1e-9) + 1)))


def runs(values: Sequence[float | None]) -> Iterator[list[tuple[int, float]]]:
    """Yield what was measured on end, as steps with their values: between two of these something is missing."""
    found: list[tuple[int, float]] = []
    for step, value in enumerate(values):
        if value is not None:
            found.append((step, value))
        elif found:
            yield found
            found = []
    if found:
        yield found


def draw(chart: Chart) -> str:
    """Return a chart as an SVG element, which needs nothing but the style sheet of the page."""
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "class": "chart",
            "viewBox": f"0 0 {WIDTH:g} {HEIGHT:g}",
            "role": "img",
            "aria-labelledby": f"{chart.id}-title {chart.id}-description",
        },
    )
    SubElement(svg, "title", {"id": f"{chart.id}-title"}).text = chart.title
    SubElement(svg, "desc", {"id": f"{chart.id}-description"}).text = chart.description
    _draw_missing(svg, chart)
    _draw_axes(svg, chart)
    _draw_events(svg, chart)
    _draw_levels(svg, chart)
    _draw_values(svg, chart)
    _draw_marks(svg, chart)
    return tostring(svg, encoding="unicode")


def _draw_missing(svg: Element, chart: Chart) -> None:
    width = chart.x(1) - LEFT
    for step, value in enumerate(chart.values):
        if value is None:
            _rect(svg, "missing", (chart.x(step), TOP, width, BOTTOM - TOP))


def _draw_axes(svg: Element, chart: Chart) -> None:
    _text(svg, "unit", (LEFT, TOP - 2 * _ROW - 3), chart.unit)
    for tick in chart.axis.ticks:
        y = chart.y(tick)
        _line(svg, "grid", (LEFT, y, RIGHT, y))
        _text(svg, "tick", (LEFT - 8, y + 4), number(tick))
    for step, label in chart.times:
        x = chart.x(step + 0.5)
        _line(svg, "grid", (x, BOTTOM, x, BOTTOM + 5))
        _text(svg, "time", (x, BOTTOM + 5 + _MARK + _ROW + 4), label)


def _draw_events(svg: Element, chart: Chart) -> None:
    before, row = -_NEAR, 0
    for step, label in chart.events:
        x = chart.x(step)
        row = 1 - row if x - before < _NEAR else 0
        _line(svg, "event", (x, TOP - 4 - row * _ROW, x, BOTTOM))
        _text(svg, "event", (x + 4, TOP - 6 - row * _ROW), label)
        before = x


def _draw_levels(svg: Element, chart: Chart) -> None:
    free = TOP
    for level in sorted(chart.levels, key=lambda one: -one.value):
        y = chart.y(level.value)
        _line(svg, f"level {level.kind}", (LEFT, y, RIGHT, y))
        _text(svg, f"level {level.kind}", (RIGHT + 8, max(y, free) + 4), level.label)
        free = max(y, free) + _ROW


def _draw_values(svg: Element, chart: Chart) -> None:
    for run in runs(chart.values):
        points = [(chart.x(step + 0.5), chart.y(value)) for step, value in run]
        SubElement(svg, "polyline", {"class": "values", "points": " ".join(f"{x:.2f},{y:.2f}" for x, y in points)})
        for (step, _), (x, y) in zip(run, points, strict=True):
            shown = "marked" if step in chart.marked else "value"
            SubElement(svg, "circle", {"class": shown, "cx": f"{x:.2f}", "cy": f"{y:.2f}", "r": "2.4"})


def _draw_marks(svg: Element, chart: Chart) -> None:
    width = chart.x(1) - LEFT
    for step in sorted(chart.marked):
        _rect(svg, "marked", (chart.x(step) + width / 10, BOTTOM + 5, width * 0.8, _MARK))
    if chart.mark:
        _text(svg, "marked", (RIGHT + 8, BOTTOM + 5 + _MARK), chart.mark)


def number(value: float) -> str:
    """Return a number for people: thousands apart, two decimals at most; below one, three digits that count."""
    return f"{value:,.2f}".rstrip("0").rstrip(".") if abs(value) >= 1 else f"{value:.3g}"


def size(amount: float) -> str:
    """Return a number of bytes in the largest decimal unit that it fills, as `1.25 GB`."""
    unit, factor = unit_of(amount)
    return f"{amount / factor:,.2f} {unit}" if factor > 1 else f"{amount:,.0f} {unit}"


def unit_of(amount: float) -> tuple[str, int]:
    """Return the largest decimal unit (SI) that a number of bytes fills, and how many bytes it is."""
    return next(((unit, factor) for unit, factor in _SIZES if abs(amount) >= factor), ("B", 1))


def _line(svg: Element, name: str, ends: tuple[float, float, float, float]) -> None:
    SubElement(svg, "line", {"class": name} | _lengths(("x1", "y1", "x2", "y2"), ends))


def _rect(svg: Element, name: str, place: tuple[float, float, float, float]) -> None:
    SubElement(svg, "rect", {"class": name} | _lengths(("x", "y", "width", "height"), place))


def _text(svg: Element, name: str, place: tuple[float, float], text: str) -> None:
    SubElement(svg, "text", {"class": name} | _lengths(("x", "y"), place)).text = text


def _lengths(names: tuple[str, ...], lengths: tuple[float, ...]) -> dict[str, str]:
    return {name: f"{length:.2f}" for name, length in zip(names, lengths, strict=True)}
