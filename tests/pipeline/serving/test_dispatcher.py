"""People are notified between scans and beside them: once, and of what a scan judges when it is whole."""

import io
import socket
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from msgspec.structs import replace

from detectors.service.finding import opened
from detectors.service.flood import POLICY
from model.canonical import instant
from model.finding import Category, Fact, Finding
from model.tenant import Channel, Tenant
from model.text import Text
from notifier.message import Ways
from pipeline.bounds import Bounds
from pipeline.serving.dispatcher import Dispatcher
from pipeline.serving.jobs import JobWorker, claim, new_job, queue, settle
from pipeline.world import World
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import applied
from tests.recorded_clouds import TENANT
from tests.servers.http_servers import Received, receiver
from tests.worlds import granting, world_of

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the specification's own example
NAME = TENANT.tenant
THREADS = ThreadPoolExecutor(8)


def world_with(home: Home, clock: MovingClock, url: str, name: str = NAME, channel: str = "soc") -> World:
    """Return a world with a tenant of a name, who is notified of everything in a channel, at a URL."""
    way = Channel(name=channel, type="webhook", severity="low", settings={"url": url, "secret": "env:HOOK"})
    tenant: Tenant = replace(TENANT, tenant=name, channels=[way])
    applied(home, tenant, instant(clock.now() - timedelta(days=1)))
    ways = Ways(io.StringIO(), clock.now, web_patience=5)
    return world_of(home, clock, ways=ways, secrets=granting({"HOOK": SECRET}))


def find(home: Home, clock: MovingClock, category: Category, name: str, tenant: str = NAME) -> None:
    """Write a finding of a category of a tenant, and its fact."""
    at = instant(clock.now())
    made: Finding = replace(
        opened(POLICY, name, "medium", Text(name, name), at), uid=name, scope=name, category=category
    )
    with home.tenant(tenant).observe(at, "p") as writer:
        writer.put_findings([made])
        writer.put_facts([Fact(name, "open", at)], "run")


def told(received: list[Received]) -> list[str]:
    return sorted(one.headers["webhook-id"] for one in received)


def dead_process() -> int:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    return process.pid


@pytest.mark.process
def test_what_a_scan_judges_waits_until_it_is_whole_and_all_else_is_notified_beside_it(
    home: Home, clock: MovingClock
) -> None:
    with receiver([200]) as (url, received):
        world = world_with(home, clock, url)
        dispatcher, worker = Dispatcher(world, THREADS), JobWorker("w", clock)
        queue(home, new_job("scan", NAME, clock.now(), "p"), clock)
        job = claim(home, worker)
        assert job
        find(home, clock, "posture", "bucket")
        find(home, clock, "service", "flood")
        assert dispatcher.look() == 2, "an alert, and its delivery"
        assert len(received) == 1
        assert b"flood" in received[0].body
        assert dispatcher.look() == 0
        assert settle(home, job, worker, "done", "")
        assert dispatcher.look() == 2
        assert b"bucket" in received[1].body
        assert dispatcher.look() == 0
    assert len(set(told(received))) == 2


@pytest.mark.process
def test_of_two_who_notify_each_alert_is_told_once(home: Home, clock: MovingClock) -> None:
    with receiver([200]) as (url, received):
        world = world_with(home, clock, url)
        for number in range(12):
            find(home, clock, "service", f"source-{number}")
        both = [threading.Thread(target=Dispatcher(world, THREADS).look) for _ in range(4)]
        for one in both:
            one.start()
        for one in both:
            one.join()
        Dispatcher(world, THREADS).look()
    assert len(told(received)) == len(set(told(received))) == 12
    with home.tenant(NAME).read() as reader:
        assert {one.state for one in reader.deliveries()} == {"sent"}
        assert reader.unnotified_categories() == set()


@pytest.mark.process
def test_what_did_not_arrive_is_tried_again_when_it_is_due_and_whoever_died_is_followed(
    home: Home, clock: MovingClock
) -> None:
    with receiver([500, 200]) as (url, received):
        world = world_with(home, clock, url)
        find(home, clock, "service", "flood")
        store, now = home.tenant(NAME), clock.now()
        with store.observe(instant(now), "p") as writer:  # somebody who is dead by now
            assert writer.leases.hold(
                "notifying", "another-machine:1:x", instant(now), instant(now + timedelta(minutes=2))
            )
        assert Dispatcher(world, THREADS).look() == 0
        clock.sleep(121)
        with store.observe(instant(clock.now()), "p") as writer:  # of whom is known that they are dead
            dead = f"{socket.gethostname()}:{dead_process()}:x"
            until = instant(clock.now() + timedelta(minutes=2))
            assert writer.leases.hold("notifying", dead, instant(clock.now()), until)
        assert Dispatcher(world, THREADS).look() == 2
        assert Dispatcher(world, THREADS).look() == 0, "it is not due"
        clock.sleep(60)
        assert Dispatcher(world, THREADS).look() == 1
    assert len(received) == 2
    assert len(set(told(received))) == 1


@pytest.mark.process
def test_a_defect_over_one_tenant_keeps_nobody_else_from_being_notified(home: Home, clock: MovingClock) -> None:
    with receiver([200]) as (url, received):
        for name in ("a-first", "b-second"):
            world = world_with(home, clock, url, name)
            find(home, clock, "service", name, name)

        def bounds(tenant: Tenant) -> Bounds:
            assert tenant.tenant != "a-first", "a defect of the program"
            return world.bounds(tenant)

        dispatcher = Dispatcher(replace(world, bounds=bounds), THREADS)
        assert dispatcher.look() == 2
        assert dispatcher.look() == 0, "it is not tried again at once"
    assert [b"b-second" in one.body for one in received] == [True]


@pytest.mark.process
def test_a_channel_that_was_added_not_long_ago_is_known(home: Home, clock: MovingClock) -> None:
    """Whoever has read the tenants before does not take it for one that is no longer there."""
    with receiver([500, 200]) as (url, received):
        before = Dispatcher(world_with(home, clock, url), THREADS)
        assert before.look() == 0
        find(home, clock, "service", "flood")
        assert Dispatcher(world_with(home, clock, url, channel="new"), THREADS).look() == 2, "it cannot be reached"
        clock.sleep(60)
        assert before.look() == 1
    assert len(received) == 2
    with home.tenant(NAME).read() as reader:
        assert [(one.channel, one.state) for one in reader.deliveries()] == [("new", "sent")]


@pytest.mark.process
def test_whose_channel_hangs_keeps_nobody_else_waiting(home: Home, clock: MovingClock) -> None:
    goes_on = threading.Event()
    with receiver([200]) as (url, received):
        for name in ("a-first", "b-second"):
            world = world_with(home, clock, url, name)
            find(home, clock, "service", name, name)

        def bounds(tenant: Tenant) -> Bounds:
            assert tenant.tenant != "a-first" or goes_on.wait(10)
            return world.bounds(tenant)

        dispatcher = Dispatcher(replace(world, bounds=bounds), THREADS)
        while not received:
            dispatcher.look(0.05)
        assert [b"b-second" in one.body for one in received] == [True]
        goes_on.set()
        assert dispatcher.look() >= 2
    assert [b"a-first" in one.body for one in received] == [False, True]
