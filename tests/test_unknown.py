"""Each operation of each type denied in turn: its readers become unknown with the cause, and nothing else changes."""

import shutil
from collections.abc import Iterator
from contextlib import nullcontext
from functools import lru_cache
from pathlib import Path

import pytest
from msgspec.structs import replace

from catalog.checkov import Adopted
from catalog.policies import Policy
from clouds.aws_models import operation
from collectors.aws.permissions import actions_by_call
from collectors.aws.reader import ReadCloud
from collectors.aws.sight import AwsSight
from detectors.posture.judge import Moment
from model.asset import Asset, Place
from model.clock import Clock
from model.finding import Verdict
from pipeline.assembly import House
from pipeline.scan import Connect, Ports, scan
from pipeline.survey import survey
from store.home import Home
from tests.clouds import NOT_EMULATED, TENANT, Denying, Replies, house, seeing
from tests.conftest import MovingClock
from tests.homes import a_turn, home_at
from workers.child import Child


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


@lru_cache(maxsize=1)
def known() -> House:
    """Return the house with those adopted checks that nothing of ours asks too: the others only repeat ours."""
    return replace(house(), adopted=tuple(one for one in house().adopted if one.form.also is None))


def look(cloud: ReadCloud, place: Place, checkov: Child) -> tuple[dict[Key, Verdict], dict[str, Asset]]:
    verdicts, assets = {}, {}
    for observation in survey(AwsSight(cloud, place, known().aws), known(), Moment(MovingClock().now()), checkov):
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


def denied_readers(service: str, op: str) -> set[str]:
    """The policies that read something which this operation tells, of their own kind or another."""
    readers = set()
    for judging in (judging for judging in known().judging if judging.provider == "aws"):
        for kind, fields in reads(judging):
            form = next(t.form for t in house().aws if t.form.kind == kind)
            if form.service != service:
                continue
            details = {name for name, detail in form.details.items() if detail.op == op}
            listed = {op for op, _ in form.listing.operations()} if form.listing else set()
            if op in listed or fields & details or in_its_name(form.arn, details):
                readers.add(judging.id)
    return readers


def reads(judging: Policy | Adopted) -> Iterator[tuple[str, frozenset[str]]]:
    """Yield the kinds that a policy or an adopted check looks at, each with the fields that it reads of it."""
    if isinstance(judging, Adopted):
        yield from ((kind, judging.fields) for kind in judging.form.kinds)
        return
    yield judging.form.kind, judging.compiled.reads["r"]
    yield from ((other.kind, judging.compiled.reads[name]) for name, other in judging.compiled.others.items())


def in_its_name(arn: str, details: set[str]) -> bool:
    return any(f"${{{detail}." in arn or f"${detail}" in arn for detail in details)


@pytest.mark.parametrize(("kind", "op", "detail"), operations())
def test_only_the_readers_become_unknown(kind: str, op: str, detail: str, replies: Replies, checkov: Child) -> None:
    before, _ = baseline(replies, checkov)
    form = next(t.form for t in house().aws if t.form.kind == kind)
    after, _ = look(Denying(replies, form.service, op), replies.place, checkov)
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
    found = next((p for p in house().policies if p.id == policy), None)
    return found is None or not any(other.key for other in found.compiled.others.values())


def ports(clock: Clock, connect: Connect, checkov: Child) -> Ports:
    """Return what a scan needs, with one process of checkov's for all scans."""
    return Ports(clock, connect, checkov=lambda: nullcontext(checkov))


@pytest.fixture(scope="module")
def scanned(replies: Replies, checkov: Child, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home after one undisturbed scan; files, because they are copied for each operation."""
    folder = tmp_path_factory.mktemp("scanned") / "home"
    home, clock = home_at(str(folder)), MovingClock()
    home.create()
    home.apply("aozora", {"tenant": "aozora"}, "2026-06-01T00:00:00.000000Z", "p")
    scan(home, TENANT, known(), ports(clock, seeing(replies, replies.place), checkov), a_turn(home, clock))
    return folder


@pytest.mark.parametrize(("kind", "op", "detail"), operations())
def test_no_asset_ends_and_no_finding_resolves(
    kind: str,
    op: str,
    detail: str,
    replies: Replies,
    checkov: Child,
    scanned: Path,
    tmp_path: Path,
    clock: MovingClock,
) -> None:
    home = home_at(str(shutil.copytree(scanned, tmp_path / "home")))
    form = next(t.form for t in house().aws if t.form.kind == kind)
    before = state(home)
    clock.sleep(3600)
    denied = Denying(replies, form.service, op)
    summary = scan(home, TENANT, known(), ports(clock, seeing(denied, replies.place), checkov), a_turn(home, clock))
    assets, findings = state(home)
    assert assets == before[0]
    assert findings == before[1]
    assert summary.facts == {}
    assert any("AccessDenied" in gap.cause for gap in summary.gaps)
    clock.sleep(3600)
    scan(home, TENANT, known(), ports(clock, seeing(replies, replies.place), checkov), a_turn(home, clock))
    assert state(home) == before


def state(home: Home) -> tuple[set[str], set[tuple[str, str]]]:
    with home.tenant("aozora").read() as reader:
        return {a.uid for a in reader.current_assets()}, {(f.uid, f.state) for f in reader.findings(None)}
