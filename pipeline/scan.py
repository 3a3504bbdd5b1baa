"""The whole loop for one tenant: gate → collect → detect → record; telling people comes after (`pipeline.tell`)."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from collectors.aws.reader import ReadCloud
from contract.term import decide
from detectors.posture.judge import Moment
from model.asset import Asset, Listing, Place
from model.canonical import digest, instant
from model.clock import CONTRACT_ZONE, Clock
from model.fault import Refused
from model.finding import UNWATCHED, Fact, Finding, Verdict, advance, resolve, unverified
from model.tenant import AwsScope, Tenant
from pipeline.assembly import House
from pipeline.survey import Observation, survey
from store.home import Home
from store.tenant import Current, Fence, Gap, Run, TenantStore, Writer

BATCH = 500  # observations in one transaction

Connect = Callable[[AwsScope], tuple[ReadCloud, Place]]


class Ports(Struct, frozen=True):
    """What a scan needs of the world: the time, and doors to accounts."""

    clock: Clock
    connect: Connect


class Summary(Struct, frozen=True):
    """What a scan did: numbers of assets, verdicts by status, facts by what became, gaps."""

    run: str
    assets: int
    new_rows: int
    verdicts: dict[str, int]
    facts: dict[str, int]
    gaps: list[Gap]


def scan(home: Home, tenant: Tenant, house: House, ports: Ports, person: str, batch_size: int = BATCH) -> Summary:
    """Scan a tenant's scopes and record what was found, so many observations in a transaction.

    Raises `Refused` outside the contract's term, and where no scope can be entered; nothing is changed then.
    """
    now = ports.clock.now()
    decision = decide(tenant.contract, now.astimezone(CONTRACT_ZONE).date())
    if not decision.allowed:
        raise Refused(f"{tenant.tenant} is not scanned: {decision.reason.en} (Article {decision.clause})")
    store = home.tenant(tenant.tenant)
    entered, closed = _enter(tenant.scopes, ports.connect)
    job, slot = f"scan:{tenant.tenant}", instant(now)
    run = Run(digest(job, slot), job, slot, slot, "", {})
    fence = home.take(job, run.id)
    recorder = _Recorder(store, run, fence, person, house)
    recorder.start()
    moment = Moment(now, tenant.thresholds)
    for cloud, place in entered:
        for batch in _batches(survey(cloud, house, place, moment), batch_size):
            recorder.record(batch, place, instant(ports.clock.now()))
    summary = recorder.finish([place for _, place in entered], closed, instant(ports.clock.now()))
    home.done(fence, instant(ports.clock.now()))
    return summary


def _enter(scopes: Sequence[AwsScope], connect: Connect) -> tuple[list[tuple[ReadCloud, Place]], dict[str, str]]:
    """Return the scopes that could be entered, and for the others why not; all closed is a refusal."""
    entered, closed = [], {}
    refusals: list[Refused] = []
    for scope in scopes:
        try:
            entered.append(connect(scope))
        except Refused as refused:
            refusals.append(refused)
            closed[scope.aws] = str(refused)
    if not entered:
        raise refusals[0]
    return entered, closed


def _batches(observations: Iterable[Observation], size: int) -> Iterator[list[Observation]]:
    batch: list[Observation] = []
    for observation in observations:
        batch.append(observation)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch


class _Recorder:
    """Writes what was observed, batch by batch; a broken-off run leaves whole batches, which a repeat finds done."""

    def __init__(self, store: TenantStore, run: Run, fence: Fence, person: str, house: House) -> None:
        self._store = store
        self._run = run
        self._fence = fence
        self._person = person
        self._house = house
        self._seen: set[str] = set()
        self._listings: dict[tuple[str, str, str], str] = {}
        self._unknown_details: Counter[tuple[str, str, str, str, str]] = Counter()
        self._verdicts: dict[str, Counter[str]] = defaultdict(Counter)
        self._facts: Counter[str] = Counter()
        self._new_rows = 0

    def start(self) -> None:
        """Write the run's row."""
        with self._store.write(self._run.started_at, self._person, self._fence) as writer:
            if writer.start_run(self._run):
                writer.record("scan.started", self._run.id, job=self._run.job)

    def record(self, batch: Sequence[Observation], place: Place, at: str) -> None:
        """Write one batch: assets, findings and facts in one transaction."""
        verdicts = [verdict for observation in batch for verdict in observation.verdicts]
        assets = [o.seen for o in batch if isinstance(o.seen, Asset)]
        with self._store.write(at, self._person, self._fence) as writer:
            self._new_rows += writer.put_assets(assets, at)
            self._advance(writer, verdicts, at)
        for observation in batch:
            self._note(observation.seen, place)
        for verdict in verdicts:
            self._verdicts[verdict.policy][verdict.status] += 1

    def finish(self, places: Sequence[Place], closed: dict[str, str], at: str) -> Summary:
        """Write what follows from the whole: ended assets, resolved and unverified findings, the run's end."""
        gaps = list(self._gaps(closed))
        with self._store.write(at, self._person, self._fence) as writer:
            current = list(writer.current_assets())
            unwatched = {row.uid for row in current if not self._is_watched(row, places, closed)}
            ended = {row.uid for row in current if self._has_ended(row, closed)} - unwatched
            writer.end_assets(ended | unwatched, at)
            self._settle(writer, unwatched, at)
            summary = self._summary(gaps)
            writer.finish_run(self._run.id, at, _stored(summary, self._verdicts), gaps)
            writer.record("scan.finished", self._run.id, assets=summary.assets, facts=summary.facts)
        return summary

    def _advance(self, writer: Writer, verdicts: Sequence[Verdict], at: str) -> None:
        before = {f.uid: f for f in writer.findings(active=False, uids=[v.finding_uid for v in verdicts])}
        changes = [(before.get(v.finding_uid), *advance(before.get(v.finding_uid), v, at)) for v in verdicts]
        self._write(writer, [(old, new, fact) for old, new, fact in changes if new is not None])

    def _write(self, writer: Writer, changes: Sequence[tuple[Finding | None, Finding, Fact | None]]) -> None:
        facts = [fact for _, _, fact in changes if fact]
        writer.put_findings(new for old, new, _ in changes if new != old)
        writer.put_facts(facts, self._run.id)
        self._facts.update(fact.became for fact in facts)

    def _note(self, seen: Asset | Listing | None, place: Place) -> None:
        if isinstance(seen, Asset):
            self._seen.add(seen.uid)
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

    def _has_ended(self, row: Current, closed: dict[str, str]) -> bool:
        """Tell whether an asset is gone from where somebody watches: a whole listing did not show it."""
        if row.uid in self._seen or row.scope in closed:
            return False
        if (cause := self._listings.get((row.scope, row.kind, "global"))) is not None:
            return not cause
        return self._listings.get((row.scope, row.kind, row.region)) == ""

    def _is_watched(self, row: Current, places: Sequence[Place], closed: dict[str, str]) -> bool:
        """Tell whether anybody looks where an asset is; a scope that could not be entered is watched all the same."""
        if row.scope in closed:
            return True
        place = next((p for p in places if p.scope == row.scope), None)
        return place is not None and row.kind in self._house.kinds and place.covers(row.region)

    def _settle(self, writer: Writer, unwatched: set[str], at: str) -> None:
        """Resolve findings of ended assets and withdrawn policies; mark those that could not be looked at."""
        policies = {policy.id for policy in self._house.policies}
        current = {row.uid for row in writer.current_assets()}
        changes: list[tuple[Finding | None, Finding, Fact | None]] = []
        for finding in writer.findings():
            if finding.policy not in policies:
                changes.append((finding, *resolve(finding, "the policy was withdrawn", at)))
            elif finding.asset_uid in unwatched:
                changes.append((finding, *resolve(finding, UNWATCHED, at)))
            elif finding.asset_uid not in current:
                changes.append((finding, *resolve(finding, "the resource is gone", at)))
            elif finding.asset_uid not in self._seen:
                changes.append((finding, unverified(finding, self._why_unseen(finding), at), None))
        self._write(writer, changes)

    def _why_unseen(self, finding: Finding) -> str:
        keys = ((finding.scope, finding.kind, region) for region in ("global", finding.region, "other-regions"))
        return next((cause for key in keys if (cause := self._listings.get(key))), "the scope could not be entered")

    def _summary(self, gaps: list[Gap]) -> Summary:
        total: Counter[str] = Counter()
        for counts in self._verdicts.values():
            total.update(counts)
        return Summary(self._run.id, len(self._seen), self._new_rows, dict(total), dict(self._facts), gaps)


def _stored(summary: Summary, by_policy: dict[str, Counter[str]]) -> dict[str, Any]:
    return {
        "assets": summary.assets,
        "new_rows": summary.new_rows,
        "verdicts": summary.verdicts,
        "facts": summary.facts,
        "by_policy": {policy: dict(counts) for policy, counts in sorted(by_policy.items())},
    }
