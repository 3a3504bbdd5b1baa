"""Pushes and their processing, killed (SIGKILL) at commits and between: each record is in exactly one sum, once."""

import io
import json
import os
import random
import signal
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from demo.stand_ins.aws_emulator import Emulator
from model.canonical import instant
from model.contract_record import SettingRecord
from model.tenant import Contract, Tenant
from model.text import Text
from notifier.message import Ways
from pipeline.access.tries import TooMany
from pipeline.clock import SystemClock
from pipeline.installation import make, open_home
from pipeline.intake.pushing import SPOOL_MEGABYTES, Push, Taken, push
from pipeline.intake.service import Spools
from pipeline.intake.taking import KeyReused
from pipeline.intake.volume import volumes
from pipeline.log_segments import FOLDER, Segments
from pipeline.log_spool import FETCHED, PUSHED, Spool, WaitingPiece, spools_in
from pipeline.world import world_in
from tests.contracts import applied, on_record
from tests.intake_service import process
from tests.log_bucket import NAME, Bucket
from tests.log_sender import SOURCE, Body, Sent, assert_complete, assert_identity, body, kept_events
from tests.servers.forks import Forks
from tests.servers.intake_child import machine_in, pushed, receipts_in
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
        died = point != "none:0" and self.dies(push, point)
        if died or point == "none:0":
            taken = pushed(self.folder, self.home, push, Reaper("none:0"))
        else:
            taken = msgspec.json.decode((self.folder / "answer").read_bytes(), type=Taken)
        self.sent[name].answered(wanted, taken, died)

    def process(self, point: str = "none:0") -> None:
        """Process what waits, up to the point at which the process dies, or all of it."""
        self._ran(self.forks.run("tests.servers.intake_child:live", str(self.folder), point))

    def check(self, names: Sequence[str] = NAMES) -> None:
        for name in names:
            assert_identity(self.home.tenant(name), Segments(self.folder, name), self.sent[name])

    def check_end(self, names: Sequence[str] = NAMES) -> None:
        for name in names:
            assert_complete(self.home.tenant(name), Segments(self.folder, name), self.sent[name])
            assert not Spool(self.folder, name).waiting(), "what is processed does not wait"

    def dies(self, push: Push, point: str) -> bool:
        """Push in a process up to a point; return whether it died there."""
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


# Where a push dies, and then the processing of what was pushed.
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


@pytest.mark.soak
@pytest.mark.parametrize("seed", range(10))
def test_killed_at_random_points_each_record_is_in_one_sum_and_kept_once(place: Place, seed: int) -> None:
    chance = random.Random(seed)
    pushing = {"write": 1, "written": 1, "commit": 3, "committed": 10, "answer": 1}
    processing = {"segment": 4, "leave": 8, "commit": 8, "committed": 40}

    def point(kinds: Mapping[str, int]) -> str:
        kind = chance.choice(list(kinds))
        return f"{kind}:{chance.randint(1, kinds[kind])}"

    assert_killed_anywhere_each_record_ends_once(place, [(point(pushing), point(processing)) for _ in range(20)])
    print(f"{place.kills} kills, seed {seed}")
    assert place.kills >= 15


def test_what_is_refused_and_what_expires_is_in_one_sum_whoever_is_killed(place: Place) -> None:
    now, name = instant(datetime.now(UTC)), NAMES[0]
    on_record(place.home, name, SettingRecord(SPOOL_MEGABYTES, 1), now)
    place.push(name, Body([json.dumps({"eventID": id_, "eventTime": now, "more": "a" * 600_000}) for id_ in "xy"]))
    for number in (1, 1, 2):
        with pytest.raises(TooMany):
            place.push(name, body(number))
        place.sent[name].was_refused(body(number))
    place.process("commit:2")
    place.check(NAMES[:1])
    place.process()
    place.push(name, body(1))
    place.process()
    place.check_end(NAMES[:1])
    sums = place.sent[name].sums()
    kept = place.folder / FOLDER / name
    for point, expired in (("commit:1", False), ("purge:1", True), ("none:0", True)):
        place.forks.run("tests.servers.intake_child:age", str(place.folder), name, "20", point)
        (found,) = volumes(place.home.tenant(name))
        assert (found.offered, found.waiting, found.refused) == (sums["offered"], 0, sums["refused"])
        assert (found.processed, found.expired) == ((0, sums["processed"]) if expired else (sums["processed"], 0))
        assert bool(list(kept.rglob("*.seg"))) == (point != "none:0")


def test_of_two_bodies_with_one_key_that_is_kept_which_was_answered(place: Place) -> None:
    """Two processes of the API take them at once: the other body comes once this one was found to be new."""
    one, other = replace(body(1), key="k"), replace(body(5), key="k")

    def spools(tenant: str) -> Spool:
        place.push(tenant, other)
        return Spool(place.folder, tenant)

    with pytest.raises(KeyReused):
        push(machine_in(place.home, NAMES[0]), spools, Push(NAMES[0], SOURCE, one.content, one.key), SystemClock())
    place.push(NAMES[1], one)
    place.process()
    place.check_end()


class _Late(Spool):
    """A spool in which, right before a file is removed, something else begins; it is given a moment."""

    def __init__(self, folder: Path, tenant: str, begins: Callable[[], None]) -> None:
        super().__init__(folder, tenant)
        self._begins: list[Callable[[], None]] = [begins]

    def remove(self, waiting: WaitingPiece) -> None:
        if self._begins:
            thread = threading.Thread(target=self._begins.pop())
            thread.start()
            thread.join(0.2)
        super().remove(waiting)


def test_what_comes_again_while_it_is_given_up_is_kept(place: Place) -> None:
    """A push died with its file written, and nobody came back for minutes: then its repeat meets the removal."""
    push, wanted = Push(NAMES[0], SOURCE, body(1).content, body(1).key), body(1)
    assert place.dies(push, "written:1")
    (file,) = (one for one in (place.folder / PUSHED / NAMES[0]).rglob("*.ordinary"))
    os.utime(file, (0, 0))
    spool = _Late(place.folder, NAMES[0], lambda: place.push(NAMES[0], wanted))
    clock = SystemClock()
    process(
        world_in(place.folder, place.home, clock, Ways(io.StringIO(), clock.now)),
        Spools(lambda name: spool if name == NAMES[0] else Spool(place.folder, name), spools_in(place.folder, FETCHED)),
        lambda: bool(place.sent[NAMES[0]].taken) and not spool.waiting(),
    )
    place.check_end(NAMES[:1])


@pytest.mark.process
def test_what_is_announced_is_processed_once_whenever_it_is_fetched_again(
    tmp_path: Path, emulator: Emulator, forked: Forks
) -> None:
    """An object that was committed is a repeat when its message comes again, and nothing before that was counted."""
    bucket = Bucket(tmp_path / "home", emulator)
    bucket.sqs.purge_queue(QueueUrl=bucket.url)  # the bucket's own test message
    wanted = body(1)
    bucket.put("a", [*wanted.events, *wanted.late])
    store, whole, repeats = bucket.home.tenant(NAME), len(wanted.events) + len(wanted.late), 0
    for point, was_done in (("fetch:1", 0), ("segment:1", 0), ("leave:1", 0), ("delete:1", 1), ("none:0", 1)):
        receipts_in(bucket.folder).write_text("")
        arguments = ("tests.servers.intake_child:live", str(bucket.folder), point, "1")
        killed = forked.run(*arguments, environment=emulator.environment()) == -signal.SIGKILL
        assert killed == (point != "none:0")
        repeats += was_done
        if killed:
            bucket.show_again(receipts_in(bucket.folder).read_text().splitlines())
    (found,) = volumes(store)
    events = sorted(set(wanted.events))
    assert (found.offered, found.waiting) == ((1 + repeats) * whole, 0)
    assert (found.processed, found.too_late) == (len(events), len(wanted.late))
    assert found.duplicate == repeats * whole + len(wanted.events) - len(events)
    assert sorted(kept_events(store, Segments(bucket.folder, NAME))) == events
    assert bucket.left() == 0
