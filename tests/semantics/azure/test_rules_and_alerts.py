"""Azure's security groups and activity-log alerts, by Microsoft's documentation of how they are evaluated."""

from typing import Any

import pytest

from semantics.azure.alert_conditions import alerts_on
from semantics.azure.network_rules import internet_rules

Rule = dict[str, Any]


def rule(name: str, priority: int = 100, **fields: Any) -> Rule:
    """Return a rule as Resource Manager returns it, for everybody to port 22 unless it says otherwise."""
    reported = {
        "protocol": "Tcp",
        "sourcePortRange": "*",
        "destinationPortRange": "22",
        "sourceAddressPrefix": "*",
        "destinationAddressPrefix": "*",
        "access": "Allow",
        "priority": priority,
        "direction": "Inbound",
        "sourcePortRanges": [],
        "destinationPortRanges": [],
        "sourceAddressPrefixes": [],
        "destinationAddressPrefixes": [],
    } | fields
    return {"name": name, "properties": {key: value for key, value in reported.items() if value is not None}}


def deny(priority: int = 100, **fields: Any) -> Rule:
    return rule("deny", priority, access="Deny", **fields)


LISTED: dict[str, Any] = {"sourceAddressPrefix": None, "destinationPortRange": None}
OPEN: dict[str, Rule] = {
    "as it is": rule("a"),
    "any protocol": rule("a", protocol="*"),
    "protocol in capitals": rule("a", protocol="TCP", access="allow", direction="inbound"),
    "service tag": rule("a", sourceAddressPrefix="Internet"),
    "IPv4": rule("a", sourceAddressPrefix="0.0.0.0/0"),
    "IPv6": rule("a", sourceAddressPrefix="::/0"),
    "range": rule("a", destinationPortRange="20-30"),
    "all ports": rule("a", destinationPortRange="*"),
    "lists": rule("a", **LISTED, sourceAddressPrefixes=["10.0.0.0/8", "0.0.0.0/0"], destinationPortRanges=["22"]),
    "halves": rule("a", **LISTED, sourceAddressPrefixes=["0.0.0.0/1", "128.0.0.0/1"], destinationPortRanges=["*"]),
    "to one machine": rule("a", destinationAddressPrefix="10.0.0.4"),
    "from some ports": rule("a", sourcePortRange="1024-65535"),
}
CLOSED: dict[str, Rule] = {
    "another port": rule("a", destinationPortRange="443"),
    "a range beside it": rule("a", destinationPortRange="23-65535"),
    "another protocol": rule("a", protocol="Udp"),
    "outbound": rule("a", direction="Outbound"),
    "denial": deny(),
    "a network": rule("a", sourceAddressPrefix="198.51.100.0/24"),
    "virtual network": rule("a", sourceAddressPrefix="VirtualNetwork"),
    "load balancer": rule("a", sourceAddressPrefix="AzureLoadBalancer"),
    "half": rule("a", sourceAddressPrefix="0.0.0.0/1"),
    "application security group": rule("a", sourceAddressPrefix=None, sourceApplicationSecurityGroups=[{"id": "x"}]),
}


@pytest.mark.parametrize("form", OPEN)
def test_rules_that_let_the_internet_in(form: str) -> None:
    assert internet_rules([OPEN[form]], "tcp", [22]) == ["a"]


@pytest.mark.parametrize("form", CLOSED)
def test_rules_that_do_not(form: str) -> None:
    assert internet_rules([CLOSED[form]], "tcp", [22]) == []


def test_a_rule_may_stand_without_an_envelope() -> None:
    assert internet_rules([{"name": "a", **OPEN["as it is"]["properties"]}], "tcp", [22]) == ["a"]


# What stands before an allowing rule of priority 200, and whether it is still open.
BEFORE: dict[str, tuple[list[Rule], bool]] = {
    "denied to all": ([deny()], False),
    "denied later": ([deny(300)], True),
    "denied to the internet": ([deny(sourceAddressPrefix="Internet", protocol="*", destinationPortRange="*")], False),
    "denied to one network": ([deny(sourceAddressPrefix="198.51.100.0/24")], True),
    "denied to IPv4 only": ([deny(sourceAddressPrefix="0.0.0.0/0")], True),
    "denied to both": (
        [deny(sourceAddressPrefix="0.0.0.0/0"), deny(101, sourceAddressPrefix="::/0")],
        False,
    ),
    "denied for another protocol": ([deny(protocol="Udp")], True),
    "denied for another port": ([deny(destinationPortRange="3389")], True),
    "denied to some destinations": ([deny(destinationAddressPrefix="10.0.0.4")], True),
    "denied from some ports": ([deny(sourcePortRange="80")], True),
    "denied outbound": ([deny(direction="Outbound")], True),
}


@pytest.mark.parametrize("case", BEFORE)
@pytest.mark.parametrize("turned", [False, True], ids=["in order", "turned round"])
def test_the_lowest_number_decides(case: str, turned: bool) -> None:
    before, is_open = BEFORE[case]
    rules = [*before, rule("a", 200)]
    assert internet_rules(rules[::-1] if turned else rules, "tcp", [22]) == (["a"] if is_open else [])


def test_a_denial_for_the_same_destination_counts() -> None:
    machine: dict[str, Any] = {"destinationAddressPrefix": "10.0.0.4"}
    assert internet_rules([deny(**machine), rule("a", 200, **machine)], "tcp", [22]) == []
    group: dict[str, Any] = {
        "destinationAddressPrefix": None,
        "destinationApplicationSecurityGroups": [{"id": "/x/ASG"}],
    }
    assert internet_rules([deny(**group), rule("a", 200, **group)], "tcp", [22]) == []


@pytest.mark.parametrize(
    ("denied", "left"), [("0-65535", False), ("53", True), ("*", False), ("0-30", True), ("60-65535", True)]
)
def test_any_port_is_open_as_far_as_ports_are_left(denied: str, left: bool) -> None:
    rules = [deny(protocol="Udp", destinationPortRange=denied), rule("a", 200, protocol="*", destinationPortRange="*")]
    assert internet_rules(rules, "udp", []) == (["a"] if left else [])


def test_the_port_between_two_denials_is_left() -> None:
    before = [deny(destinationPortRange="0-21"), deny(101, destinationPortRange="23-65535")]
    assert internet_rules([*before, rule("a", 200, destinationPortRange="*")], "tcp", [22]) == ["a"]
    assert internet_rules([*before, rule("a", 200, destinationPortRange="*")], "tcp", [23, 80]) == []


def test_ports_that_are_none_are_an_error() -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        internet_rules([rule("a", destinationPortRange="ssh")], "tcp", [22])


OPERATION = "Microsoft.Network/networkSecurityGroups/write"
CATEGORY = {"field": "category", "equals": "Administrative"}
NAMED = {"field": "operationName", "equals": OPERATION}
CONDITIONS: list[tuple[list[Rule] | None, bool]] = [
    ([CATEGORY, NAMED], True),
    ([NAMED], True),
    ([CATEGORY], True),
    ([{"field": "Category", "equals": "administrative"}], True),
    ([{"field": "OperationName", "equals": OPERATION.upper()}], True),
    ([CATEGORY, {"anyOf": [{"field": "operationName", "equals": "Other/write"}, NAMED]}], True),
    ([CATEGORY, {"field": "operationName", "containsAny": ["Other/write", OPERATION]}], True),
    ([CATEGORY, NAMED, {"field": "status", "containsAny": ["Failed", "Succeeded"]}], True),
    ([CATEGORY, {"field": "resourceType", "equals": "microsoft.network/networksecuritygroups"}], True),
    ([CATEGORY, {"field": "resourceProvider", "equals": "Microsoft.Network"}], True),
    ([CATEGORY, {"field": "resourceType", "equals": "Microsoft.Network/virtualNetworks"}], False),
    ([CATEGORY, NAMED, {"field": "status", "equals": "Failed"}], False),
    ([CATEGORY, NAMED, {"field": "level", "equals": "Critical"}], False),
    ([CATEGORY, NAMED, {"field": "caller", "equals": "somebody@example.com"}], False),
    ([CATEGORY, NAMED, {"field": "resourceGroup", "equals": "shop"}], False),
    ([CATEGORY, {"anyOf": [{"field": "operationName", "equals": "Other/write"}]}], False),
    ([CATEGORY, {"field": "operationName", "equals": OPERATION + "s"}], False),
    ([{"field": "category", "equals": "Policy"}, NAMED], False),
    ([], False),
    (None, False),
]


@pytest.mark.parametrize(("parts", "holds"), CONDITIONS)
def test_alerts_are_judged_by_what_their_conditions_mean(parts: list[Rule] | None, holds: bool) -> None:
    assert alerts_on({"allOf": parts}, OPERATION) is holds


def test_no_condition_reports_nothing() -> None:
    assert not alerts_on(None, OPERATION)
