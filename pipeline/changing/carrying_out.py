"""Approved plans into changes: in waves, each resource leased, each call written ahead, each end verified."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from msgspec import UNSET

from clouds.call_failed import CallFailed
from model.asset import Asset
from model.call import WriteCloud
from model.fault import Refused
from model.person import SCHEDULE, Actor
from model.plan import CHANGED, ENDED, Plan, State, Step
from model.tenant import Tenant
from pipeline.changing.environment import WriteClients
from pipeline.changing.permits import Permits
from pipeline.changing.plans import (
    Wanted,
    known_assets,
    make_plan,
    never_of,
    playbook_of,
    put_plan,
    read_plan,
    refuse_nobody,
)
from pipeline.changing.step_journal import StepJournal, begun_before
from pipeline.changing.verifying import Judge
from pipeline.tenants.applied import applied_tenant
from pipeline.tenants.entrance import Entrance
from pipeline.tenants.gate import NotEntitled, decided
from pipeline.world import Task, World
from remediation.applying import Ended, Stopped, Tools, carry_out, verify
from remediation.never import Never
from remediation.playbook import Gone, Playbook
from remediation.proposing import LeftStep, Terms, propose_rollback
from store.plans import FINISHED, WORKED
from store.tenant import Fenced

BY_SCHEDULE = Actor(SCHEDULE, (), "all")
_AT_ONCE = 8  # resources of a wave that are worked on at the same time
_SECOND_WAVE = 0.10
_FUTILE = 3  # so many steps without one success end a plan


def obey(world: World, task: Task) -> list[str]:
    """Make the plans that standing orders ask for after a scan, and return their ids; a plan for nothing is none.

    None is made where the contract does not have the option.
    """
    if not decided(task.store, "orders", world.clock.now()).allowed:
        return []
    with task.store.read() as reader:
        orders = [order for order in reader.plans.orders() if order.holds(world.now)]
    made: list[str] = []
    for order in orders:
        wanted = Wanted(order.playbook, order.author, order=order)
        with suppress(Refused):  # nothing to remediate, or the contract has ended
            made.append(make_plan(task.store, task.tenant, wanted, BY_SCHEDULE, world.clock).id)
    return made


def underway(task: Task) -> list[str]:
    """Return the ids of the plans that were begun and not finished."""
    with task.store.read() as reader:
        return reader.plans.underway()


def finish(world: World, task: Task, plans: Sequence[str]) -> None:
    """Carry these plans (their ids) to their ends, each whatever befalls the others.

    They are the task's tenant's; where the task ends, so does the work on them. The world has the clouds. Raises the
    first `Refused` of them, after the others have been carried out.
    """
    refused: list[Refused] = []
    for id_ in plans:
        try:
            _finish(world, task, read_plan(task.store, id_))
        except Fenced:
            raise
        except Refused as problem:
            refused.append(problem)
    if refused:
        raise refused[0]


def _finish(world: World, task: Task, plan: Plan) -> None:
    """Carry a plan to its end; one that stops by itself is not gone on with until somebody starts it again."""
    stopped = _run(world, task, plan)
    with task.store.observe(world.now, task.person, task.fence) as writer:
        writer.record(FINISHED, plan.id, stopped=stopped)
    if stopped:
        raise Refused(f"the plan {plan.id} stops by itself: {stopped}")


def _run(world: World, task: Task, plan: Plan) -> str:
    """Do what is left of a plan, wave by wave; return why it stops before its end, the empty text where it does not."""
    tried = good = 0
    with (
        WriteClients(_entrance(world, task.tenant, plan), plan) as clients,
        task.store.held(),
        world.home.service.held(),
    ):
        workshop = _Workshop(world, task, plan, clients)
        for wave in waves(workshop.left):
            workshop.refuse_forbidden()
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                ended = [one for one in pool.map(workshop.work, wave) if one is not None]
            _record(world, task, plan)
            workshop.check()
            tried += len(ended)
            good += sum(one.state in ("verified", "unchanged") for one in ended)
            if tried >= _FUTILE and not good:
                return f"none of its first {tried} resources came out well"
    return ""


def _entrance(world: World, tenant: Tenant, plan: Plan) -> Entrance:
    """Return the way into a tenant's clouds for a plan: what it reads itself goes under its own action."""
    return Entrance(world, tenant, "rollback" if plan.undoes else "change")


def _record(world: World, task: Task, plan: Plan) -> None:
    """Leave an audit record of all that was done by a plan so far, also by runners that died."""
    with task.store.observe(world.now, task.person, task.fence) as writer:
        names = {step.target.uid: step.target.resource for step in plan.steps}
        states = {names[uid]: done.state for uid, done in writer.plans.progress(plan.id).items()}
        writer.record(WORKED, plan.id, hash=plan.hash, states=states, findings=writer.findings_digest())


def waves(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield a plan's steps in waves: one, then a tenth, then the rest."""
    second = 1 + math.ceil(len(steps) * _SECOND_WAVE)
    for wave in (steps[:1], steps[1:second], steps[second:]):
        if wave:
            yield wave


class _Workshop:
    """Works on the steps of one plan; safe to share between threads."""

    def __init__(self, world: World, task: Task, plan: Plan, clients: WriteClients) -> None:
        self._world = world
        self._task = task
        self._plan = plan
        self._clients = clients
        self._playbook = playbook_of(plan.playbook)
        self._permits = Permits(world.home, task.store, task.tenant.tenant, world.clock)
        self._failure: BaseException | None = None
        with task.store.read(whole=True) as reader:
            found = known_assets(reader, [step.target.uid for step in plan.steps])
            self._assets = {asset.uid: asset for asset in found}
        self._never = Never(task.tenant)
        self._begun = begun_before(task.store, plan)
        self._judge = Judge(world.clock, task, plan)

    @property
    def left(self) -> list[Step]:
        """Return the steps that earlier runs have not brought to an end."""
        return [step for step in self._plan.steps if step.live and self._begun.is_left(step)]

    def work(self, step: Step) -> Ended | None:
        """Do one step; None where nothing may be sent any more. Whatever else goes wrong is kept for `check`."""
        if self._failure is not None:
            return None
        asset = self._assets.get(step.target.uid)
        journal = StepJournal(self._world, self._task, self._plan, step, self._begun)
        try:
            if asset is None:
                return _ended(journal, Ended("stale", "the inventory does not know the resource any more"))
            if why := self._why_not(step):
                return _ended(journal, Ended("stale", why))
            try:
                tools = self._tools(step, asset)
            except NotEntitled:
                raise
            except Refused as refused:  # no way into this scope: the others may have one
                return _ended(journal, Ended("failed", str(refused)))
            return carry_out(step, self._playbook, tools, journal)
        except Stopped as stopped:
            self._failure = self._failure or Refused(str(stopped))
        except BaseException as problem:  # noqa: BLE001 - a thread's failure is the run's
            self._failure = self._failure or problem
        return None

    def _why_not(self, step: Step) -> str:
        """Return why a step is left alone though it was approved, the empty text where nothing forbids it."""
        if self._playbook.parts and step.target.parts is UNSET:
            return "the plan is of an earlier version of the program; make it anew"
        why = None if self._plan.undoes else self._never.why(step.target.asset)  # that may have become so since
        return why.en if why else ""

    def _tools(self, step: Step, asset: Asset) -> Tools:
        cloud, judge = self._clients.of(step.target.scope), self._judge.of(step, asset)
        return Tools(cloud, self._world.clock, judge, rolling_back=bool(self._plan.undoes))

    def check(self) -> None:
        """Raise what has ended the work, if anything has."""
        if self._failure is not None:
            raise self._failure

    def refuse_forbidden(self) -> None:
        """Raise `Refused` unless the plan may be carried out, as the stores are now."""
        if self._permits.check(self._plan.id).hash != self._plan.hash:
            raise Refused(f"the plan {self._plan.id} has become another one")
        tenant = applied_tenant(self._world.home, self._task.tenant.tenant, self._world.clock.now())
        with self._task.store.read(whole=True) as reader:
            self._never = never_of(tenant, reader)


def _ended(journal: StepJournal, ended: Ended) -> Ended:
    journal.end(ended)
    return ended


def verify_again(world: World, task: Task, id_: str) -> Mapping[str, Ended]:
    """Look once more at every step of a plan (`id_`) that left something behind, and write what was found.

    Return how each ended, by resource. The world has the clouds; nothing is written once the task has ended.
    """
    plan = read_plan(task.store, id_)
    playbook, judge, found = playbook_of(plan.playbook), Judge(world.clock, task, plan), dict[str, Ended]()
    begun = begun_before(task.store, plan)
    with task.store.read() as reader:
        assets = {asset.uid: asset for asset in known_assets(reader, begun.steps)}
    with WriteClients(Entrance(world, task.tenant, "look"), plan) as clients:
        for step in plan.steps:
            done, asset = begun.steps.get(step.target.uid), assets.get(step.target.uid)
            if done is None or done.state not in CHANGED & ENDED or asset is None:
                continue
            judged = judge.of(step, asset)
            tools = Tools(clients.of(step.target.scope), world.clock, judged, rolling_back=bool(plan.undoes))
            found[asset.resource] = ended = verify(step, playbook, tools)
            StepJournal(world, task, plan, step, begun).end(ended)
    _record(world, task, plan)
    return found


def make_rollback(world: World, tenant: Tenant, id_: str, actor: Actor, resources: Sequence[str] = ()) -> Plan:
    """Make the plan that rolls a tenant's plan (`id_`) back, on what is there now, and record it.

    The actor is its author; after the contract's term too. With `resources`, by id or name, only these. The world has
    the clouds. Raises `Refused` where nobody has signed in, there is no such plan, or nothing of it can be rolled back.
    """
    refuse_nobody(actor)
    store = world.home.tenant(tenant.tenant)
    plan = read_plan(store, id_)
    playbook = playbook_of(plan.playbook)
    with store.read(whole=True) as reader:
        progress = reader.plans.progress(plan.id)
    done = []
    with WriteClients(Entrance(world, tenant, "rollback"), plan) as clients:
        for step in plan.steps:
            begun = progress.get(step.target.uid)
            chosen = not resources or {step.target.resource, step.target.name} & set(resources)
            if begun is not None and begun.state in CHANGED and begun.before is not None and chosen:
                now = _now(playbook, clients.of(step.target.scope), step.target.asset)
                done.append(LeftStep(step, begun, now))
    if not done:
        raise Refused(f"the plan {plan.id} has changed nothing that could be rolled back")
    terms = Terms(
        tenant=tenant.tenant,
        author=actor.name,
        requester=actor.name,
        created_at=world.now,
        of_kind=0,
        customer=tenant.agreed.customer_approves,
    )
    made = propose_rollback(playbook, plan, done, terms)
    if not made.steps:
        raise Refused(f"nothing can be rolled back: {made.left_out[0].resource}: {made.left_out[0].reason.en}")
    put_plan(store, made, actor.name)
    return made


def _now(playbook: Playbook, cloud: WriteCloud, asset: Asset) -> State:
    """Return a resource's state; raises `Refused` where it cannot be determined."""
    try:
        return playbook.state(playbook.read(cloud, asset))
    except Gone:
        raise Refused(f"{asset.resource} is gone: there is nothing to roll back") from None
    except CallFailed as failure:
        raise Refused(f"{asset.resource} could not be read: {failure.code}") from None
