"""A disk that is really full, at every point of a scan: nothing is lost, and it is said in one line."""

import subprocess
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from msgspec import Struct
from msgspec.structs import replace

from model.asset import Asset, Listing, Place
from model.fault import Refused
from model.tenant import Channel
from pipeline.serving.jobs import new_job
from pipeline.serving.work import JobResult, claimed_now, work
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import applied
from tests.filled import asset
from tests.homes import home_at
from tests.recorded_clouds import TENANT
from tests.worlds import entered, world_of

pytestmark = pytest.mark.soak

AT = "2026-06-01T00:00:00.000000Z"
SPEC = replace(TENANT, channels=[Channel("screen", "console")])
KILOBYTES = 20 * 1024
STEP = 48


class Shown(Struct, frozen=True):
    """A collector of 1,200 buckets of which none blocks public access."""

    place: Place = Place("123456789012", "123456789012", "arn:aws:iam::123456789012:root", "aws", ())

    def collect(self) -> Iterator[Asset | Listing]:
        for number in range(1200):
            yield asset(number)
        yield Listing("123456789012", "aws.s3.bucket", "global")


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """Yield a file system of 20 MB; only an administrator can mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    made = ["mount", "-t", "tmpfs", "-o", f"size={KILOBYTES}k", "tmpfs", str(folder)]
    if subprocess.run(made, capture_output=True, check=False).returncode:
        pytest.skip("a small file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def scanned(home: Home, clock: MovingClock) -> JobResult:
    clock.sleep(600)
    world = world_of(home, clock, entered(lambda *_: Shown()))
    with claimed_now(world, new_job("scan", "aozora", clock.now(), "p")) as job:
        return work(world, job, threading.Event())


def made(folder: Path) -> Home:
    home = home_at(str(folder))
    home.create()
    applied(home, SPEC, AT)
    return home


def kept(home: Home) -> tuple[int, int, int, list[str]]:
    """Return how many assets, findings and facts there are, and the alerts."""
    with home.tenant("aozora").read() as reader:
        assets, findings = len(list(reader.current_assets())), len(list(reader.findings(None)))
        return assets, findings, len(reader.facts()), sorted(one.policy for one in reader.alerts().values())


@pytest.mark.process
def test_nothing_is_lost_on_a_full_disk(small: Path, tmp_path: Path) -> None:
    whole = made(tmp_path / "whole")
    scanned(whole, MovingClock())
    home, clock, filler = made(small / "home"), MovingClock(), small / "filler"
    said: list[str] = []
    for free in range(0, 6000, STEP):
        used = sum(file.stat().st_size for file in small.rglob("*") if file.is_file()) // 1024
        with suppress(OSError):
            filler.write_bytes(bytes(max(KILOBYTES - used - free, 0) * 1024))
        try:
            done = scanned(home, clock)
            said.append(done.outcome if done.state != "done" else "")
        except Refused as refused:
            said.append(str(refused))
        finally:
            filler.unlink(missing_ok=True)
        assert home.tenant("aozora").audit_fault() == ""
    failed = [line for line in said if line]
    assert len(failed) > 10, "it was full at many points"
    assert said[-1] == "", "and in the end it was not"
    assert not [line for line in failed if "\n" in line or "defect" in line]
    assert kept(home) == kept(whole)
    assert home.tenant("aozora").implied_fault() == ""
    print(f"{len(failed)} of {len(said)} scans found the disk full: {sorted(set(failed))}")
