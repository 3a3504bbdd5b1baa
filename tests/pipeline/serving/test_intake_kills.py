"""The intake process killed (SIGKILL) from outside at random moments, while two tenants push to the API's process."""

import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import httpx
import msgspec
import pytest

from catalog.folder import config_folder
from model.canonical import instant
from model.contract_record import SettingRecord
from model.person import TokenTerms
from model.tenant import Contract, Tenant
from model.text import Text
from people.tokens import mint
from pipeline.audit_keys import KeyFolder
from pipeline.installation import make
from pipeline.intake.pushing import SPOOL_MEGABYTES, Taken
from pipeline.intake.volume import volumes
from pipeline.log_segments import Segments
from store.home import Home
from tests.contracts import applied, on_record
from tests.homes import stores_at
from tests.log_sender import SOURCE, Body, Sent, assert_complete, assert_sums, body

pytestmark = [pytest.mark.soak, pytest.mark.process]
ROOT = Path(__file__).parent.parent.parent.parent
LOUD, CALM = "aozora", "midori"
KILLS, CHECKED_EVERY = 100, 5


class Served:
    """A home on a kind of store, the API's process before it, and an intake process that is killed."""

    def __init__(self, folder: Path, address: str) -> None:
        folder.mkdir()
        if address.startswith("postgresql:"):
            (folder / "installation.yaml").write_text(f'database: "{address}"\n')
        make(folder, config_folder() / "example" / "installation.yaml")
        stores = stores_at(address if address.startswith("postgresql:") else str(folder))
        self.folder, self.home = folder, Home(stores, KeyFolder(folder))
        at = instant(datetime.now(UTC) - timedelta(days=1))
        for name in (LOUD, CALM):
            applied(self.home, Tenant(name, Text(name, name), contract=Contract(date(2026, 1, 1))), at)
        on_record(self.home, LOUD, SettingRecord(SPOOL_MEGABYTES, 1), at)

    def token(self, tenant: str) -> str:
        now = datetime.now(UTC)
        terms = TokenTerms(
            kind="machine", label="m", tenants=(tenant,), action="logs.push", source=SOURCE, issued_by="p"
        )
        token, kept = mint(terms, timedelta(hours=6), now)
        with self.home.service.write(instant(now), "p") as session:
            session.people.put_token(kept)
        return token

    @contextmanager
    def answering(self) -> Iterator[str]:
        """Run the API's process; give its address."""
        with socket.create_server(("127.0.0.1", 0)) as listening:
            command = [sys.executable, "-m", "api", str(self.folder), str(listening.fileno()), str(os.getpid())]
            process = subprocess.Popen(
                command, cwd=ROOT, pass_fds=[listening.fileno()], stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
            )
            try:
                yield f"http://127.0.0.1:{listening.getsockname()[1]}"
            finally:
                process.kill()
                process.wait()

    @contextmanager
    def processing(self) -> Iterator["subprocess.Popen[bytes]"]:
        """Run the intake process; kill it at the end."""
        command = [sys.executable, "-m", "pipeline.serving.intake", str(self.folder), str(os.getpid())]
        with (self.folder / "intake.log").open("ab") as log:
            process = subprocess.Popen(command, cwd=ROOT, stderr=log, stdout=log)
        try:
            yield process
        finally:
            process.kill()
            assert process.wait() == -signal.SIGKILL, "it ended by itself"

    def wait_for_life(self) -> None:
        """Wait until an intake process has said once more that it runs."""
        before, until = self._lives(), time.monotonic() + 30
        while self._lives() == before:
            assert time.monotonic() < until, "it never begins"
            time.sleep(0.02)

    def _lives(self) -> int:
        with self.home.service.read() as session:
            return len(session.log_runs.all())

    def processed(self) -> int:
        """Return how many records came to an end of any kind, of both tenants together."""
        found = [one for name in (LOUD, CALM) for one in volumes(self.home.tenant(name))]
        return sum(one.offered - one.waiting for one in found)

    def waiting(self, tenant: str) -> int:
        return sum(one.waiting for one in volumes(self.home.tenant(tenant)))


class Machine(threading.Thread):
    """Pushes body after body, some of them again, until it is over; between two pushes others may have its lock."""

    def __init__(self, url: str, token: str, many: int, pause: float, chance: random.Random) -> None:
        super().__init__(daemon=True)
        self.sent, self.lock, self.is_over, self.failure = Sent(), threading.Lock(), threading.Event(), ""
        self._client = httpx.Client(base_url=url, headers={"authorization": f"Bearer {token}"}, timeout=60)
        self._many, self._pause, self._chance = many, pause, chance

    def run(self) -> None:
        try:
            with self._client:
                self._send()
        except Exception as problem:  # noqa: BLE001 - the test's own thread tells it
            self.failure = repr(problem)

    def _send(self) -> None:
        number = 0
        while not self.is_over.wait(self._pause):
            if self._chance.random() < 0.1 and number:
                wanted = self._body(self._chance.randrange(number))
            else:
                wanted, number = self._body(number), number + 1
            while not self._push(wanted) and not self.is_over.wait(self._pause):
                pass

    def _body(self, number: int) -> Body:
        return body(number, many=self._many, critical=number % 5 == 0)

    def _push(self, wanted: Body) -> bool:
        with self.lock:
            headers = {"idempotency-key": wanted.key} if wanted.key else {}
            answer = self._client.post(f"/v1/logs/{SOURCE}", content=wanted.content, headers=headers)
            if answer.status_code == 429 and "as much waits as may wait" in answer.text:
                self.sent.was_refused(wanted)
                return False
            assert answer.status_code == 202, answer.text
            self.sent.answered(wanted, msgspec.json.decode(answer.content, type=Taken))
        return True


def test_a_hundred_kills_on_each_store(tmp_path: Path, address: str) -> None:
    seed = int(os.environ.get("HINOMI_SEED", "20260601"))
    chance, began, between = random.Random(seed), time.monotonic(), 0
    served = Served(tmp_path / "served", address)
    with served.answering() as url:
        httpx.get(f"{url}/healthz", timeout=60)
        machines = {
            LOUD: Machine(url, served.token(LOUD), 300, 0.02, random.Random(seed + 1)),
            CALM: Machine(url, served.token(CALM), 20, 0.2, random.Random(seed + 2)),
        }
        for machine in machines.values():
            machine.start()
        for number in range(KILLS):
            before = served.processed()
            with served.processing():
                if chance.random() < 0.9:  # else it is killed while it begins, or soon afterwards
                    served.wait_for_life()
                time.sleep(chance.uniform(0, 1))
            between += served.processed() > before and any(map(served.waiting, machines))
            if number % CHECKED_EVERY == CHECKED_EVERY - 1:
                for name, machine in machines.items():
                    with machine.lock:
                        assert_sums(served.home.tenant(name), machine.sent)
        for machine in machines.values():
            machine.is_over.set()
            machine.join(60)
            assert machine.failure == ""
        with served.processing():
            until = time.monotonic() + 120
            while any(served.waiting(name) for name in machines):
                assert time.monotonic() < until, "what waits is never processed"
                time.sleep(0.2)
    for name, machine in machines.items():
        assert_complete(served.home.tenant(name), Segments(served.folder, name), machine.sent)
        print(name, {what: number for what, number in machine.sent.sums().items() if number})
    print(f"{KILLS} kills, {between} between a commit and the next, in {time.monotonic() - began:.0f} s, seed {seed}")
