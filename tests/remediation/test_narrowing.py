"""Whatever narrows takes the internet out, and leaves a second, legitimate source of every kind in the same rule."""

import json
from typing import Any

import pytest

from pipeline.changing.plans import playbook_of
from remediation.playbook import Faults

HALVES = ["0.0.0.0/1", "128.0.0.0/1"]
EVERYBODY = [["0.0.0.0/0"], ["::/0"], HALVES, ["0.0.0.0/0", "::/0"]]


def wanted(playbook: str, body: dict[str, Any], faults: Faults) -> Any:
    """Return what a playbook wants to be of a body."""
    chosen = playbook_of(playbook)
    return chosen.want(chosen.state(body), faults)


def azure_rule(*sources: str, **fields: Any) -> dict[str, Any]:
    properties = {
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "22",
        "destinationAddressPrefix": "*",
        "sourceAddressPrefixes": [*sources],
        "access": "Allow",
        "direction": "Inbound",
        "priority": 100,
    }
    return {"name": "a", "properties": properties | fields}


AZURE: tuple[str, Faults] = ("azure.network.restrict-inbound", {"azure.network.ssh-open-to-internet": ("",)})


@pytest.mark.parametrize("everybody", [["*"], ["Internet"], *EVERYBODY], ids=str)
@pytest.mark.parametrize(
    "legitimate", ["VirtualNetwork", "AzureLoadBalancer", "198.51.100.0/24", "10.0.0.4", "2400::/32"]
)
def test_a_legitimate_source_of_azure_stays(everybody: list[str], legitimate: str) -> None:
    after = wanted(AZURE[0], {"securityRules": [azure_rule(*everybody, legitimate)]}, AZURE[1])
    assert after["rules"]["a"]["sourceAddressPrefixes"] == [legitimate]


def test_a_legitimate_application_security_group_of_azure_stays() -> None:
    group = [{"id": "/subscriptions/s/x"}]
    body = {"securityRules": [azure_rule("0.0.0.0/0", sourceApplicationSecurityGroups=group)]}
    after = wanted(AZURE[0], body, AZURE[1])["rules"]["a"]
    assert (after["sourceAddressPrefixes"], after["sourceApplicationSecurityGroups"]) == ([], group)


def test_rules_of_azure_that_open_together_are_narrowed_together() -> None:
    rules = [
        azure_rule(half, "VirtualNetwork", priority=100 + n) | {"name": f"half {n}"} for n, half in enumerate(HALVES)
    ]
    after = wanted(AZURE[0], {"securityRules": rules}, AZURE[1])
    assert {name: rule["sourceAddressPrefixes"] for name, rule in after["rules"].items()} == {
        "half 0": ["VirtualNetwork"],
        "half 1": ["VirtualNetwork"],
    }


GCP: tuple[str, Faults] = ("gcp.compute.restrict-ingress", {"gcp.compute.ssh-open-to-internet": ("",)})


@pytest.mark.parametrize("everybody", EVERYBODY, ids=str)
@pytest.mark.parametrize(
    "legitimate",
    [{"sourceRanges": ["35.235.240.0/20"]}, {"sourceTags": ["bastion"]}, {"sourceServiceAccounts": ["a@b.iam"]}],
    ids=str,
)
def test_a_legitimate_source_of_google_stays(everybody: list[str], legitimate: dict[str, list[str]]) -> None:
    body = legitimate | {"sourceRanges": [*everybody, *legitimate.get("sourceRanges", [])]}
    after = wanted(GCP[0], body, GCP[1])
    nothing: dict[str, list[str]] = {"sourceRanges": [], "sourceTags": [], "sourceServiceAccounts": []}
    assert after == {**nothing, **legitimate, "disabled": False}


@pytest.mark.parametrize("body", [{}, {"sourceRanges": ["0.0.0.0/0"]}, {"sourceRanges": HALVES}], ids=str)
def test_a_rule_of_google_without_another_source_is_disabled(body: dict[str, Any]) -> None:
    assert wanted(GCP[0], body, GCP[1])["disabled"] is True


AWS: tuple[str, Faults] = ("aws.ec2.restrict-ingress", {"aws.ec2.ssh-open-to-internet": ("tcp:22:22",)})


@pytest.mark.parametrize("everybody", EVERYBODY, ids=str)
@pytest.mark.parametrize("legitimate", ["198.51.100.0/24", "10.0.0.0/8", "2400:2000::/32"])
def test_a_legitimate_range_of_aws_stays(everybody: list[str], legitimate: str) -> None:
    blocks = [*everybody, legitimate]
    permission = {
        "IpProtocol": "tcp",
        "FromPort": 22,
        "ToPort": 22,
        "IpRanges": [{"CidrIp": block} for block in blocks if ":" not in block],
        "Ipv6Ranges": [{"CidrIpv6": block} for block in blocks if ":" in block],
        "UserIdGroupPairs": [{"GroupId": "sg-1"}],
        "PrefixListIds": [{"PrefixListId": "pl-1"}],
    }
    other = {"IpProtocol": "tcp", "FromPort": 443, "ToPort": 443, "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
    after = wanted(AWS[0], {"IpPermissions": [permission, other]}, AWS[1])
    assert set(after["rules"]) == {f"tcp:22:22 {legitimate}", "tcp:443:443 0.0.0.0/0"}


S3 = "aws.s3.remove-public-statement"
OURS = "arn:aws:iam::123456789012:role/app"
LEGITIMATE: list[tuple[Any, dict[str, list[str]]]] = [
    ({"AWS": ["*", OURS]}, {"AWS": [OURS]}),
    ({"AWS": "*", "Service": "cloudtrail.amazonaws.com"}, {"Service": ["cloudtrail.amazonaws.com"]}),
    ({"AWS": ["*"], "CanonicalUser": "79a59df900b9"}, {"CanonicalUser": ["79a59df900b9"]}),
    ({"AWS": "*", "Federated": ["cognito-identity.amazonaws.com"]}, {"Federated": ["cognito-identity.amazonaws.com"]}),
]


@pytest.mark.parametrize(("principal", "left"), LEGITIMATE)
def test_a_legitimate_principal_of_a_bucket_policy_stays(principal: Any, left: dict[str, list[str]]) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}
    body = {"Policy": {"Version": "2012-10-17", "Statement": [statement]}}
    after = wanted(S3, body, {"aws.s3.policy-public-write": ("s3:putobject arn:aws:s3:::b/*",)})
    assert [json.loads(text) for text in after["statements"].values()] == [{**statement, "Principal": left}]


@pytest.mark.parametrize("principal", ["*", {"AWS": "*"}, {"AWS": ["*", "arn:aws:iam::*:root"]}], ids=str)
def test_a_statement_for_everybody_alone_is_taken_out(principal: Any) -> None:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "s3:PutObject", "Resource": "arn:aws:s3:::b/*"}
    body = {"Policy": {"Statement": [statement]}}
    assert wanted(S3, body, {"aws.s3.policy-public-write": ("s3:putobject arn:aws:s3:::b/*",)}) == {}
