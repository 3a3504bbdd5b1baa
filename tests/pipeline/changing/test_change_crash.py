"""kill -9 at every journal boundary and around every call: every change is accounted for, and none is made twice."""

import signal
from collections.abc import Iterator

import pytest

from demo.stand_ins.aws_emulator import Emulator
from model.canonical import instant
from tests.changing import ALL_ON, BLOCK, ChangeDriver, block_of, buckets
from tests.conftest import MovingClock, lead_to
from tests.homes import home_at
from tests.servers.forks import Forks
from tests.servers.http_servers import PASS, proxy

POINTS = [
    f"{kind}:{number}"
    for kind, most in (("commit", 10), ("committed", 18), ("send", 2), ("sent", 2))
    for number in range(1, most + 1)
]


@pytest.fixture(scope="module")
def scanned(running_emulator: Emulator, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[ChangeDriver, str]]:
    """A tenant with two buckets for each point, scanned once."""
    running_emulator.reset()
    with pytest.MonkeyPatch.context() as patch:
        lead_to(running_emulator, patch)
        buckets(*(f"{which}-{point.replace(':', '-')}" for point in POINTS for which in ("one", "two")))
        address = str(tmp_path_factory.mktemp("crash") / "home")
        home = home_at(address)
        home.create()
        made = ChangeDriver(home, MovingClock(), BLOCK)
        made.scan()
        yield made, address


@pytest.mark.parametrize("point", POINTS)
def test_whoever_goes_on_finds_out_what_was_done(
    point: str,
    scanned: tuple[ChangeDriver, str],
    forked: Forks,
    running_emulator: Emulator,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    driver, address = scanned
    pair = [f"{which}-{point.replace(':', '-')}" for which in ("one", "two")]
    plan = driver.approve(driver.plan(resources=tuple(pair)))
    moment = instant(driver.clock.now())
    environment = running_emulator.environment()
    assert (
        forked.run("tests.servers.change_child:change", address, moment, point, environment=environment)
        == -signal.SIGKILL
    )
    written = [name for name in pair if block_of(name) is not None]
    driver.clock.sleep(600)  # the dead runner's leases end
    with proxy(running_emulator.url, lambda _: PASS) as (url, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert driver.run(plan) == dict.fromkeys(pair, "verified")
        assert [block_of(name) for name in pair] == [ALL_ON, ALL_ON]
    puts = [request for request in seen if request.startswith("PUT")]
    assert len(puts) == 2 - len(written), "what was done is not done again"
    store = driver.home.tenant("aozora")
    with store.read() as reader:
        journal = reader.plans.journal(plan.id)
    assert {one.state for one in journal} <= {"done", "in doubt"}
    assert len({one.uid for one in journal}) == 2, "each change was written ahead"
    assert {f.state for f in driver.findings().values() if f.name in pair} == {"resolved"}
    assert store.audit_fault() == ""
