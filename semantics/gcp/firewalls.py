"""What Google's VPC firewall rules and firewall policies let in from the internet.

Source: Google Cloud documentation, «VPC firewall rules»: the rule with the lowest number decides, at equal numbers a
denial; a rule that names no source holds for every address. «Firewall policies»: the first rule that matches decides,
`goto_next` leaves it to others.
"""

from collections.abc import Iterable, Iterator, Sequence

from semantics.addresses import Addresses, addresses
from semantics.firewalls import ANYWHERE, EVERY_PORT, EVERYBODY, PROTOCOLS, Ports, Rule, letting_in, span_of
from semantics.shapes import BOOLEAN, NUMBER, TEXT, listing, mapping
from semantics.values import Document

_TEXTS = listing(TEXT)
# Source: Compute Engine's discovery document, Firewall, FirewallPolicyRule.
RULE = mapping(
    {
        **dict.fromkeys(
            ("allowed", "denied"), listing(mapping({"IPProtocol": TEXT, "ports": _TEXTS}, None, ("IPProtocol",)))
        ),
        **dict.fromkeys(("sourceRanges", "sourceTags", "sourceServiceAccounts"), _TEXTS),
        **dict.fromkeys(("destinationRanges", "targetTags", "targetServiceAccounts"), _TEXTS),
        "direction": TEXT,
        "disabled": BOOLEAN,
        "priority": NUMBER,
        "name": TEXT,
    }
)
_MATCH = {
    **dict.fromkeys(("srcIpRanges", "destIpRanges", "srcAddressGroups", "srcFqdns", "srcRegionCodes"), _TEXTS),
    **dict.fromkeys(("srcThreatIntelligences", "srcNetworks"), _TEXTS),
    "srcSecureTags": listing(mapping()),
    "srcNetworkType": TEXT,
    "srcNetworkScope": TEXT,
    "layer4Configs": listing(mapping({"ipProtocol": TEXT, "ports": _TEXTS}, None, ("ipProtocol",))),
}
POLICY_RULE = mapping(
    {
        "action": TEXT,
        "direction": TEXT,
        "disabled": BOOLEAN,
        "priority": NUMBER,
        "match": mapping(_MATCH),
        **dict.fromkeys(("targetResources", "targetServiceAccounts"), _TEXTS),
        "targetSecureTags": listing(mapping({"name": TEXT})),
    },
    needed=("action", "direction", "priority", "match"),
)

_USUAL_PRIORITY = 1000
_SOURCES = ("sourceRanges", "sourceTags", "sourceServiceAccounts")
# What narrows a policy's rule beside addresses: such a denial leaves others in, such an allowance lets only these in.
_NARROWING = (
    "srcAddressGroups",
    "srcFqdns",
    "srcRegionCodes",
    "srcThreatIntelligences",
    "srcNetworks",
    "srcSecureTags",
)


def open_firewall(rule: Document, others: Sequence[Document], protocol: str, ports: list[int]) -> bool:
    """Return whether a VPC firewall rule lets the internet in to one of the ports of a protocol, after the `others`.

    What is denied to everybody with a lower number counts, for the same targets. Raises `ValueError` for what is no
    rule.
    """
    denials = [one for other in others for one in _vpc_rules(other, "denied", protocol)]
    ordered = sorted([*denials, *_vpc_rules(rule, "allowed", protocol)], key=lambda one: (one[0], one[1].allows))
    return bool(letting_in([one for _, one in ordered], tuple((port, port) for port in ports)))


def open_policy_rules(rules: Sequence[Document], protocol: str, ports: list[int]) -> list[str]:
    """Return the priorities of a firewall policy's rules that let the internet in to one of the ports of a protocol.

    Raises `ValueError` for what is no rule.
    """
    ordered = sorted((one for one in rules if not one.get("disabled")), key=lambda one: int(one["priority"]))
    read = [one for rule in ordered for one in _policy_rule(rule, protocol)]
    return list(dict.fromkeys(rule.name for rule in letting_in(read, tuple((port, port) for port in ports))))


def _vpc_rules(rule: Document, key: str, protocol: str) -> Iterator[tuple[int, Rule]]:
    direction = str(rule.get("direction", "INGRESS"))
    if direction not in ("INGRESS", "EGRESS"):
        raise ValueError(f"no direction: {direction[:20]!r}")
    if direction == "EGRESS" or rule.get("disabled"):
        return
    targets = frozenset([*_named("tag", rule, "targetTags"), *_named("account", rule, "targetServiceAccounts")])
    if key == "denied" and rule.get("destinationRanges"):
        return  # it leaves the other addresses of its targets open
    for one in rule.get(key, ()):
        if _speaks(one["IPProtocol"], protocol):
            yield (
                int(rule.get("priority", _USUAL_PRIORITY)),
                Rule(str(rule.get("name", "")), key == "allowed", _sources(rule), _ports(one), targets or ANYWHERE),
            )


def _sources(rule: Document) -> Addresses:
    if not any(rule.get(key) for key in _SOURCES):
        return EVERYBODY
    return addresses(rule.get("sourceRanges", ()))


def _policy_rule(rule: Document, protocol: str) -> Iterator[Rule]:
    match, action = rule["match"], str(rule["action"])
    if action not in ("allow", "deny", "goto_next", "apply_security_profile_group"):
        raise ValueError(f"no action of a firewall policy: {action[:20]!r}")
    if rule["direction"] != "INGRESS":
        return
    # What a profile group decides, no later rule of this policy does.
    allows = action in ("allow", "apply_security_profile_group")
    narrowed = any(match.get(key) for key in _NARROWING) or _not_from_internet(match)
    if not allows and (narrowed or match.get("destIpRanges")):
        return
    sources = addresses(match.get("srcIpRanges", ())) if match.get("srcIpRanges") or narrowed else EVERYBODY
    for one in match.get("layer4Configs", ()):
        if _speaks(one["ipProtocol"], protocol):
            yield Rule(str(int(rule["priority"])), allows, sources, _ports(one), _targets(rule))


def _not_from_internet(match: Document) -> bool:
    said = (str(match.get(key) or "") for key in ("srcNetworkType", "srcNetworkScope"))
    return any(one not in ("", "UNSPECIFIED", "INTERNET") for one in said)


def _targets(rule: Document) -> frozenset[str]:
    tags = (str(tag.get("name", "")) for tag in rule.get("targetSecureTags", ()))
    accounts = _named("account", rule, "targetServiceAccounts")
    return frozenset([*accounts, *(f"secure tag {tag}" for tag in tags)]) or ANYWHERE


def _named(sort: str, rule: Document, key: str) -> Iterable[str]:
    return (f"{sort} {name}" for name in rule.get(key, ()))


def _speaks(spoken: str, protocol: str) -> bool:
    plain = spoken.lower()
    return plain == "all" or PROTOCOLS.get(plain, plain) == protocol


def _ports(one: Document) -> Ports:
    return tuple(map(span_of, one.get("ports") or ())) or EVERY_PORT
