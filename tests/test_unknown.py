"""Each operation of each type denied in turn: its readers become unknown with the cause, and nothing else changes."""

import shutil
from functools import lru_cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from catalog.policies import Policy
from clouds.aws_models import operation
from collectors.aws.permissions import actions_by_call
from collectors.aws.reader import ReadCloud
from collectors.aws.sight import AwsSight
from detectors.posture.judge import Moment
from model.asset import Asset, Place
from model.finding import Verdict
from pipeline.scan import Ports, scan
from pipeline.survey import survey
from store.home import Home
from tests.clouds import NOT_EMULATED, TENANT, Denying, Replies, house, seeing
from tests.conftest import MovingClock
from tests.homes import a_turn, home_at


def operations() -> list[tuple[str, str, str]]:
    """(kind, operation, detail) of every call that a type makes; the listing's detail is empty."""
    found = []
    for type_ in house().aws:
        form = type_.form
        if form.kind in NOT_EMULATED:
            continue
        if form.listing:
            found += [(form.kind, op, "") for op, _ in form.listing.operations()]
        found += [(form.kind, detail.op, name) for name, detail in form.details.items()]
    return found


Key = tuple[str, str]


def look(cloud: ReadCloud, place: Place) -> tuple[dict[Key, Verdict], dict[str, Asset]]:
    verdicts, assets = {}, {}
    for observation in survey(AwsSight(cloud, place, house().aws), house(), Moment(MovingClock().now())):
        for verdict in observation.verdicts:
            key = (verdict.policy, verdict.finding_uid)
            assert key not in verdicts, "two verdicts for one policy and resource"
            verdicts[key] = verdict
        if isinstance(observation.seen, Asset):
            assets[observation.seen.uid] = observation.seen
    return verdicts, assets


@lru_cache(maxsize=1)
def baseline(replies: Replies) -> tuple[dict[Key, Verdict], dict[str, Asset]]:
    return look(replies, replies.place)


def denied_readers(service: str, op: str) -> set[str]:
    """The policies that read something which this operation tells, of their own kind or another."""
    readers = set()
    for policy in (policy for policy in house().policies if policy.provider == "aws"):
        for root, kind in {"r": policy.form.kind, **{n: o.kind for n, o in policy.others.items()}}.items():
            form = next(t.form for t in house().aws if t.form.kind == kind)
            if form.service != service:
                continue
            details = {name for name, detail in form.details.items() if detail.op == op}
            listed = {op for op, _ in form.listing.operations()} if form.listing else set()
            if op in listed or policy.reads[root] & details or in_its_name(form.arn, details):
                readers.add(policy.id)
    return readers


def in_its_name(arn: str, details: set[str]) -> bool:
    return any(f"${{{detail}." in arn or f"${detail}" in arn for detail in details)


@pytest.mark.parametrize(("kind", "op", "detail"), operations())
def test_only_the_readers_become_unknown(kind: str, op: str, detail: str, replies: Replies) -> None:
    before, _ = baseline(replies)
    form = next(t.form for t in house().aws if t.form.kind == kind)
    after, _ = look(Denying(replies, form.service, op), replies.place)
    readers = denied_readers(form.service, op)
    action = actions_by_call(house().aws)[form.service, operation(form.service, op).name]
    cause = f"{action} AccessDenied"
    for key, verdict in before.items():
        policy = key[0]
        if policy not in readers:
            assert same(after[key], verdict)
        elif key in after and not same(after[key], verdict):
            assert after[key].status == "unknown"
    for key, verdict in after.items():
        if key not in before:
            assert verdict.status == "unknown"
            assert key[0] in readers
        if verdict.status == "unknown" and not (key in before and same(before[key], verdict)):
            assert cause in verdict.reason
    assert_every_reader_is_unknown(readers, before, after)


def same(one: Verdict, other: Verdict) -> bool:
    """A bucket whose location is not known stands under `global`; everything else has to be equal."""
    return replace(one, region="") == replace(other, region="")


def assert_every_reader_is_unknown(readers: set[str], before: dict[Key, Verdict], after: dict[Key, Verdict]) -> None:
    """A reader may keep a verdict only where it is not applicable by what it could still read."""
    for policy in readers:
        mine = [verdict for key, verdict in after.items() if key[0] == policy]
        judged = [verdict for key, verdict in before.items() if key[0] == policy]
        if judged:
            assert mine
            assert all(v.status in ("unknown", "not_applicable") for v in mine if uses_kind(policy, v)), policy


def uses_kind(policy: str, verdict: Verdict) -> bool:
    """References by key to assets that exist elsewhere stay known; the trail's bucket is such a reference."""
    found: Policy = next(p for p in house().policies if p.id == policy)
    return not any(other.key for other in found.others.values())


@pytest.fixture(scope="module")
def scanned(replies: Replies, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one undisturbed scan; files, because they are copied for each operation."""
    folder = tmp_path_factory.mktemp("scanned") / "home"
    home, clock = home_at(str(folder)), MovingClock()
    home.create()
    home.apply("aozora", {"tenant": "aozora"}, "2026-06-01T00:00:00.000000Z", "p")
    scan(home, TENANT, house(), Ports(clock, seeing(replies, replies.place)), a_turn(home, clock))
    return folder


@pytest.mark.parametrize(("kind", "op", "detail"), operations())
def test_no_asset_ends_and_no_finding_resolves(
    kind: str, op: str, detail: str, replies: Replies, scanned: Path, tmp_path: Path, clock: MovingClock
) -> None:
    home = home_at(str(shutil.copytree(scanned, tmp_path / "home")))
    form = next(t.form for t in house().aws if t.form.kind == kind)
    before = state(home)
    clock.sleep(3600)
    denied = Denying(replies, form.service, op)
    summary = scan(home, TENANT, house(), Ports(clock, seeing(denied, replies.place)), a_turn(home, clock))
    assets, findings = state(home)
    assert assets == before[0]
    assert findings == before[1]
    assert summary.facts == {}
    assert any("AccessDenied" in gap.cause for gap in summary.gaps)
    clock.sleep(3600)
    scan(home, TENANT, house(), Ports(clock, seeing(replies, replies.place)), a_turn(home, clock))
    assert state(home) == before


def state(home: Home) -> tuple[set[str], set[tuple[str, str]]]:
    with home.tenant("aozora").read() as reader:
        return {a.uid for a in reader.current_assets()}, {(f.uid, f.state) for f in reader.findings(None)}
