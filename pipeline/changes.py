"""Approved plans into changes: in waves, each resource leased, each call written ahead, each end verified."""

import math
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from datetime import timedelta
from typing import Self

from msgspec import Struct
from msgspec.structs import replace

from clouds.call_failed import CallFailed
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset
from model.call import Call, WriteCloud
from model.canonical import digest, encode, instant
from model.clock import Clock
from model.fault import Refused
from model.finding import Verdict
from model.person import Actor
from model.plan import CHANGED, ENDED, CallState, Plan, Progress, Sent, State, Step, StepState
from model.tenant import Tenant
from pipeline.advancing import advanced, write_changes
from pipeline.assembly import House
from pipeline.plans import known_assets, playbook_of, put_plan, read_plan, refuse_nobody, refuse_unentitled, standing
from pipeline.turn import Turn
from remediation.applying import Ended, Stopped, Tools, carry_out, verify
from remediation.playbook import Body, Gone, Playbook
from remediation.proposing import Done, Terms, asset_of, propose_undo
from store.home import Home
from store.plans import Plans
from store.tenant import TenantStore
from store.writer import Writer

STARTED = "plan.started"
_AT_ONCE = 8  # resources of a wave that are worked on at the same time
_SECOND_WAVE = 0.10
_HELD_FOR = timedelta(minutes=5)  # longer than any call may take to be sent and answered
_FUTILE = 3  # so many steps without one success end a plan

Enter = Callable[[str, Sequence[str]], WriteCloud]


class Hands(Struct, frozen=True):
    """What changing needs: the stores, what we know, the time, and doors for changes by scope and permissions."""

    home: Home
    tenant: Tenant
    house: House
    clock: Clock
    enter: Enter

    @property
    def store(self) -> TenantStore:
        """Return the door to the tenant's data."""
        return self.home.tenant(self.tenant.tenant)

    @property
    def now(self) -> str:
        """Return the present moment."""
        return instant(self.clock.now())


def start(hands: Hands, id_: str, person: str) -> Plan:
    """Record that a plan is to be carried out; raises `Refused` unless it is approved and nothing forbids it."""
    refuse_unentitled(hands.tenant, hands.clock)
    plan = read_plan(hands.store, id_)
    if fault := hands.store.audit_fault():  # the votes are records of this chain
        raise Refused(f"the audit chain cannot be trusted: {fault}")
    stands = standing(hands.store, plan, hands.clock)
    if stands.state != "approved" and not _is_started(hands.store, plan):
        raise Refused(f"the plan {plan.id} is {stands.state}" + (f": {stands.reason}" if stands.reason else ""))
    if stands.state == "denied":
        raise Refused(f"the plan {plan.id} is denied: {stands.reason}")
    with hands.store.write(hands.now, person) as writer:
        writer.record(STARTED, plan.id, hash=plan.hash)
    return plan


def underway(hands: Hands) -> list[Plan]:
    """Return the plans that were started and have not come to their end."""
    with hands.store.read() as reader:
        started = [plan for plan in reader.plans.newest(200) if reader.plans.was_recorded(STARTED, plan.id)]
        return [plan for plan in started if _left(plan, reader.plans)]


def carry_on(hands: Hands, turn: Turn) -> None:
    """Carry every started plan to its end; raises `Refused` where all changes are stopped."""
    for plan in underway(hands):
        _run(hands, read_plan(hands.store, plan.id), turn)


def _run(hands: Hands, plan: Plan, turn: Turn) -> None:
    with hands.store.read() as reader:
        left = _left(plan, reader.plans)
    tried = good = 0
    with Doors(hands, plan) as doors:
        workshop = _Workshop(hands, plan, turn, doors)
        for wave in waves(left):
            workshop.refuse_halted()
            with ThreadPoolExecutor(_AT_ONCE) as pool:
                ended = [one for one in pool.map(workshop.work, wave) if one is not None]
            workshop.check()
            tried += len(ended)
            good += sum(one.state in ("verified", "unchanged") for one in ended)
            if tried >= _FUTILE and not good:
                raise Refused(f"the plan {plan.id} stops by itself: none of its first {tried} resources came out well")


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


def _is_started(store: TenantStore, plan: Plan) -> bool:
    with store.read() as reader:
        return reader.plans.was_recorded(STARTED, plan.id)


class _Workshop:
    """Works on the steps of one plan; safe to share between threads."""

    def __init__(self, hands: Hands, plan: Plan, turn: Turn, doors: "Doors") -> None:
        self._hands = hands
        self._plan = plan
        self._turn = turn
        self._doors = doors
        self._playbook = playbook_of(plan.playbook)
        self._failure: BaseException | None = None
        with hands.store.read() as reader:
            found = known_assets(reader, [step.target.uid for step in plan.steps])
            self._assets = {asset.uid: asset for asset in found}
        self._judge = Judge(hands, plan)

    def work(self, step: Step) -> Ended | None:
        """Do one step; None where nothing may be sent any more. Whatever else goes wrong is kept for `check`."""
        if self._failure is not None:
            return None
        asset = self._assets.get(step.target.uid)
        journal = StepJournal(self._hands, self._plan, step, self._playbook, asset, self._turn)
        try:
            if asset is None:
                journal.end(ended := Ended("stale", "the inventory does not know the resource any more"))
                return ended
            tools = Tools(
                self._doors.of(step.target.scope),
                self._hands.clock,
                self._judge.of(step),
                undoing=bool(self._plan.undoes),
            )
            return carry_out(step, asset, self._playbook, tools, journal)
        except Stopped as stopped:
            self._failure = self._failure or Refused(str(stopped))
        except Refused as refused:  # no way into this scope: the others may have one
            journal.end(ended := Ended("failed", str(refused)))
            return ended
        except BaseException as problem:  # noqa: BLE001 - a thread's failure is the run's
            self._failure = self._failure or problem
        return None

    def check(self) -> None:
        """Raise what has ended the work, if anything has."""
        if self._failure is not None:
            raise self._failure

    def refuse_halted(self) -> None:
        """Raise `Refused` where all changes are stopped."""
        if why := why_stopped(self._hands):
            raise Refused(why)


class Doors:
    """The doors for one plan's changes, opened as they are needed, closed at the end; safe to share between threads."""

    def __init__(self, hands: Hands, plan: Plan) -> None:
        self._hands = hands
        self._needs = plan.needs
        self._lock = threading.Lock()
        self._open: dict[str, WriteCloud] = {}

    def of(self, scope: str) -> WriteCloud:
        """Return the door of a scope; raises `Refused` where there is none."""
        with self._lock:
            if scope not in self._open:
                self._open[scope] = self._hands.enter(scope, self._needs)
            return self._open[scope]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for door in self._open.values():
            door.close()


def why_stopped(hands: Hands) -> str:
    """Return who has stopped changes, the empty text where nobody has."""
    with hands.home.service.read() as door:
        halt = door.halts.holding(hands.tenant.tenant)
    if halt is None:
        return ""
    whose = f"of {halt.tenant}" if halt.tenant else "of all tenants"
    return f"{halt.person} has stopped the changes {whose}: {halt.reason}"


class StepJournal:
    """Writes down one step of a plan: every change of it can be accounted for, whenever its writer dies."""

    def __init__(
        self, hands: Hands, plan: Plan, step: Step, playbook: Playbook, asset: Asset | None, turn: Turn
    ) -> None:
        self._hands = hands
        self._plan = plan
        self._step = step
        self._playbook = playbook
        self._asset = asset
        self._turn = turn
        self._holder = f"{plan.id} {turn.fence.number}"
        self._call: Sent | None = None

    def before(self) -> Progress | None:
        """Return how far an earlier run came; of a call that it was about to send nobody can tell, and it says so."""
        uid = self._step.target.uid
        with self._hands.store.read() as reader:
            begun = reader.plans.step(self._plan.id, uid)
            open_ = [one for one in reader.plans.journal(self._plan.id) if one.uid == uid and one.state == "sending"]
        if open_:
            with self._write() as writer:
                for one in open_:
                    writer.plans.note(replace(one, state="in doubt", code="its runner ended", at=self._hands.now))
        return begun

    def begin(self, before: State) -> None:
        """Write what there was, and that calls may be under way."""
        with self._write() as writer:
            self._hold(writer)
            writer.plans.put_progress(self._progress("applying", before=before))

    def ahead(self, call: Call) -> None:
        """Write that a call is about to be sent, in one transaction with everything that could forbid it."""
        if why := why_stopped(self._hands):
            raise Stopped(why)
        self._turn.go_on()
        with self._write() as writer:
            self._hold(writer)
            uid = self._step.target.uid
            number = writer.plans.calls(self._plan.id, uid)
            self._call = Sent(self._plan.id, uid, number, encode(call).decode(), "sending", self._hands.now)
            writer.plans.write_ahead(self._call)

    def behind(self, state: CallState, code: str = "") -> None:
        """Write what came of the call."""
        assert self._call is not None, "only after `ahead`"
        with self._write() as writer:
            sent = replace(self._call, state=state, code=code, at=self._hands.now)
            writer.plans.note(sent)
            if state == "failed":
                return
            begun = writer.plans.step(self._plan.id, self._step.target.uid)
            if begun is not None:
                writer.plans.put_progress(replace(begun, state="applied", at=self._hands.now))

    def end(self, ended: Ended) -> None:
        """Write how the step ended; in the same transaction its findings, the inventory, and the record."""
        at, uid = self._hands.now, self._step.target.uid
        with self._write() as writer:
            begun = writer.plans.step(self._plan.id, uid)
            before = begun.before if begun else None
            writer.plans.put_progress(self._progress(ended.state, ended.reason, before, ended.after))
            if self._asset is not None and ended.body is not None:
                writer.put_assets([fresh(self._hands.house, self._asset, self._playbook, ended.body)], at)
                write_changes(writer, advanced(writer, ended.verdicts, at), self._plan.id)
            if self._plan.undoes and ended.state == "verified":
                self._mark_undone(writer, at)
            writer.plans.let_go(uid, self._holder)
            writer.record(
                "plan.step", self._plan.id, resource=self._step.target.resource, state=ended.state, reason=ended.reason
            )

    def _mark_undone(self, writer: Writer, at: str) -> None:
        original = writer.plans.step(self._plan.undoes, self._step.target.uid)
        if original is not None:
            writer.plans.put_progress(replace(original, state="undone", at=at, reason=f"by the plan {self._plan.id}"))

    def _progress(
        self, state: StepState, reason: str = "", before: State | None = None, after: State | None = None
    ) -> Progress:
        uid = self._step.target.uid
        return Progress(self._plan.id, uid, state, self._hands.now, reason, before, after)

    def _hold(self, writer: Writer) -> None:
        now = self._hands.clock.now()
        until = instant(now + _HELD_FOR)
        if not writer.plans.hold(self._step.target.uid, self._holder, instant(now), until):
            raise Stopped(f"another plan is changing {self._step.target.name} now; run this one again later")

    def _write(self) -> AbstractContextManager[Writer]:
        return self._hands.store.write(self._hands.now, self._turn.person, self._turn.fence)


class Judge:
    """Judges resources afresh by the policies that found their faults, with the inventory around them."""

    def __init__(self, hands: Hands, plan: Plan) -> None:
        self._hands = hands
        wanted = {policy for step in plan.steps for policy in step.policies}
        self._policies = {policy.id: policy for policy in hands.house.policies if policy.id in wanted}
        self._playbook = playbook_of(plan.playbook)
        self._lock = threading.Lock()
        self._around: dict[str, list[Asset]] = defaultdict(list)
        kinds = {other.kind for policy in self._policies.values() for other in policy.others.values()}
        with hands.store.read() as reader:
            uids = [row.uid for row in reader.current_assets() if row.kind in kinds]
            for asset in known_assets(reader, uids):
                self._around[asset.scope].append(asset)

    def of(self, step: Step) -> Callable[[Asset, Body], Sequence[Verdict]]:
        """Return what judges a step's resource with a fresh body."""
        policies = [self._policies[id_] for id_ in step.policies if id_ in self._policies]

        def judge(asset: Asset, body: Body) -> Sequence[Verdict]:
            moment = Moment(self._hands.clock.now(), self._hands.tenant.thresholds)
            posture = Posture(policies, moment)
            now = fresh(self._hands.house, asset, self._playbook, body)
            with self._lock:  # compiled expressions are not made for several threads
                verdicts = posture.see(now)
                for other in self._around[asset.scope]:
                    if other.uid != asset.uid:
                        verdicts += posture.see(other)
                return [said for said in [*verdicts, *posture.end()] if said.asset_uid == asset.uid]

        return judge


def fresh(house: House, asset: Asset, playbook: Playbook, body: Body) -> Asset:
    """Return an asset with what was read of it just now."""
    told = {name: value for name, value in body.items() if not name.startswith("_")}  # handles are for the change only
    whole = {name: value for name, value in asset.body.items() if name not in playbook.fields} | told
    volatile = house.kinds[asset.kind].volatile
    hashed = digest({name: value for name, value in whole.items() if name not in volatile})
    unknown = {name: cause for name, cause in asset.unknown.items() if name not in playbook.fields}
    return replace(asset, body=whole, body_hash=hashed, unknown=unknown)


def verify_again(hands: Hands, id_: str, turn: Turn) -> Mapping[str, Ended]:
    """Look once more at every step that left something behind, and write what was found."""
    plan = read_plan(hands.store, id_)
    playbook, judge, found = playbook_of(plan.playbook), Judge(hands, plan), dict[str, Ended]()
    with hands.store.read() as reader:
        progress = reader.plans.progress(plan.id)
        assets = {asset.uid: asset for asset in known_assets(reader, progress)}
    with Doors(hands, plan) as doors:
        for step in plan.steps:
            begun, asset = progress.get(step.target.uid), assets.get(step.target.uid)
            if begun is None or begun.state not in CHANGED or asset is None:
                continue
            tools = Tools(doors.of(asset.scope), hands.clock, judge.of(step), undoing=bool(plan.undoes))
            found[asset.resource] = ended = verify(step, asset, playbook, tools)
            StepJournal(hands, plan, step, playbook, asset, turn).end(ended)
    return found


def make_undo(hands: Hands, id_: str, actor: Actor, resources: Sequence[str] = ()) -> Plan:
    """Make the plan that takes a plan back, on what is there now, and record it."""
    refuse_unentitled(hands.tenant, hands.clock)
    refuse_nobody(actor)
    plan = read_plan(hands.store, id_)
    playbook = playbook_of(plan.playbook)
    with hands.store.read() as reader:
        progress = reader.plans.progress(plan.id)
        assets = {asset.uid: asset for asset in known_assets(reader, progress)}
    done = []
    with Doors(hands, plan) as doors:
        for step in plan.steps:
            begun = progress.get(step.target.uid)
            chosen = not resources or {step.target.resource, step.target.name} & set(resources)
            if begun is not None and begun.state in CHANGED and begun.before is not None and chosen:
                asset = assets.get(step.target.uid) or asset_of(step.target, {})
                done.append(Done(step, begun, _now(playbook, doors.of(asset.scope), asset)))
    if not done:
        raise Refused(f"the plan {plan.id} has changed nothing that could be taken back")
    terms = Terms(
        tenant=hands.tenant.tenant,
        author=actor.name,
        requester=actor.name,
        created_at=hands.now,
        of_kind=0,
        customer=hands.tenant.contract.customer_approves,
    )
    made = propose_undo(playbook, plan, done, terms)
    if not made.steps:
        raise Refused(f"nothing can be taken back: {made.left_out[0].resource}: {made.left_out[0].reason.en}")
    put_plan(hands.store, made, actor.name)
    return made


def _now(playbook: Playbook, cloud: WriteCloud, asset: Asset) -> State:
    """Return a resource's state; raises `Refused` where it cannot be told."""
    try:
        return playbook.state(playbook.read(cloud, asset))
    except Gone:
        raise Refused(f"{asset.resource} is gone: there is nothing to take back") from None
    except CallFailed as failure:
        raise Refused(f"{asset.resource} could not be read: {failure.code}") from None
