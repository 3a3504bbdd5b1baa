"""Pushes as they are counted: in the moment in which they are written, and by the stage of the tenant's logs."""

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from catalog import access as access_files
from catalog.folder import config_folder
from model.canonical import instant, parse_instant
from model.contract_record import SuspensionRecord
from model.log_stage import LogAdmission, Stage
from model.log_volume import LogCount, slot_of
from model.person import Actor
from model.tenant import Contract, Tenant
from model.text import Text
from pipeline.access.authorization import Authorizer
from pipeline.access.tries import TooMany
from pipeline.intake.pushing import Push, push
from pipeline.log_spool import spools_in
from pipeline.tenants.gate import NotEntitled
from store.home import Home
from tests.cloudtrail import lines
from tests.conftest import MovingClock
from tests.contracts import applied, on_record
from tests.homes import home_at

TENANT, SOURCE = "aozora", "aws.cloudtrail"


class Slow(MovingClock):
    """A clock by which everything takes seven seconds."""

    def now(self) -> datetime:
        self.sleep(7)
        return super().now()


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_a_push_is_counted_in_the_slot_in_which_its_causes_are_set_right(home: Home, tmp_path: Path) -> None:
    clock = Slow()
    tenant = Tenant(TENANT, Text(TENANT, TENANT), contract=Contract(date(2026, 1, 1)))
    applied(home, tenant, instant(clock.now() - timedelta(days=1)))
    actor = Actor("m", (), (TENANT,), kind="machine", action="logs.push", source=SOURCE)
    authorizer = Authorizer(home, access_files.load(config_folder()), actor, clock)
    body = "\n".join(lines(1, 5)).encode()
    for key in map(str, range(3)):
        assert push(authorizer, spools_in(tmp_path), Push(TENANT, SOURCE, body, key), clock).accepted == 5
    with home.tenant(TENANT).read() as reader:
        counted = {one.slot for one in reader.logs.counts("", "9")}
        pieces = [reader.logs.piece(SOURCE, one.id) for one in spools_in(tmp_path)(TENANT).waiting()]
    assert counted == {slot_of(parse_instant(one.taken_at).astimezone(UTC)) for one in pieces if one}


class Staged:
    """A tenant whose logs are at a stage, by which so many records a minute are let in, and who pushes."""

    def __init__(self, home: Home, spool: Path, stage: Stage, most: int) -> None:
        self.home, self.spool, self.clock = home, spool, MovingClock()
        tenant = Tenant(TENANT, Text(TENANT, TENANT), contract=Contract(date(2026, 1, 1)))
        applied(home, tenant, instant(self.clock.now() - timedelta(days=1)))
        with home.tenant(TENANT).observe(instant(self.clock.now()), "p") as writer:
            writer.logs.add(
                [LogCount(SOURCE, slot_of(self.clock.now() - timedelta(hours=1)), "offered", "own", 10, 1_000)]
            )
            writer.stages.admit(LogAdmission(stage, most))

    def push(self, body: bytes) -> str:
        """Push a body; return the name of what was raised, the empty text where it was taken in."""
        actor = Actor("m", (), (TENANT,), kind="machine", action="logs.push", source=SOURCE)
        authorizer = Authorizer(self.home, access_files.load(config_folder()), actor, self.clock)
        try:
            push(authorizer, spools_in(self.spool), Push(TENANT, SOURCE, body), self.clock)
        except (TooMany, NotEntitled) as refused:
            return type(refused).__name__
        return ""

    def counted(self) -> dict[str, tuple[int, int]]:
        """Return the records and bytes that were counted now, by what became of them."""
        with self.home.tenant(TENANT).read() as reader:
            counts = [one for one in reader.logs.counts(slot_of(self.clock.now()), "9") if one.what != "accepted"]
        return {one.what: (one.records, one.bytes) for one in counts}


@pytest.fixture
def staged(tmp_path: Path) -> Callable[[Stage, int], Staged]:
    def made(stage: Stage, most: int) -> Staged:
        home = home_at(str(tmp_path / "home"))
        home.create()
        return Staged(home, tmp_path / "spool", stage, most)

    return made


@pytest.mark.article(11)
def test_who_is_limited_is_refused_beyond_the_rate_of_a_minute(staged: Callable[[Stage, int], Staged]) -> None:
    flood = staged("limited", 8)
    assert [flood.push("\n".join(lines(first, first + 4)).encode()) for first in (1, 11, 21)] == ["", "", "TooMany"]
    assert {what: records for what, (records, _) in flood.counted().items()} == {"offered": 15, "refused": 5}
    with flood.home.tenant(TENANT).read() as reader:
        [refused] = [one for one in reader.logs.counts("", "9") if one.what == "refused"]
    assert refused.cpu_us > 0, "what refusing takes is measured"
    flood.clock.sleep(60)
    with flood.home.tenant(TENANT).observe(instant(flood.clock.now()), "p") as writer:
        slot = slot_of(flood.clock.now())
        writer.logs.add([LogCount(SOURCE, slot, what, "customer", 50) for what in ("offered", "refused")])
    assert flood.push("\n".join(lines(31, 35)).encode()) == "", "what was refused has taken nothing of the rate"


@pytest.mark.article(11)
@pytest.mark.parametrize(("most", "taken"), [(0, 0), (3, 1), (100, 3)])
def test_while_probed_what_is_not_let_in_is_counted_by_its_size_alone(
    staged: Callable[[Stage, int], Staged], most: int, taken: int
) -> None:
    probed = staged("probing", most)
    bodies = ["\n".join(lines(first, first + 4)).encode() for first in (1, 11, 21)]
    assert [probed.push(one) for one in bodies] == [""] * taken + ["TooMany"] * (3 - taken)
    not_taken = b"".join(bodies[taken:])
    assert probed.counted().get("not fetched", (0, 0))[1] == len(not_taken)
    assert probed.counted().get("offered", (0, 0))[0] == 5 * taken
    assert "refused" not in probed.counted()


@pytest.mark.article(11)
@pytest.mark.parametrize(
    "content",
    [b"not even JSON " * 100, gzip.compress(b"x" * 1_400, mtime=0), b"\x1f\x8bbroken" + b"y" * 1_392],
    ids=["text", "packed", "broken"],
)
def test_while_suspended_nobody_looks_at_what_a_body_holds(
    staged: Callable[[Stage, int], Staged], content: bytes
) -> None:
    suspended = staged("suspended", 0)
    at = instant(suspended.clock.now())
    on_record(suspended.home, TENANT, SuspensionRecord(at, "a flood", scope="logs"), at)
    assert suspended.push(content) == "NotEntitled"
    # 10 records of 1,000 bytes came before: 1,400 bytes are estimated to be 14.
    assert suspended.counted() == {"not fetched": (14, 1_400)}
    assert not spools_in(suspended.spool)(TENANT).waiting()
