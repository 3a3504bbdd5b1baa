"""Policies that look at other assets: references that go by what an earlier reference found."""

from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.policies import Policy, compile_policy
from catalog.yaml_reader import parse
from detectors.posture.judge import Moment
from detectors.posture.posture import Posture
from model.asset import Asset, Listing, Place
from model.finding import Verdict

POLICY = """\
id: aws.iam.x
kind: aws.iam.user
severity: high
title: {en: t, ja: 題}
risk: {en: r, ja: 危}
fix: {en: f, ja: 直}
effort_hours: 1
with:
  groups: {all: aws.iam.group, key: GroupName, of: r.GroupList}
  policies:
    all: aws.iam.policy
    key: Arn
    of: r.Own + flat(groups.map(g, g.Attached))
pass: policies.all(p, p.Good)
cases: {pass: [{r: {}}], fail: [{r: {}}]}
"""


def policy(when: str = "") -> Policy:
    text = POLICY.replace("pass: ", f"when: {when}\npass: ", 1) if when else POLICY
    return compile_policy(parse(text.encode(), "p.yaml"))


def asset(kind: str, name: str, unknown: dict[str, str] | None = None, **body: Any) -> Asset:
    return Asset(
        kind=f"aws.iam.{kind}",
        resource=f"arn:{name}",
        name=name,
        scope="1",
        region="global",
        body=body,
        body_hash="",
        unknown=unknown or {},
    )


def user(*groups: str, own: tuple[str, ...] = ()) -> Asset:
    return asset("user", "taro", GroupList=list(groups), Own=list(own))


def verdict(*assets: Asset, lost: str = "", when: str = "") -> Verdict:
    posture = Posture([policy(when)], Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    for one in assets:
        assert posture.see(one) == []
    place = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",))
    for kind in ("aws.iam.user", "aws.iam.group", "aws.iam.policy"):
        posture.hear(Listing(scope="1", kind=kind, region="global", cause="denied" if kind == lost else ""), place)
    return next(iter(posture.end()))


GOOD, BAD = asset("policy", "good", Arn="good", Good=True), asset("policy", "bad", Arn="bad", Good=False)
STAFF = asset("group", "staff", GroupName="staff", Attached=["good"])
LEADS = asset("group", "leads", GroupName="leads", Attached=["bad"])


@pytest.mark.parametrize(
    ("assets", "status"),
    [
        ((user("staff"), STAFF, LEADS, GOOD, BAD), "pass"),
        ((user("staff", "leads"), STAFF, LEADS, GOOD, BAD), "fail"),
        ((user("staff", own=("bad",)), STAFF, LEADS, GOOD, BAD), "fail"),
        ((user(), STAFF, LEADS, GOOD, BAD), "pass"),
    ],
)
def test_a_reference_goes_by_what_an_earlier_one_found(assets: tuple[Asset, ...], status: str) -> None:
    assert verdict(*assets).status == status


def test_what_the_earlier_one_could_not_find_is_unknown() -> None:
    lost = verdict(user("staff"), GOOD)
    assert (lost.status, lost.reason) == ("unknown", "aws.iam.group: staff was not read")
    denied = verdict(user("staff"), GOOD, lost="aws.iam.group")
    assert (denied.status, denied.reason) == ("unknown", "aws.iam.group: denied in global")
    unread = asset("group", "staff", unknown={"Attached": "iam:X AccessDenied"}, GroupName="staff")
    assert verdict(user("staff"), unread, GOOD).reason == "aws.iam.group staff: Attached: iam:X AccessDenied"


@pytest.mark.parametrize(
    ("group", "reason"),
    [
        ((), "aws.iam.policy: staff was not read"),
        (
            (asset("group", "staff", unknown={"Attached": "denied"}, GroupName="staff"),),
            "aws.iam.policy: staff: denied",
        ),
    ],
)
def test_nothing_is_decided_by_references_that_hang_on_what_is_unknown(group: tuple[Asset, ...], reason: str) -> None:
    """`when` looks at the policies alone, which are none as far as one can see."""
    judged = verdict(user("staff"), *group, GOOD, when="size(policies) > 0")
    assert (judged.status, judged.reason) == ("unknown", reason)
    assert verdict(user(), GOOD, when="size(policies) > 0").status == "not_applicable"


def test_what_nothing_refers_to_does_not_matter() -> None:
    broken = asset("group", "other", unknown={"Attached": "iam:X AccessDenied"}, GroupName="other")
    assert verdict(user("staff"), STAFF, broken, GOOD).status == "pass"
