"""Real floods through `hinomi serve`, each affecting what all share by itself; windows are minutes, not an hour."""

import gzip
import shutil
import subprocess
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from demo.stand_ins.aws_emulator import Emulator
from model.canonical import instant
from model.contract_record import SettingRecord
from model.log_volume import LogCount, slot_of
from model.person import Person, TokenTerms
from people.tokens import mint
from pipeline.intake.pushing import SPOOL_MEGABYTES
from pipeline.intake.volume import volumes
from pipeline.suspending.listing import SuspensionView
from pipeline.suspending.reading import suspensions
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE
from tests.cloudtrail import lines
from tests.contracts import applied, on_record
from tests.installations import YESTERDAY, Installation, Served, eventually
from tests.recorded_clouds import TENANT

pytestmark = pytest.mark.soak
FLOODING, CALM, SOURCE = "aozora", "midori", "aws.cloudtrail"
COMMITTED, KILOBYTES = 600, 200 * 1024
# A specification by which everything takes a few minutes, and that lets suspensions be automatic.
EDITION = (
    "specification: [{edition: short, effective: 2026-01-01, standing_judgement: {on: 2025-12-01, author: keiko, "
    "approver: mio}, values: {suspension.watch_minutes: 1, suspension.limited_massive_minutes: 1, "
    "suspension.limited_minutes: 1, suspension.long_massive_minutes: 3, suspension.long_minutes: 3, "
    "suspension.late_massive_minutes: 1, suspension.late_minutes: 1, suspension.dwell_minutes: 0, "
    "suspension.intake_minutes: 1, suspension.disk_minutes: 2, suspension.disk_hours: 720}}]"
)


class Flooded:
    """A service with two tenants: one pushes as much as it can, the other what is calm."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.home = installation, installation.home
        terms = installation.program / "config" / "terms"
        kept = terms.resolve()
        terms.unlink()
        shutil.copytree(kept, terms)
        text = (terms / "settings.yaml").read_text("utf-8")
        (terms / "settings.yaml").write_text(text.replace("specification: []", EDITION), encoding="utf-8")
        now = datetime.now(UTC)
        self.tokens = {}
        for name in (FLOODING, CALM):
            applied(self.home, replace(TENANT, tenant=name), YESTERDAY)
            on_record(self.home, name, SettingRecord(RECORDS_PER_MINUTE, COMMITTED), YESTERDAY)
            long_ago = slot_of(now - timedelta(days=40))
            with self.home.tenant(name).observe(YESTERDAY, "p") as writer:
                writer.logs.add([LogCount(SOURCE, long_ago, "offered", "customer", 1, 500)])
            self.tokens[name] = self._token(name)
        with self.home.service.observe(YESTERDAY, "p") as session:
            for name in ("keiko", "mio"):
                session.people.put(Person(name, name, "ja", ("lead",), "all", YESTERDAY))
        self.answers: list[tuple[float, int]] = []
        self.stop = threading.Event()

    def _token(self, name: str) -> str:
        now = datetime.now(UTC)
        terms = TokenTerms(kind="machine", label="m", tenants=(name,), action="logs.push", source=SOURCE, issued_by="p")
        token, kept = mint(terms, timedelta(hours=1), now)
        with self.home.service.write(instant(now), "p") as session:
            session.people.put_token(kept)
        return token

    def flood(self, served: Served, records: int, pause: float) -> None:
        """Push bodies of so many records one after another, until it is to stop."""
        headers = {"authorization": f"Bearer {self.tokens[FLOODING]}"}
        with httpx.Client(base_url=served.url, headers=headers, timeout=60) as client:
            first = 1
            while not self.stop.is_set():
                body = "\n".join(lines(first, first + records - 1, instant(datetime.now(UTC))))
                packed = gzip.compress(body.encode(), 1)
                answer = client.post(f"/v1/logs/{SOURCE}", content=packed)
                self.answers.append((time.time(), answer.status_code))
                first += records
                self.stop.wait(pause)

    def calm(self, served: Served) -> list[float]:
        """Push ten records a second of the other tenant until it is to stop; return how long each took, in seconds."""
        headers, waits, first = {"authorization": f"Bearer {self.tokens[CALM]}"}, list[float](), 1
        with httpx.Client(base_url=served.url, headers=headers, timeout=60) as client:
            while not self.stop.is_set():
                began = time.monotonic()
                body = "\n".join(lines(first, first + 9, instant(datetime.now(UTC))))
                assert client.post(f"/v1/logs/{SOURCE}", content=body).status_code == 202
                first += 10
                self._processed(first - 1)
                waits.append(time.monotonic() - began)
                self.stop.wait(1)
        return waits

    def _processed(self, records: int) -> None:
        store = self.home.tenant(CALM)
        eventually(lambda: sum(one.processed for one in volumes(store)) >= records, 120)

    def suspended(self) -> list[SuspensionView]:
        found = suspensions(FLOODING, self.home.tenant(FLOODING), datetime.now(UTC)).suspensions
        return [one for one in found if one.state == "in force"]


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 200 MB; only an administrator can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", f"size={KILOBYTES}k", "tmpfs", str(folder)]
    if subprocess.run(made, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.article(11)
def test_who_has_more_refused_than_there_is_time_for_is_suspended(tmp_path: Path, emulator: Emulator) -> None:
    flooded = Flooded(Installation(tmp_path, str(tmp_path / "installation"), emulator))
    on_record(flooded.home, FLOODING, SettingRecord(SPOOL_MEGABYTES, 1), YESTERDAY)
    assert_suspended(flooded, "intake", records=2_000, pause=0)


@pytest.mark.article(11)
def test_who_fills_the_disk_of_all_is_suspended_before_it_is_full(small: Path, emulator: Emulator) -> None:
    flooded = Flooded(Installation(small, str(small / "installation"), emulator))
    assert_suspended(flooded, "disk", records=2_000, pause=3)


def assert_suspended(flooded: Flooded, reason: str, records: int, pause: float) -> None:
    """Let one tenant flood by bodies of so many records until it is suspended, and another one send what is calm."""
    waits = list[float]()
    with flooded.installation.serving() as served:
        threads = [
            threading.Thread(target=flooded.flood, args=(served, records, pause)),
            threading.Thread(target=lambda: waits.extend(flooded.calm(served))),
        ]
        began = time.time()
        for one in threads:
            one.start()
        try:
            eventually(lambda: bool(flooded.suspended()), 600)
            decided = time.time()
            time.sleep(15)
        finally:
            flooded.stop.set()
            for one in threads:
                one.join()
        served.stop()
    [view] = flooded.suspended()
    assert (view.reason, view.by) == (reason, "schedule@service")
    later = [status for at, status in flooded.answers if at > decided + 10]
    assert later
    assert set(later) == {409}, "nothing is taken in ten seconds after the decision"
    waits.sort()
    print(
        f"{reason}: suspended {decided - began:.0f} s after the onset; {len(flooded.answers)} pushes; others' were "
        f"processed after {waits[len(waits) * 99 // 100]:.2f} s (p99 of {len(waits)})"
    )
