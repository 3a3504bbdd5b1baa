"""What tests share: a home of stores, an emulator of AWS, a clock that can be moved."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from catalog.folder import config_folder
from clouds.aws import AwsDoor
from clouds.aws_login import Login, locate, session
from clouds.emulator import Emulator
from collectors.aws import resource_types
from collectors.aws.engine import collect
from pipeline.checkov import worker
from pipeline.clock import SystemClock
from pipeline.demo import Stage, load_company
from store.home import Home
from tests import postgres as postgres_server
from tests.clouds import REGIONS, Replies
from tests.homes import home_at, stores_at
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


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Server]:
    with postgres_server.running(postgres_server.needed()) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """Where an empty home is to be, on each kind of store."""
    if request.param == "sqlite":
        yield str(tmp_path / "home")
        return
    server: postgres_server.Server = request.getfixturevalue("postgres")
    url = server.database()
    yield url
    stores_at(url).close()
    server.drop(url)


@pytest.fixture
def home(address: str) -> Home:
    """Empty stores, SQLite and PostgreSQL in turn."""
    made = home_at(address)
    made.create()
    return made


@pytest.fixture(scope="session")
def running_emulator() -> Iterator[Emulator]:
    emulator = Emulator()
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
    stage = Stage(emulator, load_company(config_folder()))
    stage.build()
    yield emulator, stage
    emulator.stop()


@pytest.fixture
def company(company_emulator: tuple[Emulator, Stage], monkeypatch: pytest.MonkeyPatch) -> Emulator:
    """The company, with the environment leading to it."""
    lead_to(company_emulator[0], monkeypatch)
    return company_emulator[0]


@pytest.fixture(scope="session")
def checkov() -> Iterator[Child]:
    """The process of checkov's checks, one for all tests; it is started when it is first asked."""
    with worker() as asked:
        yield asked


@pytest.fixture(scope="session")
def replies(company_emulator: tuple[Emulator, Stage]) -> Replies:
    """Everything that the company's account answers, recorded once."""
    with pytest.MonkeyPatch.context() as patch:
        lead_to(company_emulator[0], patch)
        clock = SystemClock()
        door = AwsDoor(session(Login(), clock), clock)
        door.call("iam", "us-east-1", "generate_credential_report", {})  # the first reply says only «started»
        recorded = Replies(door, locate(door, REGIONS))
        for _ in collect(recorded, resource_types.load(), recorded.place):
            pass
    return recorded
