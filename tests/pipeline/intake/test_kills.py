"""Pushes and their processing, killed (SIGKILL) at commits and between: each record is in exactly one sum, once."""

import signal
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from catalog.folder import config_folder
from model.canonical import instant
from model.tenant import Contract, Tenant
from model.text import Text
from pipeline.installation import make, open_home
from pipeline.intake.pushing import Push, Taken
from pipeline.log_segments import Segments
from pipeline.log_spool import PUSHED
from tests.contracts import applied
from tests.log_sender import SOURCE, Body, Sent, assert_complete, assert_identity, body
from tests.servers.forks import Forks
from tests.servers.intake_child import pushed
from tests.servers.reaper import Reaper

NAMES = ("aozora", "midori")


class Place:
    """A home, two tenants of it who send, and processes that are killed."""

    def __init__(self, folder: Path, forks: Forks) -> None:
        make(folder, config_folder() / "example" / "installation.yaml")
        self.folder, self.forks, self.home = folder, forks, open_home(folder)
        self.sent = {name: Sent() for name in NAMES}
        self.kills = 0
        for name in NAMES:
            tenant = Tenant(name, Text(name, name), contract=Contract(date(2026, 1, 1)))
            applied(self.home, tenant, instant(datetime.now(UTC) - timedelta(days=1)))

    def push(self, name: str, wanted: Body, point: str = "none:0") -> None:
        """Push a body; where the process dies at the point, nobody answers, and it is pushed again."""
        push = Push(name, SOURCE, wanted.content, wanted.key)
        died = point != "none:0" and self._dies(push, point)
        if died or point == "none:0":
            taken = pushed(self.folder, self.home, push, Reaper("none:0"))
        else:
            taken = msgspec.json.decode((self.folder / "answer").read_bytes(), type=Taken)
        self.sent[name].answered(wanted, taken, died)

    def process(self, point: str = "none:0") -> None:
        """Process what waits, up to the point at which the process dies, or all of it."""
        self._ran(self.forks.run("tests.servers.intake_child:live", str(self.folder), point))

    def check(self) -> None:
        for name in NAMES:
            assert_identity(self.home.tenant(name), Segments(self.folder, name), self.sent[name])

    def check_end(self) -> None:
        for name in NAMES:
            assert_complete(self.home.tenant(name), Segments(self.folder, name), self.sent[name])
            left = [one for one in (self.folder / PUSHED / name).rglob("*.*nary") if one.is_file()]
            assert not left, "what is processed does not wait"

    def _dies(self, push: Push, point: str) -> bool:
        wanted, answer = self.folder / "wanted", self.folder / "answer"
        wanted.write_bytes(msgspec.json.encode(push))
        ended = self.forks.run("tests.servers.intake_child:send", str(self.folder), str(wanted), str(answer), point)
        return self._ran(ended)

    def _ran(self, ended: int) -> bool:
        assert ended in (0, -signal.SIGKILL)
        self.kills += ended != 0
        return ended != 0


@pytest.fixture
def place(tmp_path: Path, forked: Forks) -> Place:
    return Place(tmp_path / "home", forked)


# Where a push dies, and then the processing: at least one of the two in each round.
ROUNDS = (
    ("write:1", "segment:1"), ("written:1", "leave:1"), ("commit:1", "leave:1"), ("answer:1", "leave:2"),
    ("none:0", "commit:3"), ("none:0", "segment:2"), ("none:0", "leave:1"),
)  # fmt: skip


def assert_killed_anywhere_each_record_ends_once(place: Place, rounds: Sequence[tuple[str, str]]) -> None:
    """Push to two tenants and process in rounds, each up to the points at which processes die; then to the end."""
    for number, (pushing, processing) in enumerate(rounds):
        for name in NAMES:
            place.push(name, body(2 * number))
        place.push(NAMES[0], body(2 * number + 1, critical=True), pushing)
        if number % 3 == 2:
            place.push(NAMES[0], body(2 * number - 1, critical=True))  # whoever got no answer may be late
        place.process(processing)
        place.check()
    place.process()
    place.check_end()


def test_killed_anywhere_each_record_is_in_one_sum_and_kept_once(place: Place) -> None:
    assert_killed_anywhere_each_record_ends_once(place, ROUNDS)
    assert place.kills >= 10
