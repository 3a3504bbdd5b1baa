"""Each operation of each type denied in turn: its readers become unknown with the cause, and nothing else changes."""

import shutil
from collections import defaultdict
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

import pytest
from msgspec import Struct

from clouds.aws.service_models import operation
from collectors.aws.collector import AwsCollector
from collectors.aws.permissions import actions_by_call
from collectors.aws.reader import ReadCloud
from detectors.posture.judge import Moment
from model.asset import Asset, Place
from model.clock import Clock
from model.finding import Verdict
from pipeline.scanning.scan import Summary
from pipeline.scanning.survey import survey
from store.home import Home
from tests.conftest import MovingClock
from tests.contracts import known as known_tenant
from tests.homes import home_at
from tests.readers import Key, denied_readers, known, same, state
from tests.recorded_clouds import NOT_EMULATED, TENANT, Denying, Replies, catalog, types_of
from tests.worlds import scanned_in, seeing, world_of
from workers.child import Child


class Asked(Struct, frozen=True):
    """An operation that types ask: for which kinds and details (the empty text for a listing), and its readers."""

    service: str
    op: str
    asks: frozenset[tuple[str, str]]
    readers: frozenset[str]

    @property
    def cause(self) -> str:
        """Return how a cause names the operation."""
        known_actions = actions_by_call(types_of(catalog(), "aws"))
        return f"{known_actions[self.service, operation(self.service, self.op).name]} AccessDenied"

    def disturbs(self, other: "Asked") -> bool:
        """Tell whether denying both would not show which of the two did what: what is not listed has no details."""
        listed = {kind for kind, detail in self.asks | other.asks if not detail}
        both = {kind for kind, _ in self.asks} & {kind for kind, _ in other.asks}
        return bool(self.readers & other.readers or listed & both)


def operations() -> list[Asked]:
    """Return every operation that types ask."""
    asks: dict[tuple[str, str], set[tuple[str, str]]] = defaultdict(set)
    for type_ in types_of(catalog(), "aws"):
        form = type_.form
        if form.kind in NOT_EMULATED:
            continue
        for op, _ in form.listing.operations() if form.listing else ():
            asks[form.service, op].add((form.kind, ""))
        for name, detail in form.details.items():
            asks[form.service, detail.op].add((form.kind, name))
    return [Asked(*key, frozenset(kinds), frozenset(denied_readers(*key))) for key, kinds in asks.items()]


def groups() -> list[list[Asked]]:
    """Return all operations in groups of which nothing that one of them tells is read by another's readers."""
    found: list[list[Asked]] = []
    for asked in sorted(operations(), key=lambda one: -len(one.readers)):
        for group in found:
            if not any(asked.disturbs(other) for other in group):
                group.append(asked)
                break
        else:
            found.append([asked])
    return found


GROUPS = pytest.mark.parametrize("group", groups(), ids=lambda group: f"{len(group)} with {group[0].op}")


def look(cloud: ReadCloud, place: Place, checkov: Child) -> tuple[dict[Key, Verdict], dict[str, Asset]]:
    verdicts, assets = {}, {}
    collector = AwsCollector(cloud, place, types_of(known(), "aws"))
    for observation in survey(collector, known(), Moment(MovingClock().now()), checkov):
        for verdict in observation.verdicts:
            key = (verdict.policy, verdict.finding_uid)
            assert key not in verdicts, "two verdicts for one policy and resource"
            verdicts[key] = verdict
        if isinstance(observation.seen, Asset):
            assets[observation.seen.uid] = observation.seen
    return verdicts, assets


@lru_cache(maxsize=1)
def baseline(replies: Replies, checkov: Child) -> tuple[dict[Key, Verdict], dict[str, Asset]]:
    return look(replies, replies.place, checkov)


@GROUPS
def test_only_the_readers_become_unknown(group: list[Asked], replies: Replies, checkov: Child) -> None:
    before, _ = baseline(replies, checkov)
    after, _ = look(denying(replies, group), replies.place, checkov)
    causes = {policy: asked.cause for asked in group for policy in asked.readers}
    for key, verdict in before.items():
        policy = key[0]
        if policy not in causes:
            assert same(after[key], verdict)
        elif key in after and not same(after[key], verdict):
            assert after[key].status == "unknown"
    for key, verdict in after.items():
        if key not in before:
            assert verdict.status == "unknown"
            assert key[0] in causes
        if verdict.status == "unknown" and not (key in before and same(before[key], verdict)):
            assert causes[key[0]] in verdict.reason
    assert_every_reader_is_unknown(causes, before, after)


def denying(replies: Replies, group: list[Asked]) -> ReadCloud:
    cloud: ReadCloud = replies
    for asked in group:
        cloud = Denying(cloud, asked.service, asked.op)
    return cloud


def assert_every_reader_is_unknown(
    readers: Iterable[str], before: dict[Key, Verdict], after: dict[Key, Verdict]
) -> None:
    """A reader may keep a verdict only where it is not applicable by what it could still read."""
    for policy in readers:
        mine = [verdict for key, verdict in after.items() if key[0] == policy]
        judged = [verdict for key, verdict in before.items() if key[0] == policy]
        if judged:
            assert mine
            assert all(v.status in ("unknown", "not_applicable") for v in mine if uses_kind(policy, v)), policy


def uses_kind(policy: str, verdict: Verdict) -> bool:
    """References by key to assets that exist elsewhere stay known, and what belongs to nothing that was found."""
    found = next((p for p in catalog().policies if p.id == policy), None)
    others = found.compiled.others.values() if found else ()
    return not any(other.key or (other.of and other.of.reads.keys() - {"r"}) for other in others)


def looked(home: Home, clock: Clock, cloud: ReadCloud, place: Place, checkov: Child) -> Summary:
    """Scan with one process of checkov's for all scans."""
    return scanned_in(world_of(home, clock, seeing(cloud, place), checkov=lambda: checkov), TENANT, known())


@pytest.fixture(scope="module")
def scanned(replies: Replies, checkov: Child, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one undisturbed scan; files, because they are copied for each operation."""
    folder = tmp_path_factory.mktemp("scanned") / "home"
    home, clock = home_at(str(folder)), MovingClock()
    home.create()
    known_tenant(home, "aozora", "2026-06-01T00:00:00.000000Z")
    looked(home, clock, replies, replies.place, checkov)
    return folder


@GROUPS
def test_no_asset_ends_and_no_finding_resolves(
    group: list[Asked], replies: Replies, checkov: Child, scanned: Path, tmp_path: Path, clock: MovingClock
) -> None:
    home = home_at(str(shutil.copytree(scanned, tmp_path / "home")))
    before = state(home)
    clock.sleep(3600)
    summary = looked(home, clock, denying(replies, group), replies.place, checkov)
    assert state(home) == before
    assert summary.facts == {}
    causes = " ".join(gap.cause for gap in summary.gaps)
    assert [asked for asked in group if asked.cause not in causes and is_asked(asked, replies)] == []
    clock.sleep(3600)
    looked(home, clock, replies, replies.place, checkov)
    assert state(home) == before


def is_asked(asked: Asked, replies: Replies) -> bool:
    return (asked.service, asked.op) in replies.asked


def test_what_is_denied_is_asked_of_this_company(replies: Replies) -> None:
    """Denying what nobody asks would show nothing."""
    assert {f"{one.service}:{one.op}" for one in operations() if not is_asked(one, replies)} == set()
