"""Killed at each commit of a decision, a notice and a lead's word: what is decided is decided and said once."""

import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from contract.suspension_settings import InForce
from contract.suspensions import suspended_until
from model.canonical import instant
from model.contract_record import SuspensionRecord
from pipeline.suspending.judging import Confirmation, confirm
from pipeline.tenants.applied import book_of
from store.home import Home
from tests.conftest import MovingClock
from tests.homes import home_at
from tests.pipeline.suspending.floods import COMMITTED, FLOODING, STANDING, Floods, as_
from tests.servers.forks import Forks

FLOOD = 10 * COMMITTED
_MOST_COMMITS = 60


class Place:
    """A folder with the home of a flood that is about to be decided on, copied for each process that is killed."""

    def __init__(self, folder: Path, clock: MovingClock, editions: list[InForce], forks: Forks) -> None:
        self.folder, self.clock, self.forks, self.editions = folder, clock, forks, editions
        home = home_at(str(folder / "first" / "home"))
        (folder / "first").mkdir()
        home.create()
        self.floods = Floods(home, clock, editions=editions)
        self.floods.minutes(5, FLOOD, wait=61)
        self.floods.minute(FLOOD, wait=61, decide=False)
        (folder / "first" / "measured").write_bytes(msgspec.json.encode(list(self.floods.measured)))
        (folder / "first" / "screen").touch()
        clock.sleep(6)

    def killed(self, step: int, call: str, *args: str) -> Iterator[tuple[Path, int]]:
        """Yield copies of the home in each of which a process was killed at another commit, and how it ended.

        Only each `step`-th commit is one.
        """
        for kind in ("commit", "committed"):
            for number in range(1, _MOST_COMMITS, step):
                there = self.folder / f"{kind}{number}"
                shutil.copytree(self.folder / "first", there)
                ended = self.run(there, call, *args, point=f"{kind}:{number}")
                yield there, ended
                shutil.rmtree(there)
                if ended == 0:
                    break

    def run(self, there: Path, call: str, *args: str, point: str = "none:0") -> int:
        at = instant(self.clock.now())
        ended = self.forks.run(f"tests.servers.suspending_child:{call}", str(there), at, *args, point)
        assert ended in (0, -signal.SIGKILL)
        return ended

    @property
    def judged_by(self) -> str:
        return msgspec.json.encode(self.editions).decode()


def home_in(there: Path) -> Home:
    return home_at(str(there / "home"))


def assert_whole(home: Home) -> None:
    store = home.tenant(FLOODING)
    assert (store.audit_fault(), store.implied_fault()) == ("", "")


@pytest.mark.article(11)
@pytest.mark.process
@pytest.mark.parametrize(
    ("editions", "after", "step"),
    [
        (STANDING, "suspended", 7),
        pytest.param(STANDING, "suspended", 1, marks=pytest.mark.soak),
        pytest.param([], "proposed", 1, marks=pytest.mark.soak),
    ],
)
def test_killed_at_any_commit_it_is_decided_once_and_said_once(
    tmp_path: Path, clock: MovingClock, forked: Forks, editions: list[InForce], after: str, step: int
) -> None:
    place = Place(tmp_path, clock, editions, forked)
    kills, repeats = 0, 0
    for there, ended in place.killed(step, "decide", place.judged_by):
        kills += ended != 0
        place.run(there, "decide", place.judged_by)
        place.run(there, "decide", place.judged_by)
        home = home_in(there)
        store = home.tenant(FLOODING)
        with store.read() as reader:
            assert [row.after for row in reader.stages.all()] == ["watch", "limited", after]
            facts = [fact.became for fact, _ in reader.facts()]
            said = [id_ for id_, _ in reader.reminders.said() if id_.startswith("stage:")]
        records = [one for one in book_of(store).every if isinstance(one.what, SuspensionRecord)]
        assert len(records) == (after == "suspended")
        assert facts == ["open"] * (after == "suspended")
        assert len(said) == 1
        with home.service.read() as session:
            assert session.log_stages.decisions() == []
        lines = (there / "screen").read_text("utf-8").splitlines()
        assert len(set(lines)) == 1, "the same, with the same key"
        repeats += len(lines) - 1
        assert_whole(home)
    assert kills > 14 / step
    assert repeats <= 2, "only where what was sent was not noted: before its commit, in either way of dying"


@pytest.mark.article(11)
@pytest.mark.process
def test_a_confirmation_that_was_killed_is_there_whole_or_not_at_all(
    tmp_path: Path, clock: MovingClock, forked: Forks
) -> None:
    place = Place(tmp_path, clock, [], forked)
    place.floods.deciding.step()
    outcomes = set()
    for there, ended in place.killed(1, "judge", FLOODING):
        home = home_in(there)
        store = home.tenant(FLOODING)
        with store.read() as reader:
            findings = [one.policy for one in reader.findings()]
            stage = reader.stages.admission().stage
        suspended = suspended_until(book_of(store).suspensions, clock.now()) is not None
        assert ("service.log-suspension" in findings) == suspended == (stage == "suspended")
        outcomes.add((ended != 0, suspended))
        floods = place.floods
        if not suspended:
            floods.home, kept = home, floods.home
            confirm(as_(floods), FLOODING, Confirmation("again"), clock)
            floods.home = kept
        assert suspended_until(book_of(home.tenant(FLOODING)).suspensions, clock.now()) is not None
        assert_whole(home)
    assert outcomes >= {(True, False), (True, True), (False, True)}
