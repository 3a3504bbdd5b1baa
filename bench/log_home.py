"""A home whose intake process is measured: tenants with a committed rate, pieces in their spools, the real process."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256
from pathlib import Path

from msgspec import Struct

from bench.log_reading import document
from catalog.folder import config_folder
from intake.accounting import offered
from model.canonical import instant
from model.contract_record import SettingRecord
from model.log_volume import LogPiece, Volume, slot_of
from model.tenant import Contract, Tenant
from model.text import Text
from pipeline.clock import SystemClock
from pipeline.installation import make, open_home
from pipeline.intake.sources import sources
from pipeline.intake.taking import Incoming, Intake
from pipeline.intake.volume import volumes
from pipeline.log_segments import Segments
from pipeline.log_spool import Spool
from pipeline.tenants.log_rates import RECORDS_PER_MINUTE
from store.tenant import TenantStore
from tests.contracts import applied, on_record

SOURCE = "aws.cloudtrail"
_DAY, _BEGINNING = b"2026-11-30T09:", b'{"eventVersion"'


class Door(Struct, frozen=True):
    """What a tenant's machines push waits as if the API had taken it in: sealed, known to the store, and counted.

    Only that the body was read beforehand differs: how many records it has is passed in.
    """

    spool: Spool
    store: TenantStore

    def put(self, body: bytes, records: int, size: int) -> str:
        """Let a body wait, of so many records that have a size unpacked; return its id."""
        return self.waiting(body, records, size).piece.id

    def waiting(self, body: bytes, records: int, size: int) -> Incoming:
        """Let a body wait as `put` does; return it as what is to be taken in."""
        now, id_ = datetime.now(UTC), sha256(body).hexdigest()
        piece = LogPiece(SOURCE, id_, id_, "", instant(now), offered=records)
        waiting = self.spool.put(SOURCE, id_, [body])
        self._note(piece, now, (records, size))
        return Incoming(piece, lambda: self.spool.open(waiting), lambda: self.spool.remove(waiting))

    def _note(self, piece: LogPiece, now: datetime, came: tuple[int, int]) -> None:
        with self.store.observe(piece.taken_at, "bench") as writer:
            writer.logs.put_piece(piece)
            writer.logs.add(offered(SOURCE, slot_of(now), {"customer": came}))


def home_of(folder: Path, names: Sequence[str], a_minute: int) -> None:
    """Make a home of tenants with a committed rate in records a minute."""
    make(folder, config_folder() / "example" / "installation.yaml")
    home, at = open_home(folder), instant(datetime.now(UTC))
    for name in names:
        applied(home, Tenant(name, Text(name, name), contract=Contract(date(2026, 1, 1))), at)
        on_record(home, name, SettingRecord(RECORDS_PER_MINUTE, a_minute), at)


def door(folder: Path, name: str) -> Door:
    """Return where what a tenant's machines push comes in."""
    return Door(Spool(folder, name), open_home(folder).tenant(name))


def intake_of(folder: Path, name: str) -> Intake:
    """Return the intake of a tenant's source, as the intake process has it."""
    store = open_home(folder).tenant(name)
    return Intake(name, store, Segments(folder, name), sources()[SOURCE], SystemClock(), "bench", "customer")


def volume(folder: Path, name: str) -> Volume:
    """Return what was counted of a tenant's logs."""
    return next(iter(volumes(open_home(folder).tenant(name))))


def recent(number: int) -> bytes:
    """Return a document of 1,000 events of an hour ago: what is older than two days comes too late."""
    hour = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:").encode()
    return document(number).replace(_DAY, hour)


def lines(number: int) -> list[bytes]:
    """Return the events of such a document one by one."""
    inner = recent(number).removeprefix(b'{"Records":[').removesuffix(b"]}")
    return [(_BEGINNING + one).rstrip(b",") for one in inner.split(_BEGINNING)[1:]]


@contextmanager
def intake_process(folder: Path, log: Path) -> Iterator[int]:
    """Run the intake process of a home, whose messages go to a file; yield its process id."""
    command = [sys.executable, "-m", "pipeline.serving.intake", str(folder), str(os.getpid())]
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out) as process:
        try:
            yield process.pid
        finally:
            process.terminate()
            process.wait(60)


def wait_until_empty(folder: Path, name: str, seconds: float) -> None:
    """Wait until nothing of a tenant's waits."""
    spool, until = Spool(folder, name), time.monotonic() + seconds
    while spool.waiting():
        assert time.monotonic() < until, "it takes too long"
        time.sleep(0.1)
