"""Permissions of EC2 security groups: from where, to which ports."""

from semantics.addresses import is_any_address
from semantics.shapes import NUMBER, TEXT, listing, mapping
from semantics.values import Document, listed

# Source: EC2 API reference, IpPermission.
PERMISSION = mapping(
    {
        "IpProtocol": TEXT,
        "FromPort": NUMBER,
        "ToPort": NUMBER,
        "IpRanges": listing(mapping({"CidrIp": TEXT}, needed=("CidrIp",))),
        "Ipv6Ranges": listing(mapping({"CidrIpv6": TEXT}, needed=("CidrIpv6",))),
        "PrefixListIds": listing(mapping({"PrefixListId": TEXT})),
    },
    needed=("IpProtocol",),
)


def sources(permission: Document) -> list[str]:
    """Return the CIDR blocks of a security group's permission, IPv4 and IPv6."""
    four = [str(r.get("CidrIp", "")) for r in listed(permission.get("IpRanges"))]
    six = [str(r.get("CidrIpv6", "")) for r in listed(permission.get("Ipv6Ranges"))]
    return [cidr for cidr in four + six if cidr]


def from_anywhere(permission: Document) -> bool:
    """Return whether a security group's permission holds for every address."""
    return any(is_any_address(cidr) for cidr in sources(permission))


def permits(permission: Document, protocol: str, ports: list[int]) -> bool:
    """Return whether a security group's permission covers at least one of the ports under the protocol.

    Protocol `-1` covers every protocol and port (EC2 API, IpPermission).
    """
    spoken = str(permission.get("IpProtocol", ""))
    if spoken == "-1":
        return True
    if spoken != protocol or "FromPort" not in permission:
        return False
    low, high = int(permission["FromPort"]), int(permission.get("ToPort", permission["FromPort"]))
    return any(low <= port <= high for port in ports)


def permits_all_ports(permission: Document) -> bool:
    """Return whether a security group's permission covers every port of a protocol, or all protocols."""
    if str(permission.get("IpProtocol", "")) == "-1":
        return True
    return permission.get("FromPort") == 0 and permission.get("ToPort") == 65535
