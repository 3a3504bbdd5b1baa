"""The whole loop for one tenant: gate → collect → detect → record; `pipeline.notifying.notify` comes after."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from typing import Any

from msgspec import Struct

from detectors.posture.judge import Moment
from model.asset import Asset, Listing, Place, provider_type
from model.canonical import instant
from model.fault import Refused
from model.finding import LIVE, UNWATCHED, WITHDRAWN, Finding, resolve, unverified
from model.tenant import SuddenLoss
from pipeline.scanning.findings import Advance, advanced, write_changes
from pipeline.scanning.reverts import mark_reverted
from pipeline.scanning.sudden_loss import Key, Loss, pending_of
from pipeline.scanning.survey import Observation, survey
from pipeline.tenants.entrance import Entrance
from pipeline.tenants.exceptions import settle
from pipeline.tenants.gate import NotEntitled
from pipeline.tenants.scopes import Scopes
from pipeline.world import Task, World
from store.rows import Current, Gap, Run
from store.writer import Writer

BATCH = 500  # observations in one transaction


class Summary(Struct, frozen=True):
    """What a scan did: numbers of assets, verdicts by status, facts by what became, gaps.

    `raw` counts by their types the resources that no type file describes: they are kept, and nothing judges them.
    `disagreed` counts by policy and second source the resources of which the two say the opposite.
    """

    run: str
    assets: int
    new_rows: int
    verdicts: dict[str, int]
    facts: dict[str, int]
    gaps: list[Gap]
    raw: dict[str, int] = {}
    disagreed: dict[str, int] = {}


def scan(world: World, task: Task, batch: int = BATCH) -> Summary:
    """Scan a tenant's scopes and record what was found; a slot that is done already is left as it is.

    The world leads to the clouds; the task says for whom, for which slot, and ends the scan where another has begun.
    So many observations (`batch`) are written in one transaction. A scope that cannot be entered is a gap with its
    cause, and its findings are unverified: also where it is the only one. Raises `NotEntitled` where the contract does
    not allow it, also while it runs, and `Refused` where there is no scope; nothing is changed then.
    """
    now, entrance = world.clock.now(), Entrance(world, task.tenant, "look")
    entrance.ask()
    if done := _done(task):
        return done
    reopened = _end_exceptions(task, instant(now))
    places, moment = _Places(entrance.scopes()), Moment(now, task.tenant.thresholds)
    recorder = _Recorder(task, instant(now))
    recorder.start(reopened)
    for scope in places.found:
        types = task.catalog.types.get(scope.provider, ())
        try:
            collector = entrance.opening(scope).connect(scope, types, world.clock)
        except NotEntitled:
            raise
        except Refused as refused:  # one account that cannot be entered does not hurt the others
            places.closed[scope.id] = str(refused)
            continue
        places.entered[collector.place.scope] = collector.place
        for some in _batches(survey(collector, task.catalog, moment, world.checkov()), batch):
            task.go_on()
            entrance.ask()
            recorder.record(some, collector.place, world.now)
    task.go_on()
    summary = recorder.finish(places, world.now)
    world.home.done(task.fence, world.now)
    return summary


def _end_exceptions(task: Task, at: str) -> Counter[str]:
    """Reopen what exceptions suppressed that have ended; also where nothing can be looked at then."""
    with task.store.observe(at, task.person, task.fence) as writer:
        return settle(writer, at)


def _done(task: Task) -> Summary | None:
    """Return what the task's run did, None where it has not come to its end."""
    with task.store.read() as reader:
        run, id_ = reader.run(task.run), task.run
        if run is None or not run.finished_at:
            return None
        reported = {name: run.summary[name] for name in ("assets", "new_rows", "verdicts", "facts")}
        later = {name: run.summary.get(name, {}) for name in ("raw", "disagreed")}  # older runs have not counted them
        return Summary(run=id_, gaps=reader.gaps(id_), **reported, **later)


class _Places:
    """The scopes of a tenant: which were entered, and why each of the others was not."""

    def __init__(self, scopes: Scopes) -> None:
        self.found = scopes.found
        self.closed = scopes.closed | scopes.resting
        self.entered: dict[str, Place] = {}
        self._unlisted = next(iter(scopes.closed.values()), "")
        if not self.found and not self.closed:
            raise Refused("there is no account to look at")

    def why_closed(self, scope: str) -> str:
        """Return why a scope was not entered, the empty text where it was or is none of the tenant's any more."""
        return "" if scope in self.entered else self.closed.get(scope) or self._unlisted


def _batches(observations: Iterable[Observation], size: int) -> Iterator[list[Observation]]:
    """Yield batches of so many observations, or of fewer where their verdicts hold much."""
    batch: list[Observation] = []
    weight = 0
    for observation in observations:
        batch.append(observation)
        weight += 1 + sum(len(verdict.elements) for verdict in observation.verdicts)
        if weight >= size:
            yield batch
            batch, weight = [], 0
    if batch:
        yield batch


class _Recorder:
    """Writes what was observed, batch by batch; a broken-off run leaves whole batches, which a repeat finds done."""

    def __init__(self, task: Task, at: str) -> None:
        self._task = task
        self._run = Run(task.run, task.fence.job, task.slot, at, "", {})
        self._catalog = task.catalog
        self._looked_for = task.catalog.looked_for
        self._raw_kinds = frozenset(kind.name for kind in task.catalog.raw)
        self._seen: set[str] = set()
        self._listings: dict[Key, str] = {}
        self._shown: Counter[Key] = Counter()
        self._loss = Loss({}, (), ())
        self._unknown_details: Counter[tuple[str, str, str, str, str]] = Counter()
        self._verdicts: dict[str, Counter[str]] = defaultdict(Counter)
        self._facts: Counter[str] = Counter()
        self._raw: Counter[str] = Counter()
        self._disagreed: Counter[str] = Counter()
        self._new_rows = 0

    def start(self, facts: Counter[str]) -> None:
        """Write the run's row; `facts` are those that came before it."""
        self._facts.update(facts)
        with self._write_at(self._run.started_at) as writer:
            last = writer.last_run()
            pending = pending_of(writer.gaps(last.id) if last else [])
            self._loss = Loss(writer.numbers_of_assets(), pending, self._catalog.transient)
            if writer.start_run(self._run):
                writer.record("scan.started", self._run.id, job=self._run.job)

    def record(self, batch: Sequence[Observation], place: Place, at: str) -> None:
        """Write one batch: assets, findings and facts in one transaction."""
        verdicts = [verdict for observation in batch for verdict in observation.verdicts]
        assets = [o.seen for o in batch if isinstance(o.seen, Asset)]
        with self._write_at(at) as writer:
            self._new_rows += writer.put_assets(assets, at)
            self._write(writer, advanced(writer, verdicts, at))
        for observation in batch:
            self._note(observation.seen, place)
        for verdict in verdicts:
            self._verdicts[verdict.policy][verdict.status] += 1
            self._disagreed.update(f"{verdict.policy} {source.check}" for source in verdict.disagreeing)

    def finish(self, places: _Places, at: str) -> Summary:
        """Write what follows from the whole: ended assets, resolved and unverified findings, the run's end."""
        limits = self._task.tenant.sudden_loss or SuddenLoss()
        self._listings = self._loss.held_back(self._listings, self._shown, limits)
        gaps = list(self._gaps(places.closed))
        with self._write_at(at) as writer:
            current = list(writer.current_assets())
            unwatched = {row.uid for row in current if not self._is_watched(row, places)}
            ended = {row.uid for row in current if self._has_ended(row)} - unwatched
            writer.end_assets(ended | unwatched, at)
            self._settle(writer, places, unwatched, at)
            summary = self._summary(gaps)
            writer.finish_run(self._run.id, at, _stored(summary, self._verdicts), gaps)
            writer.record(
                "scan.finished",
                self._run.id,
                assets=summary.assets,
                facts=summary.facts,
                findings=writer.findings_digest(),
            )
        return summary

    def _write_at(self, at: str) -> AbstractContextManager[Writer]:
        return self._task.store.observe(at, self._task.person, self._task.fence)

    def _write(self, writer: Writer, changes: Sequence[Advance]) -> None:
        facts = write_changes(writer, changes, self._run.id)
        mark_reverted(writer, facts)
        self._facts.update(fact.became for fact in facts)

    def _note(self, seen: Asset | Listing | None, place: Place) -> None:
        if isinstance(seen, Asset):
            self._seen.add(seen.uid)
            self._shown[seen.scope, seen.kind, seen.region] += 1
            if seen.kind in self._raw_kinds:
                self._raw[provider_type(seen)] += 1
            for detail, cause in seen.unknown.items():
                self._unknown_details[place.scope, seen.kind, seen.region, detail, cause] += 1
        elif isinstance(seen, Listing):
            key = (seen.scope, seen.kind, seen.region)
            self._listings[key] = self._listings.get(key, "") or seen.cause

    def _gaps(self, closed: dict[str, str]) -> Iterator[Gap]:
        for (scope, kind, region), cause in sorted(self._listings.items()):
            if cause:
                yield Gap(scope, kind, region, "", cause)
        for (scope, kind, region, detail, cause), number in sorted(self._unknown_details.items()):
            yield Gap(scope, kind, region, detail, cause, number)
        for scope, cause in closed.items():
            yield Gap(scope, "", "", "", cause)
        for policy, cause in self._catalog.broken.items():
            yield Gap("", policy, "", "policy", cause)

    def _has_ended(self, row: Current) -> bool:
        """Return whether an asset is gone from where somebody watches: a whole listing did not show it."""
        if row.uid in self._seen:
            return False
        if (cause := self._listings.get((row.scope, row.kind, "global"))) is not None:
            return not cause
        return self._listings.get((row.scope, row.kind, row.region)) == ""

    def _is_watched(self, row: Current, places: _Places) -> bool:
        """Return whether anybody looks where an asset is; a scope that could not be entered is watched all the same."""
        if places.why_closed(row.scope):
            return True
        place = places.entered.get(row.scope)
        return place is not None and row.kind in self._looked_for and place.covers(row.region)

    def _settle(self, writer: Writer, places: _Places, unwatched: set[str], at: str) -> None:
        """Resolve findings of ended assets and withdrawn policies; mark those that could not be looked at.

        Only of what a scan judges: whatever else was found is another detector's, or a person's, to close.
        """
        policies = {judging.id for judging in self._catalog.judging}
        current = {row.uid for row in writer.current_assets()}
        changes: list[Advance] = []
        for finding in writer.judged_findings(LIVE):
            if (cause := self._catalog.broken.get(finding.policy)) is not None:
                changes.append((finding, unverified(finding, cause, at), None))
            elif finding.policy not in policies:
                changes.append((finding, *resolve(finding, WITHDRAWN, at)))
            elif finding.asset_uid in unwatched:
                changes.append((finding, *resolve(finding, UNWATCHED, at)))
            elif finding.asset_uid not in current:
                changes.append((finding, *resolve(finding, "the resource is gone", at)))
            elif finding.asset_uid not in self._seen:
                changes.append((finding, unverified(finding, self._why_unseen(finding, places), at), None))
        self._write(writer, changes)

    def _why_unseen(self, finding: Finding, places: _Places) -> str:
        keys = ((finding.scope, finding.kind, region) for region in ("global", finding.region, "other-regions"))
        unlisted = next((cause for key in keys if (cause := self._listings.get(key))), "")
        return unlisted or places.why_closed(finding.scope) or "was not seen"

    def _summary(self, gaps: list[Gap]) -> Summary:
        total: Counter[str] = Counter()
        for counts in self._verdicts.values():
            total.update(counts)
        numbers = (len(self._seen), self._new_rows, dict(total), dict(self._facts))
        return Summary(
            self._run.id,
            *numbers,
            gaps,
            raw=dict(sorted(self._raw.items())),
            disagreed=dict(sorted(self._disagreed.items())),
        )


def _stored(summary: Summary, by_policy: dict[str, Counter[str]]) -> dict[str, Any]:
    return {
        "assets": summary.assets,
        "new_rows": summary.new_rows,
        "verdicts": summary.verdicts,
        "facts": summary.facts,
        "raw": summary.raw,
        "disagreed": summary.disagreed,
        "by_policy": {policy: dict(counts) for policy, counts in sorted(by_policy.items())},
    }
