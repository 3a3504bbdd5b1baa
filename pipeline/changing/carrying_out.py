"""Approved plans into changes: in waves, each resource leased, each call written ahead, each end verified."""

import math
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from clouds.call_failed import CallFailed
from model.asset import Asset
from model.call import WriteCloud
from model.fault import Refused
from model.person import SCHEDULE, Actor
from model.plan import CHANGED, ENDED, Plan, State, Step
from pipeline.changing.environment import Hands, WriteClients, why_stopped
from pipeline.changing.plans import (
    Wanted,
    known_assets,
    make_plan,
    never_of,
    playbook_of,
    put_plan,
    read_plan,
    refuse_nobody,
    start,
)
from pipeline.changing.step_journal import StepJournal, begun_before
from pipeline.changing.verifying import Judge
from pipeline.turn import Turn
from remediation.applying import Ended, Stopped, Tools, carry_out, verify
from remediation.playbook import Gone, Playbook
from remediation.proposing import LeftStep, Terms, asset_of, propose_rollback
from store.plans import FINISHED, Plans
from store.tenant import Fenced

WORKED = "plan.worked"
BY_SCHEDULE = Actor(SCHEDULE, (), "all")
_AT_ONCE = 8  # resources of a wave that are worked on at the same time
_SECOND_WAVE = 0.10
_FUTILE = 3  # so many steps without one success end a plan


def obey(hands: Hands) -> None:
    """Make and start the plans that standing orders ask for after a scan; a plan for nothing is none."""
    with hands.store.read() as reader:
        orders = [order for order in reader.plans.orders() if order.holds(hands.now)]
    for order in orders:
        wanted = Wanted(order.playbook, order.author, order=order)
        with suppress(Refused):  # nothing to remediate, or the contract has ended
            plan = make_plan(hands.store, hands.tenant, wanted, BY_SCHEDULE, hands.clock)
            start(hands.store, hands.tenant, plan.id, SCHEDULE, hands.clock)


def carry_on(hands: Hands, turn: Turn) -> None:
    """Carry every started plan to its end, each whatever befalls the others; raises `Refused` where one has none."""
    with hands.store.read() as reader:
        started = reader.plans.underway()
    finish(hands, started, turn)


def finish(hands: Hands, plans: Sequence[str], turn: Turn) -> None:
    """Carry these plans to their ends, as `carry_on` does with all that are started.

    `hands` are what changing needs, `plans` their ids; the turn ends where another has begun. Raises the first
    `Refused` of them, after the others have been carried out.
    """
    refused: list[Refused] = []
    for id_ in plans:
        try:
            _finish(hands, read_plan(hands.store, id_), turn)
        except Fenced:
            raise
        except Refused as problem:
            refused.append(problem)
    if refused:
        raise refused[0]


def _finish(hands: Hands, plan: Plan, turn: Turn) -> None:
    """Carry a plan to its end; one that stops by itself is not gone on with until somebody starts it again."""
    stopped = _run(hands, plan, turn)
    with hands.store.write(hands.now, turn.person, turn.fence) as writer:
        writer.record(FINISHED, plan.id, stopped=stopped)
    if stopped:
        raise Refused(f"the plan {plan.id} stops by itself: {stopped}")


def _run(hands: Hands, plan: Plan, turn: Turn) -> str:
    """Do what is left of a plan, wave by wave; return why it stops before its end, the empty text where it does not."""
    with hands.store.read() as reader:
        left = _left(plan, reader.plans)
    tried = good = 0
    with WriteClients(hands, plan) as clients, hands.store.held(), hands.home.service.held():
        workshop = _Workshop(hands, plan, turn, clients)
        for wave in waves(left):
            workshop.refuse_halted()
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                ended = [one for one in pool.map(workshop.work, wave) if one is not None]
            _record(hands, plan, turn)
            workshop.check()
            tried += len(ended)
            good += sum(one.state in ("verified", "unchanged") for one in ended)
            if tried >= _FUTILE and not good:
                return f"none of its first {tried} resources came out well"
    return ""


def _record(hands: Hands, plan: Plan, turn: Turn) -> None:
    """Leave an audit record of all that was done by a plan so far, also by runners that died."""
    with hands.store.write(hands.now, turn.person, turn.fence) as writer:
        names = {step.target.uid: step.target.resource for step in plan.steps}
        states = {names[uid]: done.state for uid, done in writer.plans.progress(plan.id).items()}
        writer.record(WORKED, plan.id, hash=plan.hash, states=states)


def waves(steps: Sequence[Step]) -> Iterator[Sequence[Step]]:
    """Yield a plan's steps in waves: one, then a tenth, then the rest."""
    second = 1 + math.ceil(len(steps) * _SECOND_WAVE)
    for wave in (steps[:1], steps[1:second], steps[second:]):
        if wave:
            yield wave


def _left(plan: Plan, plans: Plans) -> list[Step]:
    progress = plans.progress(plan.id)
    return [
        s for s in plan.steps if s.live and (s.target.uid not in progress or progress[s.target.uid].state not in ENDED)
    ]


class _Workshop:
    """Works on the steps of one plan; safe to share between threads."""

    def __init__(self, hands: Hands, plan: Plan, turn: Turn, clients: WriteClients) -> None:
        self._hands = hands
        self._plan = plan
        self._turn = turn
        self._clients = clients
        self._playbook = playbook_of(plan.playbook)
        self._failure: BaseException | None = None
        with hands.store.read() as reader:
            found = known_assets(reader, [step.target.uid for step in plan.steps])
            self._assets = {asset.uid: asset for asset in found}
            self._never = never_of(hands.tenant, reader)
        self._begun = begun_before(hands.store, plan)
        self._judge = Judge(hands, plan)

    def work(self, step: Step) -> Ended | None:
        """Do one step; None where nothing may be sent any more. Whatever else goes wrong is kept for `check`."""
        if self._failure is not None:
            return None
        asset = self._assets.get(step.target.uid)
        journal = StepJournal(self._hands, self._plan, step, self._begun, self._turn)
        try:
            if asset is None:
                return _ended(journal, Ended("stale", "the inventory does not know the resource any more"))
            if not self._plan.undoes and (why := self._never.why(asset)):  # that may have become so since
                return _ended(journal, Ended("stale", why.en))
            try:
                tools = self._tools(step)
            except Refused as refused:  # no way into this scope: the others may have one
                return _ended(journal, Ended("failed", str(refused)))
            return carry_out(step, asset, self._playbook, tools, journal)
        except Stopped as stopped:
            self._failure = self._failure or Refused(str(stopped))
        except BaseException as problem:  # noqa: BLE001 - a thread's failure is the run's
            self._failure = self._failure or problem
        return None

    def _tools(self, step: Step) -> Tools:
        cloud, judge = self._clients.of(step.target.scope), self._judge.of(step)
        return Tools(cloud, self._hands.clock, judge, rolling_back=bool(self._plan.undoes))

    def check(self) -> None:
        """Raise what has ended the work, if anything has."""
        if self._failure is not None:
            raise self._failure

    def refuse_halted(self) -> None:
        """Raise `Refused` where all changes are stopped."""
        if why := why_stopped(self._hands):
            raise Refused(why)


def _ended(journal: StepJournal, ended: Ended) -> Ended:
    journal.end(ended)
    return ended


def verify_again(hands: Hands, id_: str, turn: Turn) -> Mapping[str, Ended]:
    """Look once more at every step of a plan (`id_`) that left something behind, and write what was found.

    Return how each ended, by resource. `hands` are what changing needs; nothing is written once the turn has ended.
    """
    plan = read_plan(hands.store, id_)
    playbook, judge, found = playbook_of(plan.playbook), Judge(hands, plan), dict[str, Ended]()
    with hands.store.read() as reader:
        progress = reader.plans.progress(plan.id)
        assets = {asset.uid: asset for asset in known_assets(reader, progress)}
    with WriteClients(hands, plan) as clients:
        for step in plan.steps:
            begun, asset = progress.get(step.target.uid), assets.get(step.target.uid)
            if begun is None or begun.state not in CHANGED & ENDED or asset is None:
                continue
            tools = Tools(clients.of(asset.scope), hands.clock, judge.of(step), rolling_back=bool(plan.undoes))
            found[asset.resource] = ended = verify(step, asset, playbook, tools)
            StepJournal(hands, plan, step, begun_before(hands.store, plan), turn).end(ended)
    _record(hands, plan, turn)
    return found


def make_rollback(hands: Hands, id_: str, actor: Actor, resources: Sequence[str] = ()) -> Plan:
    """Make the plan that rolls a plan (`id_`) back, on what is there now, and record it; after the contract's term too.

    `hands` are what changing needs; the actor is its author. With `resources`, by id or name, only these. Raises
    `Refused` where nobody has signed in, there is no such plan, or nothing of it can be rolled back.
    """
    refuse_nobody(actor)
    plan = read_plan(hands.store, id_)
    playbook = playbook_of(plan.playbook)
    with hands.store.read() as reader:
        progress = reader.plans.progress(plan.id)
        assets = {asset.uid: asset for asset in known_assets(reader, progress)}
    done = []
    with WriteClients(hands, plan) as clients:
        for step in plan.steps:
            begun = progress.get(step.target.uid)
            chosen = not resources or {step.target.resource, step.target.name} & set(resources)
            if begun is not None and begun.state in CHANGED and begun.before is not None and chosen:
                asset = assets.get(step.target.uid) or asset_of(step.target, {})
                done.append(LeftStep(step, begun, _now(playbook, clients.of(asset.scope), asset)))
    if not done:
        raise Refused(f"the plan {plan.id} has changed nothing that could be rolled back")
    terms = Terms(
        tenant=hands.tenant.tenant,
        author=actor.name,
        requester=actor.name,
        created_at=hands.now,
        of_kind=0,
        customer=hands.tenant.contract.customer_approves,
    )
    made = propose_rollback(playbook, plan, done, terms)
    if not made.steps:
        raise Refused(f"nothing can be rolled back: {made.left_out[0].resource}: {made.left_out[0].reason.en}")
    put_plan(hands.store, made, actor.name)
    return made


def _now(playbook: Playbook, cloud: WriteCloud, asset: Asset) -> State:
    """Return a resource's state; raises `Refused` where it cannot be determined."""
    try:
        return playbook.state(playbook.read(cloud, asset))
    except Gone:
        raise Refused(f"{asset.resource} is gone: there is nothing to roll back") from None
    except CallFailed as failure:
        raise Refused(f"{asset.resource} could not be read: {failure.code}") from None
