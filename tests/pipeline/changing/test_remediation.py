"""From a finding to a change and back: what people do, on the emulator."""

import io
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from msgspec.structs import replace

from contract.days import day_of
from demo.stand_ins.aws_emulator import Emulator
from model.canonical import encode, instant
from model.fault import Refused
from model.order import Order
from model.person import HOST
from model.plan import Plan, Vote
from model.tenant import Channel, Contract, Suspension
from notifier.message import Ways
from pipeline.changing.carrying_out import finish, obey, underway
from pipeline.changing.permits import set_time
from pipeline.changing.plans import grant, halt, lift_halt, withdraw
from pipeline.notifying.notify import notify
from pipeline.serving import jobs
from store.home import Home
from tests.changing import AKI, ALL_ON, BLOCK, KEN, RIN, ChangeDriver, Watched, block_of, buckets, fault, half_open
from tests.conftest import MovingClock
from tests.contracts import agree_to
from tests.homes import home_at, tamper
from tests.servers.http_servers import DENY, LOSE, PASS, proxy
from tests.worlds import scan_of, world_of


@pytest.fixture
def driver(emulator: Emulator, home: Home, clock: MovingClock) -> ChangeDriver:
    buckets("one", "two")
    return ChangeDriver(home, clock, BLOCK)


def test_a_fault_is_planned_approved_remediated_verified_and_rolled_back(driver: ChangeDriver) -> None:
    driver.scan()
    plan = driver.plan()
    assert [step.target.name for step in plan.steps] == ["one", "two"]
    assert block_of("one") is None
    assert driver.run(driver.approve(plan)) == {"one": "verified", "two": "verified"}
    assert block_of("one") == block_of("two") == ALL_ON
    assert {f.state for f in driver.findings().values()} == {"resolved"}
    rollback = driver.rollback(plan)
    assert rollback.approvals == 2
    assert driver.run(driver.approve(rollback)) == {"one": "verified", "two": "verified"}
    assert driver.states(plan) == {"one": "undone", "two": "undone"}
    assert block_of("one") is None
    assert {f.state for f in driver.findings().values()} == {"reopened"}
    assert driver.scan().facts == {}


@pytest.fixture
def approved(emulator: Emulator, tmp_path: Path, clock: MovingClock) -> tuple[ChangeDriver, Plan]:
    """On SQLite alone, for what does not depend on the store."""
    home = home_at(str(tmp_path / "home"))
    home.create()
    buckets("one", "two")
    driver = ChangeDriver(home, clock, BLOCK)
    driver.scan()
    return driver, driver.approve(driver.plan())


Approved = tuple[ChangeDriver, Plan]


def test_what_was_changed_underneath_is_stale_and_the_others_go_on(approved: Approved) -> None:
    driver, plan = approved
    half_open("one")
    before = block_of("one")
    assert driver.run(plan) == {"one": "stale", "two": "verified"}
    assert block_of("one") == before


def test_what_is_in_order_already_is_not_written_and_its_finding_resolves(
    approved: Approved, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, plan = approved
    s3 = boto3.client("s3", region_name="ap-northeast-1")
    s3.put_public_access_block(Bucket="one", PublicAccessBlockConfiguration=ALL_ON)
    with proxy(emulator.url, lambda _: PASS) as (url, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert driver.run(plan) == {"one": "unchanged", "two": "verified"}
    assert [request.split()[1] for request in seen if request.startswith("PUT")] == ["/two?publicAccessBlock"]
    assert {f.state for f in driver.findings().values()} == {"resolved"}


def test_one_failure_leaves_the_others_going(
    approved: Approved, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, plan = approved
    with proxy(emulator.url, lambda request: DENY if request.startswith("PUT /one?") else PASS) as (url, _):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert driver.run(plan) == {"one": "failed", "two": "verified"}
    assert {name.split()[1]: f.state for name, f in driver.findings().items()} == {"one": "open", "two": "resolved"}


def test_a_lost_answer_is_read_not_guessed_and_nothing_is_sent_twice(
    approved: Approved, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, plan = approved
    with proxy(emulator.url, lambda request: LOSE if request.startswith("PUT /one?") else PASS) as (url, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        assert driver.run(plan) == {"one": "verified", "two": "verified"}
    assert len([request for request in seen if request.startswith("PUT /one?")]) == 1
    with driver.home.tenant("aozora").read() as reader:
        assert {one.state for one in reader.plans.journal(plan.id)} == {"done", "in doubt"}


def test_the_calls_made_need_exactly_the_permissions_of_the_plan(
    approved: Approved, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, plan = approved
    with proxy(emulator.url, lambda _: PASS) as (url, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        driver.run(plan)
    called = [request for request in seen if "publicAccessBlock" in request]
    made = {(request.split()[0], request.split("?")[-1].split()[0]) for request in called}
    # Amazon S3 API Reference: PutPublicAccessBlock needs s3:PutBucketPublicAccessBlock, its GET the Get of it.
    assert made == {("GET", "publicAccessBlock"), ("PUT", "publicAccessBlock")}
    assert plan.needs == ("s3:GetBucketPublicAccessBlock", "s3:PutBucketPublicAccessBlock")
    rest = [request for request in seen if "publicAccessBlock" not in request]
    assert [request.split()[-1].split("&")[0] for request in rest] == ["Action=GetCallerIdentity"]
    assert len(seen) == 1 + 3 * 2, "three calls a bucket"


def test_nothing_is_sent_while_changes_are_stopped(approved: Approved) -> None:
    driver, plan = approved
    for tenant in ("aozora", ""):
        halt(driver.home, tenant, "incident 7", RIN, driver.clock)
        with pytest.raises(Refused, match=r"rin has stopped the changes of .*: incident 7"):
            driver.run(plan)
        lift_halt(driver.home, tenant, RIN, driver.clock)
    halt(driver.home, "sakura", "another tenant's", RIN, driver.clock)
    assert block_of("one") is block_of("two") is None
    assert driver.run(plan) == {"one": "verified", "two": "verified"}


def test_an_approval_can_be_withdrawn_until_the_first_thing_is_sent(approved: Approved) -> None:
    driver, plan = approved
    assert driver.permits.withdraw_vote(plan.id, "ken").state == "proposed"
    with pytest.raises(Refused, match="is proposed"):
        driver.run(plan)
    with pytest.raises(Refused, match="ken has not voted"):
        driver.permits.withdraw_vote(plan.id, "ken")
    driver.vote(plan, KEN)
    driver.run(plan)
    with pytest.raises(Refused, match="has begun"):
        driver.permits.withdraw_vote(plan.id, "ken")


def test_an_approval_that_is_withdrawn_while_the_plan_is_prepared_counts_no_more(approved: Approved) -> None:
    """Between the look at the votes and the first call: the call's own transaction looks again."""
    driver, plan = approved
    driver.watch = lambda client: Watched(client, asks=lambda _: withdrawn())
    seen: list[bool] = []

    def withdrawn() -> None:
        if not seen:
            seen.append(True)
            driver.permits.withdraw_vote(plan.id, "ken")

    with pytest.raises(Refused, match="is proposed"):
        driver.run(plan)
    assert block_of("one") is block_of("two") is None


def test_a_clock_that_was_set_back_makes_no_approval_hold_longer(approved: Approved) -> None:
    driver, plan = approved
    late = driver.clock.now() + timedelta(hours=80)
    with driver.home.tenant("aozora").observe(instant(late), "schedule@service") as writer:
        writer.record("scan.started", "r")
    assert driver.permits.standing(plan).state == "expired"
    with pytest.raises(Refused, match="this machine's clock is behind: aozora has a record of 2026-06-04"):
        driver.run(plan)
    with pytest.raises(Refused, match="clock is behind"):
        driver.vote(plan, RIN)
    set_time(driver.home.tenant("aozora"), "ken", driver.clock)
    assert driver.run(plan) == {"one": "verified", "two": "verified"}
    with driver.home.tenant("aozora").observe(instant(driver.clock.now() + timedelta(minutes=4)), "s") as writer:
        writer.record("scan.started", "r")
    assert driver.permits.check(plan.id), "another machine's clock may be a little ahead"


def test_what_a_kill_switch_refused_has_not_begun_and_expires(approved: Approved) -> None:
    driver, plan = approved
    halt(driver.home, "", "incident 7", RIN, driver.clock)
    with pytest.raises(Refused, match="incident 7"):
        driver.run(plan)
    lift_halt(driver.home, "", RIN, driver.clock)
    driver.clock.sleep(2_000 * 3600)
    with pytest.raises(Refused, match="72 hours passed since it was approved"):
        driver.run(plan)
    assert block_of("one") is block_of("two") is None


def test_what_was_broken_off_goes_on_only_where_it_is_still_permitted(approved: Approved) -> None:
    driver, plan = approved
    driver.watch = lambda client: Watched(client, sent=lambda _: halt(driver.home, "", "enough", RIN, driver.clock))
    with pytest.raises(Refused, match="enough"):
        driver.run(plan)
    lift_halt(driver.home, "", RIN, driver.clock)
    driver.agree(contract=replace(driver.tenant.agreed, last_day=date(2026, 5, 31)))
    with pytest.raises(Refused, match="aozora: cannot change"):
        driver.go_on()
    assert (block_of("one"), block_of("two")) == (ALL_ON, None)


def test_a_stop_holds_from_the_next_call_on(approved: Approved) -> None:
    driver, plan = approved
    driver.watch = lambda client: Watched(client, sent=lambda _: halt(driver.home, "", "enough", RIN, driver.clock))
    with pytest.raises(Refused, match="enough"):
        driver.go_on(plan)
    assert (block_of("one"), block_of("two")) == (ALL_ON, None)
    lift_halt(driver.home, "", RIN, driver.clock)
    assert driver.run(plan) == {"one": "verified", "two": "verified"}


def test_a_worker_that_is_asked_to_stop_leaves_the_rest_for_the_next_one(approved: Approved) -> None:
    driver, plan = approved

    def stop() -> None:
        raise jobs.JobStopped("the worker was asked to stop")

    with pytest.raises(jobs.JobStopped):
        finish(driver.world, replace(driver.task, go_on=stop), [plan.id])
    assert driver.states(plan) == {}, "nothing was begun, nothing has failed"
    assert block_of("one") is None
    assert driver.run(plan) == {"one": "verified", "two": "verified"}


@pytest.mark.parametrize(
    "edit",
    [
        """UPDATE plan SET document = replace(document, '"approvals"\\:1', '"approvals"\\:0')""",
        """UPDATE plan SET document = replace(document, '"name"\\:"one"', '"name"\\:"won"')""",
        'UPDATE plan SET document = replace(document, \'"author":"aki"\', \'"author":"ken"\')',
    ],
)
def test_a_plan_that_was_edited_in_the_database_is_refused(approved: Approved, tmp_path: Path, edit: str) -> None:
    driver, plan = approved
    tamper(str(tmp_path / "home"), "aozora", edit)
    with pytest.raises(Refused, match="somebody has edited it"):
        driver.run(plan)
    assert block_of("one") is None


def test_a_vote_that_was_written_into_the_database_is_none(
    emulator: Emulator, tmp_path: Path, clock: MovingClock
) -> None:
    home = home_at(str(tmp_path / "home"))
    home.create()
    buckets("one")
    driver = ChangeDriver(home, clock, BLOCK)
    driver.scan()
    plan = driver.plan()
    forged = Vote(plan.id, plan.hash, "ken", "staff", True, instant(clock.now()))
    columns = ("2026-06-01", "ken", "plan.voted", plan.id, encode(forged).decode().replace(":", "\\:"), "", "")
    values = ", ".join(f"'{column}'" for column in columns)
    names = "seq, at, person, action, subject, detail, previous, hash"
    tamper(
        str(tmp_path / "home"),
        "aozora",
        f"INSERT INTO audit ({names}) VALUES ((SELECT max(seq) + 1 FROM audit), {values})",
    )
    with pytest.raises(Refused, match="the audit chain cannot be trusted"):
        driver.run(plan)
    assert block_of("one") is None


def test_whoever_made_the_plan_or_only_has_the_shell_does_not_approve_it(approved: Approved) -> None:
    driver, _ = approved
    plan = driver.plan(requester="rin")
    for who, why in ((AKI, "has made the plan"), (RIN, "was made for"), (HOST, "nobody who has signed in")):
        with pytest.raises(Refused, match=why):
            driver.vote(plan, who)
    with pytest.raises(Refused, match="made by somebody who has signed in"):
        driver.plan(author=HOST)
    with pytest.raises(Refused, match="is proposed"):
        driver.run(plan)


def test_two_runners_of_one_plan_write_once(
    approved: Approved, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    driver, plan = approved
    tasks = [driver.task for _ in range(2)]  # the first one is fenced off by the second
    with proxy(emulator.url, lambda _: PASS) as (url, seen):
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
        with ThreadPoolExecutor(2) as pool:
            both = [pool.submit(finish, driver.world, task, [plan.id]) for task in tasks]
            ends = [one.exception() for one in both]
        assert all(isinstance(end, Refused) for end in ends if end), "fenced off, or the resource is the other's"
        driver.clock.sleep(600)
        assert driver.run(plan) == {"one": "verified", "two": "verified"}
    assert len([request for request in seen if request.startswith("PUT")]) == 2


def test_a_resource_that_another_plan_is_changing_is_waited_for(approved: Approved) -> None:
    driver, plan = approved
    uid = plan.steps[0].target.uid
    with driver.home.tenant("aozora").write(instant(driver.clock.now()), "p") as writer:
        assert writer.leases.hold(uid, "another", instant(driver.clock.now()), "2026-06-01T12:00:00.000000Z")
    with pytest.raises(Refused, match="another plan is changing one now"):
        driver.run(plan)
    driver.clock.sleep(13 * 3600)
    assert driver.run(plan) == {"one": "verified", "two": "verified"}


def test_what_somebody_reverts_within_a_week_is_marked_and_reported(approved: Approved) -> None:
    driver, plan = approved
    driver.run(plan)
    fault("one")
    driver.clock.sleep(6 * 86_400)
    driver.scan()
    assert driver.states(plan) == {"one": "reverted", "two": "verified"}
    screen = io.StringIO()
    assert notified(driver, screen) > 0
    assert f"remediated by the plan {plan.id}, and reverted by somebody since" in screen.getvalue()
    fault("two")
    driver.clock.sleep(6 * 86_400)
    driver.scan()
    assert driver.states(plan)["two"] == "verified", "after a week it is a new fault"


def notified(driver: ChangeDriver, screen: io.StringIO) -> int:
    tenant = replace(driver.tenant, channels=[Channel("screen", "console", language="en")])
    world = world_of(driver.home, driver.clock, ways=Ways(screen, driver.clock.now))
    return notify(world, scan_of(world, tenant, driver.catalog)).alerts


def test_rolling_back_keeps_what_others_have_changed_and_leaves_conflicts_to_a_person(approved: Approved) -> None:
    driver, plan = approved
    driver.run(plan)
    half_open("one")
    rollback = driver.rollback(plan)
    assert [step.target.name for step in rollback.steps] == ["two"]
    assert [one.reason.en for one in rollback.left_out] == [
        "changed by somebody else since (before → ours ≠ now): PublicAccessBlock: absent → "
        '{"BlockPublicAcls":true,"BlockPublicPolicy":true,"IgnorePublicAcls":true,"RestrictPublicBuckets":true} ≠ '
        '{"BlockPublicAcls":true,"BlockPublicPolicy":false,"IgnorePublicAcls":true,"RestrictPublicBuckets":true}'
    ]
    driver.vote(rollback, KEN)
    with pytest.raises(Refused, match="is proposed"):  # one is not enough to open something again
        driver.run(rollback)
    driver.vote(rollback, RIN)
    assert driver.run(rollback) == {"two": "verified"}
    assert block_of("two") is None
    assert block_of("one") is not None
    with pytest.raises(Refused, match="nothing can be rolled back"):
        driver.rollback(plan, ["one"])


@pytest.mark.parametrize(
    ("contract", "why"),
    [
        (Contract(date(2026, 1, 1), date(2026, 5, 31)), "the contract's term ended"),
        (Contract(date(2026, 1, 1), suspended=[Suspension(date(2026, 6, 1), "a flood")]), "suspended .*a flood"),
    ],
)
def test_outside_the_contracts_term_and_while_suspended_nothing_is_planned_or_changed(
    approved: Approved, contract: Contract, why: str
) -> None:
    driver, plan = approved
    driver.agree(contract=contract)
    for ask in (driver.plan, lambda: driver.run(plan)):
        with pytest.raises(Refused, match=why):
            ask()


def test_what_we_changed_is_rolled_back_after_the_contracts_term_too(approved: Approved) -> None:
    driver, plan = approved
    driver.run(plan)
    driver.agree(contract=Contract(date(2026, 1, 1), date(2026, 5, 31)))
    assert driver.run(driver.approve(driver.rollback(plan))) == {"one": "verified", "two": "verified"}
    assert block_of("one") is block_of("two") is None


def order(driver: ChangeDriver, **more: Any) -> Order:
    at = instant(driver.clock.now())
    return Order("", BLOCK, "", "ken", "agreed in May", at, "2026-07-01T00:00:00.000000Z", **more)


def orders(driver: ChangeDriver) -> None:
    """Do what follows a scan."""
    driver.scan()
    task = driver.task
    finish(driver.world, task, [*underway(task), *obey(driver.world, task)])


@pytest.fixture
def ordered(approved: Approved) -> ChangeDriver:
    driver, _ = approved
    driver.agree(contract=Contract(date(2026, 1, 1), options=["standing-orders"]))
    return driver


def test_a_standing_order_remediates_what_one_person_could_approve(ordered: ChangeDriver) -> None:
    store = ordered.home.tenant("aozora")
    grant(store, "aozora", order(ordered))
    orders(ordered)
    assert block_of("one") == block_of("two") == ALL_ON
    fault("one")
    orders(ordered)
    assert block_of("one") is None, "what somebody has reverted is not remediated again without asking"


def test_a_standing_order_ends(ordered: ChangeDriver) -> None:
    store = ordered.home.tenant("aozora")
    granted = grant(store, "aozora", order(ordered))
    withdraw(store, granted.id, RIN, ordered.clock)
    orders(ordered)
    assert block_of("one") is None
    grant(store, "aozora", order(ordered))
    ordered.clock.sleep(60 * 86_400)
    orders(ordered)
    assert block_of("one") is None
    elsewhere = replace(order(ordered), scope="210987654321", expires_at="2027-01-01T00:00:00.000000Z")
    grant(store, "aozora", elsewhere)
    orders(ordered)
    assert block_of("one") is None


@pytest.mark.article(2)
def test_a_standing_order_counts_while_the_option_is_in_the_contract(ordered: ChangeDriver) -> None:
    grant(ordered.home.tenant("aozora"), "aozora", order(ordered))
    ordered.scan()
    planned = obey(ordered.world, ordered.task)
    now = ordered.clock.now()
    agree_to(ordered.home, "aozora", "standing-orders", instant(now), day_of(now) - timedelta(days=1))
    with pytest.raises(Refused):  # what was planned before
        finish(ordered.world, ordered.task, planned)
    assert (len(planned), obey(ordered.world, ordered.task)) == (1, [])
    assert block_of("one") is None


def test_standing_orders_are_an_option_and_a_persons_word(approved: Approved) -> None:
    driver, _ = approved
    store = driver.home.tenant("aozora")
    with pytest.raises(Refused, match="an option that the contract does not have"):
        grant(store, "aozora", order(driver))
    driver.agree(contract=Contract(date(2026, 1, 1), options=["standing-orders"]))
    with pytest.raises(Refused, match="somebody who has signed in"):
        grant(store, "aozora", replace(order(driver), author=HOST.name))
    with pytest.raises(Refused, match="needs a reason"):
        grant(store, "aozora", replace(order(driver), reason=" "))
