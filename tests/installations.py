"""An installation that `hinomi serve` serves as it runs: real processes, with a small catalog."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from catalog import access as access_files
from catalog.folder import config_folder
from demo.change import enlist
from demo.company import DATA
from demo.stand_ins.aws_emulator import Emulator
from model.canonical import instant
from model.job import Job
from model.person import HOST
from model.tenant import Tenant
from pipeline.access.authorization import Authorizer
from pipeline.access.people import Register
from pipeline.access.sign_in import Gate
from pipeline.audit_keys import KeyFolder
from pipeline.clock import SystemClock
from pipeline.installation import make, service_key
from pipeline.tenants.files import load_tenant
from store.home import Home
from tests.contracts import applied
from tests.homes import stores_at
from tests.passwords import QUICK
from tests.recorded_clouds import catalog
from tests.small import checkout

NAME = "aozora-foods"
YESTERDAY = instant(datetime.now(UTC) - timedelta(days=1, hours=1))


class Installation:
    """A home with one tenant, who came yesterday; processes serve it."""

    def __init__(self, folder: Path, address: str, emulator: Emulator) -> None:
        self.folder = folder / "installation"
        self.folder.mkdir(exist_ok=True)
        self.program = folder / "program"
        self.program.mkdir()
        checkout(self.program)
        if address.startswith("postgresql:"):
            (self.folder / "installation.yaml").write_text(f'database: "{address}"\n')
        make(self.folder, config_folder() / "example" / "installation.yaml")
        stores = stores_at(address if address.startswith("postgresql:") else str(self.folder))
        self.home = Home(stores, KeyFolder(self.folder))
        self.environment = emulator.environment() | {"PYTHONUNBUFFERED": "1"}

    def apply(self, cron: str) -> Tenant:
        tenant = load_tenant(DATA / "tenant.yaml", catalog().policies)
        schedule = msgspec.structs.replace(tenant.schedule, cron=cron, jitter_minutes=0)
        tenant = msgspec.structs.replace(tenant, schedule=schedule)
        applied(self.home, tenant, YESTERDAY)
        return tenant

    def tokens(self, roles: dict[str, str]) -> dict[str, str]:
        """Return a token for each person, who signed in as anybody does."""
        table, clock = access_files.load(config_folder()), SystemClock()
        gate = Gate(self.home.service, lambda: service_key(self.folder), clock, QUICK)
        return enlist(Register(Authorizer(self.home, table, HOST, clock), table, clock), gate, NAME, roles)

    @contextmanager
    def serving(self) -> Iterator["Served"]:
        """Run `hinomi serve`; nothing of it is left at the end."""
        port = free_port()
        command = [sys.executable, "-m", "cli", "serve", "--home", str(self.folder), "--listen", f"127.0.0.1:{port}"]
        with (self.folder / f"{port}.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=self.program, env=self.environment, stderr=log, start_new_session=True
            )
        served = Served(process, f"http://127.0.0.1:{port}", self.folder / f"{port}.log")
        try:
            eventually(lambda: httpx.get(f"{served.url}/healthz").status_code == 200, 30)
            yield served
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def jobs(self) -> list[Job]:
        with self.home.service.read() as session:
            return session.jobs.of("scan", NAME, None, 100)


class Served:
    def __init__(self, process: "subprocess.Popen[bytes]", url: str, log: Path) -> None:
        self.process = process
        self.url = url
        self.log = log

    def stop(self) -> float:
        """Ask it to stop, and return after how many seconds it did, with nothing left behind."""
        began = time.monotonic()
        self.process.terminate()
        assert self.process.wait(60) == 0
        with pytest.raises(ProcessLookupError):
            os.killpg(self.process.pid, 0)
        return time.monotonic() - began


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(holds: Callable[[], bool], seconds: float) -> None:
    until = time.monotonic() + seconds
    while True:
        try:
            if holds():
                return
        except httpx.HTTPError:
            pass
        assert time.monotonic() < until, "it never came"
        time.sleep(0.1)
