"""A tenant on an emulator whose faults are remediated: from the scan to the change and back, as people do it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import ClientError
from msgspec.structs import replace

from catalog.folder import config_folder
from catalog.policies import load
from model.call import Call, WriteCloud
from model.canonical import instant
from model.clock import Clock
from model.finding import Finding
from model.person import Actor, Person
from model.plan import Plan, Vote
from model.tenant import AwsScope, AwsWrite, Contract, Tenant
from model.text import Text
from pipeline.assembly import Catalog, assemble
from pipeline.changing.carrying_out import finish, make_rollback, underway
from pipeline.changing.permits import Permits
from pipeline.changing.plans import Wanted, make_plan
from pipeline.scanning.scan import Summary, scan
from pipeline.world import Task, World
from remediation.approval import Standing
from remediation.playbook import playbooks
from store.home import Home
from tests.contracts import agreed, applied
from tests.worlds import entered, scan_of, world_of

ACCOUNT = "123456789012"
BLOCK = "aws.s3.block-public-access"
ALL_ON = dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True)
AKI, KEN, RIN, MIO = (Actor(name, ("lead",), "all") for name in ("aki", "ken", "rin", "mio"))
AWS = Tenant(
    "aozora",
    Text("Aozora", "青空"),
    Contract(date(2026, 1, 1)),
    scopes=[AwsScope(ACCOUNT, regions=["ap-northeast-1"], write=AwsWrite())],
)


def buckets(*names: str) -> None:
    s3 = boto3.client("s3", region_name="ap-northeast-1")
    for name in names:
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": "ap-northeast-1"})


def block_of(name: str) -> dict[str, bool] | None:
    s3 = boto3.client("s3", region_name="ap-northeast-1")
    try:
        return dict(s3.get_public_access_block(Bucket=name)["PublicAccessBlockConfiguration"])
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchPublicAccessBlockConfiguration":
            raise
        return None


@lru_cache
def catalog_of(playbook: str) -> Catalog:
    """Return only what a playbook's policies need."""
    closes = playbooks()[playbook].closes
    chosen = [policy for policy in load(config_folder() / "policies", naming=closes) if policy.id in closes]
    assert {policy.id for policy in chosen} == set(closes)
    return assemble(config_folder(), chosen)


Look = Callable[[Call], None]


def ignore(_: Call) -> None:
    pass


class Watched:
    """A client that reports each call before it asks, before it sends, and when it has sent."""

    def __init__(self, inner: WriteCloud, *, asks: Look = ignore, sends: Look = ignore, sent: Look = ignore) -> None:
        self._inner, self._asks, self._sends, self._sent = inner, asks, sends, sent

    def ask(self, call: Call) -> Any:
        self._asks(call)
        return self._inner.ask(call)

    def send(self, call: Call) -> None:
        self._sends(call)
        self._inner.send(call)
        self._sent(call)

    def close(self) -> None:
        self._inner.close()


@dataclass
class ChangeDriver:
    """Everything that people do about one tenant's changes."""

    home: Home
    clock: Clock
    playbook: str
    tenant: Tenant = AWS
    catalog: Catalog = field(init=False)
    watch: Callable[[WriteCloud], WriteCloud] = lambda client: client  # what every client for changes becomes

    def __post_init__(self) -> None:
        self.catalog = catalog_of(self.playbook)
        applied(self.home, self.tenant, instant(self.clock.now()))
        with self.home.service.write(instant(self.clock.now()), "p") as session:
            for who in (AKI, KEN, RIN, MIO):
                session.people.put(Person(who.name, who.name, "ja", who.roles, who.tenants, ""))
            session.people.put(Person("hana", "hana", "ja", ("approver",), (self.tenant.tenant,), ""))

    def agree(self, **changes: Any) -> None:
        """Apply the tenant's file with something changed; what is new of the contract goes on record."""
        at = instant(self.clock.now())
        if "contract" in changes:
            agreed(self.home, self.tenant, changes["contract"], at)
        self.tenant = replace(self.tenant, **changes)
        self.home.apply(self.tenant.tenant, self.tenant, at, "p")

    def go_on(self, *plans: Plan) -> None:
        """Carry out these plans, or what a scan goes on with."""
        task = self.task
        finish(self.world, task, [plan.id for plan in plans] or underway(task))

    @property
    def world(self) -> World:
        return world_of(self.home, self.clock, entered(watch=self.watch))

    @property
    def permits(self) -> Permits:
        return Permits(self.home, self.home.tenant(self.tenant.tenant), self.tenant.tenant, self.clock)

    @property
    def task(self) -> Task:
        return scan_of(self.world, self.tenant, self.catalog)

    def scan(self) -> Summary:
        self.clock.sleep(60)
        return scan(self.world, self.task)

    def plan(self, author: Actor = AKI, **wanted: Any) -> Plan:
        self.clock.sleep(1)
        asked = Wanted(self.playbook, **{"requester": ""} | wanted)
        return make_plan(self.home.tenant(self.tenant.tenant), self.tenant, asked, author, self.clock)

    def vote(self, plan: Plan, who: Actor = KEN, *, yes: bool = True, side: str = "staff") -> Standing:
        self.clock.sleep(1)
        ballot = Vote(plan.id, plan.hash, who.name, side, yes, instant(self.clock.now()))
        return self.permits.vote(ballot)

    def approve(self, plan: Plan) -> Plan:
        for who in (KEN, RIN)[: plan.approvals]:
            self.vote(plan, who)
        assert self.permits.standing(plan).state == "approved"
        return plan

    def run(self, plan: Plan) -> dict[str, str]:
        """Carry out a plan; return the states of its steps by resource's name."""
        self.go_on(plan)
        return self.states(plan)

    def states(self, plan: Plan) -> dict[str, str]:
        with self.home.tenant(self.tenant.tenant).read() as reader:
            progress = reader.plans.progress(plan.id)
        return {s.target.name: progress[s.target.uid].state for s in plan.steps if s.target.uid in progress}

    def rollback(self, plan: Plan, resources: Sequence[str] = ()) -> Plan:
        self.clock.sleep(1)
        return make_rollback(self.world, self.tenant, plan.id, MIO, resources)

    def findings(self) -> dict[str, Finding]:
        with self.home.tenant(self.tenant.tenant).read() as reader:
            return {f"{f.policy} {f.name} {f.uid}": f for f in reader.findings(None)}


def fault(name: str) -> None:
    boto3.client("s3", region_name="ap-northeast-1").delete_public_access_block(Bucket=name)


def half_open(name: str) -> None:
    switches = dict.fromkeys(ALL_ON, True) | {"BlockPublicPolicy": False}
    s3 = boto3.client("s3", region_name="ap-northeast-1")
    s3.put_public_access_block(Bucket=name, PublicAccessBlockConfiguration=switches)
