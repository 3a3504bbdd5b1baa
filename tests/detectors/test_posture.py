"""Policies that look at other assets: references that go by what an earlier reference found."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import pytest
from msgspec.structs import replace

from catalog.expression import Expression, OutOfTime, compiled
from catalog.fields_read import Roots
from catalog.policies import Policy, compile_policy
from catalog.yaml_reader import parse
from detectors.posture import cases
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


BY_ONE = """
id: aws.iam.by-one
kind: aws.iam.user
severity: low
title: {en: A, ja: あ}
risk: {en: A, ja: あ}
fix: {en: A, ja: あ}
effort_hours: 1
with:
  summary: aws.iam.account-summary
  policies: {all: aws.iam.policy, key: Arn, of: summary.Arns}
pass: policies.all(p, p.Good)
cases: {pass: [{r: {}}], fail: [{r: {}}]}
"""


def test_cases_bind_the_only_one_of_a_kind_as_scans_do() -> None:
    said = cases.judged(compile_policy(parse(BY_ONE.encode(), "p.yaml")), {"r": {}, "summary": {"Arns": ["lost"]}})
    assert (said.status, said.reason) == ("unknown", "aws.iam.policy: lost was not read")


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


OWNED = (
    POLICY[: POLICY.index("with:")]
    + """\
with:
  keys: {all: aws.iam.policy, by: o.Of, of: "[r.UserName]"}
pass: keys.all(k, k.Good)
cases: {pass: [{r: {}}], fail: [{r: {}}]}
"""
)


def owned_by(evaluate: Callable[[Mapping[str, Any]], Any]) -> Policy:
    """Return the policy with another way to find out whose a key is."""

    def compile_(source: str, roots: Roots) -> Expression:
        made = compiled(source, roots)
        return replace(made, evaluate=evaluate) if source == "o.Of" else made

    return compile_policy(parse(OWNED.encode(), "p.yaml"), compile_)


def key(name: str, of: object, *, good: bool = True, **unknown: str) -> Asset:
    return asset("policy", name, unknown, Of=of, Good=good)


@pytest.mark.parametrize(
    ("keys", "status", "reason"),
    [
        ((), "pass", ""),
        ((key("a", "taro"), key("b", "jiro", good=False)), "pass", ""),
        ((key("a", "taro"), key("b", "taro", good=False)), "fail", ""),
        ((key("a", ["jiro", "taro"], good=False),), "fail", ""),
        ((key("a", [], good=False), key("b", "", good=False)), "pass", ""),
        ((asset("policy", "a", Good=True),), "unknown", "aws.iam.policy: a: whose it is cannot be determined"),
        ((key("a", 7),), "unknown", "aws.iam.policy: a: whose it is cannot be determined"),
        ((key("a", "jiro", Of="denied"),), "unknown", "aws.iam.policy: a: whose it is cannot be determined"),
    ],
)
def test_what_belongs_to_a_resource_is_found_and_none_is_an_answer(
    keys: tuple[Asset, ...], status: str, reason: str
) -> None:
    posture = Posture([compile_policy(parse(OWNED.encode(), "p.yaml"))], Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    for one in (asset("user", "taro", UserName="taro"), *keys):
        posture.see(one)
    (said,) = posture.end()
    assert (said.status, said.reason) == (status, reason)


@pytest.mark.parametrize(("state", "status"), [("active", "fail"), ("gone", "pass"), (["active"], "unknown")])
def test_what_tells_whose_it_is_has_to_be_understood(state: object, status: str) -> None:
    source = OWNED.replace("by: o.Of", """by: 'o.Of.filter(x, x.State == "active").map(x, x.Name)'""")
    assert source != OWNED
    posture = Posture([compile_policy(parse(source.encode(), "p.yaml"))], Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    posture.see(asset("user", "taro", UserName="taro"))
    posture.see(key("a", [{"State": state, "Name": "taro"}], good=False))
    assert [said.status for said in posture.end()] == [status]


def test_whose_each_is_is_asked_once_however_many_could_own_it() -> None:
    """Else judging n against m would be n times m work."""
    asked = list[str]()

    def evaluate(variables: Mapping[str, Any]) -> Any:
        asked.append(variables["o"]["Of"])
        return variables["o"]["Of"]

    posture = Posture([owned_by(evaluate)], Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    for number in range(20):
        posture.see(replace(asset("user", str(number), UserName=str(number)), resource=str(number)))
        posture.see(key(f"key of {number}", str(number), good=number % 2 == 0))
    assert [said.status for said in posture.end()] == ["pass", "fail"] * 10
    assert asked == [str(number) for number in range(20)]


def test_where_the_time_of_one_resource_ends_the_next_one_goes_on_from_there() -> None:
    asked = list[str]()

    def evaluate(variables: Mapping[str, Any]) -> Any:
        if len(asked) == 3:
            asked.append("nothing")
            raise OutOfTime("the policy took too long for one resource")
        asked.append(variables["o"]["Of"])
        return variables["o"]["Of"]

    posture = Posture([owned_by(evaluate)], Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    for number in range(5):
        posture.see(replace(asset("user", str(number), UserName=str(number)), resource=str(number)))
        posture.see(key(f"key of {number}", str(number), good=number % 2 == 0))
    said = [*posture.end()]
    assert [one.status for one in said] == ["unknown", "fail", "pass", "fail", "pass"]
    assert "too long for one resource" in said[0].reason
    assert asked == ["0", "1", "2", "nothing", "3", "4"]


ALL_OF_A_KIND = """\
id: aws.iam.x
kind: aws.iam.user
severity: high
title: {en: t, ja: 題}
risk: {en: r, ja: 危}
fix: {en: f, ja: 直}
effort_hours: 1
with: {queues: {all: aws.sqs.queue}}
pass: queues.exists(q, q.Good)
cases: {pass: [{r: {}}], fail: [{r: {}}]}
"""


@pytest.mark.parametrize(
    ("passes", "partial", "status"),
    [
        ("queues.exists(q, q.Good)", False, "fail"),
        ("queues.exists(q, q.Good)", True, "unknown"),
        ("size(queues) == 0", True, "unknown"),
        # Who asks which regions were looked at decides; a name of its own does not ask.
        ('queues.exists(q, q.Good) || ("eu-west-1" in regions)', True, "pass"),
        ('["a"].exists(regions, regions == "b") || queues.exists(q, q.Good)', True, "unknown"),
    ],
)
def test_all_of_a_kind_are_not_known_where_regions_were_left_out(passes: str, partial: bool, status: str) -> None:
    text = ALL_OF_A_KIND.replace("queues.exists(q, q.Good)", f"'{passes}'")
    regions = ("eu-west-1",) if partial else ()
    posture = Posture(
        [compile_policy(parse(text.encode(), "p.yaml"))], Moment(datetime(2026, 1, 1, tzinfo=UTC), {}, regions)
    )
    place = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1",), partial=partial)
    posture.see(user())
    posture.hear(Listing(scope="1", kind="aws.sqs.queue", region="eu-west-1", partial=partial), place)
    [said] = posture.end()
    assert said.status == status
    assert ("only eu-west-1 was looked at" in said.reason) is (status == "unknown")


OWN = ALL_OF_A_KIND.replace("aws.iam.user", "aws.ec2.vpc").replace("queue}", 'queue, by: o.Vpc, of: "[r.Vpc]"}')


@pytest.mark.parametrize(("denied", "status"), [("eu-west-1", "unknown"), ("us-east-1", "pass"), ("global", "unknown")])
def test_what_belongs_to_a_resource_is_missed_in_its_own_region_alone(denied: str, status: str) -> None:
    posture = Posture([compile_policy(parse(OWN.encode(), "p.yaml"))], Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    place = Place("1", "1", "arn:aws:iam::1:root", "aws", ("eu-west-1", "us-east-1"))
    near: dict[str, Any] = {"scope": "1", "region": "eu-west-1", "body_hash": "", "key": "eu-west-1"}
    posture.see(Asset(kind="aws.ec2.vpc", resource="v", name="v", body={"Vpc": "v"}, **near))
    posture.see(Asset(kind="aws.sqs.queue", resource="q", name="q", body={"Vpc": "v", "Good": True}, **near))
    posture.hear(Listing(scope="1", kind="aws.sqs.queue", region=denied, cause="AccessDenied"), place)
    [said] = posture.end()
    assert said.status == status


def test_what_lies_in_another_region_belongs_to_no_resource_of_this_one() -> None:
    posture = Posture([compile_policy(parse(OWN.encode(), "p.yaml"))], Moment(datetime(2026, 1, 1, tzinfo=UTC)))
    for kind, region, body in (
        ("aws.ec2.vpc", "eu-west-1", {"Vpc": "v"}),
        ("aws.sqs.queue", "us-east-1", {"Vpc": "v", "Good": True}),
    ):
        posture.see(Asset(kind, kind, kind, "1", region, body, "", key=region))
    [said] = posture.end()
    assert said.status == "fail"
