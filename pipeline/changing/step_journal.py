"""The journal of one step of a plan, in the tenant's store."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from model.call import Call
from model.canonical import encode, instant
from model.fault import Refused
from model.plan import ENDED, CallState, Plan, Progress, Sent, State, Step, StepState
from pipeline.changing.permits import Permits, why_stopped
from pipeline.scanning.findings import advanced, write_changes
from pipeline.scanning.reverts import mark_reverted
from pipeline.world import Task, World
from remediation.applying import Ended, Stopped
from store.plans import STARTED
from store.tenant import TenantStore
from store.writer import Writer

_HELD_FOR = timedelta(minutes=5)  # longer than a call may take to be sent, and its operation to end (clouds/*/write.py)


class Begun(Struct, frozen=True):
    """How far an earlier run of a plan came: steps by the resource's uid, and the calls that it left open.

    `ended` are the resources whose steps have ended, as the audit chain recorded it: rows may say something else.
    """

    steps: Mapping[str, Progress]
    open: Sequence[Sent]
    ended: Collection[str]

    def is_left(self, step: Step) -> bool:
        """Return whether a step has not come to its end."""
        done = self.steps.get(step.target.uid)
        return step.target.resource not in self.ended and (done is None or done.state not in ENDED)


def begun_before(store: TenantStore, plan: Plan) -> Begun:
    """Return how far a plan is, before anything more is done; raises `StoreFault` where not all of it can be read."""
    with store.read(whole=True) as reader:
        open_ = [sent for sent in reader.plans.journal(plan.id) if sent.state == "sending"]
        recorded = reader.plans.worked(plan.id)
        return Begun(
            reader.plans.progress(plan.id), open_, {name for name, state in recorded.items() if state in ENDED}
        )


class StepJournal:
    """Writes down one step of a plan: every change of it can be accounted for, whenever its writer dies.

    What came of a call is written with what comes next, the next call or the step's end: whoever goes on after a crash
    finds it as one that was about to be sent, and reads what became of it.
    """

    def __init__(self, world: World, task: Task, plan: Plan, step: Step, begun: Begun) -> None:
        self._world = world
        self._task = task
        self._permits = Permits(world.home, task.store, task.tenant.tenant, world.clock)
        self._plan = plan
        self._step = step
        self._holder = f"{plan.id} {task.fence.number}"
        uid = step.target.uid
        self._earlier = begun.steps.get(uid)
        self._open = [replace(one, state="in doubt", code="its runner ended") for one in begun.open if one.uid == uid]
        self._before = self._earlier.before if self._earlier else None
        self._has_sent = False

    def before(self) -> Progress | None:
        """Return how far an earlier run came."""
        return self._earlier

    def ahead(self, before: State, call: Call) -> None:
        """Write that a call is about to be sent, in one transaction with everything that could forbid it."""
        self._before = before
        if why := why_stopped(self._world.home, self._task.tenant.tenant):
            raise Stopped(why)
        self._permits.ask(self._plan)
        self._task.go_on()
        uid = self._step.target.uid
        with self._write() as writer:
            self._start(writer)
            self._hold(writer)
            self._write_open(writer)
            writer.plans.put_progress(self._progress("applying", before=before))
            number = writer.plans.calls(self._plan.id, uid)
            sent = Sent(self._plan.id, uid, number, encode(call).decode(), "sending", self._world.now)
            writer.plans.write_ahead(sent)
        self._open, self._has_sent = [sent], True

    def _start(self, writer: Writer) -> None:
        """Record that the plan has begun, with the first thing that is sent; votes may be withdrawn until then.

        Raises `Stopped` where it is not approved any more.
        """
        if writer.plans.is_underway(self._plan.id):
            return
        try:
            self._permits.refuse_unapproved(writer, self._plan)
        except Refused as refused:
            raise Stopped(str(refused)) from None
        writer.record(STARTED, self._plan.id, hash=self._plan.hash)

    def behind(self, state: CallState, code: str = "") -> None:
        """Take what came of the call."""
        self._open = [replace(one, state=state, code=code, at=self._world.now) for one in self._open]

    def end(self, ended: Ended) -> None:
        """Write how the step ended; in the same transaction its findings, and the asset as it is now."""
        at, uid = self._world.now, self._step.target.uid
        with self._task.store.observe(at, self._task.person, self._task.fence) as writer:
            self._refuse_overtaken(writer)
            self._write_open(writer)
            if ended.asset is not None:
                writer.put_assets([ended.asset], at)
                facts = write_changes(writer, advanced(writer, ended.verdicts, at), self._plan.id)
                if not self._plan.undoes:
                    mark_reverted(writer, facts)
            if ended.state != "unverified" or not self._is_reverted(writer):
                writer.plans.put_progress(self._progress(ended.state, ended.reason, self._before, ended.after))
            if self._plan.undoes and ended.state == "verified":
                self._mark_rolled_back(writer, at)
            writer.leases.let_go(uid, self._holder)

    def _refuse_overtaken(self, writer: Writer) -> None:
        """Raise `Stopped` where another run has begun the step since this one looked: what that sent is open."""
        if not self._has_sent and writer.plans.step(self._plan.id, self._step.target.uid) != self._earlier:
            raise Stopped(f"another run has begun to change {self._step.target.name}; run this one again later")

    def _is_reverted(self, writer: Writer) -> bool:
        now = writer.plans.step(self._plan.id, self._step.target.uid)
        return now is not None and now.state == "reverted"

    def _write_open(self, writer: Writer) -> None:
        for one in self._open:
            writer.plans.note(one)
        self._open = []

    def _mark_rolled_back(self, writer: Writer, at: str) -> None:
        original = writer.plans.step(self._plan.undoes, self._step.target.uid)
        if original is not None:
            writer.plans.put_progress(replace(original, state="undone", at=at, reason=f"by the plan {self._plan.id}"))

    def _progress(
        self, state: StepState, reason: str = "", before: State | None = None, after: State | None = None
    ) -> Progress:
        uid = self._step.target.uid
        return Progress(self._plan.id, uid, state, self._world.now, reason, before, after)

    def _hold(self, writer: Writer) -> None:
        now = self._world.clock.now()
        until = instant(now + _HELD_FOR)
        if not writer.leases.hold(self._step.target.uid, self._holder, instant(now), until):
            raise Stopped(f"another plan is changing {self._step.target.name} now; run this one again later")

    def _write(self) -> AbstractContextManager[Writer]:
        return self._task.store.write(self._world.now, self._task.person, self._task.fence)
