"""Tests that start a process or a server say so by the mark `process`; all others are `make quick`.

Python's own audit events (PEP 578) tell who does. A fixture that starts something has to be named in `STARTING`, so
that whoever asks for it has the mark, also where another test has started it before.
"""

import sys
from collections.abc import Generator

import pytest

STARTING = frozenset(
    {"running_emulator", "emulator", "company_emulator", "company", "checkov", "replies", "scanned", "forked"}
)
_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "socket.bind"})
_UNSAID = "starts a process or a server ({}): mark the test `process`, or name the fixture in tests/starting.py"


class Watch:
    """Refuses to let an unmarked test start anything, or ask for a fixture that has."""

    def __init__(self) -> None:
        self._held = False
        self._fixture = ""
        self._started: set[str] = set()
        sys.addaudithook(self._heard)

    def _heard(self, event: str, _: object) -> None:
        if event not in _EVENTS:
            return
        if self._fixture:
            self._started.add(self._fixture)
        if self._held:
            raise PermissionError(_UNSAID.format(event))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self._held = item.get_closest_marker("process") is None
        try:
            return (yield)
        finally:
            self._held = False

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        outer, self._fixture = self._fixture, fixturedef.argname
        try:
            return (yield)
        finally:
            self._fixture = outer

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        asked = self._started.intersection(getattr(item, "fixturenames", ()))
        if self._held and asked:
            raise PermissionError(_UNSAID.format(", ".join(sorted(asked))))


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(Watch())


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = STARTING.intersection(getattr(item, "fixturenames", ()))
        case = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if asked or case.get("homes") == "postgresql":
            item.add_marker(pytest.mark.process)
