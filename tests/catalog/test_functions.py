"""Policy documents, ports and addresses. Examples follow AWS's documentation, named where each is from."""

from datetime import UTC, datetime
from typing import Any

import pytest

from catalog import functions as f
from semantics.addresses import is_any_address
from semantics.aws import policy_documents as d
from semantics.aws import security_groups

# Amazon S3 User Guide, «The meaning of public»: which policies count as public.
LIMITED = [
    {"StringEquals": {"aws:SourceVpc": "vpc-91237329"}},
    {"IpAddress": {"aws:SourceIp": "54.240.143.0/24"}},
    {"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}},
    {"IpAddress": {"aws:SourceIp": "2001:db8::/32"}},
    {"StringEquals": {"aws:PrincipalOrgID": "o-xxxxxxxxxx"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:sns:us-east-1:123456789012:topic"}},
    {"StringEquals": {"AWS:SourceAccount": ["123456789012"]}},
]
OPEN = [
    {},
    {"StringLike": {"aws:SourceVpc": "*"}},
    {"StringLike": {"aws:SourceVpc": "vpc-91237329*"}},
    {"IpAddress": {"aws:SourceIp": "0.0.0.0/0"}},
    {"IpAddress": {"aws:SourceIp": ["0.0.0.0/1", "128.0.0.0/1"]}},
    {"IpAddress": {"aws:SourceIp": ["54.240.143.0/24", "32.0.0.0/7"]}},
    {"IpAddress": {"aws:SourceIp": "2000::/3"}},
    {"IpAddress": {"aws:SourceIp": "2400::/31"}},
    {"StringEquals": {"aws:SecureTransport": "true"}},
    {"StringEqualsIfExists": {"aws:SourceAccount": "123456789012"}},
    {"StringNotEquals": {"aws:SourceVpc": "vpc-91237329"}},
    {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:s3:::*"}},
    {"ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:*"}},
    {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*"}},
    {"StringLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/x"}},
    {"StringLike": {"aws:PrincipalAccount": "????????????"}},
    {"StringLike": {"aws:PrincipalOrgID": "o-*"}},
    {"StringLike": {"aws:SourceVpce": "vpce-*"}},
    {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}},
]


def allow(**fields: Any) -> dict[str, Any]:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"} | fields
    return {"Version": "2012-10-17", "Statement": statement}


@pytest.mark.parametrize("condition", LIMITED)
def test_a_condition_that_says_who_makes_it_not_public(condition: dict[str, Any]) -> None:
    assert d.public_statements(allow(Condition=condition)) == []


@pytest.mark.parametrize("condition", OPEN)
def test_other_conditions_leave_it_public(condition: dict[str, Any]) -> None:
    assert len(d.public_statements(allow(Condition=condition))) == 1


@pytest.mark.parametrize(
    ("principal", "public"),
    [
        ("*", True),
        ({"AWS": "*"}, True),
        ({"AWS": ["arn:aws:iam::123456789012:root", "*"]}, True),
        ({"AWS": "arn:aws:iam::*:root"}, True),
        ({"CanonicalUser": "*"}, True),
        ({"AWS": "arn:aws:iam::123456789012:root"}, False),
        ({"Service": "cloudtrail.amazonaws.com"}, False),
    ],
)
def test_public_principals(principal: object, public: bool) -> None:
    assert bool(d.public_statements(allow(Principal=principal))) is public
    assert not d.public_statements(allow(Principal=principal, Effect="Deny"))


def test_everybody_but_one_is_public() -> None:
    statement = {"Effect": "Allow", "NotPrincipal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "s3:*"}
    assert len(d.public_statements({"Statement": [statement]})) == 1


@pytest.mark.parametrize(
    ("principal", "found"),
    [
        ({"AWS": "arn:aws:iam::123456789012:role/x"}, []),
        ({"AWS": "123456789012"}, []),
        (
            {"AWS": ["arn:aws:iam::210987654321:root", "111122223333"]},
            ["AWS:111122223333", "AWS:arn:aws:iam::210987654321:root"],
        ),
        ({"AWS": "444455556666"}, []),
        ({"Service": "logs.amazonaws.com"}, []),
        ("*", ["*"]),
    ],
)
def test_foreign_principals(principal: object, found: list[str]) -> None:
    assert d.foreign_principals(allow(Principal=principal), "123456789012", ["444455556666"]) == found


@pytest.mark.parametrize(
    ("statement", "actions", "expected"),
    [
        ({"Action": ["s3:putobject"]}, ["s3:PutObject"], True),
        ({"Action": ["s3:put*"]}, ["s3:PutObject"], True),
        ({"Action": ["s3:?utobject"]}, ["s3:PutObject"], True),
        ({"Action": ["*"]}, ["s3:PutObject"], True),
        ({"Action": ["s3:get*"]}, ["s3:PutObject", "s3:DeleteObject"], False),
        ({"Action": ["s3:[a-z]*"]}, ["s3:PutObject"], False),
        ({"NotAction": ["s3:*"]}, ["s3:PutObject"], False),
        ({"NotAction": ["iam:*"]}, ["s3:PutObject"], True),
        ({}, ["s3:PutObject"], False),
    ],
)
def test_allows(statement: dict[str, Any], actions: list[str], expected: bool) -> None:
    assert d.allows(statement, actions) is expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([{"Effect": "Allow", "Action": "*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "Action": ["s3:*", "*:*"], "Resource": ["*"]}], True),
        ([{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "Action": "*", "Resource": "arn:aws:s3:::a"}], False),
        ([{"Effect": "Deny", "Action": "*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "Action": "*", "NotResource": "arn:aws:s3:::a"}], True),
        ([{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {"Bool": {"a": "true"}}}], True),
        ([], False),
    ],
)
def test_administrators(statements: list[dict[str, Any]], expected: bool) -> None:
    assert d.is_administrator({"Statement": statements}) is expected


@pytest.mark.parametrize(
    ("permission", "protocol", "ports", "expected"),
    [
        ({"IpProtocol": "tcp", "FromPort": 20, "ToPort": 22}, "tcp", [22], True),
        ({"IpProtocol": "tcp", "FromPort": 23, "ToPort": 3389}, "tcp", [22, 3389], True),
        ({"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443}, "tcp", [22], False),
        ({"IpProtocol": "udp", "FromPort": 22, "ToPort": 22}, "tcp", [22], False),
        ({"IpProtocol": "-1"}, "tcp", [22], True),
        ({"IpProtocol": "icmp", "FromPort": -1, "ToPort": -1}, "tcp", [22], False),
    ],
)
def test_ports(permission: dict[str, Any], protocol: str, ports: list[int], expected: bool) -> None:
    assert security_groups.permits(permission, protocol, ports) is expected


def test_addresses_and_ages() -> None:
    permission = {"IpRanges": [{"CidrIp": "10.0.0.0/8"}], "Ipv6Ranges": [{"CidrIpv6": "::/0"}]}
    assert security_groups.sources(permission) == ["10.0.0.0/8", "::/0"]
    assert not is_any_address("pl-12345")
    now = datetime(2026, 4, 1, tzinfo=UTC)
    assert f.age_days("2026-03-01T00:00:00Z", now) == 31
    assert f.age_days("2026-03-01T09:00:00+09:00", now) == 31
    assert d.statements(None) == []


def test_what_cannot_be_read_is_named() -> None:
    with pytest.raises(ValueError, match="the log group of the trail org cannot be read"):
        f.unread("the log group of the trail org")


@pytest.mark.parametrize(("value", "good"), [("on", True), ("off", False)])
def test_a_value_of_an_enumeration_is_good_or_bad(value: str, good: bool) -> None:
    assert f.one_of(value, ["on"], ["off"]) is good


@pytest.mark.parametrize("value", ["", "On", "auto"])
def test_another_value_is_neither(value: str) -> None:
    with pytest.raises(ValueError, match="none of the values"):
        f.one_of(value, ["on"], ["off"])
