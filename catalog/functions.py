"""What policies can ask of policy documents, addresses, ports and ages, beside CEL's own functions.

Every function is pure; `DECLARATIONS` names each with its parameters. A missing argument (null) is taken as an empty
document, so that `f(r.?Policy.orValue(null))` reads as it should.
"""

import ipaddress
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from semantics.aws import effective_permissions, filter_patterns, policy_documents
from semantics.aws.policy_documents import Document, listed
from semantics.azure import alert_conditions, network_rules
from semantics.gcp import logging_queries
from semantics.kubernetes import component_flags, workloads


@lru_cache(maxsize=4096)  # rules name the same few blocks over and over
def is_any_address(cidr: str) -> bool:
    """Return whether a CIDR block means every address of IPv4 or IPv6."""
    try:
        return ipaddress.ip_network(cidr, strict=False).prefixlen == 0
    except ValueError:
        return False


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


def age_days(moment: str, now: datetime) -> float:
    """Return the days from an RFC 3339 moment (UTC where it has no offset) to now; raises ValueError on other texts."""
    then = datetime.fromisoformat(moment)
    return (now - (then if then.tzinfo else then.replace(tzinfo=UTC))).total_seconds() / 86_400


def flat(lists: list[list[Any]]) -> list[Any]:
    """Return the elements of all lists, in one list."""
    return [element for inner in lists for element in inner]


Signature = tuple[str, tuple[str, ...], str, Callable[..., Any]]

# name, parameter types, return type, function; `document` is a map or null, `documents` a list of them.
DECLARATIONS: tuple[Signature, ...] = (
    ("statements", ("document",), "list", policy_documents.statements),
    ("granted_statements", ("document",), "list", policy_documents.granted_statements),
    ("public_statements", ("document",), "list", policy_documents.public_statements),
    ("foreign_principals", ("document", "string", "strings"), "strings", policy_documents.foreign_principals),
    ("allows", ("map", "strings"), "bool", policy_documents.allows),
    ("is_administrator", ("document",), "bool", policy_documents.is_administrator),
    ("administrator", ("string", "documents", "documents"), "bool", effective_permissions.administrator),
    ("escalations", ("string", "documents", "documents"), "strings", effective_permissions.escalations),
    ("is_any_address", ("string",), "bool", is_any_address),
    ("sources", ("map",), "strings", sources),
    ("from_anywhere", ("map",), "bool", from_anywhere),
    ("permits", ("map", "string", "ints"), "bool", permits),
    ("permits_all_ports", ("map",), "bool", permits_all_ports),
    ("pattern_alternatives", ("string",), "strings", filter_patterns.alternatives),
    ("pattern_catches", ("string", "string"), "bool", filter_patterns.catches),
    ("query_alternatives", ("string",), "strings", logging_queries.alternatives),
    ("query_catches", ("string", "string"), "bool", logging_queries.catches),
    ("internet_rules", ("documents", "string", "ints"), "strings", network_rules.internet_rules),
    ("is_wide_range", ("string", "string"), "bool", network_rules.is_wide_range),
    ("alerts_on", ("document", "string"), "bool", alert_conditions.alerts_on),
    ("pod_spec", ("string", "document"), "map", workloads.pod_spec),
    ("pod_annotations", ("string", "document", "document"), "map", workloads.pod_annotations),
    ("wildcards", ("list",), "strings", workloads.wildcards),
    ("containers", ("map",), "list", workloads.containers),
    ("setting", ("map", "map", "string"), "value", workloads.setting),
    ("grants", ("list", "string", "string", "string"), "bool", workloads.grants),
    ("outsiders", ("list",), "strings", workloads.outsiders),
    ("flag", ("map", "string"), "string", component_flags.flag),
    ("flag_on", ("map", "string", "bool"), "bool", component_flags.flag_on),
    ("flag_list", ("map", "string"), "strings", component_flags.flag_list),
    ("admission_plugin_on", ("map", "string", "bool"), "bool", component_flags.admission_plugin_on),
    ("authorization_modes", ("map",), "strings", component_flags.authorization_modes),
    ("anonymous_requests_on", ("map",), "bool", component_flags.anonymous_requests_on),
    ("flat", ("lists",), "anything", flat),
    ("age_days", ("string", "timestamp"), "double", age_days),
)
