"""When a step is verified: a fresh reading that is as wanted, and a verdict of each of its policies."""

from collections.abc import Sequence
from typing import Any, ClassVar

import pytest

from model.asset import Asset
from model.call import Call, WriteCloud
from model.finding import Status, Verdict
from model.plan import State, Step, Target
from remediation.applying import Judged, Tools, verify
from remediation.playbook import Body, Faults, Playbook
from tests.conftest import MovingClock

POLICIES = ("aws.x.one", "aws.x.two")
ON: State = {"Switch": True}
ASSET = Asset("aws.x.thing", "arn:x", "x", "1", "global", {"Switch": False}, "")
STEP = Step(Target(ASSET.uid, ASSET.kind, ASSET.resource, "x", "1", "global"), POLICIES, {"Switch": False}, ON, (), ())


class Switch(Playbook):
    """Reads what it is made with."""

    fields: ClassVar[tuple[str, ...]] = ("Switch",)
    settle_seconds: ClassVar[float] = 0.0

    def __init__(self, body: Body) -> None:
        self._body = body

    def read(self, cloud: WriteCloud, asset: Asset) -> Body:
        return self._body

    def want(self, before: State, faults: Faults) -> State:
        return ON

    def write(self, asset: Asset, before: State, after: State) -> Sequence[Call]:
        return []


def verdict(policy: str, status: Status) -> Verdict:
    return Verdict(policy, "high", ASSET.kind, ASSET.resource, "x", "1", "global", status)


def ended(said: Sequence[Verdict], body: Any = ON, *, rolling_back: bool = False) -> tuple[str, str]:
    cloud: Any = None  # nothing is asked of it
    tools = Tools(cloud, MovingClock(), lambda _: Judged(ASSET, said), rolling_back=rolling_back)
    found = verify(STEP, Switch(body), tools)
    return found.state, found.reason


@pytest.mark.parametrize("statuses", [("pass", "pass"), ("pass", "not_applicable"), ("not_applicable",) * 2])
def test_each_policy_in_order_verifies_it(statuses: tuple[Status, Status]) -> None:
    said = [verdict(policy, status) for policy, status in zip(POLICIES, statuses, strict=True)]
    assert ended(said) == ("verified", "")


@pytest.mark.parametrize("status", ["fail", "unknown"])
def test_a_policy_that_fails_or_cannot_be_known_does_not(status: Status) -> None:
    assert ended([verdict("aws.x.one", "pass"), verdict("aws.x.two", status)]) == (
        "unverified",
        f"aws.x.two: {status}",
    )


@pytest.mark.parametrize(
    ("said", "silent"),
    [([], "aws.x.one"), ([verdict("aws.x.one", "pass")], "aws.x.two"), ([verdict("aws.y.other", "pass")], "aws.x.one")],
    ids=["nothing", "of one alone", "of another policy"],
)
def test_no_verdict_of_a_policy_does_not(said: list[Verdict], silent: str) -> None:
    assert ended(said) == ("unverified", f"{silent}: no verdict")


def test_what_is_rolled_back_is_verified_by_its_state() -> None:
    assert ended([], rolling_back=True) == ("verified", "")
    assert ended([], {"Switch": False}, rolling_back=True) == ("unverified", "it is not as wanted")
