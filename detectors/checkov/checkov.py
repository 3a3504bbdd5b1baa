"""All adopted checks over all assets of one scope, while they come in: asked of checkov's process in batches."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from catalog.checkov import Adopted
from detectors.checkov.shape import is_its_matter, shape, why_unknown
from model.asset import Asset, Listing, Place
from model.finding import Status, Verdict
from model.text import printable
from model.worker import NoAnswer, Worker

_BATCH = 200
_BATCH_BYTES = 8 * 2**20
_BATCH_SECONDS, _ONE_SECONDS = 30.0, 5.0
_MOST_BROKEN = 20
_LONGEST_REASON = 500
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
        checks = [adopted for adopted in self._adopted if _is_for(adopted, asset)]
        verdicts, tasks = _sorted_out(checks, asset)
        self._batch += tasks
        if len(self._batch) >= self._size or sum(len(task.question) for task in self._batch) > _BATCH_BYTES:
            verdicts += self._ask()
        return self._our_own(verdicts)

    def note(self, verdicts: Iterable[Verdict]) -> None:
        """Take notice of what our own policies say, where an adopted check asks the same."""
        wanted = {adopted.form.also for adopted in self._adopted}
        for verdict in verdicts:
            if verdict.policy in wanted:
                self._said_by_us[verdict.policy, verdict.asset_uid] = verdict.status

    def hear(self, listing: Listing, place: Place) -> list[Verdict]:
        """Return an unknown verdict per check where a listing was not whole."""
        heard = (listing.kind, listing.region)
        if not listing.cause or heard in self._unlisted:
            return []
        self._unlisted.add(heard)
        stand_in = Asset(
            kind=listing.kind,
            resource=place.account_resource,
            name=place.account,
            scope=listing.scope,
            region=listing.region,
            body={},
            body_hash="",
            key=f"listing {listing.region}" + (f" {listing.kind}" if listing.family else ""),
        )
        judged = [adopted for adopted in self._adopted if {listing.kind, listing.family} & set(adopted.form.kinds)]
        return [_verdict(adopted, stand_in, "unknown", f"listing: {listing.cause}") for adopted in judged]

    def end(self) -> Iterator[Verdict]:
        """Return the verdicts that waited, now that everything was seen."""
        yield from self._our_own(self._ask())
        for adopted, verdict in self._left:
            yield self._left_to_ours(adopted, verdict)

    def _our_own(self, verdicts: list[Verdict]) -> list[Verdict]:
        """Return the verdicts that are told as they are; the others wait for what our policies say."""
        by_id = {adopted.id: adopted for adopted in self._adopted if adopted.form.also in self._ours}
        self._left += [(by_id[verdict.policy], verdict) for verdict in verdicts if verdict.policy in by_id]
        return [verdict for verdict in verdicts if verdict.policy not in by_id]

    def _left_to_ours(self, adopted: Adopted, verdict: Verdict) -> Verdict:
        """Return that ours says so already; the check's own verdict where our policy does not judge this asset."""
        also = adopted.form.also or ""
        ours = self._said_by_us.get((also, verdict.asset_uid))
        if ours is None:
            return verdict
        agrees = f"both say {ours}" if ours == verdict.status else f"it says {ours}, checkov says {verdict.status}"
        because = f" ({verdict.reason})" if verdict.reason else ""
        return replace(verdict, status="not_applicable", message=None, reason=f"left to {also}: {agrees}{because}")

    def _ask(self) -> list[Verdict]:
        batch, self._batch = self._batch, []
        if not batch:
            return []
        try:
            self._worker.ready()
        except NoAnswer as problem:
            return [verdict for task in batch for verdict in _unknown(task, str(problem))]
        try:
            return self._told(batch, _BATCH_SECONDS)
        except NoAnswer:
            return [verdict for task in batch for verdict in self._ask_alone(task)]

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


def _is_for(adopted: Adopted, asset: Asset) -> bool:
    return asset.kind in adopted.form.kinds or asset.family in adopted.form.kinds


def _sorted_out(checks: Iterable[Adopted], asset: Asset) -> tuple[list[Verdict], list[_Task]]:
    """Return the verdicts that need nobody, and what has to be asked: a task for each shape of the asset."""
    verdicts: list[Verdict] = []
    alike: dict[tuple[str, str], list[Adopted]] = {}
    for adopted in checks:
        if not is_its_matter(adopted, asset):
            verdicts.append(_verdict(adopted, asset, "not_applicable"))
        elif reason := why_unknown(adopted, asset):
            verdicts.append(_verdict(adopted, asset, "unknown", reason))
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
    return [_verdict(adopted, task.asset, "unknown", reason) for adopted in task.checks]


def _judged(adopted: Adopted, asset: Asset, word: str) -> Verdict:
    match word.partition(" ")[0]:
        case "PASSED":
            return _verdict(adopted, asset, "pass")
        case "FAILED":
            return _verdict(adopted, asset, "fail")
        case "NONE":
            return _verdict(adopted, asset, "not_applicable")
        case "UNKNOWN" | "SKIPPED":
            undecided = adopted.form.undecided
            return _verdict(adopted, asset, undecided, "checkov cannot tell" if undecided == "unknown" else "")
        case "RAISED":
            return _verdict(adopted, asset, "unknown", f"the check broke off ({word.partition(' ')[2]})")
        case _:
            raise ValueError(word)


def _verdict(adopted: Adopted, asset: Asset, status: Status, reason: str = "") -> Verdict:
    return Verdict(
        policy=adopted.id,
        severity=adopted.form.severity,
        kind=asset.kind,
        resource=asset.resource,
        name=asset.name,
        scope=asset.scope,
        region=asset.region,
        status=status,
        reason=printable(reason[:_LONGEST_REASON]),
        message=adopted.form.title if status == "fail" else None,
        key=asset.key,
    )
