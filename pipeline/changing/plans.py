"""Plans from findings, standing orders, the kill switch: everything before anything is decided."""

from collections.abc import Callable, Collection, Iterator, Sequence

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from model.asset import Asset
from model.canonical import digest, instant, parse_instant
from model.clock import Clock
from model.fault import Refused
from model.finding import LIVE
from model.json_walk import leaves
from model.order import Order
from model.person import HOST, Actor
from model.plan import Plan
from model.tenant import Tenant
from pipeline.tenants.gate import ask
from remediation.never import ADMINISTRATORS, Never
from remediation.playbook import Playbook, playbooks
from remediation.proposing import Candidate, Terms, propose
from store.halts import Halt
from store.home import Home
from store.plans import GRANTED, PROPOSED, WITHDRAWN
from store.reader import Reader
from store.tenant import TenantStore


class NoSuchPlan(Refused):
    """There is no plan of this id."""


class Wanted(Struct, frozen=True):
    """What a plan is asked for: by which playbook, for whom, of which findings or resources (none named = all).

    With a standing order, only what is in its scope, and nothing that somebody has reverted before.
    """

    playbook: str
    requester: str
    resources: tuple[str, ...] = ()
    most: int = 0
    live: bool = False
    order: Order | None = None


def playbook_of(id_: str) -> Playbook:
    """Return a playbook; raises `Refused` where there is none."""
    found = playbooks().get(id_)
    if found is None:
        raise Refused(f"there is no playbook {id_!r}; known are {', '.join(playbooks())}")
    return found


def make_plan(store: TenantStore, tenant: Tenant, wanted: Wanted, actor: Actor, clock: Clock) -> Plan:
    """Make the plan that is `wanted` from a tenant's inventory and record it in the store, by this actor.

    No cloud is asked: what is planned is read afresh before it is done. The plan is of the clock's time. Raises
    `Refused` where there is nothing to plan.
    """
    now = clock.now()
    ask(store, tenant.tenant, "plan", now)
    refuse_nobody(actor)
    playbook = playbook_of(wanted.playbook)
    with store.read() as reader:
        candidates = _candidates(reader, playbook, wanted)
        of_kind = sum(1 for _ in reader.current_assets([playbook.kind]))
        terms = Terms(
            tenant=tenant.tenant,
            author=actor.name,
            requester=wanted.requester or actor.name,
            created_at=instant(now),
            of_kind=of_kind,
            customer=tenant.agreed.customer_approves,
            most=wanted.most,
            live=wanted.live,
            order=wanted.order.id if wanted.order else "",
            never=never_of(tenant, reader).why,
            users_of=_users(reader, playbook, candidates),
        )
    if not candidates:
        raise Refused(f"no open finding is closed by {playbook.id}; see `hinomi findings {tenant.tenant}`")
    plan = propose(playbook, candidates, terms)
    if not plan.steps:
        raise Refused(f"nothing can be planned: {plan.left_out[0].resource}: {plan.left_out[0].reason.en}")
    put_plan(store, plan, actor.name)
    return plan


def put_plan(store: TenantStore, plan: Plan, person: str) -> None:
    """Write a plan to the store, and its hash into the audit chain, under the person's name."""
    with store.write(plan.created_at, person) as writer:
        writer.plans.add(plan)
        writer.record(PROPOSED, plan.id, hash=plan.hash, playbook=plan.playbook, resources=len(plan.steps))


def read_plan(store: TenantStore, id_: str) -> Plan:
    """Return a plan that is as it was recorded; raises `NoSuchPlan` for none of this id.

    Raises `Refused` where somebody has edited it.
    """
    with store.read() as reader:
        return plan_in(reader, id_)


def plan_in(reader: Reader, id_: str) -> Plan:
    """Return a plan (`id_`) as a reader, or whoever writes, sees it in a tenant's store.

    Raises `NoSuchPlan` for none of this id, `Refused` where somebody has edited it.
    """
    plan = reader.plans.one(id_)
    if plan is None:
        raise NoSuchPlan(f"there is no plan {id_!r}; see `hinomi status`")
    if fault := reader.plans.fault(plan):
        raise Refused(fault)
    return plan


def grant(store: TenantStore, tenant: str, order: Order) -> Order:
    """Record a standing order in the store of a tenant, named by its id, and return it with an id of its own.

    Raises `NotEntitled` where the contract has none, and `Refused` where it names no playbook or no reason, or nobody
    has signed in.
    """
    ask(store, tenant, "orders", parse_instant(order.granted_at))
    playbook_of(order.playbook)
    if not order.reason.strip():
        raise Refused("a standing order needs a reason")
    if order.author == HOST.name:
        raise Refused("a standing order is granted by somebody who has signed in (`hinomi login`)")
    named = replace(order, id=digest(order.playbook, order.scope, order.author, order.granted_at)[:12])
    with store.write(named.granted_at, named.author) as writer:
        writer.record(GRANTED, named.id, **msgspec.structs.asdict(named))
    return named


def withdraw(store: TenantStore, id_: str, actor: Actor, clock: Clock) -> None:
    """End a standing order (`id_`) of the store before its day, by an actor, at the clock's time.

    Raises `Refused` where none of this id holds.
    """
    at = instant(clock.now())
    with store.write(at, actor.name) as writer:
        if not any(order.id == id_ and order.holds(at) for order in writer.plans.orders()):
            raise Refused(f"no standing order {id_!r} holds now; see `hinomi orders list`")
        writer.record(WITHDRAWN, id_, at=at)


def halt(home: Home, tenant: str, reason: str, actor: Actor, clock: Clock) -> None:
    """Stop all changes of a tenant, or of all tenants (`tenant` empty), from the next call on.

    The home keeps for which reason, by which actor, and when by the clock.
    """
    at = instant(clock.now())
    with home.service.observe(at, actor.name) as session:  # whatever is wrong with the records
        session.halts.add(Halt(tenant, actor.name, at, reason))
        session.record("changes.halted", tenant or "all", reason=reason)


def lift_halt(home: Home, tenant: str, actor: Actor, clock: Clock) -> None:
    """Let changes of a tenant go on, or of all (`tenant` empty); the home keeps by which actor, and when by the clock.

    Raises `Refused` where nothing was stopped under that name.
    """
    at = instant(clock.now())
    with home.service.write(at, actor.name) as session:
        if not session.halts.lift(tenant, actor.name, at):
            raise Refused(f"changes of {tenant or 'all tenants'} were not stopped")
        session.record("changes.resumed", tenant or "all")


def refuse_nobody(actor: Actor) -> None:
    """Raise `Refused` for whoever has not signed in."""
    if actor.name == HOST.name:
        raise Refused("a plan is made by somebody who has signed in (`hinomi login`)")


def _candidates(reader: Reader, playbook: Playbook, wanted: Wanted) -> list[Candidate]:
    """Return the resources of the findings that a playbook closes, with the policies that each fails."""
    faults: dict[str, dict[str, tuple[str, ...]]] = {}
    for finding in reader.judged_findings():
        chosen = not wanted.resources or {finding.uid, finding.resource, finding.name} & set(wanted.resources)
        if finding.policy in playbook.closes and not finding.unverified_since and chosen:
            failed = tuple(element.key for element in finding.elements if element.status == "fail")
            faults.setdefault(finding.asset_uid, {})[finding.policy] = failed
    if wanted.order:
        reverted = {one.uid for one in reader.plans.of_resources(faults, "") if one.state == "reverted"}
        faults = {uid: found for uid, found in faults.items() if uid not in reverted}
    assets = known_assets(reader, faults)
    within = (asset for asset in assets if not wanted.order or wanted.order.scope in ("", asset.scope))
    return [Candidate(asset, faults[asset.uid]) for asset in within]


def _users(reader: Reader, playbook: Playbook, candidates: Sequence[Candidate]) -> Callable[[Asset], Sequence[str]]:
    """Return what names the resources that use one now: those of a playbook's `users` that mention it anywhere."""
    if not playbook.users:
        return lambda _: ()
    found: dict[str, list[str]] = {str(one.asset.body.get(playbook.known_as, "")): [] for one in candidates}
    for asset in known_assets(reader, [row.uid for row in reader.current_assets(playbook.users)]):
        for mentioned in found.keys() & {value for _, value in leaves(asset.body) if isinstance(value, str)}:
            found[mentioned].append(asset.name)
    return lambda asset: sorted(found.get(str(asset.body.get(playbook.known_as, "")), []))


def known_assets(reader: Reader, uids: Collection[str]) -> Iterator[Asset]:
    """Yield current assets of the inventory with their bodies."""
    return reader.seen_assets(uids)


def never_of(tenant: Tenant, reader: Reader) -> Never:
    """Return what no plan may touch, by the tenant's file and what is known of its administrators."""
    administrators = (one.resource for one in reader.judged_findings(LIVE) if one.policy == ADMINISTRATORS)
    return Never(tenant, frozenset(administrators))
