"""What tests cost: CPU seconds by file and the dearest tests, printed at the end with `--costs` (docs/testing.md).

Counted is what a test's process used, and the processes that ended while it ran. What ends when tests clear away has
mostly run for many of them (an emulator, a database): it is in the total alone.
"""

import os
from collections import defaultdict
from collections.abc import Generator

import pytest

_DEAREST = 10


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--costs", action="store_true", help="print CPU seconds by file, and the dearest tests")


def _cpu_seconds() -> tuple[float, float]:
    """Return the seconds of CPU of this process, and of the processes that it has seen end."""
    times = os.times()
    return times.user + times.system, times.children_user + times.children_system


def _dearest(spent: dict[str, float]) -> list[tuple[str, float]]:
    return sorted(spent.items(), key=lambda one: -one[1])


class Meter:
    """Notes with each report how much CPU was used since the one before."""

    def __init__(self) -> None:
        self._last = _cpu_seconds()
        self._spent: dict[str, float] = defaultdict(float)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        report = yield
        (own, others), (own_before, others_before) = _cpu_seconds(), self._last
        self._last = own, others
        ended = 0.0 if report.when == "teardown" else others - others_before
        report.user_properties.append(("cpu", own - own_before + ended))
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        used = [value for name, value in report.user_properties if name == "cpu" and isinstance(value, float)]
        self._spent[report.nodeid] += used[-1] if used else 0.0

    @pytest.hookimpl(trylast=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        by_file: dict[str, float] = defaultdict(float)
        for test, seconds in self._spent.items():
            by_file[test.split("::")[0]] += seconds
        terminalreporter.section("CPU seconds by file")
        for file, seconds in _dearest(by_file):
            terminalreporter.write_line(f"{seconds:8.1f}  {file}")
        terminalreporter.section(f"the {_DEAREST} dearest tests")
        for test, seconds in _dearest(self._spent)[:_DEAREST]:
            terminalreporter.write_line(f"{seconds:8.1f}  {test}")
        terminalreporter.write_line(f"{sum(_cpu_seconds()):8.1f}  in all, with what ran for many tests")


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--costs"):
        config.pluginmanager.register(Meter())
