"""What a principal may do by all its documents. Oracles: the emulator's own evaluation of policies, AWS's reference.

The emulator (moto, `iam.access_control`) evaluates one action on one resource; it knows neither NotResource nor the
variables of policies, so generated documents hold none.
"""

import itertools
import json
import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from moto.iam.access_control import IAMPolicy, PermissionResult

from semantics.aws import policy_documents as d
from semantics.aws.effective_permissions import FAMILY, WAYS, administrator, escalations
from semantics.aws.wildcards import includes, overlaps

ALICE = "arn:aws:iam::123456789012:user/alice"
APP = "arn:aws:iam::123456789012:role/app"
STRANGERS = "arn:aws:iam::123456789012:user/zq9"


def allow(*actions: str, **fields: Any) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": list(actions), "Resource": "*"} | fields]}


def deny(*actions: str, **fields: Any) -> dict[str, Any]:
    return allow(*actions, **({"Effect": "Deny"} | fields))


EVERYTHING = allow("*")

patterns = st.text("ab*?", max_size=6)
texts = ["".join(letters) for size in range(6) for letters in itertools.product("ab", repeat=size)]


@given(patterns, patterns)
def test_what_is_included_means_no_more(wide: str, narrow: str) -> None:
    if includes(wide, narrow):
        assert all(fnmatchcase(text, wide) for text in texts if fnmatchcase(text, narrow))


@given(patterns, st.sampled_from(texts))
def test_a_plain_text_is_included_where_the_standard_library_matches_it(wide: str, text: str) -> None:
    assert includes(wide, text) == fnmatchcase(text, wide)


@given(st.text("ab*?", max_size=3), st.text("ab*?", max_size=3))
def test_patterns_overlap_where_a_text_is_meant_by_both(one: str, other: str) -> None:
    # Two patterns of three characters that overlap do so in a text of five at most.
    assert overlaps(one, other) == any(fnmatchcase(t, one) and fnmatchcase(t, other) for t in texts)


def test_long_patterns_take_no_more_than_a_moment() -> None:
    stars = "*a" * 1000
    assert not includes(stars + "c", "a" * 3000)
    assert not overlaps(stars + "c", "a" * 300 + "b")


@pytest.mark.parametrize(
    ("principal", "documents", "expected"),
    [
        (ALICE, [allow("iam:PutUserPolicy")], ["iam:PutUserPolicy"]),
        (ALICE, [allow("IAM:putuserpolicy")], ["iam:PutUserPolicy"]),
        (ALICE, [allow("iam:Put?serPolicy", "s3:*")], ["iam:PutUserPolicy"]),
        (ALICE, [allow("s3:*", "ec2:*", "iam:Get*", "iam:List*")], []),
        (ALICE, [allow("iam:PutUserPolicy", Resource="arn:aws:s3:::data/*")], []),
        # A self-service policy as in the IAM User Guide, «Allows users to manage their own credentials».
        (ALICE, [allow("iam:CreateAccessKey", Resource="arn:aws:iam::*:user/${aws:username}")], []),
        (ALICE, [allow("iam:CreateAccessKey", Resource="arn:aws:iam::*:user/*")], ["iam:CreateAccessKey"]),
        (ALICE, [allow("iam:PutUserPolicy", Resource="arn:aws:iam::*:user/${aws:username}")], ["iam:PutUserPolicy"]),
        (ALICE, [allow("iam:PutUserPolicy", Resource="arn:aws:iam::*:user/bob")], []),
        (ALICE, [allow("iam:PutUserPolicy", Resource="arn:aws:iam::999999999999:user/*")], []),
        (APP, [allow("iam:PutRolePolicy", Resource=APP)], ["iam:PutRolePolicy"]),
        (APP, [allow("iam:PutRolePolicy", Resource="arn:aws:iam::123456789012:role/other-*")], []),
        (ALICE, [allow("iam:PassRole")], []),
        (ALICE, [allow("ec2:RunInstances")], []),
        # The parts of a way come from different documents.
        (ALICE, [allow("iam:PassRole"), allow("ec2:RunInstances")], ["iam:PassRole+ec2:RunInstances"]),
        (ALICE, [allow("iam:PassRole", Resource="arn:aws:iam::123456789012:role/web"), allow("ec2:RunInstances")], []),
        (
            ALICE,
            [
                allow("iam:PassRole", Condition={"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}),
                allow("ec2:RunInstances"),
            ],
            [],
        ),
        (
            ALICE,
            [
                allow("iam:PassRole", Condition={"StringLike": {"iam:PassedToService": "ec2.*"}}),
                allow("ec2:RunInstances"),
            ],
            ["iam:PassRole+ec2:RunInstances"],
        ),
        (
            ALICE,
            [allow("lambda:UpdateFunctionCode", Resource="arn:aws:lambda:eu-west-1:123456789012:function:*")],
            ["lambda:UpdateFunctionCode"],
        ),
        # Delegation within a boundary: IAM User Guide, «Delegating responsibility to others using boundaries».
        (
            ALICE,
            [allow("iam:PutUserPolicy", Condition={"StringEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:b"}})],
            [],
        ),
        (ALICE, [allow("iam:AttachUserPolicy", Condition={"ArnEquals": {"iam:PolicyARN": ["arn:aws:iam::1:p"]}})], []),
        (
            ALICE,
            [allow("iam:AttachUserPolicy", Condition={"ArnLike": {"iam:PolicyARN": ["*"]}})],
            ["iam:AttachUserPolicy"],
        ),
        # Conditions that the holder may bring about count as held.
        (
            ALICE,
            [allow("iam:PutUserPolicy", Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}})],
            ["iam:PutUserPolicy"],
        ),
        (ALICE, [{"Statement": {"Effect": "Allow", "NotAction": ["iam:Put*", "iam:A*", "iam:C*", "iam:U*", "iam:S*"]}
                  | {"Resource": "*"}}], None),
        (ALICE, [{"Statement": {"Effect": "Allow", "Action": "iam:PutUserPolicy", "NotResource": ALICE}}], []),
    ],
)  # fmt: skip
def test_ways_to_more(principal: str, documents: list[Any], expected: list[str] | None) -> None:
    found = escalations(principal, documents, [])
    if expected is None:
        assert found
        assert not [name for name in found if name.startswith("iam:") and "PassRole" not in name]
    else:
        assert found == expected


@pytest.mark.parametrize(
    ("denial", "left"),
    [
        (deny("iam:*"), False),
        (deny("iam:PutUserPolicy"), False),
        (deny("iam:PutUser*", Resource="arn:aws:iam::*:user/*"), False),
        (deny("iam:PutUserPolicy", Resource="arn:aws:iam::123456789012:user/admin"), True),
        (deny("iam:DeleteUser"), True),
        ({"Statement": [{"Effect": "Deny", "NotAction": ["s3:*"], "Resource": "*"}]}, False),
        ({"Statement": [{"Effect": "Deny", "NotAction": ["iam:*"], "Resource": "*"}]}, True),
        ({"Statement": [{"Effect": "Deny", "Action": "*", "NotResource": "arn:aws:s3:::*"}]}, False),
        (deny("iam:*", Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}), True),
        (deny("iam:*", Condition={"StringNotEquals": {"iam:PermissionsBoundary": "arn:aws:iam::1:policy/b"}}), False),
    ],
)
def test_denials(denial: dict[str, Any], left: bool) -> None:
    assert escalations(ALICE, [allow("iam:PutUserPolicy"), denial], []) == ["iam:PutUserPolicy"] * left


def test_a_boundary_bounds() -> None:
    wide = [allow("iam:PutUserPolicy", "s3:*")]
    assert escalations(ALICE, wide, [EVERYTHING]) == ["iam:PutUserPolicy"]
    assert escalations(ALICE, wide, [allow("s3:*", "ec2:*")]) == []
    assert escalations(ALICE, wide, [allow("*", Resource="arn:aws:s3:::*")]) == []
    assert escalations(ALICE, wide, [{"Statement": [*EVERYTHING["Statement"], *deny("iam:*")["Statement"]]}]) == []


@pytest.mark.parametrize(
    ("documents", "boundaries", "expected"),
    [
        ([EVERYTHING], [], True),
        ([allow("s3:*"), allow("*:*")], [], True),
        ([{"Statement": {"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}}], [], True),
        ([{"Statement": {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}}], [], False),
        ([allow("*", Resource="arn:aws:s3:::a/*")], [], False),
        ([EVERYTHING, deny("s3:DeleteBucket")], [], True),
        ([EVERYTHING, deny("*")], [], False),
        ([EVERYTHING], [EVERYTHING], True),
        ([EVERYTHING], [allow("s3:*")], False),
        ([EVERYTHING], [EVERYTHING, allow("iam:*")], False),
        ([], [], False),
    ],
)
def test_administrators(documents: list[Any], boundaries: list[Any], expected: bool) -> None:
    assert administrator(ALICE, documents, boundaries) is expected


ACTIONS = ["iam:CreateAccessKey", "iam:PutUserPolicy", "iam:PassRole", "lambda:UpdateFunctionCode", "iam:Create*"]
ACTIONS += ["iam:*", "*", "s3:Get*", "lambda:*", "iam:?utUserPolicy", "ec2:RunInstances"]
RESOURCES = [
    "*",
    "arn:aws:iam::123456789012:*",
    "arn:aws:iam::123456789012:user/*",
    "arn:aws:iam::123456789012:user/a*",
]
RESOURCES += ["arn:aws:iam::123456789012:user/bob", "arn:aws:s3:::data/*", "arn:aws:iam::999999999999:user/*"]


def some(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, max_size=3, unique=True)


def statement(effect: st.SearchStrategy[str]) -> st.SearchStrategy[dict[str, Any]]:
    spoken = st.tuples(st.sampled_from(["Action", "Action", "NotAction"]), some(ACTIONS))
    return st.builds(
        lambda effect, spoken, resources: {"Effect": effect, spoken[0]: spoken[1], "Resource": resources},
        effect,
        spoken,
        some(RESOURCES),
    )


def document(*effects: str) -> st.SearchStrategy[dict[str, Any]]:
    one = statement(st.sampled_from(effects))
    return st.builds(lambda found: {"Statement": found}, st.lists(one, min_size=1, max_size=4))


either = document("Allow", "Deny")
several = st.lists(either, max_size=3)


@settings(max_examples=400, deadline=None)
@given(either)
def test_the_emulator_allows_the_same(policy: dict[str, Any]) -> None:
    """Keys for users whose name no statement says: counted by us where the emulator's evaluation permits it."""
    evaluated = IAMPolicy({"policy_document": json.dumps(policy)})
    permitted = evaluated.is_action_permitted("iam:CreateAccessKey", STRANGERS) == PermissionResult.PERMITTED
    assert ("iam:CreateAccessKey" in escalations(ALICE, [policy], [])) == permitted


@settings(deadline=None)  # other work on the machine is no fault
@given(several, document("Deny"))
def test_a_denial_never_widens(policies: list[Any], denial: dict[str, Any]) -> None:
    assert set(escalations(ALICE, [*policies, denial], [])) <= set(escalations(ALICE, policies, []))
    assert administrator(ALICE, [*policies, denial], []) <= administrator(ALICE, policies, [])


@settings(deadline=None)  # other work on the machine is no fault
@given(several, document("Allow"))
def test_an_allowance_never_narrows(policies: list[Any], more: dict[str, Any]) -> None:
    assert set(escalations(ALICE, [*policies, more], [])) >= set(escalations(ALICE, policies, []))
    assert administrator(ALICE, [*policies, more], []) >= administrator(ALICE, policies, [])


@settings(deadline=None)  # other work on the machine is no fault
@given(several, either)
def test_a_boundary_never_widens_and_one_of_everything_changes_nothing(policies: list[Any], bound: Any) -> None:
    assert set(escalations(ALICE, policies, [bound])) <= set(escalations(ALICE, policies, []))
    assert escalations(ALICE, policies, [EVERYTHING]) == escalations(ALICE, policies, [])


@settings(deadline=None)  # other work on the machine is no fault
@given(several)
def test_how_statements_are_spread_over_documents_does_not_matter(policies: list[Any]) -> None:
    joined = {"Statement": [s for policy in reversed(policies) for s in policy["Statement"]]}
    assert escalations(ALICE, [joined], []) == escalations(ALICE, policies, [])


@pytest.mark.parametrize("action", sorted({action for way in WAYS for action in way.actions}))
def test_each_action_and_its_resources_are_as_the_reference_says(action: str, reference: dict[str, Any]) -> None:
    prefix, name = action.split(":")
    kinds = [kind.rstrip("*") for kind in reference[prefix]["privileges"][name]["resource_types"] if kind]
    arns = {re.sub(r"\$\{[A-Za-z]+\}", "*", reference[prefix]["resources"][kind]["arn"]) for kind in kinds}
    if action not in FAMILY:
        assert not arns
        return
    reported = FAMILY[action].replace("ACCOUNT", "*").replace("REGION", "*")
    assert [arn for arn in arns if includes(f"arn:*:{reported}", arn)], arns


def resource_policy(*statements: dict[str, Any]) -> dict[str, Any]:
    base = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::a/*"}
    return {"Statement": [base | statement for statement in statements]}


OPEN: dict[str, Any] = {}
PARTNER = {"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}


@pytest.mark.parametrize(
    ("denial", "public"),
    [
        ({}, False),
        ({"Action": "s3:*", "Resource": "*"}, False),
        ({"Principal": {"AWS": "*"}}, False),
        ({"Action": "s3:PutObject"}, True),
        ({"Resource": "arn:aws:s3:::a/private/*"}, True),
        ({"Principal": {"AWS": "arn:aws:iam::111122223333:root"}}, True),
        # Amazon S3 User Guide, «Bucket policy examples»: from one VPC endpoint, one organisation, one network only.
        ({"Condition": {"StringNotEquals": {"aws:SourceVpce": "vpce-1a2b3c4d"}}}, False),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}}, False),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}}, False),
        ({"Condition": {"NotIpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}}}, True),
        (
            {
                "Condition": {
                    "StringNotEqualsIfExists": {"aws:PrincipalOrgID": "o-a1b2c3"},
                    "BoolIfExists": {"aws:PrincipalIsAWSService": "false"},
                }
            },
            False,
        ),
        ({"Condition": {"Bool": {"aws:SecureTransport": "false"}}}, True),
        (
            {
                "Condition": {
                    "StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3"},
                    "Bool": {"aws:SecureTransport": "false"},
                }
            },
            True,
        ),
    ],
)
def test_a_denial_takes_public_access_back(denial: dict[str, Any], public: bool) -> None:
    document = resource_policy(OPEN, {"Effect": "Deny"} | denial)
    assert bool(d.public_statements(document)) is public


def test_everybody_but_some_is_denied() -> None:
    document = resource_policy(OPEN)
    spared = {"NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}}
    document["Statement"].append({"Effect": "Deny", "Action": "s3:*", "Resource": "*"} | spared)
    assert d.public_statements(document) == []


@pytest.mark.parametrize(
    ("denial", "found"),
    [
        ({"Principal": "*"}, []),
        (PARTNER, []),
        ({"Principal": {"AWS": "arn:aws:iam::444455556666:root"}}, ["AWS:arn:aws:iam::111122223333:root"]),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalAccount": "123456789012"}}}, []),
        (
            {"Condition": {"StringNotEquals": {"aws:PrincipalAccount": ["123456789012", "111122223333"]}}},
            ["AWS:arn:aws:iam::111122223333:root"],
        ),
        ({"Condition": {"StringNotEquals": {"aws:PrincipalOrgID": "o-a1b2c3"}}}, []),
        (
            {"Condition": {"NotIpAddress": {"aws:SourceIp": "203.0.113.0/24"}}},
            ["AWS:arn:aws:iam::111122223333:root"],
        ),
    ],
)
def test_a_denial_takes_foreign_access_back(denial: dict[str, Any], found: list[str]) -> None:
    document = resource_policy(PARTNER, {"Effect": "Deny"} | denial)
    assert d.foreign_principals(document, "123456789012", []) == found


conditions = st.sampled_from(
    [{}, {"StringNotEquals": {"aws:SourceVpce": "vpce-1"}}, {"Bool": {"aws:SecureTransport": "x"}}]
)
clauses = st.builds(
    lambda principal, action, resource, condition: {
        "Principal": principal, "Action": action, "Resource": resource, "Condition": condition
    },
    st.sampled_from(["*", {"AWS": "*"}, {"AWS": "111122223333"}]),
    st.sampled_from(["s3:*", "s3:GetObject", "s3:PutObject", "*"]),
    st.sampled_from(["*", "arn:aws:s3:::a/*", "arn:aws:s3:::a/b/*"]),
    conditions,
)  # fmt: skip


@settings(deadline=None)  # other work on the machine is no fault
@given(st.lists(clauses, max_size=3), st.lists(clauses, max_size=2), clauses)
def test_a_denial_never_makes_public(grants: list[Any], denials: list[Any], one_more: dict[str, Any]) -> None:
    before = resource_policy(*grants, *({"Effect": "Deny"} | denial for denial in denials))
    after = {"Statement": [*before["Statement"], {"Effect": "Deny"} | one_more]}
    assert len(d.public_statements(after)) <= len(d.public_statements(before))
    assert set(d.foreign_principals(after, "1", [])) <= set(d.foreign_principals(before, "1", []))
