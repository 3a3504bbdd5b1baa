"""What firewall rules let in from the internet: all clouds' rules, brought into one form, are weighed here together.

Rules hold in the order in which they are given: of what a denial covers, later rules let nothing in. Allowances add up.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from semantics.addresses import Addresses, addresses

Ports = tuple[tuple[int, int], ...]

EVERYBODY = addresses(["0.0.0.0/0", "::/0"])
EVERY_PORT: Ports = ((0, 65_535),)
# Nobody listens on port 0: what is left of all ports without it is all of them.
USED_PORTS: Ports = ((1, 65_535),)
ANYWHERE = frozenset({"*"})
# The clouds write some protocols by name, all of them by number too: IANA, «Assigned Internet Protocol Numbers».
PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6"}


class Rule(Struct, frozen=True):
    """An inbound rule: whether it allows, from where, to which ports, and to which destinations (`*`: to all).

    `name` is what it is called by in its firewall; a denial that holds under further conditions is none.
    """

    name: str
    allows: bool
    sources: Addresses
    ports: Ports
    destinations: frozenset[str] = ANYWHERE


def span_of(text: str) -> tuple[int, int]:
    """Return the ports that a text means, one (`22`) or a range (`20-22`); raises `ValueError` for what is neither."""
    low, _, high = text.partition("-")
    return int(low), int(high or low)


Reaches = Callable[[Rule, str], bool]


def reaches(rule: Rule, destination: str) -> bool:
    """Return whether a rule holds for a destination, by its name."""
    return "*" in rule.destinations or destination in rule.destinations


def letting_in(rules: Sequence[Rule], wanted: Ports = EVERY_PORT, reaching: Reaches = reaches) -> list[Rule]:
    """Return the rules by which the internet comes in to some of the wanted ports, in their order.

    `reaching` says whether a rule holds for a destination that another one names.
    """
    found: set[int] = set()
    for destination in {place for rule in rules if rule.allows for place in rule.destinations}:
        here = [(number, rule) for number, rule in enumerate(rules) if reaching(rule, destination)]
        for span in _pieces(wanted, (rule.ports for _, rule in here)):
            found.update(_opening(here, span))
    return [rules[number] for number in sorted(found)]


def letting_in_everywhere(rules: Sequence[Rule], wanted: Ports = USED_PORTS) -> list[Rule]:
    """Return the rules by which the internet comes in to all of the wanted ports, none where one stays closed."""
    here = list(enumerate(rules))
    opening = [_opening(here, span) for span in _pieces(wanted, (rule.ports for rule in rules))]
    if not all(opening):
        return []
    return [rules[number] for number in sorted({number for numbers in opening for number in numbers})]


def _opening(rules: Iterable[tuple[int, Rule]], span: tuple[int, int]) -> list[int]:
    """Return the numbers of the rules that open a span of ports to the internet: one alone, else those that add up."""
    denied, admitted, adding = Addresses(), Addresses(), list[int]()
    alone: list[int] = []
    for number, rule in rules:
        if not _covers(rule.ports, span):
            continue
        left = rule.sources - denied
        if not rule.allows:
            denied |= left
        elif left:
            admitted |= left
            (alone if left.is_internet else adding).append(number)
    if alone:
        return alone
    return adding if admitted.is_internet else []


def _pieces(wanted: Ports, spans: Iterable[Ports]) -> list[tuple[int, int]]:
    """Return the wanted ports in pieces, of which each rule covers all or nothing."""
    begins = {low for low, _ in wanted} | {low for ports in spans for one in ports for low in (one[0], one[1] + 1)}
    pieces = []
    for low, high in wanted:
        edges = sorted({begin for begin in begins if low < begin <= high} | {low})
        pieces += [(first, last - 1) for first, last in zip(edges, [*edges[1:], high + 1], strict=True)]
    return pieces


def _covers(ports: Ports, span: tuple[int, int]) -> bool:
    return any(low <= span[0] and span[1] <= high for low, high in ports)
