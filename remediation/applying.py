"""One step of a plan to its end: read afresh, write ahead, send, verify. What it needs of the world is handed to it.

Whatever happens between two lines of this file, the journal and a fresh reading show what was changed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from clouds.call_failed import CallFailed, InDoubt
from model.asset import Asset
from model.call import Call, WriteCloud
from model.clock import Clock
from model.finding import Verdict
from model.plan import CallState, Progress, State, Step, StepState
from remediation.playbook import Body, Gone, Playbook
from remediation.states import is_between, same

_IN_ORDER = frozenset({"pass", "not_applicable"})
_FIRST_PAUSE_SECONDS, _LONGEST_PAUSE_SECONDS = 0.5, 10.0


class Stopped(Exception):
    """Nothing more may be sent: the kill switch, a lost lease, a turn that is over."""


class Journal(Protocol):
    """What is written down before and after everything that is done to one resource."""

    def before(self) -> Progress | None:
        """Return how far an earlier run came, None where none has begun."""
        ...

    def ahead(self, before: State, call: Call) -> None:
        """Write what there was before the first call, and that one is about to be sent.

        Raises `Stopped` where nothing may be sent any more.
        """
        ...

    def behind(self, state: CallState, code: str = "") -> None:
        """Take what came of the call, `done`, `failed` or `in doubt`: it is written with whatever comes next."""
        ...

    def end(self, ended: "Ended") -> None:
        """Write how the step ended, and what follows for the findings."""
        ...


class Ended(Struct, frozen=True):
    """How a step ended, with what was read last: the state, the asset as it is now, and the verdicts on it."""

    state: StepState
    reason: str = ""
    after: State | None = None
    asset: Asset | None = None
    verdicts: Sequence[Verdict] = ()


class Judged(Struct, frozen=True):
    """An asset as it is now, and what its policies say of it."""

    asset: Asset
    verdicts: Sequence[Verdict]


class Tools(Struct, frozen=True):
    """What a step is done with: the client, the time, and the detector that found the fault, asked with a fresh body.

    Where something is rolled back (`rolling_back`), the detector finds the fault again, and that is in order.
    """

    cloud: WriteCloud
    clock: Clock
    judge: Callable[[Body], Judged]
    rolling_back: bool = False


def carry_out(step: Step, playbook: Playbook, tools: Tools, journal: Journal) -> Ended:
    """Do a step, or go on with one that was broken off; return how it ended.

    The playbook changes the step's target with the tools; the journal is written ahead of each call. Raises `Stopped`.
    """
    ended = _carried_out(step, playbook, tools, journal)
    journal.end(ended)
    return ended


def _carried_out(step: Step, playbook: Playbook, tools: Tools, journal: Journal) -> Ended:
    asset = step.target.asset
    try:
        now = playbook.state(playbook.read(tools.cloud, asset))
    except Gone:
        return Ended("stale", "the resource is gone")
    except CallFailed as failure:
        return Ended("failed", f"it could not be read: {failure.code}")
    begun = journal.before()
    before = begun.before if begun is not None else None
    if before is None and not same(now, step.before) and not same(now, step.after):
        return Ended("stale", "it is not as it was when the plan was made")
    if before is not None and not same(before, step.before):  # it was, or nothing would have been sent
        return Ended("stale", "what was kept of it is not what was planned: somebody has edited it")
    if before is not None and not is_between(before, step.after, now):
        return Ended("unverified", "somebody else has changed it since it was begun")
    if same(now, step.after):
        return _verified(step, playbook, tools, unchanged=before is None)
    for call in playbook.write(asset, now, step.after):
        journal.ahead(now if before is None else before, call)
        try:
            tools.cloud.send(call)
        except InDoubt as doubt:
            journal.behind("in doubt", doubt.code)
            break  # whether it took effect is read, not guessed; nothing more is sent
        except CallFailed as failure:
            journal.behind("failed", failure.code)
            return Ended("failed", f"{call.op}: {failure.code}")
        journal.behind("done")
    return _verified(step, playbook, tools)


def verify(step: Step, playbook: Playbook, tools: Tools) -> Ended:
    """Return whether a step shows: its target, read afresh with the tools, is as the playbook wants it.

    The policies pass, too.
    """
    return _verified(step, playbook, tools)


def _verified(step: Step, playbook: Playbook, tools: Tools, *, unchanged: bool = False) -> Ended:
    """Read until what is wanted shows, or the time to settle is over."""
    ends = tools.clock.now().timestamp() + playbook.settle_seconds
    pause = _FIRST_PAUSE_SECONDS
    while True:
        ended = _looked_at(step, playbook, tools)
        if ended.state == "verified":
            return replace(ended, state="unchanged", reason="it was so already") if unchanged else ended
        if tools.clock.now().timestamp() + pause > ends or ended.state == "stale":
            return ended
        tools.clock.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)


def _looked_at(step: Step, playbook: Playbook, tools: Tools) -> Ended:
    try:
        body = playbook.read(tools.cloud, step.target.asset)
    except Gone:
        return Ended("stale", "the resource is gone")
    except CallFailed as failure:
        return Ended("unverified", f"it could not be read: {failure.code}")
    now, judged = playbook.state(body), tools.judge(body)
    why = ""
    if not same(now, step.after):
        why = "it is not as wanted"
    elif not tools.rolling_back:
        why = next(_doubts(step, judged.verdicts), "")
    return Ended("unverified" if why else "verified", why, now, judged.asset, judged.verdicts)


def _doubts(step: Step, verdicts: Sequence[Verdict]) -> Iterator[str]:
    """Yield what keeps a step from being verified: a policy of it that fails, cannot be known, or says nothing."""
    for policy in step.policies:
        said = [verdict for verdict in verdicts if verdict.policy == policy]
        if not said:
            yield f"{policy}: no verdict"
        yield from (f"{policy}: {v.status} {v.reason}".strip() for v in said if v.status not in _IN_ORDER)
