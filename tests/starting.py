"""Tests that start a process or a server say so by the mark `process`; all others are `make quick`.

Python's own audit events (PEP 578) show who does. A fixture that starts something has to be named in `STARTING`, so
that whoever asks for it has the mark, also where another test has started it before.
"""

import sys
from collections.abc import Collection, Generator

import pytest

STARTING = frozenset(
    {"running_emulator", "emulator", "company_emulator", "company", "checkov", "replies", "scanned", "forked"}
)
# What takes long to make is made in one worker of pytest-xdist, for all tests that ask for it.
GROUPS = {"company": frozenset({"company_emulator", "replies"}), "emulator": frozenset({"running_emulator"})}
_EVENTS = frozenset({"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "socket.bind"})


class Watch:
    """Fails an unmarked test that starts anything, or asks for a fixture that has."""

    def __init__(self) -> None:
        self.is_held = False
        self.fixture = ""
        self._started: set[str] = set()

    def heard(self, event: str, _: object) -> None:
        """Note an audit event, and fail the test that must not cause it."""
        if event in _EVENTS:
            self._started |= {self.fixture} - {""}
            if self.is_held:
                _fail(event)

    def asked(self, fixtures: Collection[str]) -> None:
        """Fail a test that must not start anything and asks for what another has started."""
        if self.is_held and (started := self._started.intersection(fixtures)):
            _fail(", ".join(sorted(started)))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Generator[None, object, object]:
        self.is_held = item.get_closest_marker("process") is None
        try:
            return (yield)
        finally:
            self.is_held = False

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Generator[None, object, object]:
        # One for a single test would start it anew, and be seen doing so.
        outer, self.fixture = self.fixture, "" if fixturedef.scope == "function" else fixturedef.argname
        try:
            return (yield)
        finally:
            self.fixture = outer

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        self.asked(getattr(item, "fixturenames", ()))


def _fail(what: str) -> None:
    pytest.fail(f"starts a process or a server ({what}): mark the test `process`, or name the fixture in {__name__}")


def pytest_configure(config: pytest.Config) -> None:
    watch = Watch()
    sys.addaudithook(watch.heard)
    config.pluginmanager.register(watch)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        asked = frozenset(getattr(item, "fixturenames", ()))
        case = item.callspec.params if isinstance(item, pytest.Function) and hasattr(item, "callspec") else {}
        if asked & STARTING or case.get("homes") == "postgresql":
            item.add_marker(pytest.mark.process)
        for group, fixtures in GROUPS.items():
            if asked & fixtures:
                item.add_marker(pytest.mark.xdist_group(group))
                break
