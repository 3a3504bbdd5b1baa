"""What Azure's network rules let in: security groups by priority.

A security group's rules are evaluated by priority, the lowest number first; the first that fits decides
(learn.microsoft.com/azure/virtual-network/network-security-groups-overview). What no rule decides, the default rules
deny to the internet.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from semantics.addresses import Addresses, addresses, covers, without_internet
from semantics.firewalls import ANYWHERE, EVERY_PORT, EVERYBODY, Ports, Rule, letting_in, reaches, span_of
from semantics.shapes import NUMBER, TEXT, listing, mapping
from semantics.values import Document, listed

_ENDS = ("sourceAddressPrefix", "destinationAddressPrefix", "sourcePortRange", "destinationPortRange")
_FIELDS = {
    **dict.fromkeys(("access", "direction", "protocol", *_ENDS), TEXT),
    **dict.fromkeys(("sourceAddressPrefixes", "destinationAddressPrefixes"), listing(TEXT)),
    **dict.fromkeys(("sourcePortRanges", "destinationPortRanges"), listing(TEXT)),
    **dict.fromkeys(
        ("sourceApplicationSecurityGroups", "destinationApplicationSecurityGroups"), listing(mapping({"id": TEXT}))
    ),
    "priority": NUMBER,
}
# Source: Microsoft.Network's models, SecurityRulePropertiesFormat.
RULE = mapping({**_FIELDS, "name": TEXT, "properties": mapping(_FIELDS)})

_EVERYBODY_BY_NAME = frozenset({"*", "any", "internet"})
# Source: the same models, SecurityRuleProtocol, SecurityRuleAccess, SecurityRuleDirection.
_PROTOCOLS = frozenset({"*", "any", "tcp", "udp", "icmp", "esp", "ah"})
_WORDS = {
    "access": frozenset({"allow", "deny"}),
    "direction": frozenset({"inbound", "outbound"}),
    "protocol": _PROTOCOLS,
}


def internet_rules(rules: Sequence[Document], protocol: str, ports: Sequence[int]) -> list[str]:
    """Return the names of a security group's rules that let the internet in to one of the ports; none = to any.

    A rule counts where it is of the protocol, together with others if not alone, and as far as no denial with a lower
    number denies it. Raises `ValueError` for what is no rule.
    """
    inbound = sorted(_inbound(rules, protocol), key=lambda one: one[0])
    wanted: Ports = tuple((port, port) for port in ports) or EVERY_PORT
    return [rule.name for rule in letting_in([rule for _, rule in inbound], wanted, _holds_for)]


def without_internet_sources(sources: Sequence[str]) -> list[str]:
    """Return what stays of a rule's sources so that the internet is out: tags of other networks do, in any case."""
    named = [source for source in sources if source.lower() not in _EVERYBODY_BY_NAME]
    blocks = [source for source in named if _is_block(source)]
    left = set(without_internet(blocks))
    return [source for source in named if source in left or source not in blocks]


def _inbound(rules: Iterable[Document], protocol: str) -> Iterator[tuple[int, Rule]]:
    """Yield the inbound rules for a protocol with their priorities.

    A denial that holds for some of the sender's ports only is left out: the sender chooses them.
    """
    for stated in rules:
        rule = _properties(stated)
        words = {field: _word(rule, field) for field in _WORDS}
        if "priority" not in rule:
            raise ValueError("a rule has a priority")
        if words["direction"] != "inbound" or words["protocol"] not in ("*", "any", protocol):
            continue
        allows = words["access"] == "allow"
        if allows or _ports(rule, "sourcePort") == EVERY_PORT:
            name = str(stated.get("name", ""))
            yield (
                int(rule["priority"]),
                Rule(name, allows, _sources(rule), _ports(rule, "destinationPort"), _destinations(rule)),
            )


def _properties(rule: Document) -> dict[str, Any]:
    properties = rule.get("properties")
    return properties if isinstance(properties, dict) else dict(rule)


def _word(rule: Document, field: str) -> str:
    word = str(rule.get(field) or "").lower()
    if word not in _WORDS[field]:
        raise ValueError(f"{field} is none: {word[:20]!r}")
    return word


def _sources(rule: Document) -> Addresses:
    """Return from where a rule holds; tags such as VirtualNetwork name nobody on the internet."""
    named = [source.lower() for source in _values(rule, "sourceAddressPrefix")]
    if not named and not rule.get("sourceApplicationSecurityGroups"):
        raise ValueError("a rule has a source")
    if _EVERYBODY_BY_NAME.intersection(named):
        return EVERYBODY
    return addresses(source for source in named if _is_block(source))


def _is_block(source: str) -> bool:
    return source[:1].isdigit() or ":" in source


def _destinations(rule: Document) -> frozenset[str]:
    groups = (str(group.get("id", "")) for group in listed(rule.get("destinationApplicationSecurityGroups")))
    named = frozenset(one.lower() for one in [*_values(rule, "destinationAddressPrefix"), *groups])
    if not named:
        raise ValueError("a rule has a destination")
    return ANYWHERE if named & {"*", "any", "0.0.0.0/0"} else named


def _holds_for(rule: Rule, destination: str) -> bool:
    """Return whether a rule holds for a destination: by its name, or as a block that its own together hold."""
    if reaches(rule, destination):
        return True
    blocks = [name for name in rule.destinations if _is_block(name)]
    return bool(blocks) and _is_block(destination) and covers(blocks, destination)


def _values(rule: Document, field: str) -> Iterator[str]:
    """Yield what a rule says in the field for one value, and in the one for several."""
    several = rule.get(f"{field}es" if field.endswith("x") else f"{field}s")
    yield from (str(value) for value in [rule.get(field), *listed(several)] if value)


def _ports(rule: Document, side: str) -> Ports:
    texts = list(_values(rule, f"{side}Range"))
    if not texts:
        raise ValueError("a rule has ports")
    return EVERY_PORT if "*" in texts else tuple(map(span_of, texts))
