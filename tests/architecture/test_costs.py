"""What tests cost is added up by file, and the dearest are named."""

from typing import Any

from tests.costs import Meter


class Report:
    """One phase of a test, with the seconds of CPU that it took."""

    def __init__(self, nodeid: str, *cpu: float) -> None:
        self.nodeid = nodeid
        self.user_properties: list[tuple[str, object]] = [("cpu", seconds) for seconds in cpu]


class Terminal:
    def __init__(self) -> None:
        self.lines: list[str] = []

    def section(self, title: str) -> None:
        self.lines.append(title)

    def write_line(self, line: str) -> None:
        self.lines.append(line.strip())


def test_phases_add_up_by_file_and_the_dearest_come_first() -> None:
    meter, shown = Meter(), Terminal()
    for report in (
        Report("tests/test_a.py::test_one", 1.0),
        Report("tests/test_a.py::test_one", 1.0, 0.5),  # each phase has those of the phases before
        Report("tests/test_a.py::test_two[x]", 0.2),
        Report("tests/test_b.py::test_three", 4.0),
        Report("tests/test_b.py::test_four"),
    ):
        phase: Any = report
        meter.pytest_runtest_logreport(phase)
    terminal: Any = shown
    meter.pytest_terminal_summary(terminal)
    assert shown.lines[:3] == ["CPU seconds by file", "4.0  tests/test_b.py", "1.7  tests/test_a.py"]
    assert shown.lines[4:6] == ["4.0  tests/test_b.py::test_three", "1.5  tests/test_a.py::test_one"]
    assert shown.lines[-1].endswith("in all, with what ran for many tests")
