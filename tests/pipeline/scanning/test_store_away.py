"""A database that goes away in mid-scan ends the scan at once, in one line; when it is back, a scan finds all there."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from msgspec import Struct

from model.asset import Asset, Listing, Place
from model.finding import Fact
from pipeline.serving.jobs import new_job
from pipeline.serving.work import claimed_now, work
from store.database import StoreFault
from store.home import Home
from tests.conftest import MovingClock
from tests.filled import asset, fill
from tests.worlds import entered, world_of


class Shown(Struct, frozen=True):
    """A collector of 1,200 buckets; after 700 of them something happens."""

    happens: Callable[[], object]
    place: Place = Place("123456789012", "123456789012", "arn:aws:iam::123456789012:root", "aws", ())

    def collect(self) -> Iterator[Asset | Listing]:
        for number in range(1200):
            if number == 700:
                self.happens()
            yield asset(number)
        yield Listing("123456789012", "aws.s3.bucket", "global")


class Switch:
    """Shuts a database to everybody, and opens it."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._name = parts.path.removeprefix("/")
        self._socket = parse_qs(parts.query)["host"][0]

    def off(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS false")
        self._run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self._name}'")

    def on(self) -> None:
        self._run(f"ALTER DATABASE {self._name} ALLOW_CONNECTIONS true")

    def _run(self, statement: Any) -> None:
        with psycopg.connect(host=self._socket, user="hinomi", dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)


@pytest.mark.parametrize("homes", ["postgresql"], indirect=True)
def test_a_database_that_goes_away_ends_the_scan_and_nothing_is_lost(
    home: Home, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clock, switch = MovingClock(), Switch(address)
    fill(home, clock, "aozora")
    world = world_of(home, clock, entered(lambda *_: Shown(switch.off)))
    with (
        pytest.raises(StoreFault, match="cannot be used: connection failed") as away,
        claimed_now(world, new_job("scan", "aozora", clock.now(), "p")) as job,
    ):
        work(world, job, threading.Event())
    assert len(str(away.value).splitlines()) == 1
    assert capsys.readouterr() == ("", "")
    switch.on()
    clock.sleep(600)
    world = world_of(home, clock, entered(lambda *_: Shown(lambda: None)))
    with claimed_now(world, new_job("scan", "aozora", clock.now(), "p")) as job:
        assert work(world, job, threading.Event()).state == "done"
    with home.tenant("aozora").read() as reader:
        assert len(list(reader.current_assets())) == 1200
    assert home.tenant("aozora").audit_fault() == ""


@pytest.mark.soak
@pytest.mark.parametrize("homes", ["postgresql"], indirect=True)
def test_a_long_transaction_of_somebody_else_is_waited_for_a_minute(home: Home, address: str) -> None:
    fill(home, MovingClock(), "aozora")
    with psycopg.connect(address) as other:
        other.execute("LOCK TABLE hinomi_aozora.fact IN ACCESS EXCLUSIVE MODE")
        with (
            pytest.raises(StoreFault, match="lock timeout"),
            home.tenant("aozora").write("2026-06-01T00:00:00.000000Z", "p") as writer,
        ):
            writer.put_facts([Fact("f", "open", "2026-06-01T00:00:00.000000Z")], "r")
    with home.tenant("aozora").write("2026-06-01T00:00:00.000000Z", "p") as writer:
        writer.put_facts([Fact("f", "open", "2026-06-01T00:00:00.000000Z")], "r")
