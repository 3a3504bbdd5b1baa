"""Jobs: each slot once, one worker at a time, late workers fenced off; schedules as pure functions."""

import signal
import subprocess
import sys
import threading
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract.schedule import delay, fault, newest_slot
from model.asset import Asset
from model.canonical import digest, instant
from model.clock import CONTRACT_ZONE, Clock
from model.fault import Refused
from model.job import Job
from model.person import SCHEDULE
from model.tenant import Contract, Schedule
from pipeline.clock import SystemClock
from pipeline.serving.jobs import (
    JobStopped,
    JobWorker,
    claim,
    fence_of,
    give_back,
    holding,
    new_job,
    queue,
    queue_scheduled,
    settle,
)
from pipeline.tenants.applied import applied_tenant
from pipeline.tenants.files import plan
from store.home import Home
from store.tenant import Fenced
from tests.conftest import MovingClock
from tests.contracts import applied, known
from tests.homes import tamper
from tests.recorded_clouds import TENANT
from tests.servers.forks import Forks

AT = "2026-06-01T00:00:00.000000Z"


def apply(home: Home, clock: MovingClock, name: str = "aozora", **changes: object) -> None:
    tenant = msgspec.structs.replace(TENANT, tenant=name, **changes)
    applied(home, tenant, instant(clock.now()))


def asked(home: Home, job: Job, clock: Clock) -> Job:
    """Queue a job for a tenant that has a contract."""
    if job.tenant not in home.tenants():
        known(home, job.tenant, AT)
    return queue(home, job, clock)


def jobs(home: Home) -> list[Job]:
    with home.service.read() as session:
        return sorted(session.jobs.open(), key=lambda job: job.slot)


# Slots by hand: cron fields in Asia/Tokyo, moments in UTC (nine hours less).
@pytest.mark.parametrize(
    ("cron", "now", "slot"),
    [
        ("0 3 * * *", "2026-06-01T18:00:00", "2026-06-01T18:00:00"),
        ("0 3 * * *", "2026-06-01T17:59:59", "2026-05-31T18:00:00"),
        ("*/15 * * * *", "2026-06-01T00:44:10", "2026-06-01T00:30:00"),
        ("30 9 1 * *", "2026-06-10T00:00:00", "2026-06-01T00:30:00"),
        ("0 0 * * 1", "2026-06-03T00:00:00", "2026-05-31T15:00:00"),
    ],
)
def test_the_newest_slot_that_has_begun(cron: str, now: str, slot: str) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    assert newest_slot(Schedule(cron), moment) == datetime.fromisoformat(slot).replace(tzinfo=UTC)


@given(st.text("abc-", min_size=1), st.integers(0, 2**31), st.integers(0, 720))
def test_the_delay_is_the_same_for_everybody_and_within_its_bound(tenant: str, at: int, minutes: int) -> None:
    slot, schedule = datetime.fromtimestamp(at, CONTRACT_ZONE), Schedule("0 3 * * *", minutes)
    later = delay(tenant, slot, schedule)
    assert later == delay(tenant, slot.astimezone(UTC), schedule)
    assert timedelta(0) <= later <= timedelta(minutes=minutes)


def test_delays_are_spread_over_the_tenants() -> None:
    slot = datetime(2026, 6, 1, 3, tzinfo=CONTRACT_ZONE)
    delays = [delay(f"tenant-{n}", slot, Schedule("0 3 * * *", 60)).total_seconds() for n in range(500)]
    tens = [sum(start <= d < start + 600 for d in delays) for start in range(0, 3600, 600)]
    assert min(tens) > 50, "about 83 in each ten minutes"


@pytest.mark.parametrize("cron", ["", "x", "* * * *", "0 0 3 * * *", "61 * * * *", "0 3 30 2 *", "@daily; rm -rf /"])
def test_cron_expressions_that_are_none(cron: str) -> None:
    assert fault(Schedule(cron))


def test_each_slot_is_queued_once_and_missed_ones_are_not_made_up_for(home: Home, clock: MovingClock) -> None:
    apply(home, clock)
    assert queue_scheduled(home, clock) == 0, "no slot since the tenant came"
    clock.sleep(18 * 3600)
    assert [queue_scheduled(home, clock), queue_scheduled(home, clock)] == [1, 0]
    clock.sleep(3 * 86400)
    assert [queue_scheduled(home, clock), queue_scheduled(home, clock)] == [2, 0]
    assert [(job.kind, job.slot) for job in jobs(home)] == [
        ("scan", "2026-06-01T18:00:00.000000Z"),
        ("due", "2026-06-04T00:00:00.000000Z"),  # 9 o'clock in Japan
        ("scan", "2026-06-04T18:00:00.000000Z"),
    ]
    assert {job.asked_by for job in jobs(home)} == {SCHEDULE}


def test_a_file_of_another_version_hurts_no_other_tenant(home: Home, clock: MovingClock) -> None:
    home.apply("midori", {"tenant": "midori", "from": "a newer version"}, instant(clock.now()), "p")
    apply(home, clock)
    clock.sleep(18 * 3600)
    assert queue_scheduled(home, clock) == 1
    with pytest.raises(Refused, match="the file of midori is of another version of the program"):
        applied_tenant(home, "midori", MovingClock().now())
    with pytest.raises(Refused, match="the file of midori is of another version"):
        plan(home, TENANT)


@pytest.mark.parametrize("edit", ["document = '{'", "applied_at = 'no moment'", "document = ''"])
def test_a_file_that_was_damaged_hurts_no_other_tenant(
    edit: str, home: Home, address: str, clock: MovingClock, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("aozora", "midori"):
        apply(home, clock, name)
    tamper(address, "", f"UPDATE edition SET {edit} WHERE tenant = 'midori'")
    clock.sleep(18 * 3600)
    assert queue_scheduled(home, clock) == 1
    assert [job.tenant for job in jobs(home)] == ["aozora"]
    assert "midori" in capsys.readouterr().err, "and it is told"


@pytest.mark.parametrize("contract", [Contract(date(2027, 1, 1)), Contract(date(2025, 6, 1), date(2026, 5, 31))])
def test_outside_the_term_nothing_is_scanned(home: Home, clock: MovingClock, contract: Contract) -> None:
    apply(home, clock, contract=contract)
    clock.sleep(2 * 86400)
    queue_scheduled(home, clock)
    assert {job.kind for job in jobs(home)} == {"due"}, "messages about the contract itself go on"


def test_a_tenant_has_one_scan_at_a_time_and_the_longest_due_comes_first(home: Home, clock: MovingClock) -> None:
    for name in ("aozora", "midori"):
        asked(home, new_job("scan", name, clock.now(), "p"), clock)
        clock.sleep(1)
        asked(home, new_job("scan", name, clock.now(), "p"), clock)
        clock.sleep(1)
    workers = [JobWorker(f"w{n}", clock) for n in range(4)]
    taken = [claim(home, worker) for worker in workers]
    assert [job and job.tenant for job in taken] == ["aozora", "midori", None, None]
    assert taken[0]
    assert settle(home, taken[0], workers[0], "done", "")
    again = claim(home, workers[2])
    assert again
    assert (again.tenant, again.number) == ("aozora", 2)


def test_deliveries_wait_while_a_scan_of_the_tenant_notifies(home: Home, clock: MovingClock) -> None:
    asked(home, new_job("scan", "aozora", clock.now(), "p"), clock)
    asked(home, new_job("tell", "aozora", clock.now(), "p"), clock)
    assert claim(home, JobWorker("one", clock))
    assert claim(home, JobWorker("two", clock)) is None


def test_a_job_is_not_begun_before_it_is_due(home: Home, clock: MovingClock) -> None:
    asked(home, new_job("scan", "aozora", clock.now(), "p", clock.now() + timedelta(minutes=5)), clock)
    assert claim(home, JobWorker("w", clock)) is None
    clock.sleep(300)
    assert claim(home, JobWorker("w", clock))


def test_a_silent_holder_is_followed_by_another_and_cannot_end_the_job(home: Home, clock: MovingClock) -> None:
    asked(home, new_job("scan", "aozora", clock.now(), "p"), clock)
    silent, second = JobWorker("silent", clock), JobWorker("second", clock)
    first = claim(home, silent)
    assert first
    assert claim(home, second) is None
    clock.sleep(60)
    taken = claim(home, second)
    assert taken
    assert (taken.number, taken.attempts) == (first.number + 1, 2)
    assert not settle(home, first, silent, "done", "too late")
    assert settle(home, taken, second, "done", "")


def test_after_three_silent_holders_a_job_has_failed(home: Home, clock: MovingClock) -> None:
    made = asked(home, new_job("scan", "aozora", clock.now(), "p"), clock)
    for _ in range(3):
        assert claim(home, JobWorker("w", clock))
        clock.sleep(60)
    assert claim(home, JobWorker("w", clock)) is None
    with home.service.read() as session:
        job = session.jobs.one(made.id)
    assert job
    assert (job.state, job.outcome) == ("failed", "the worker died each time")


def test_a_stop_that_was_asked_for_is_no_attempt(home: Home, clock: MovingClock) -> None:
    asked(home, new_job("scan", "aozora", clock.now(), "p"), clock)
    worker, stop = JobWorker("w", clock), threading.Event()
    job = claim(home, worker)
    assert job
    with holding(home, job, worker, stop) as go_on:
        go_on()
        stop.set()
        with pytest.raises(JobStopped):
            go_on()
    assert give_back(home, job, worker, as_attempt=False)
    assert [(j.state, j.attempts) for j in jobs(home)] == [("queued", 0)]


def test_a_holder_says_so_again_in_time(home: Home) -> None:
    clock = SystemClock()
    asked(home, new_job("scan", "aozora", clock.now(), "p"), clock)
    worker = JobWorker("w", clock, timedelta(seconds=0.6))
    job = claim(home, worker)
    assert job
    with holding(home, job, worker, threading.Event()) as go_on:
        time.sleep(1.5)  # more than twice as long as it is held
        assert claim(home, JobWorker("another", clock)) is None
        go_on()
    assert settle(home, job, worker, "done", "")


def test_a_worker_learns_that_its_job_was_taken_over(home: Home) -> None:
    clock = SystemClock()
    asked(home, new_job("scan", "aozora", clock.now(), "p"), clock)
    worker = JobWorker("w", clock, timedelta(seconds=0.4))
    job = claim(home, worker)
    assert job
    with home.service.write(AT, "p") as session:  # as another one would, after a long silence
        session.jobs.put(msgspec.structs.replace(job, number=job.number + 1, holder="another"))
    with holding(home, job, worker, threading.Event()) as go_on:
        time.sleep(0.5)
        with pytest.raises(Refused, match="taken the job over"):
            go_on()


class BrokenClock(SystemClock):
    """Says the time twice, and breaks then."""

    def __init__(self) -> None:
        self.left = 2

    def now(self) -> datetime:
        self.left -= 1
        if self.left < 0:
            raise ZeroDivisionError
        return super().now()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_that_keeps_a_holder_from_saying_so_ends_the_turn(home: Home) -> None:
    clock = SystemClock()
    asked(home, new_job("scan", "aozora", clock.now(), "p"), clock)
    job = claim(home, JobWorker("w", clock, timedelta(seconds=0.4)))
    assert job
    with holding(home, job, JobWorker("w", BrokenClock(), timedelta(seconds=0.4)), threading.Event()) as go_on:
        time.sleep(0.5)
        with pytest.raises(Refused, match="taken the job over"):
            go_on()


@pytest.mark.process
def test_a_worker_that_wakes_up_late_writes_nothing(home: Home, clock: MovingClock, address: str) -> None:
    """A real process, frozen (SIGSTOP) while it holds a job, woken up after another one has done it."""
    apply(home, clock)
    system = SystemClock()
    asked(home, new_job("scan", "aozora", system.now(), "p"), system)
    command = [sys.executable, "-m", "tests.servers.late_child", address, "1.0"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, cwd=Path(__file__).parent.parent.parent.parent, **pipes) as child:  # type: ignore[call-overload]
        assert child.stdout.readline() == "holding\n"
        child.send_signal(signal.SIGSTOP)
        late, taken = JobWorker("late", system), None
        while taken is None:
            time.sleep(0.1)
            taken = claim(home, late)
        with holding(home, taken, late, threading.Event()):
            asset = Asset("aws.s3.bucket", "arn:aws:s3:::a", "a", "1", "global", {}, digest({}))
            with home.tenant("aozora").write(instant(system.now()), "late", fence_of(taken)) as writer:
                writer.put_assets([asset], instant(system.now()))
        assert settle(home, taken, late, "done", "")
        child.send_signal(signal.SIGCONT)
        out, err = child.communicate("go on\n", timeout=60)
    assert "wrote" not in out
    assert Fenced.__name__ in err
    with home.tenant("aozora").read() as reader:
        assert reader.asset_rows() == 1


def test_several_processes_share_the_jobs_and_none_is_done_twice(
    home: Home, address: str, forked: Forks, tmp_path: Path
) -> None:
    clock = SystemClock()
    all_asked = [asked(home, new_job("scan", f"t{n % 20}", clock.now(), "p"), clock).id for n in range(60)]
    folder = tmp_path / "done"
    folder.mkdir()
    files = [folder / f"worker-{number}" for number in range(4)]
    processes = [forked.start("tests.servers.late_child:drain", address, str(file), "4") for file in files]
    assert [forked.wait(process) for process in processes] == [0] * 4
    done = [line for file in files for line in file.read_text().splitlines()]
    assert sorted(done) == sorted(all_asked)
    assert all(file.read_text() for file in files), "each of them worked"
