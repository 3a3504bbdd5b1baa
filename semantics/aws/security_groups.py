"""What EC2 security groups and network ACLs let in from the internet.

A security group's permissions add up, in all groups of an interface («Security group rules», Amazon VPC User Guide);
an ACL's entries hold in the order of their numbers («Network ACL rules»).
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from semantics.addresses import addresses, is_any_address
from semantics.firewalls import EVERY_PORT, PROTOCOLS, Ports, Rule, letting_in, letting_in_everywhere
from semantics.shapes import BOOLEAN, NUMBER, TEXT, listing, mapping
from semantics.values import Document, listed

# Source: EC2 API reference, IpPermission, NetworkAclEntry, PrefixListEntry.
PERMISSION = mapping(
    {
        "IpProtocol": TEXT,
        "FromPort": NUMBER,
        "ToPort": NUMBER,
        "IpRanges": listing(mapping({"CidrIp": TEXT}, needed=("CidrIp",))),
        "Ipv6Ranges": listing(mapping({"CidrIpv6": TEXT}, needed=("CidrIpv6",))),
        "PrefixListIds": listing(mapping({"PrefixListId": TEXT}, needed=("PrefixListId",))),
    },
    needed=("IpProtocol",),
)
PREFIX_LIST = mapping(
    {"PrefixListId": TEXT, "Entries": listing(mapping({"Cidr": TEXT}, needed=("Cidr",)))},
    needed=("PrefixListId", "Entries"),
)
ENTRY = mapping(
    {
        "Egress": BOOLEAN,
        "RuleAction": TEXT,
        "RuleNumber": NUMBER,
        "Protocol": TEXT,
        "CidrBlock": TEXT,
        "Ipv6CidrBlock": TEXT,
        "PortRange": mapping({"From": NUMBER, "To": NUMBER}, needed=("From", "To")),
    },
    needed=("Egress", "RuleAction", "RuleNumber", "Protocol"),
)

_ALL = "-1"
_WITH_PORTS = ("tcp", "udp")


def open_permissions(
    groups: Sequence[Sequence[Document]], lists: Sequence[Document], protocol: str, ports: list[int]
) -> list[dict[str, Any]]:
    """Return the permissions by which the internet comes in to one of a protocol's ports, of several groups together.

    Each is shown as IpProtocol, FromPort, ToPort, `Sources` (the blocks that matter, else all) and `Ports`: which of
    the wanted ones it covers. `lists` are the prefix lists that the permissions name. Raises `ValueError` for what is
    no address, and for permissions without the ports that EC2 always gives.
    """
    permissions = [permission for group in groups for permission in group]
    speaking = [(number, one) for number, one in enumerate(permissions) if permits(one, protocol, ports)]
    rules = [_rule(number, one, lists, protocol) for number, one in speaking]
    opening = letting_in(rules, tuple((port, port) for port in ports))
    return [_shown(permissions[int(rule.name)], rule, lists, ports) for rule in opening]


def wholly_open_permissions(groups: Sequence[Sequence[Document]], lists: Sequence[Document]) -> list[dict[str, Any]]:
    """Return the groups' permissions that let the internet in to all ports of TCP or UDP; see `open_permissions`."""
    permissions = [permission for group in groups for permission in group]
    found: dict[int, Rule] = {}
    for protocol in _WITH_PORTS:
        of_protocol = [(number, one) for number, one in enumerate(permissions) if _speaks(one, protocol)]
        rules = [_rule(number, one, lists, protocol) for number, one in of_protocol]
        found |= {int(rule.name): rule for rule in letting_in_everywhere(rules)}
    return [_shown(permissions[number], found[number], lists, []) for number in sorted(found)]


def open_entries(entries: Sequence[Document], protocol: str, ports: list[int]) -> list[int]:
    """Return the numbers of an ACL's inbound entries by which the internet comes in to one of the ports.

    Protocol `-1` asks for entries of all protocols alone. Raises `ValueError` for what is no entry.
    """
    inbound = sorted((one for one in entries if not one["Egress"]), key=lambda one: int(one["RuleNumber"]))
    rules = [_entry(one) for one in inbound if _matches(one, protocol)]
    wanted = tuple((port, port) for port in ports) or EVERY_PORT
    return [int(rule.name) for rule in letting_in(rules, wanted)]


def prefix_lists(groups: Sequence[Sequence[Document]]) -> list[str]:
    """Return the ids of the prefix lists that groups' permissions name as sources."""
    return list(dict.fromkeys(name for group in groups for permission in group for name in _lists_of(permission)))


def _lists_of(permission: Document) -> list[str]:
    return [str(one["PrefixListId"]) for one in listed(permission.get("PrefixListIds"))]


def sources(permission: Document) -> list[str]:
    """Return the CIDR blocks of a security group's permission, IPv4 and IPv6."""
    four = [str(one["CidrIp"]) for one in listed(permission.get("IpRanges"))]
    return four + [str(one["CidrIpv6"]) for one in listed(permission.get("Ipv6Ranges"))]


def permits(permission: Document, protocol: str, ports: list[int]) -> bool:
    """Return whether a security group's permission covers at least one of the ports under the protocol.

    Protocol `-1` covers every protocol and port (EC2 API, IpPermission).
    """
    return _speaks(permission, protocol) and bool(_covered(_ports(permission, protocol), ports))


def _speaks(permission: Document, protocol: str) -> bool:
    spoken = str(permission["IpProtocol"])
    return spoken == _ALL or PROTOCOLS.get(spoken, spoken) == protocol


def _rule(number: int, permission: Document, lists: Sequence[Document], protocol: str) -> Rule:
    blocks = [*sources(permission), *_of_lists(permission, lists)]
    return Rule(str(number), True, addresses(blocks), _ports(permission, protocol))


def _of_lists(permission: Document, lists: Iterable[Document]) -> Iterator[str]:
    named = set(_lists_of(permission))
    for one in lists:
        if one["PrefixListId"] in named:
            yield from (str(entry["Cidr"]) for entry in one["Entries"])


def _ports(permission: Document, protocol: str) -> Ports:
    if str(permission["IpProtocol"]) == _ALL or protocol not in _WITH_PORTS:
        return EVERY_PORT
    if "FromPort" not in permission or "ToPort" not in permission:
        raise ValueError("a permission of TCP or UDP has ports")
    return ((int(permission["FromPort"]), int(permission["ToPort"])),)


def _covered(spans: Ports, ports: Iterable[int]) -> list[int]:
    return [port for port in ports if any(low <= port <= high for low, high in spans)]


def _shown(permission: Document, rule: Rule, lists: Sequence[Document], ports: Iterable[int]) -> dict[str, Any]:
    blocks = sources(permission)
    from_lists = [str(one["PrefixListId"]) for one in lists if one["PrefixListId"] in _lists_of(permission)]
    shown: Mapping[str, Any] = {
        key: permission[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in permission
    }
    matter = [block for block in blocks if is_any_address(block)] or [*blocks, *from_lists]
    return {**shown, "Sources": matter, "Ports": _covered(rule.ports, ports)}


def _matches(entry: Document, protocol: str) -> bool:
    spoken = str(entry["Protocol"])
    return spoken == _ALL or (protocol != _ALL and PROTOCOLS.get(spoken, spoken) == protocol)


def _entry(entry: Document) -> Rule:
    action = str(entry["RuleAction"])
    if action not in ("allow", "deny"):
        raise ValueError(f"no action of an ACL: {action[:20]!r}")
    blocks = [str(entry[key]) for key in ("CidrBlock", "Ipv6CidrBlock") if key in entry]
    if not blocks:
        raise ValueError("an entry of an ACL has a block of addresses")
    ports: Ports = EVERY_PORT
    if str(entry["Protocol"]) != _ALL and "PortRange" in entry:
        ports = ((int(entry["PortRange"]["From"]), int(entry["PortRange"]["To"])),)
    return Rule(str(int(entry["RuleNumber"])), action == "allow", addresses(blocks), ports)
