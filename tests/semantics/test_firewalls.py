"""Rules of all clouds, weighed together: unions, priorities, targets, ports."""

from typing import Any

import pytest

from semantics.addresses import addresses
from semantics.aws.security_groups import open_entries, open_permissions, wholly_open_permissions
from semantics.azure.network_rules import internet_rules
from semantics.firewalls import EVERY_PORT, Rule, letting_in, letting_in_everywhere
from semantics.gcp.firewalls import open_firewall, open_policy_rules

HALVES = ("0.0.0.0/1", "128.0.0.0/1")
SSH = ((22, 22),)


def rule(name: str, *sources: str, allows: bool = True, ports: Any = SSH, to: str = "*") -> Rule:
    return Rule(name, allows, addresses(sources), ports, frozenset(to.split()))


@pytest.mark.parametrize(
    ("rules", "opening"),
    [
        ([rule("a", "0.0.0.0/0")], ["a"]),
        ([rule("a", HALVES[0]), rule("b", HALVES[1])], ["a", "b"]),
        ([rule("a", HALVES[0]), rule("b", HALVES[1], ports=((23, 80),))], []),
        ([rule("a", HALVES[0]), rule("b", "0.0.0.0/0"), rule("c", HALVES[1])], ["b"]),
        ([rule("d", "0.0.0.0/0", allows=False), rule("a", "0.0.0.0/0")], []),
        ([rule("a", "0.0.0.0/0"), rule("d", "0.0.0.0/0", allows=False)], ["a"]),
        ([*(rule("d", half, allows=False) for half in HALVES), rule("a", "0.0.0.0/0")], []),
        ([rule("d", "198.51.100.0/24", "9.0.0.0/8", allows=False), rule("a", "0.0.0.0/0")], ["a"]),
        ([rule("d", "0.0.0.0/0", allows=False), rule("a", "0.0.0.0/0", "::/0")], ["a"]),
        ([rule("d", "0.0.0.0/0", allows=False, to="x"), rule("a", "0.0.0.0/0", to="x")], []),
        ([rule("d", "0.0.0.0/0", allows=False, to="x"), rule("a", "0.0.0.0/0", to="x y")], ["a"]),
        ([rule("d", "0.0.0.0/0", allows=False, to="x"), rule("a", "0.0.0.0/0")], ["a"]),
        ([rule("d", "0.0.0.0/0", allows=False, ports=((0, 21), (23, 65535))), rule("a", "0.0.0.0/0")], ["a"]),
        ([rule("d", "0.0.0.0/0", allows=False, ports=((0, 22), (23, 99))), rule("a", "0.0.0.0/0")], []),
    ],
)
def test_rules_together(rules: list[Rule], opening: list[str]) -> None:
    assert [one.name for one in letting_in(rules, SSH)] == opening


def test_all_ports_may_be_opened_by_several_rules() -> None:
    low, high = rule("low", "0.0.0.0/0", ports=((1, 1023),)), rule("high", *HALVES, ports=((1024, 65535),))
    assert [one.name for one in letting_in_everywhere([low, high])] == ["low", "high"]
    assert letting_in_everywhere([low, rule("high", *HALVES, ports=((1025, 65535),))]) == []
    assert letting_in([low, high], ((80, 80),)) == [low]
    assert letting_in([low], EVERY_PORT) == [low]


def permission(
    *blocks: str, ports: tuple[int, int] | None = (22, 22), protocol: str = "tcp", lists: Any = ()
) -> dict[str, Any]:
    return {
        "IpProtocol": protocol,
        **({"FromPort": ports[0], "ToPort": ports[1]} if ports else {}),
        "IpRanges": [{"CidrIp": block} for block in blocks if ":" not in block],
        "Ipv6Ranges": [{"CidrIpv6": block} for block in blocks if ":" in block],
        "PrefixListIds": [{"PrefixListId": one} for one in lists],
    }


OFFICE = {"PrefixListId": "pl-1", "Entries": [{"Cidr": "198.51.100.0/24"}]}
HALF = {"PrefixListId": "pl-2", "Entries": [{"Cidr": "128.0.0.0/1", "Description": "the other half"}]}


@pytest.mark.parametrize(
    ("permissions", "sources"),
    [
        ([permission("0.0.0.0/0", "10.0.0.0/8")], [["0.0.0.0/0"]]),
        ([permission(*HALVES)], [[*HALVES]]),
        ([permission(HALVES[0]), permission(HALVES[1], ports=(20, 30))], [[HALVES[0]], [HALVES[1]]]),
        ([permission("::/1"), permission("8000::/1", protocol="-1", ports=None)], [["::/1"]]),
        ([permission(HALVES[0], lists=["pl-2"])], [[HALVES[0], "pl-2"]]),
        ([permission(lists=["pl-1"])], []),
        ([permission("0.0.0.0/0", protocol="6")], [["0.0.0.0/0"]]),
        ([permission("0.0.0.0/0", protocol="icmp", ports=(-1, -1))], []),
        ([permission("0.0.0.0/0", ports=(23, 65535))], []),
        ([permission(HALVES[0])], []),
    ],
)
def test_permissions_of_security_groups(permissions: list[dict[str, Any]], sources: list[list[str]]) -> None:
    assert [one["Sources"] for one in open_permissions([permissions], [OFFICE, HALF], "tcp", [22])] == sources


@pytest.mark.parametrize(
    ("permissions", "number"),
    [
        ([permission("0.0.0.0/0", protocol="-1", ports=None)], 1),
        ([permission("0.0.0.0/0", ports=(1, 65535))], 1),
        ([permission("0.0.0.0/0", ports=(0, 1000)), permission(*HALVES, ports=(1001, 65535))], 2),
        ([permission("0.0.0.0/0", ports=(2, 65535))], 0),
        ([permission("0.0.0.0/0", ports=(1, 1000)), permission("0.0.0.0/0", ports=(1001, 65535), protocol="udp")], 0),
    ],
)
def test_all_ports_of_security_groups(permissions: list[dict[str, Any]], number: int) -> None:
    assert len(wholly_open_permissions([permissions[:1], permissions[1:]], [])) == number


def entry(
    number: int, action: str, *, block: str = "0.0.0.0/0", protocol: str = "6", ports: Any = (22, 22)
) -> dict[str, Any]:
    key = "Ipv6CidrBlock" if ":" in block else "CidrBlock"
    span = {"PortRange": {"From": ports[0], "To": ports[1]}} if protocol != "-1" else {}
    return {"RuleNumber": number, "RuleAction": action, "Egress": False, "Protocol": protocol, key: block, **span}


@pytest.mark.parametrize(
    ("entries", "opening"),
    [
        ([entry(100, "allow"), entry(32767, "deny", protocol="-1")], [100]),
        ([entry(100, "allow", block=HALVES[0]), entry(110, "allow", block=HALVES[1])], [100, 110]),
        ([entry(100, "allow"), entry(50, "deny", block=HALVES[0]), entry(60, "deny", block=HALVES[1])], []),
        ([entry(100, "allow"), entry(50, "deny", block="198.51.100.0/24")], [100]),
        ([entry(100, "allow", block="::/0"), entry(50, "deny")], [100]),
        ([entry(100, "allow", ports=(0, 65535)), entry(50, "deny", ports=(1, 1023))], []),
    ],
)
def test_entries_of_acls(entries: list[dict[str, Any]], opening: list[int]) -> None:
    assert open_entries(entries, "tcp", [22]) == opening


def firewall(priority: int, *sources: str, key: str = "allowed", **fields: Any) -> dict[str, Any]:
    return {"priority": priority, "sourceRanges": [*sources], key: [{"IPProtocol": "tcp", "ports": ["22"]}], **fields}


@pytest.mark.parametrize(
    ("own", "others", "is_open"),
    [
        (firewall(1000, "0.0.0.0/0"), [], True),
        (firewall(1000, *HALVES), [], True),
        (firewall(1000, "0.0.0.0/0"), [firewall(900, "0.0.0.0/0", key="denied")], False),
        (firewall(1000, "0.0.0.0/0"), [firewall(1000, "0.0.0.0/0", key="denied")], False),  # a denial before its equal
        (firewall(1000, "0.0.0.0/0"), [firewall(1001, "0.0.0.0/0", key="denied")], True),
        (firewall(1000, "0.0.0.0/0"), [firewall(900, half, key="denied") for half in HALVES], False),
        (firewall(1000, "0.0.0.0/0"), [firewall(900, "0.0.0.0/0", key="denied", disabled=True)], True),
        (firewall(1000, "0.0.0.0/0"), [firewall(900, "0.0.0.0/0", key="denied", direction="EGRESS")], True),
        (firewall(1000, "0.0.0.0/0"), [firewall(900, "0.0.0.0/0", key="denied", targetTags=["db"])], True),
        (
            firewall(1000, "0.0.0.0/0", targetTags=["db"]),
            [firewall(900, "0.0.0.0/0", key="denied", targetTags=["db"])],
            False,
        ),
        (
            firewall(1000, "0.0.0.0/0", targetTags=["db", "web"]),
            [firewall(900, "0.0.0.0/0", key="denied", targetTags=["db"])],
            True,
        ),
        (firewall(1000), [], True),
        (firewall(1000, sourceTags=["lb"]), [], False),
    ],
)
def test_rules_of_google(own: dict[str, Any], others: list[dict[str, Any]], is_open: bool) -> None:
    assert open_firewall(own, [own, *others], "tcp", [22]) is is_open


def policy_rule(priority: int, action: str, match: dict[str, Any], **fields: Any) -> dict[str, Any]:
    layer4 = {"layer4Configs": [{"ipProtocol": "tcp", "ports": ["20-30"]}]}
    return {"priority": priority, "action": action, "direction": "INGRESS", "match": {**layer4, **match}, **fields}


ALL = {"srcIpRanges": ["0.0.0.0/0"]}


@pytest.mark.parametrize(
    ("rules", "opening"),
    [
        ([policy_rule(1, "allow", ALL)], ["1"]),
        ([policy_rule(1, "allow", {})], ["1"]),
        ([policy_rule(1, "allow", ALL, disabled=True)], []),
        ([policy_rule(1, "goto_next", ALL), policy_rule(2, "allow", ALL)], []),
        ([policy_rule(2, "allow", ALL), policy_rule(1, "deny", ALL)], []),
        ([policy_rule(2, "allow", ALL), policy_rule(1, "deny", {**ALL, "srcRegionCodes": ["JP"]})], ["2"]),
        ([policy_rule(1, "allow", {"srcRegionCodes": ["JP"]})], []),
        ([policy_rule(1, "allow", {"srcNetworkType": "INTERNET"})], ["1"]),
        ([policy_rule(1, "allow", {"srcNetworkType": "NON_INTERNET"})], []),
        ([policy_rule(1, "apply_security_profile_group", ALL)], ["1"]),
        ([{**policy_rule(1, "allow", ALL), "direction": "EGRESS"}], []),
    ],
)
def test_firewall_policies_of_google(rules: list[dict[str, Any]], opening: list[str]) -> None:
    assert open_policy_rules(rules, "tcp", [22]) == opening


def azure(name: str, priority: int, access: str = "Allow", **fields: Any) -> dict[str, Any]:
    properties = {
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "22",
        "destinationAddressPrefix": "*",
    }
    return {
        "name": name,
        "properties": {**properties, "access": access, "direction": "Inbound", "priority": priority, **fields},
    }


@pytest.mark.parametrize(
    ("rules", "opening"),
    [
        (
            [azure(f"half {n}", 100 + n, sourceAddressPrefix=half) for n, half in enumerate(HALVES)],
            ["half 0", "half 1"],
        ),
        (
            [
                *(azure("no", 100 + n, "Deny", sourceAddressPrefix=half) for n, half in enumerate(HALVES)),
                azure("yes", 200, sourceAddressPrefix="0.0.0.0/0"),
            ],
            [],
        ),
        (
            [
                azure("no", 100, "Deny", sourceAddressPrefix="*", destinationAddressPrefix="10.0.0.0/8"),
                azure("yes", 200, sourceAddressPrefix="*", destinationAddressPrefix="10.0.0.4"),
            ],
            [],
        ),
        (
            [
                azure(
                    "no",
                    100,
                    "Deny",
                    sourceAddressPrefix="*",
                    destinationAddressPrefix=None,
                    destinationAddressPrefixes=["10.0.0.0/9", "10.128.0.0/9"],
                ),
                azure("yes", 200, sourceAddressPrefix="*", destinationAddressPrefix="10.0.0.0/8"),
            ],
            [],
        ),
        (
            [
                azure("no", 100, "Deny", sourceAddressPrefix="*", destinationAddressPrefix="::/0"),
                azure("yes", 200, sourceAddressPrefix="*", destinationAddressPrefix="10.0.0.4"),
            ],
            ["yes"],
        ),
    ],
)
def test_rules_of_azure(rules: list[dict[str, Any]], opening: list[str]) -> None:
    assert internet_rules(rules, "tcp", [22]) == opening


@pytest.mark.parametrize(
    "change",
    [
        {"access": None},
        {"access": "Permit"},
        {"direction": None},
        {"protocol": "sctp"},
        {"priority": None},
        {"destinationPortRange": None},
        {"destinationPortRange": "ssh"},
        {"sourceAddressPrefix": None},
    ],
)
def test_what_is_no_rule_is_not_passed_over(change: dict[str, Any]) -> None:
    stated = azure("a", 100, sourceAddressPrefix="*")
    changed = {**stated["properties"], **change}
    stated["properties"] = {key: value for key, value in changed.items() if value is not None}
    with pytest.raises(ValueError, match=r"."):
        internet_rules([stated], "tcp", [22])
