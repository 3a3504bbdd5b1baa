"""What Azure's network rules let in: security groups by priority, and firewalls' ranges of addresses.

A security group's rules are evaluated by priority, the lowest number first; the first that fits decides
(learn.microsoft.com/azure/virtual-network/network-security-groups-overview). What no rule decides, the default rules
deny to the internet.
"""

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from msgspec import Struct

from semantics.shapes import NUMBER, TEXT, listing, mapping
from semantics.values import Document, listed

Spans = list[tuple[int, int]]

_FAMILIES = (4, 6)
_ALL_PORTS: Spans = [(0, 65_535)]
# What is still some network, and no longer all of them, as in policy documents (docs/policies.md).
_WIDEST = {4: 2**24, 6: 2**96}

_ENDS = ("sourceAddressPrefix", "destinationAddressPrefix", "sourcePortRange", "destinationPortRange")
_FIELDS = {
    **dict.fromkeys(("access", "direction", "protocol", *_ENDS), TEXT),
    **dict.fromkeys(("sourceAddressPrefixes", "destinationAddressPrefixes"), listing(TEXT)),
    **dict.fromkeys(("sourcePortRanges", "destinationPortRanges"), listing(TEXT)),
    "destinationApplicationSecurityGroups": listing(mapping({"id": TEXT})),
    "priority": NUMBER,
}
# Source: Microsoft.Network's models, SecurityRulePropertiesFormat.
RULE = mapping({**_FIELDS, "name": TEXT, "properties": mapping(_FIELDS)})


class _Rule(Struct):
    """An inbound rule: the IP versions of which it covers every sender, where it leads to, and its ports there."""

    name: str
    allows: bool
    families: set[int]
    destinations: set[str]
    ports: Spans

    def leads_wherever(self, other: "_Rule") -> bool:
        """Return whether it holds for every destination of another."""
        return bool(self.destinations & {"*", "0.0.0.0/0", "::/0"}) or self.destinations >= other.destinations


def internet_rules(rules: Sequence[Document], protocol: str, ports: Sequence[int]) -> list[str]:
    """Return the names of a security group's rules that let the whole internet in to one of the ports; none = to any.

    A rule counts where it is of the protocol, and as far as no denial with a lower number denies its ports to
    everybody.
    """
    wanted: Spans = [(port, port) for port in ports] or _ALL_PORTS
    denials: list[_Rule] = []
    found = []
    for rule in _inbound(rules, protocol, wanted):
        if not rule.allows:
            denials.append(rule)
        elif any(_without(rule.ports, _denied(denials, rule, family)) for family in rule.families):
            found.append(rule.name)
    return found


def is_internet(source: str) -> bool:
    """Return whether a rule's source is every address, or every IPv4 or IPv6 address."""
    return bool(_families({"sourceAddressPrefix": source}))


def is_wide_range(start: str, end: str) -> bool:
    """Return whether a firewall rule lets in more addresses than a /8 (IPv4) or /32 (IPv6) holds.

    Raises ValueError where it is no range.
    """
    first, last = ipaddress.ip_address(start), ipaddress.ip_address(end)
    return int(last) - int(first) + 1 > _WIDEST[first.version]


def _inbound(rules: Iterable[Document], protocol: str, wanted: Spans) -> Iterator[_Rule]:
    """Yield the inbound rules for a protocol by priority, their ports cut to those wanted.

    A denial that holds for some of the sender's ports only is left out: the sender chooses them.
    """
    stated = [(str(rule.get("name", "")), _properties(rule)) for rule in rules]
    for name, rule in sorted(stated, key=lambda one: int(one[1].get("priority", 0))):
        allows = _says(rule, "access") == "allow"
        if _says(rule, "direction") != "inbound" or _says(rule, "protocol") not in ("", "*", "any", protocol):
            continue
        if allows or _ports(rule, "sourcePort") == _ALL_PORTS:
            ports = _common(_ports(rule, "destinationPort"), wanted)
            yield _Rule(name, allows, _families(rule), _destinations(rule), ports)


def _denied(denials: Iterable[_Rule], rule: _Rule, family: int) -> Spans:
    whole = (denial for denial in denials if family in denial.families and denial.leads_wherever(rule))
    return [span for denial in whole for span in denial.ports]


def _properties(rule: Document) -> dict[str, Any]:
    properties = rule.get("properties")
    return properties if isinstance(properties, dict) else dict(rule)


def _says(rule: Document, field: str) -> str:
    return str(rule.get(field) or "").lower()


def _families(rule: Document) -> set[int]:
    """Return the IP versions of which a rule's sources are every address, one by one or together."""
    sources = [source.lower() for source in _values(rule, "sourceAddressPrefix")]
    if {"*", "any", "internet"} & set(sources):
        return set(_FAMILIES)
    networks = [network for source in sources if (network := _network(source)) is not None]
    return {family for family in _FAMILIES if _is_everything(n for n in networks if n.version == family)}


def _is_everything(networks: Iterable[Any]) -> bool:
    return any(network.prefixlen == 0 for network in ipaddress.collapse_addresses(networks))


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None  # a service tag, such as VirtualNetwork


def _destinations(rule: Document) -> set[str]:
    groups = (str(group.get("id", "")) for group in listed(rule.get("destinationApplicationSecurityGroups")))
    return {destination.lower() for destination in [*_values(rule, "destinationAddressPrefix"), *groups]}


def _values(rule: Document, field: str) -> Iterator[str]:
    """Yield what a rule says in the field for one value, and in the one for several."""
    several = rule.get(f"{field}es" if field.endswith("x") else f"{field}s")
    yield from (str(value) for value in [rule.get(field), *listed(several)] if value)


def _ports(rule: Document, side: str) -> Spans:
    spans: Spans = []
    for text in _values(rule, f"{side}Range"):
        low, _, high = ("0-65535" if text == "*" else text).partition("-")
        spans.append((int(low), int(high or low)))
    return spans


def _common(spans: Spans, wanted: Spans) -> Spans:
    met = ((max(low, first), min(high, last)) for low, high in spans for first, last in wanted)
    return [(low, high) for low, high in met if low <= high]


def _without(spans: Spans, taken: Spans) -> Spans:
    """Return what is left of port ranges when others are taken out."""
    left = spans
    for first, last in taken:
        parts = [(low, min(high, first - 1)) for low, high in left] + [(max(low, last + 1), high) for low, high in left]
        left = [(low, high) for low, high in parts if low <= high]
    return left
