"""Pieces of logs taken in: offered is the sum of what became of each record, whatever comes in between."""

import io
import json
import os
import random
import signal
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path

import pytest
from msgspec.structs import replace

from catalog.folder import config_folder
from catalog.sources import load
from intake.accounting import offered
from model.canonical import instant
from model.contract_record import LicenceRecord, SettingRecord
from model.fault import Refused
from model.log_volume import LogCount, LogPiece, Volume, slot_of
from pipeline.intake.files import files_in, opened
from pipeline.intake.reading import READ, Wanted, kept, moment
from pipeline.intake.taking import REMEMBERED, Incoming, Intake, LogLine, take
from pipeline.intake.upkeep import KEPT, RETENTION_DAYS, tidy
from pipeline.intake.volume import heard, volumes
from pipeline.log_keys import log_key
from pipeline.log_segments import FOLDER, Segments
from pipeline.tenants.gate import NotEntitled
from store.database import StoreFault
from store.home import Home
from tests.cloudtrail import lines, write
from tests.conftest import MovingClock
from tests.contracts import known, on_record
from tests.homes import home_at
from tests.servers.forks import Forks
from tests.servers.log_child import SOURCE, TENANT, Watched

SOURCES = load(config_folder())


@pytest.fixture
def tenant(home: Home) -> Home:
    known(home, TENANT, "2026-06-01T00:00:00.000000Z")
    return home


@pytest.fixture
def segments(tmp_path: Path) -> Segments:
    return Segments(tmp_path / "sealed", TENANT)


@pytest.fixture
def desk(tenant: Home, segments: Segments, clock: MovingClock) -> Intake:
    return Intake(TENANT, tenant.tenant(TENANT), segments, SOURCES[SOURCE], clock, "p", "back-fill")


def came(desk: Intake, file: Path, batch: int = 5_000) -> dict[str, int]:
    """Take a file in; return what was counted of it, but for what is nothing."""
    with opened(file, SOURCE, desk.clock) as incoming:
        return {what: number for what, number in take(desk, incoming, batch).items() if what != "accepted"}


def volume(home: Home) -> Volume:
    (found,) = volumes(home.tenant(TENANT))
    return found


def counts(home: Home) -> list[LogCount]:
    with home.tenant(TENANT).read() as reader:
        return reader.logs.counts("", "9999")


def sums(found: Volume) -> tuple[int, int, int, int, int]:
    return found.offered, found.processed, found.malformed, found.duplicate, found.waiting


def test_what_comes_in_is_counted_once_and_repeats_change_nothing(
    tenant: Home, desk: Intake, clock: MovingClock, tmp_path: Path
) -> None:
    first = write(tmp_path / "a", [*lines(1, 9), "{nothing", "also nothing", *lines(10, 12)])
    assert came(desk, first, batch=4) == {"offered": 14, "processed": 12, "malformed": 2}
    assert sums(volume(tenant)) == (14, 12, 2, 0, 0)
    assert came(desk, first) == {"offered": 14, "duplicate": 14}, "the same file again"
    assert came(desk, write(tmp_path / "b", lines(11, 14))) == {"offered": 4, "processed": 2, "duplicate": 2}
    assert came(desk, write(tmp_path / "c", [*lines(20, 20)] * 3)) == {"offered": 3, "processed": 1, "duplicate": 2}
    assert sums(found := volume(tenant)) == (35, 15, 2, 18, 0)
    assert found.causes == {"back-fill": 17, "repeat": 18}
    with tenant.tenant(TENANT).read() as reader:
        (aside,) = reader.logs.asides(SOURCE, sha256(first.read_bytes()).hexdigest(), 10)
    assert (aside.first, aside.last, aside.records) == ("10", "11", 2)
    assert {one.source: one.last_heard for one in heard(desk.store, SOURCES)}[SOURCE] == instant(clock.now())


def test_an_event_that_comes_after_two_days_is_new(
    tenant: Home, desk: Intake, clock: MovingClock, tmp_path: Path
) -> None:
    came(desk, write(tmp_path / "a", lines(1, 3)))
    clock.sleep(REMEMBERED.total_seconds())
    assert came(desk, write(tmp_path / "b", lines(3, 4))) == {"offered": 2, "processed": 1, "duplicate": 1}
    clock.sleep(1)
    assert came(desk, write(tmp_path / "c", lines(3, 5))) == {"offered": 3, "processed": 2, "duplicate": 1}


def test_a_piece_that_comes_twice_at_once_is_counted_once_and_done_twice(tenant: Home, desk: Intake) -> None:
    """A queue may announce the same object twice, and each announcement is to be deleted."""
    piece = LogPiece(SOURCE, "a" * 64, "a" * 64, "a", instant(desk.clock.now()))
    content, done = "\n".join(lines(1, 4)).encode(), list[int]()
    line = LogLine(desk, [Incoming(piece, lambda: io.BytesIO(content), partial(done.append, n)) for n in (1, 2)])
    line.read(100)
    line.write()
    assert (done, sums(volume(tenant))) == ([1, 2], (4, 4, 0, 0, 0))


def test_what_is_kept_stays_where_batches_begin_with_the_same_repeat(tenant: Home, desk: Intake) -> None:
    """A batch begins with what was done before: its file was left by whoever was killed, or it is announced again."""
    at = instant(desk.clock.now())

    def piece(name: str, first: int, last: int) -> Incoming:
        content = "\n".join(lines(first, last)).encode()
        return Incoming(LogPiece(SOURCE, name * 64, name * 64, name, at), lambda: io.BytesIO(content))

    for pieces in ([piece("a", 1, 4)], [piece("a", 1, 4), piece("b", 5, 7)], [piece("a", 1, 4), piece("c", 8, 9)]):
        line = LogLine(desk, pieces)
        line.read(100)
        line.write()
    assert sums(volume(tenant)) == (17, 9, 0, 8, 0)
    assert sorted(kept_events(desk, *DAY)) == list(range(1, 10))


@pytest.mark.parametrize("seed", range(6))
def test_of_those_who_read_the_same_piece_one_writes(tenant: Home, desk: Intake, clock: MovingClock, seed: int) -> None:
    """Two processes take the same file in at once, chunk by chunk, in whatever order: each record is counted once."""
    chosen = random.Random(seed)
    content = "\n".join([*lines(1, 20), "{", *lines(15, 22)]).encode()
    piece = LogPiece(SOURCE, "0" * 64, "0" * 64, "a", instant(clock.now()))
    both = [LogLine(desk, [Incoming(piece, lambda: io.BytesIO(content))], most=5) for _ in range(2)]
    counted = 0
    while going := [line for line in both if not line.is_read or line.is_due]:
        line = chosen.choice(going)
        if line.is_due:
            counted += sum(one.records for one in line.write() if one.what == "offered")
        else:
            line.read(chosen.randint(1, 7))
    found = volume(tenant)
    assert (counted, sums(found)) == (29, (29, 22, 1, 6, 0))
    assert len(kept_events(desk, *DAY)) == 22


def test_what_has_expired_is_not_counted_again_by_whoever_was_reading_it(
    tenant: Home, desk: Intake, clock: MovingClock
) -> None:
    piece = LogPiece(SOURCE, "0" * 64, "0" * 64, "a", instant(clock.now()), offered=4)
    content = "\n".join(lines(1, 4)).encode()
    with desk.store.observe(instant(clock.now()), "p") as writer:
        writer.logs.put_piece(piece)
        writer.logs.add(offered(SOURCE, slot_of(clock.now()), {"customer": (4, len(content))}))
    line = LogLine(desk, [Incoming(piece, lambda: io.BytesIO(content))])
    line.read(100)
    with desk.store.observe(instant(clock.now()), "p") as writer:
        writer.logs.give_up_before(instant(clock.now() + timedelta(days=1)))
    line.write()
    found = volume(tenant)
    assert (found.offered, found.expired, found.processed, found.waiting) == (4, 4, 0, 0)


def test_a_repeat_that_waited_is_a_repeat_still(tenant: Home, desk: Intake, clock: MovingClock, tmp_path: Path) -> None:
    """It came within two days of the first, and is processed later: nobody loses by having waited."""
    desk = replace(desk, cause="customer")
    content = "\n".join(lines(1, 4, instant(clock.now()))).encode()
    assert came(desk, write(tmp_path / "a", lines(1, 4, instant(clock.now()))))["processed"] == 4
    clock.sleep(47 * 3_600)
    piece = LogPiece(SOURCE, "0" * 64, "0" * 64, "a", instant(clock.now()), offered=4)
    with desk.store.observe(instant(clock.now()), "p") as writer:
        writer.logs.put_piece(piece)
        writer.logs.add(offered(SOURCE, slot_of(clock.now()), {"customer": (4, len(content))}))
    clock.sleep(3 * 3_600)
    tidy(desk.store, None, clock.now(), "p")
    line = LogLine(desk, [Incoming(piece, lambda: io.BytesIO(content))])
    line.read(100)
    line.write()
    found = volume(tenant)
    assert (found.offered, found.processed, found.duplicate, found.waiting) == (8, 4, 4, 0)


def test_what_the_contract_does_not_allow_ends_at_the_next_batch(
    tenant: Home, desk: Intake, clock: MovingClock, tmp_path: Path
) -> None:
    file = write(tmp_path / "a", lines(1, 10))

    def lapse() -> None:
        licence = LicenceRecord("cloud-security-product", date(2026, 1, 1), date(2026, 4, 1), date(2026, 1, 1))
        on_record(tenant, TENANT, licence, instant(clock.now()))

    piece = LogPiece(SOURCE, "0" * 64, "0" * 64, "a", instant(clock.now()))
    watched = io.BufferedReader(Watched(io.BytesIO(file.read_bytes()), lapse))
    with pytest.raises(NotEntitled, match=r"cannot process monitoring logs: .* \(Article 3\(2\)\)"):
        take(desk, Incoming(piece, lambda: watched), batch=3)
    with pytest.raises(NotEntitled, match="cannot take monitoring logs in"):
        came(desk, file)
    assert volumes(desk.store) == []


def test_a_file_that_changes_meanwhile_is_named_and_what_came_in_is_kept(
    tenant: Home, desk: Intake, clock: MovingClock, tmp_path: Path
) -> None:
    file = write(tmp_path / "a", lines(1, 3000))
    with opened(file, SOURCE, clock) as incoming:
        write(file, lines(3001, 6000))
        with pytest.raises(Refused, match="was changed while it was read"):
            take(desk, incoming, batch=100)
    assert came(desk, file)["offered"] == 3000
    found = volume(tenant)
    assert found.offered == found.processed + found.duplicate + found.malformed
    with opened(file, SOURCE, clock) as incoming:
        with file.open("a", encoding="utf-8") as grown:
            grown.write("more")
        assert take(desk, incoming)["duplicate"] == 3000, "what it held when it was opened"


def test_files_are_found_by_name_and_in_folders(tmp_path: Path) -> None:
    (tmp_path / "in" / "it").mkdir(parents=True)
    a, b = write(tmp_path / "b.json", []), write(tmp_path / "in" / "it" / "a.json", [])
    assert files_in([a, tmp_path / "in"]) == [a, b]
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(Refused) as refused:
        files_in([tmp_path / "gone", a, tmp_path / "pipe"])
    assert [str(one) for one in refused.value.faults] == [
        f"{tmp_path}/gone: there is no such file or folder",
        f"{tmp_path}/pipe: is no file",
    ]


def test_counts_become_minutes_after_a_day_and_are_purged_after_thirteen_months(
    tenant: Home, desk: Intake, clock: MovingClock, tmp_path: Path
) -> None:
    pieces = []
    for number in range(4):
        file = write(tmp_path / str(number), [*lines(number, number), f"{{{number}"])
        pieces.append(sha256(file.read_bytes()).hexdigest())
        came(desk, file)
        clock.sleep(25)
    with desk.store.read() as reader:
        assert all(reader.logs.asides(SOURCE, one, 10) for one in pieces)
    before = volume(tenant)

    def slots() -> set[str]:
        return {count.slot[11:19] for count in counts(tenant)}

    tidy(desk.store, desk.segments, clock.now(), "p")
    assert slots() == {"00:00:00", "00:00:20", "00:00:50", "00:01:10"}
    clock.sleep(86_460)
    for _ in range(2):
        tidy(desk.store, desk.segments, clock.now(), "p")
        assert slots() == {"00:00:00", "00:01:00"}
        assert replace(volume(tenant), last_heard="") == replace(before, last_heard="")
    clock.sleep(15 * 86_400)
    tidy(desk.store, desk.segments, clock.now(), "p")
    assert (volume(tenant).processed, volume(tenant).expired) == (0, 4)
    assert slots() == {"00:00:00", "00:01:00"}
    clock.sleep(KEPT.total_seconds())
    tidy(desk.store, desk.segments, clock.now(), "p")
    assert counts(tenant) == []
    with desk.store.read() as reader:
        assert not any(reader.logs.asides(SOURCE, one, 10) for one in pieces)


def kept_events(desk: Intake, since: str, until: str, purpose: str = "case 7") -> list[int]:
    """Return the numbers of the events that are read again."""
    now = desk.clock.now()
    wanted = Wanted(SOURCES[SOURCE], moment(since), moment(until), "mio", purpose, now)
    return [int(json.loads(raw)["eventID"][-12:]) for raw in kept(desk.store, desk.segments, wanted)]


DAY = ("2026-06-01T00:00:00Z", "2026-06-02T00:00:00Z")


def test_what_was_processed_is_kept_sealed_read_on_record_and_expires(
    tenant: Home, desk: Intake, clock: MovingClock, tmp_path: Path
) -> None:
    came(desk, write(tmp_path / "a", [*lines(1, 5), *lines(3, 3), *lines(6, 9, "2026-06-01T12:00:00Z")]), batch=3)
    sealed = list((tmp_path / "sealed" / FOLDER).rglob("*.seg"))
    assert [one.parent.name for one in sealed] == ["2026-06-01"] * 4
    assert not any(b"GetObject" in one.read_bytes() for one in sealed)
    assert all(one.stat().st_mode & 0o077 == 0 for one in (*sealed, tmp_path / "sealed/keys/logs/aozora.key"))
    assert kept_events(desk, *DAY) == list(range(1, 10))
    assert kept_events(desk, "2026-06-01T12:00:00Z", DAY[1]) == [6, 7, 8, 9]
    assert kept_events(desk, DAY[1], "2026-06-03T00:00:00Z") == []
    with desk.store.read() as reader:
        said = reader.recorded(READ)
    assert [(one["purpose"], one["segments"]) for one in said] == [("case 7", 4), ("case 7", 2), ("case 7", 0)]
    with pytest.raises(Refused, match="say what the events are read for"):
        kept_events(desk, *DAY, purpose=" ")
    on_record(tenant, TENANT, SettingRecord(RETENTION_DAYS, 7), instant(clock.now()))
    for days, processed in ((7, 9), (1, 0)):  # the day itself, and seven more
        clock.sleep(days * 86_400)
        tidy(desk.store, desk.segments, clock.now(), "p")
        found = volume(tenant)
        assert (found.offered, found.processed, found.expired, found.duplicate) == (10, processed, 9 - processed, 1)
    assert kept_events(desk, *DAY) == []
    assert not list((tmp_path / "sealed" / FOLDER).rglob("*.seg"))


def test_where_events_cannot_be_kept_nothing_is_counted(tenant: Home, desk: Intake, tmp_path: Path) -> None:
    (tmp_path / "sealed").write_text("no folder", encoding="utf-8")
    file = write(tmp_path / "a", lines(1, 4))
    with pytest.raises(StoreFault, match="cannot be written"):
        came(desk, file)
    assert volumes(desk.store) == []
    (tmp_path / "sealed").unlink()
    assert came(desk, file) == {"offered": 4, "processed": 4}
    assert volume(tenant).waiting == 0


def test_a_segment_opens_for_its_tenant_under_its_name_alone(desk: Intake, tmp_path: Path) -> None:
    came(desk, write(tmp_path / "a", lines(1, 4)), batch=2)
    one, other = sorted((tmp_path / "sealed" / FOLDER).rglob("*.seg"))
    first = one.read_bytes()
    for content in (other.read_bytes(), first[:-1], first[:30] + bytes([first[30] ^ 1]) + first[31:], b""):
        one.write_bytes(content)
        with pytest.raises(Refused, match="was changed since it was sealed"):
            kept_events(desk, *DAY)
    one.unlink()
    with pytest.raises(Refused, match="cannot be read: No such file"):
        kept_events(desk, *DAY)
    assert log_key(tmp_path / "sealed", "aozora") != log_key(tmp_path / "sealed", "midori")


POINTS = ("read:1", "commit:2", "committed:5", "commit:8", "committed:8", "read:8", "commit:9", "committed:7", "read:5",
          "commit:10")  # fmt: skip


def assert_killed_anywhere_nothing_is_lost(address: str, forked: Forks, points: Sequence[str], least: int) -> None:
    """Take a file in again and again, each time up to the point at which the process dies, and once to its end."""
    sent = [*lines(1, 60), "{", *lines(55, 70)]
    file = write(Path(address) / "logs.jsonl", sent)
    kills, half = 0, set[int]()
    store = home_at(address).tenant(TENANT)
    for point in (*points, "none:0"):
        ended = forked.run("tests.servers.log_child:live", address, str(file), point)
        assert ended in (0, -signal.SIGKILL)
        kills += ended != 0
        with store.read() as reader:
            piece = reader.logs.piece(SOURCE, sha256(file.read_bytes()).hexdigest())
        half |= {piece.records} if piece and piece.state == "open" else set()
    assert (kills >= least, len(half) >= least // 2) == (True, True), "it died too early or too late"
    (found,) = volumes(store)
    again = found.offered - len(sent)  # where it was done already, it was offered as a whole once more
    assert again % len(sent) == 0
    assert sums(found) == (len(sent) + again, 70, 1, 6 + again, 0)
    segments = Segments(Path(address), TENANT)
    desk = Intake(TENANT, store, segments, SOURCES[SOURCE], MovingClock(), "p", "customer")
    assert sorted(kept_events(desk, *DAY)) == list(range(1, 71))


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_kills_anywhere_lose_nothing_and_count_nothing_twice(tenant: Home, address: str, forked: Forks) -> None:
    assert_killed_anywhere_nothing_is_lost(address, forked, POINTS, 8)


@pytest.mark.soak
@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
@pytest.mark.parametrize("seed", range(20))
def test_hundreds_of_kills(tenant: Home, address: str, forked: Forks, seed: int) -> None:
    chosen = random.Random(seed)
    points = [f"{chosen.choice(['read', 'commit', 'committed'])}:{chosen.randint(1, 12)}" for _ in range(20)]
    assert_killed_anywhere_nothing_is_lost(address, forked, points, 3)
