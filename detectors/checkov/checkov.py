"""All adopted checks over all assets of one scope, while they come in: asked of checkov's process in batches."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from catalog.checkov import Adopted
from detectors.checkov.shape import is_its_matter, shape, why_unknown
from detectors.verdicts import kinds_of, unlisted, verdict
from model.asset import Asset, Listing, Place
from model.finding import Status, Verdict
from model.worker import NoAnswer, Worker

_BATCH = 200
_BATCH_BYTES = 8 * 2**20
_BATCH_SECONDS, _ONE_SECONDS = 30.0, 5.0
_MOST_BROKEN = 20
_ALWAYS = frozenset({"apiVersion", "kind", "metadata"})
_NO_ANSWER = "checkov gave an answer that is none"


class _One(Struct, frozen=True):
    """What is asked about one resource: of one runner, in the one shape that all these checks take."""

    runner: str
    checks: list[str]
    resource: dict[str, Any]


class _Answer(Struct, frozen=True):
    told: list[list[str]]


class _Task(Struct, frozen=True):
    """Checks of one asset that are asked together, and the question's part for them."""

    asset: Asset
    checks: tuple[Adopted, ...]
    question: bytes


class Checkov:
    """Judges assets in batches; what is also a policy of ours is left to that policy.

    Whatever happens to the process, each check has one verdict on each of its assets: a batch without an answer is
    asked again, one resource at a time, so that only the one that broke it is unknown.
    """

    def __init__(
        self, adopted: Sequence[Adopted], worker: Worker, ours: Iterable[str] = (), batch: int = _BATCH
    ) -> None:
        """Take checks, whom to ask, and which policies judge in the same run."""
        self._adopted = adopted
        self._for: dict[str, list[Adopted]] = defaultdict(list)
        for one in adopted:
            for kind in one.form.kinds:
                self._for[kind].append(one)
        self._asked_by_us_too = frozenset(one.form.also for one in adopted)
        self._worker = worker
        self._ours = frozenset(ours)
        self._size = batch
        self._batch: list[_Task] = []
        self._broken = 0
        self._unlisted: set[tuple[str, str]] = set()
        self._said_by_us: dict[tuple[str, str], Status] = {}
        self._left: list[tuple[Adopted, Verdict]] = []

    def see(self, asset: Asset) -> list[Verdict]:
        """Take an asset; return the verdicts that are known by now, of this asset or of earlier ones."""
        verdicts, tasks = _sorted_out(self._of(asset), asset)
        self._batch += tasks
        if tasks and (len(self._batch) >= self._size or sum(len(task.question) for task in self._batch) > _BATCH_BYTES):
            verdicts += self._ask()
        return self._our_own(verdicts)

    def note(self, verdicts: Iterable[Verdict]) -> None:
        """Take notice of what our own policies say, where an adopted check asks the same."""
        for said in verdicts:
            if said.policy in self._asked_by_us_too:
                self._said_by_us[said.policy, said.asset_uid] = said.status

    def hear(self, listing: Listing, place: Place) -> list[Verdict]:
        """Return an unknown verdict per check where a listing was not whole."""
        heard = (listing.kind, listing.region)
        if not listing.cause or heard in self._unlisted:
            return []
        self._unlisted.add(heard)
        stand_in = unlisted(listing, place)
        return [verdict(adopted, stand_in, "unknown", f"listing: {listing.cause}") for adopted in self._of(listing)]

    def end(self) -> Iterator[Verdict]:
        """Return the verdicts that waited, now that everything was seen."""
        yield from self._our_own(self._ask())
        for adopted, said in self._left:
            yield self._left_to_ours(adopted, said)

    def _of(self, seen: Asset | Listing) -> list[Adopted]:
        return list({one.id: one for kind in kinds_of(seen) for one in self._for.get(kind, ())}.values())

    def _our_own(self, verdicts: list[Verdict]) -> list[Verdict]:
        """Return the verdicts that are told as they are; the others wait for what our policies say."""
        by_id = {adopted.id: adopted for adopted in self._adopted if adopted.form.also in self._ours}
        self._left += [(by_id[said.policy], said) for said in verdicts if said.policy in by_id]
        return [said for said in verdicts if said.policy not in by_id]

    def _left_to_ours(self, adopted: Adopted, said: Verdict) -> Verdict:
        """Return that ours says so already; the check's own verdict where our policy does not judge this asset."""
        also = adopted.form.also or ""
        ours = self._said_by_us.get((also, said.asset_uid))
        if ours is None:
            return said
        agrees = f"both say {ours}" if ours == said.status else f"it says {ours}, checkov says {said.status}"
        because = f" ({said.reason})" if said.reason else ""
        return replace(said, status="not_applicable", message=None, reason=f"left to {also}: {agrees}{because}")

    def _ask(self) -> list[Verdict]:
        batch, self._batch = self._batch, []
        if not batch:
            return []
        try:
            self._worker.ready()
        except NoAnswer as problem:
            return [said for task in batch for said in _unknown(task, str(problem))]
        try:
            return self._told(batch, _BATCH_SECONDS)
        except NoAnswer:
            return [said for task in batch for said in self._ask_alone(task)]

    def _ask_alone(self, task: _Task) -> list[Verdict]:
        if self._broken >= _MOST_BROKEN:
            return _unknown(task, f"{_MOST_BROKEN} resources have broken checkov's process; no more are asked alone")
        try:
            return self._told([task], _ONE_SECONDS)
        except NoAnswer as problem:
            self._broken += 1
            return _unknown(task, f"checkov: {problem}")

    def _told(self, batch: Sequence[_Task], seconds: float) -> list[Verdict]:
        said = self._worker.ask(b'{"judge":[' + b",".join(task.question for task in batch) + b"]}", seconds)
        try:
            told = msgspec.json.decode(said, type=_Answer).told
            pairs = [(task, zip(task.checks, words, strict=True)) for task, words in zip(batch, told, strict=True)]
            return [_judged(adopted, task.asset, word) for task, words in pairs for adopted, word in words]
        except (msgspec.DecodeError, RecursionError, ValueError):
            raise NoAnswer(_NO_ANSWER) from None


def _sorted_out(checks: Iterable[Adopted], asset: Asset) -> tuple[list[Verdict], list[_Task]]:
    """Return the verdicts that need nobody, and what has to be asked: a task for each shape of the asset."""
    verdicts: list[Verdict] = []
    alike: dict[tuple[str, str], list[Adopted]] = {}
    for adopted in checks:
        if not is_its_matter(adopted, asset):
            verdicts.append(verdict(adopted, asset, "not_applicable"))
        elif reason := why_unknown(adopted, asset):
            verdicts.append(verdict(adopted, asset, "unknown", reason))
        else:
            program = adopted.form.program.name if adopted.form.program else ""
            alike.setdefault((adopted.form.runner, program or adopted.form.shape), []).append(adopted)
    return verdicts, [_task(asset, runner, same) for (runner, _), same in alike.items()]


def _task(asset: Asset, runner: str, checks: list[Adopted]) -> _Task:
    """Return what is asked: only of the fields that the checks look at, others may be large."""
    fields = _ALWAYS.union(*(adopted.fields for adopted in checks))
    resource = {key: value for key, value in shape(checks[0], asset).items() if key in fields}
    question = _One(runner, [adopted.form.check for adopted in checks], resource)
    return _Task(replace(asset, body={}), tuple(checks), msgspec.json.encode(question))


def _unknown(task: _Task, reason: str) -> list[Verdict]:
    return [verdict(adopted, task.asset, "unknown", reason) for adopted in task.checks]


def _judged(adopted: Adopted, asset: Asset, word: str) -> Verdict:
    match word.partition(" ")[0]:
        case "PASSED":
            return verdict(adopted, asset, "pass")
        case "FAILED":
            return verdict(adopted, asset, "fail", message=adopted.form.title)
        case "NONE":
            return verdict(adopted, asset, "not_applicable")
        case "UNKNOWN" | "SKIPPED":
            undecided = adopted.form.undecided
            return verdict(adopted, asset, undecided, "checkov cannot tell" if undecided == "unknown" else "")
        case "RAISED":
            return verdict(adopted, asset, "unknown", f"the check broke off ({word.partition(' ')[2]})")
        case _:
            raise ValueError(word)
