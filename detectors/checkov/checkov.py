"""All adopted checks over all assets of one scope, while they come in: asked of checkov's process in batches."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from catalog.checkov import Adopted
from catalog.policies import Policy
from detectors.checkov.containers import one_by_one
from detectors.checkov.shape import foregone, likeness, shown
from detectors.verdicts import kinds_of, unlisted, verdict
from model.asset import Asset, Listing, Place
from model.finding import Source, Status, Verdict
from model.worker import NoAnswer, Worker

_BATCH = 200
_BATCH_BYTES = 8 * 2**20
_BATCH_SECONDS, _ONE_SECONDS = 30.0, 10.0  # the first of a process includes 1.5 seconds of imports
_MOST_BROKEN = 20
_NO_ANSWER = "checkov gave an answer that is none"


class _One(Struct, frozen=True):
    """What is asked about one resource: of one runner, in the one shape that all these checks take."""

    runner: str
    checks: list[str]
    resource: Mapping[str, Any]


class _Answer(Struct, frozen=True):
    statuses: list[list[str]]


class _Part(Struct, frozen=True):
    """What is asked of one object that an asset is shown as, and the ids of the checks that judge it."""

    ids: tuple[str, ...]
    question: bytes


class _Task(Struct, frozen=True):
    """Checks of one asset that are asked together: of the asset, or of each of its containers."""

    asset: Asset
    checks: tuple[Adopted, ...]
    parts: tuple[_Part, ...]


class _Waiting(Struct, frozen=True):
    """An asset that waits for checkov's word: what our own policies say of it, what is said already, what is asked."""

    asset: Asset
    ours: list[Verdict]
    said: list[Verdict]
    tasks: list[_Task]


class Checkov:
    """Judges assets in batches; what is also a policy of ours is left to that policy, which names checkov's word.

    Whatever happens to the process, each check has one verdict on each of its assets: a batch without an answer is
    asked again, one resource at a time, so that only the one that broke it is unknown.
    """

    def __init__(
        self, adopted: Sequence[Adopted], worker: Worker, ours: Iterable[Policy] = (), batch: int = _BATCH
    ) -> None:
        """Take checks, whom to ask, and the policies that judge in the same run."""
        self._adopted = {one.id: one for one in adopted}
        self._for: dict[str, list[Adopted]] = defaultdict(list)
        for one in adopted:
            for kind in one.form.kinds:
                self._for[kind].append(one)
        also = {one.form.also for one in adopted}
        self._kind_of_ours = {policy.id: policy.form.kind for policy in ours if policy.id in also}
        self._worker = worker
        self._size = batch
        self._batch: list[_Waiting] = []
        self._tasks = self._bytes = 0
        self._broken = 0
        self._unlisted: set[tuple[str, str]] = set()
        # Until our policy's verdict is known: of policies that wait for the end of a look, until then.
        self._words: dict[tuple[str, str], tuple[Source, ...]] = {}

    def see(self, asset: Asset, ours: Iterable[Verdict] = ()) -> list[Verdict]:
        """Take an asset with our own verdicts on it; return all that are known by now, of this asset or earlier ones.

        Ours wait with the asset for checkov's word, a batch at most.
        """
        said, tasks = _sorted_out(self._of(asset), asset)
        waiting = _Waiting(replace(asset, body={}), [*ours], said, tasks)
        if not tasks:
            return self._settled(waiting, [])
        self._batch.append(waiting)
        self._tasks += sum(len(task.parts) for task in tasks)
        self._bytes += sum(len(part.question) for task in tasks for part in task.parts)
        return self._ask() if self._tasks >= self._size or self._bytes > _BATCH_BYTES else []

    def sourced(self, verdict: Verdict) -> Verdict:
        """Return our own verdict with what checkov says of the same."""
        words = self._words.pop((verdict.policy, verdict.asset_uid), ())
        return replace(verdict, sources=words) if words else verdict

    def hear(self, listing: Listing, place: Place) -> list[Verdict]:
        """Return an unknown verdict per check where a listing was not whole."""
        heard = (listing.kind, listing.region)
        if not listing.cause or heard in self._unlisted:
            return []
        self._unlisted.add(heard)
        stand_in = unlisted(listing, place)
        return [verdict(adopted, stand_in, "unknown", f"listing: {listing.cause}") for adopted in self._of(listing)]

    def end(self) -> list[Verdict]:
        """Return the verdicts that waited, now that everything was seen."""
        return self._ask()

    def _of(self, seen: Asset | Listing) -> list[Adopted]:
        return list({one.id: one for kind in kinds_of(seen) for one in self._for.get(kind, ())}.values())

    def _settled(self, waiting: _Waiting, statuses: Sequence[Verdict]) -> list[Verdict]:
        """Return an asset's verdicts: ours with their second sources, and those of checks that nothing of ours asks."""
        theirs = [self._left_to_ours(said, waiting.asset) for said in (*waiting.said, *statuses)]
        return [*map(self.sourced, waiting.ours), *theirs]

    def _left_to_ours(self, said: Verdict, asset: Asset) -> Verdict:
        """Return that our policy says so already, and keep the word for it; the verdict itself where ours does not."""
        form = self._adopted[said.policy].form
        if form.also is None or self._kind_of_ours.get(form.also) not in kinds_of(asset):
            return said
        if said.status in ("pass", "fail"):
            key = (form.also, said.asset_uid)
            self._words[key] = (*self._words.get(key, ()), Source(f"checkov:{form.check}", said.status))
        because = f" ({said.reason})" if said.reason else ""
        reason = f"left to {form.also}; checkov says {said.status}{because}"
        return replace(said, status="not_applicable", message=None, reason=reason)

    def _ask(self) -> list[Verdict]:
        batch, self._batch, self._tasks, self._bytes = self._batch, [], 0, 0
        statuses = iter(self._answers([task for waiting in batch for task in waiting.tasks]))
        return [
            verdict
            for waiting in batch
            for verdict in self._settled(waiting, [said for _ in waiting.tasks for said in next(statuses)])
        ]

    def _answers(self, tasks: Sequence[_Task]) -> list[list[Verdict]]:
        """Return the verdicts of each task."""
        if not tasks:
            return []
        try:
            self._worker.ready()
        except NoAnswer as problem:
            return [_unknown(task, str(problem)) for task in tasks]
        try:
            return self._statuses(tasks, _BATCH_SECONDS)
        except NoAnswer:
            return [self._ask_alone(task) for task in tasks]

    def _ask_alone(self, task: _Task) -> list[Verdict]:
        if self._broken >= _MOST_BROKEN:
            return _unknown(task, f"{_MOST_BROKEN} resources have broken checkov's process; no more are asked alone")
        try:
            return self._statuses([task], _ONE_SECONDS)[0]
        except NoAnswer as problem:
            self._broken += 1
            return _unknown(task, f"checkov: {problem}")

    def _statuses(self, batch: Sequence[_Task], seconds: float) -> list[list[Verdict]]:
        parts = [part for task in batch for part in task.parts]
        said = self._worker.ask(b'{"judge":[' + b",".join(part.question for part in parts) + b"]}", seconds)
        try:
            answers = msgspec.json.decode(said, type=_Answer).statuses
            words = iter([dict(zip(part.ids, said, strict=True)) for part, said in zip(parts, answers, strict=True)])
            return [_together(task, [next(words) for _ in task.parts]) for task in batch]
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise NoAnswer(_NO_ANSWER) from None


def _sorted_out(checks: Iterable[Adopted], asset: Asset) -> tuple[list[Verdict], list[_Task]]:
    """Return the verdicts that need nobody, and what has to be asked: a task for each shape of the asset."""
    verdicts: list[Verdict] = []
    alike: dict[tuple[str, str], list[Adopted]] = {}
    for adopted in checks:
        if (statuses := foregone(adopted, asset)) is not None:
            verdicts.append(_said(adopted, asset, *statuses))
        else:
            alike.setdefault((adopted.form.runner, likeness(adopted)), []).append(adopted)
    tasks: list[_Task] = []
    for (runner, _), same in alike.items():
        try:
            tasks.append(_task(asset, runner, same))
        except ValueError as problem:  # what a program reads from a file cannot be known
            verdicts += [_said(adopted, asset, "unknown", str(problem)) for adopted in same]
    return verdicts, tasks


def _task(asset: Asset, runner: str, checks: list[Adopted]) -> _Task:
    by_one = bool(checks[0].form.container_lists)
    objects = one_by_one(checks, asset) if by_one else [(checks, shown(checks, asset))]
    return _Task(replace(asset, body={}), tuple(checks), tuple(_part(runner, *each) for each in objects))


def _part(runner: str, checks: Sequence[Adopted], resource: Mapping[str, Any]) -> _Part:
    question = _One(runner, [adopted.form.check for adopted in checks], resource)
    return _Part(tuple(adopted.id for adopted in checks), msgspec.json.encode(question))


def _together(task: _Task, said: Sequence[Mapping[str, str]]) -> list[Verdict]:
    """Return a task's verdicts: of several parts, the gravest that a check says of one of them."""
    verdicts = []
    for adopted in task.checks:
        words = {words[adopted.id] for words in said if adopted.id in words}
        each = [_judged(adopted, task.asset, word) for word in sorted(words)]
        verdicts.append(min(each, key=lambda verdict: _GRAVEST.index(verdict.status)))
    return verdicts


_GRAVEST: tuple[Status, ...] = ("fail", "unknown", "pass", "not_applicable")


def _unknown(task: _Task, reason: str) -> list[Verdict]:
    return [verdict(adopted, task.asset, "unknown", reason) for adopted in task.checks]


def _said(adopted: Adopted, asset: Asset, status: Status, reason: str = "") -> Verdict:
    """Return an adopted check's verdict; what is wrong is stated by its title."""
    return verdict(adopted, asset, status, reason, message=adopted.form.title if status == "fail" else None)


def _judged(adopted: Adopted, asset: Asset, word: str) -> Verdict:
    match word.partition(" ")[0]:
        case "PASSED":
            return _said(adopted, asset, "pass")
        case "FAILED":
            return _said(adopted, asset, "fail")
        case "NONE":
            return _said(adopted, asset, "not_applicable")
        case "UNKNOWN" | "SKIPPED":
            undecided = adopted.form.undecided
            return _said(adopted, asset, undecided, "checkov cannot decide" if undecided == "unknown" else "")
        case "RAISED":
            return _said(adopted, asset, "unknown", f"the check broke off ({word.partition(' ')[2]})")
        case _:
            raise ValueError(word)
