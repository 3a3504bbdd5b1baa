"""`hinomi serve` as it runs: real processes, a real account in the emulator, both kinds of stores."""

import os
import re
import signal
import socket
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo.stand_ins.aws_emulator import Emulator
from model.canonical import instant
from model.job import Job
from model.person import SCHEDULE, TokenTerms
from people.tokens import mint
from pipeline.clock import SystemClock
from pipeline.intake.volume import volumes
from pipeline.serving.jobs import new_job, queue
from tests.cloudtrail import lines
from tests.installations import NAME, Installation, Served, eventually

pytestmark = pytest.mark.process


@pytest.fixture
def installation(tmp_path: Path, address: str, company: Emulator) -> Installation:
    return Installation(tmp_path, address, company)


def worker_of(served: Served, job: Job) -> int:
    """Return the process id of the worker that is at a job."""
    return child_of(served, job.id)


def child_of(served: Served, word: str) -> int:
    """Return the process id of a child whose command has a word, once there is one."""
    found = 0

    def working() -> bool:
        nonlocal found
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                command = (folder / "cmdline").read_bytes().decode().split("\0")
                parent = re.search(r"PPid:\t(\d+)", (folder / "status").read_text())
            except OSError:
                continue
            if word in command and parent and int(parent[1]) == served.process.pid:
                found = int(folder.name)
        return bool(found)

    eventually(working, 30)
    return found


def test_two_services_share_the_schedule_and_stop_gracefully(installation: Installation) -> None:
    installation.apply("0 3 * * *")
    with installation.serving() as one, installation.serving() as two:
        eventually(lambda: [job.state for job in installation.jobs()] == ["done"], 90)
        (job,) = installation.jobs()
        assert (job.asked_by, job.attempts) == (SCHEDULE, 1)
        store = installation.home.tenant(NAME)
        with store.read() as reader:
            assert len(reader.runs(None, 10)) == 1
            assert len(list(reader.findings())) > 5
        assert store.audit_fault() == ""
        logs = one.log.read_text() + two.log.read_text()
        started = [line for line in logs.splitlines() if '"event": "job started"' in line]
        assert len([line for line in started if f'"job": "{job.id}"' in line]) == 1
        assert f'"outcome": "{job.outcome}"' in logs
        assert max(one.stop(), two.stop()) < 30


def test_a_killed_worker_is_followed_by_another(installation: Installation) -> None:
    installation.apply("0 3 1 1 *")  # nothing is due by itself
    clock = SystemClock()
    with installation.serving() as served:
        asked = queue(installation.home, new_job("scan", NAME, clock.now(), "p"), clock)
        os.kill(worker_of(served, asked), signal.SIGKILL)
        eventually(lambda: [j.state for j in installation.jobs() if j.id == asked.id] == ["done"], 90)
        assert [j.attempts for j in installation.jobs() if j.id == asked.id] == [2]
        assert '"event": "a worker died"' in served.log.read_text()
        served.stop()


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_a_killed_service_leaves_its_port_to_the_next(installation: Installation) -> None:
    installation.apply("0 3 1 1 *")
    with installation.serving() as served:
        served.process.kill()

        def silent() -> bool:
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", int(served.url.rpartition(":")[2]))) != 0

        eventually(silent, 30)


def test_a_stop_in_mid_scan_gives_the_job_back(installation: Installation) -> None:
    installation.apply("0 3 1 1 *")
    clock = SystemClock()
    with installation.serving() as served:
        asked = queue(installation.home, new_job("scan", NAME, clock.now(), "p"), clock)
        worker_of(served, asked)
        served.stop()
    (job,) = [j for j in installation.jobs() if j.id == asked.id]
    assert job.state in ("queued", "done")
    if job.state == "queued":
        assert job.attempts == 0
    with installation.serving() as served:
        eventually(lambda: [j.state for j in installation.jobs() if j.id == asked.id] == ["done"], 90)
        served.stop()


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_a_plan_is_approved_over_http_and_carried_out_by_a_worker(
    tmp_path: Path, address: str, emulator: Emulator
) -> None:
    s3 = emulator.client("s3", "ap-northeast-1")
    for name in ("one", "two"):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})
    installed = Installation(tmp_path, address, emulator)
    installed.apply("0 0 1 1 *")
    tokens = installed.tokens({"aki": "analyst", "ken": "lead", "nao": "approver"})
    base = f"/v1/tenants/{NAME}"
    with installed.serving() as served, httpx.Client(base_url=served.url, timeout=30) as client:

        def ask(method: str, path: str, who: str, body: object = None) -> Any:
            headers = {"authorization": f"Bearer {tokens[who]}"}
            return client.request(method, f"{base}/{path}", headers=headers, json=body).json()

        job = ask("POST", "scans", "nao")["id"]
        eventually(lambda: ask("GET", f"scans/{job}", "nao")["state"] == "done", 60)
        made = ask("POST", "plans", "aki", {"playbook": "aws.s3.block-public-access"})
        path = f"plans/{made['plan']['id']}"
        for who in ("ken", "nao")[: made["plan"]["approvals"]]:
            ask("POST", f"{path}/votes", who, {"hash": made["hash"], "approve": True})
        ask("POST", f"{path}/runs", "aki")
        eventually(lambda: {one["state"] for one in ask("GET", path, "nao")["progress"]} == {"verified"}, 60)
        eventually(lambda: [one["state"] for one in ask("GET", f"{path}/runs", "nao")["items"]] == ["done"], 30)
    for name in ("one", "two"):
        assert all(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"].values())


def test_logs_are_processed_while_a_scan_runs_and_by_the_next_process_once_one_is_killed(
    installation: Installation,
) -> None:
    installation.apply("0 3 1 1 *")
    clock = SystemClock()
    terms = TokenTerms(
        kind="machine", label="m", tenants=(NAME,), action="logs.push", source="aws.cloudtrail", issued_by="p"
    )
    token, kept = mint(terms, timedelta(hours=1), clock.now())
    with installation.home.service.write(instant(clock.now()), "p") as session:
        session.people.put_token(kept)
    headers, at = {"authorization": f"Bearer {token}"}, instant(clock.now())
    with installation.serving() as served, httpx.Client(base_url=served.url, headers=headers, timeout=30) as client:

        def push(first: int, last: int) -> None:
            answer = client.post("/v1/logs/aws.cloudtrail", content="\n".join(lines(first, last, at)))
            assert (answer.status_code, answer.json()["accepted"]) == (202, last - first + 1)

        def processed() -> list[int]:
            return [one.processed for one in volumes(installation.home.tenant(NAME))]

        push(1, 100)
        eventually(lambda: processed() == [100], 30)
        asked = queue(installation.home, new_job("scan", NAME, clock.now(), "p"), clock)
        worker_of(served, asked)
        push(101, 200)
        eventually(lambda: processed() == [200], 30)
        with installation.home.service.read() as reader:
            job = reader.jobs.one(asked.id)
        assert job
        assert job.state == "running", "the scan goes on beside"
        os.kill(child_of(served, "pipeline.serving.intake"), signal.SIGKILL)
        push(201, 300)
        eventually(lambda: processed() == [300], 30)
        assert '"event": "the intake died"' in served.log.read_text()
        served.stop()


@pytest.mark.parametrize("homes", ["sqlite"], indirect=True)
def test_addresses_that_cannot_be_used(installation: Installation) -> None:
    installation.apply("0 3 1 1 *")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        for listen, problem in (
            (f"127.0.0.1:{taken.getsockname()[1]}", "Address already in use"),
            ("8420", "is no address"),
            ("127.0.0.1:99999", "cannot be used"),
        ):
            command = [sys.executable, "-m", "cli", "serve", "--home", str(installation.folder), "--listen", listen]
            done = subprocess.run(
                command,
                cwd=installation.program,
                env=installation.environment,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 2
            assert problem in done.stderr
            assert len(done.stderr.splitlines()) == 1
