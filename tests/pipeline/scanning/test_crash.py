"""kill -9 anywhere: afterwards findings, facts and deliveries equal those of an undisturbed run."""

import itertools
import json
import os
import random
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from demo.company import Company, Stage, load_company
from demo.stand_ins.aws_emulator import Emulator
from model.finding import State
from tests.contracts import known
from tests.homes import home_at
from tests.servers.crash_child import SERVICES
from tests.servers.forks import Forks
from tests.servers.http_servers import Received, receiver

TENANT = "aozora-foods"
Outcome = tuple[set[tuple[str, State]], Counter[tuple[str, State]], Counter[tuple[str, ...]]]


def small_company() -> Company:
    """Return of the demonstration's company what the services have that the child looks at."""
    company = load_company()
    faults = [one for one in company.faults if {call.service for call in (*one.plant, *one.remediate)} <= SERVICES]
    return replace(company, sound=[call for call in company.sound if call.service in SERVICES], faults=faults)


class Account:
    """A company in an emulator, and a webhook that listens; two homes look at it."""

    def __init__(self, folder: Path, emulator: Emulator, forks: Forks, hook: tuple[str, list[Received]]) -> None:
        self.folder = folder
        self.emulator = emulator
        self.forks = forks
        self.stage = Stage(emulator, small_company())
        self.url, self.received = hook

    def home(self, name: str) -> Path:
        home = home_at(str(self.folder / name))
        home.create()
        known(home, TENANT, "2026-06-01T00:00:00.000000Z")
        return self.folder / name

    def run(self, home: Path, point: str = "none:0") -> bool:
        """Run the main job until its end or its death; return whether it was killed."""
        arguments = (str(home), f"{self.url}/{home.name}", point)
        ended = self.forks.run("tests.servers.crash_child:live", *arguments, environment=self.emulator.environment())
        assert ended in (0, -signal.SIGKILL)
        return ended != 0

    def outcome(self, home: Path) -> Outcome:
        """Return what must not depend on crashes: neither times nor attempts nor ids of alerts."""
        store = home_at(str(home)).tenant(TENANT)
        assert store.audit_fault() == ""
        with store.read() as reader:
            findings = {(f.uid, f.state) for f in reader.findings(None)}
            facts = Counter((fact.finding, fact.became) for fact, _ in reader.facts())
            assert all(alert for _, alert in reader.facts()), "a fact that nobody was notified of"
            alerts = reader.alerts()
            reported: Counter[tuple[str, ...]] = Counter()
            for delivery in reader.deliveries():
                alert = alerts[delivery.alert]
                items = ",".join(sorted(item.finding for item in alert.items))
                reported[delivery.channel, delivery.state, alert.policy, alert.became, items] += 1
        return findings, facts, reported


@pytest.fixture
def account(tmp_path: Path, emulator: Emulator, forked: Forks) -> Iterator[Account]:
    with receiver([200]) as hook:
        made = Account(tmp_path, emulator, forked, hook)
        made.stage.build()
        yield made


# Where a life of the main job can end; the numbers lie within what one scan of the company does.
POINTS = (
    "api:1", "api:25", "commit:1", "committed:2", "commit:4", "committed:5", "commit:6", "committed:7",
    "commit:8", "send:1", "sent:1", "sent:7", "commit:15", "committed:20",
)  # fmt: skip


def test_a_dozen_kills_change_nothing(account: Account) -> None:
    undisturbed, disturbed = account.home("undisturbed"), account.home("disturbed")
    kills = 0
    for phase in ("as built", "remediated"):
        if phase == "remediated":
            account.stage.remediate()
        account.run(undisturbed)
        for point in POINTS[::2] if phase == "as built" else POINTS[1::2]:
            kills += account.run(disturbed, point)
        assert not account.run(disturbed)
        assert account.outcome(disturbed) == account.outcome(undisturbed)
    assert kills >= 10
    assert_repeats_carry_the_same_key(account)


def assert_repeats_carry_the_same_key(account: Account) -> None:
    """Check what the server got: a delivery whose receipt was lost may repeat, with the same key and the same body."""
    bodies: dict[tuple[str, str], set[str]] = {}
    for request in account.received:
        body = json.loads(request.body)
        bodies.setdefault((request.path, request.headers["webhook-id"]), set()).add(json.dumps(body, sort_keys=True))
    assert all(len(different) == 1 for different in bodies.values())


@pytest.mark.soak
def test_a_hundred_kills_change_nothing(account: Account) -> None:
    seed = int(os.environ.get("HINOMI_SEED", "20260601"))
    chance, kills = random.Random(seed), 0
    for life in itertools.count():
        if kills >= 100:
            break
        account.emulator.reset()
        account.stage = Stage(account.emulator, small_company())
        account.stage.build()
        undisturbed, disturbed = account.home(f"undisturbed{life}"), account.home(f"disturbed{life}")
        for phase in range(2):
            if phase:
                account.stage.remediate()
            account.run(undisturbed)
            for _ in range(8):
                kind = chance.choice(["api", "commit", "committed", "send", "sent"])
                kills += account.run(disturbed, f"{kind}:{chance.randint(1, 150 if kind == 'api' else 30)}")
            account.run(disturbed)
            assert account.outcome(disturbed) == account.outcome(undisturbed), f"seed {seed}, life {life}"
    print(f"{kills} kills in {life} lives, seed {seed}")
