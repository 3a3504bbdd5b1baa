"""On a store whose records do not hold nothing is decided; what is seen and sent goes on, and says it."""

import threading
from collections.abc import Callable, Iterator

import msgspec
import pytest
from msgspec import Struct
from msgspec.structs import replace

from model.asset import Asset, Listing, Place
from model.fault import Refused
from model.order import Order
from model.person import Actor, Person
from model.plan import Plan, Vote
from model.suppression import Suppression
from model.tenant import Channel
from model.text import Text
from pipeline.assembly import Catalog
from pipeline.changing.permits import Permits
from pipeline.changing.plans import grant as grant_order
from pipeline.changing.plans import put_plan, withdraw
from pipeline.policies.own_policies import plan
from pipeline.scanning.scan import scan
from pipeline.serving.jobs import new_job
from pipeline.serving.work import claimed_now, work
from pipeline.tenants.exceptions import grant, tag
from pipeline.tenants.exceptions import withdraw as withdraw_exception
from pipeline.tenants.policies import carry_out
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import agree_to, applied
from tests.filled import asset, fill
from tests.homes import tamper
from tests.recorded_clouds import TENANT
from tests.worlds import entered, scan_of, world_of

AT, END = "2026-06-01T00:00:00.000000Z", "2026-07-01T00:00:00.000000Z"
ENTITLED = replace(
    TENANT,
    contract=replace(TENANT.agreed, options=["own-policies", "standing-orders"]),
    channels=[Channel("screen", "console")],
)
PLAYBOOK = "aws.s3.versioning"
PLAN = Plan("p1", "aozora", PLAYBOOK, Text("t", "t"), Text("r", "r"), "aki", "aki", AT, (), (), 1)
ORDER = Order("", PLAYBOOK, "", "ken", "agreed", AT, END)
EXCEPTION = Suppression("s0", "agreed", "ken", AT, END, resource="b0")
KEN = Actor("ken", ("lead",), "all", "t")
FAULT = "record 2 was changed"


def entitle(home: Home) -> None:
    """Apply the tenant's file, and record that its options were agreed."""
    applied(home, ENTITLED, AT)
    for option in ENTITLED.agreed.options:
        agree_to(home, "aozora", option, AT)


@pytest.fixture
def broken(home: Home, address: str, clock: MovingClock) -> Home:
    """Return a home whose tenant has a plan, an order and an exception, and a record that somebody has changed."""
    fill(home, clock, "aozora")
    entitle(home)
    store = home.tenant("aozora")
    with home.service.write(AT, "p") as session:
        session.people.put(Person("ken", "ken", "ja", ("lead",), "all", ""))
    put_plan(store, PLAN, "aki")
    grant_order(store, "aozora", ORDER)
    grant(store, [EXCEPTION], "ken", clock)
    tamper(address, "aozora", "UPDATE audit SET person = 'mallory' WHERE seq = 2")
    return home


def permits(home: Home, clock: MovingClock) -> Permits:
    return Permits(home, home.tenant("aozora"), "aozora", clock)


def order_of(home: Home) -> str:
    with home.tenant("aozora").read() as reader:
        return reader.plans.orders()[0].id


def own_policy(home: Home, clock: MovingClock) -> None:
    store = home.tenant("aozora")
    carry_out(store, "aozora", plan(store, {"aws.s3.own-x": "id: x"}), clock, "ken")


DECISIONS: dict[str, Callable[[Home, MovingClock], object]] = {
    "a plan": lambda home, _: put_plan(home.tenant("aozora"), replace(PLAN, id="p2"), "aki"),
    "a vote": lambda home, clock: permits(home, clock).vote(Vote(PLAN.id, PLAN.hash, "ken", "staff", True, AT)),
    "a run": lambda home, clock: permits(home, clock).check(PLAN.id),
    "an order": lambda home, _: grant_order(home.tenant("aozora"), "aozora", replace(ORDER, reason="another")),
    "the end of an order": lambda home, clock: withdraw(home.tenant("aozora"), order_of(home), KEN, clock),
    "an exception": lambda home, clock: grant(home.tenant("aozora"), [replace(EXCEPTION, id="s1")], "ken", clock),
    "the end of an exception": lambda home, clock: withdraw_exception(home.tenant("aozora"), "s0", "ken", clock),
    "a tag": lambda home, clock: tag(home.tenant("aozora"), asset(1).resource, "a=b", "ken", clock, there=True),
    "an own policy": own_policy,
    "an edition of its file": lambda home, _: home.apply("aozora", msgspec.to_builtins(TENANT), AT, "p"),
}


@pytest.mark.process
@pytest.mark.parametrize("decision", DECISIONS)
def test_nothing_is_decided(decision: str, broken: Home, clock: MovingClock) -> None:
    with pytest.raises(Refused, match=f"the audit chain cannot be trusted: {FAULT}"):
        DECISIONS[decision](broken, clock)


class Shown(Struct, frozen=True):
    """A collector of one new resource."""

    place: Place = Place("123456789012", "123456789012", "arn:aws:iam::123456789012:root", "aws", ())

    def collect(self) -> Iterator[Asset | Listing]:
        yield asset(50)


@pytest.mark.process
def test_what_is_seen_and_sent_goes_on_and_says_it(broken: Home, clock: MovingClock) -> None:
    world = world_of(broken, clock, entered(lambda *_: Shown()))
    clock.sleep(60)
    assert scan(world, scan_of(world, ENTITLED, Catalog(()))).new_rows == 1
    with claimed_now(world, new_job("tell", "aozora", clock.now(), "p")) as job:
        done = work(world, job, threading.Event())
    assert (done.state, done.records_fault) == ("done", FAULT)
    assert done.outcome.endswith(f"the records do not hold: {FAULT}")
    assert broken.tenant("aozora").audit_fault() == FAULT, "what was appended covers nothing up"


@pytest.mark.process
def test_beside_people_who_were_changed_nothing_is_decided_and_each_job_says_it(
    home: Home, address: str, clock: MovingClock
) -> None:
    fill(home, clock, "aozora")
    entitle(home)
    with home.service.write(AT, "p") as session:
        session.people.put(Person("ken", "ken", "ja", ("analyst",), "all", ""))
    put_plan(home.tenant("aozora"), PLAN, "aki")
    tamper(address, "", "UPDATE person SET roles = '[\"lead\"]'")
    fault = "the person ken was changed without a record"
    for name in ("a plan", "a vote", "a run", "an exception", "a tag", "an own policy", "an edition of its file"):
        with pytest.raises(Refused, match=f"the service's records cannot be trusted: {fault}"):
            DECISIONS[name](home, clock)
    world = world_of(home, clock, entered(lambda *_: Shown()))
    with claimed_now(world, new_job("tell", "aozora", clock.now(), "p")) as job:
        done = work(world, job, threading.Event())
    assert (done.state, done.records_fault) == ("done", fault)


@pytest.mark.process
def test_what_is_appended_to_a_chain_that_was_cut_covers_nothing_up(
    home: Home, address: str, clock: MovingClock
) -> None:
    fill(home, clock, "aozora")
    store = home.tenant("aozora")
    for number in range(3):
        with store.write(AT, "p") as writer:
            writer.record("did", f"{number}")
    tamper(address, "aozora", "DELETE FROM audit WHERE seq > 2")
    for number in range(5):
        with store.observe(AT, "p") as writer:
            writer.record("saw", f"{number}")
        assert store.audit_fault(), f"after {number + 1}"
