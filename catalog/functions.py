"""What policies can ask of policy documents, addresses, ports and ages, beside CEL's own functions.

Every function is pure; `DECLARATIONS` names each with its parameters. A missing argument (null) is taken as an empty
document, so that `f(r.?Policy.orValue(null))` reads as it should.
"""

import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from typing import Any

Document = Mapping[str, Any]

# Condition keys of AWS that tie a request to an account, organisation, network or resource: AWS's own definition of
# "public" leaves out statements fixed by one of these («The meaning of public», Amazon S3 User Guide).
_LIMITING_KEYS = frozenset(
    {
        "aws:principalaccount",
        "aws:principalarn",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:sourceaccount",
        "aws:sourcearn",
        "aws:sourceip",
        "aws:sourceorgid",
        "aws:sourceorgpaths",
        "aws:sourceowner",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:userid",
        "aws:vpcsourceip",
        "kms:calleraccount",
        "s3:dataaccesspointaccount",
        "s3:dataaccesspointarn",
        "sns:endpoint",
    }
)
_ANY_OF_A_KIND = re.compile(r"(o|vpc|vpce)-[*?]+(/[*?]+)?")
_LIMITING_OPERATORS = ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress")


def statements(document: Document | None) -> list[dict[str, Any]]:
    """Return a policy document's statements in one shape.

    Effect is text; Action, NotAction (lower case), Resource, NotResource, Principal and NotPrincipal are lists; a
    principal reads `*` or `AWS:arn…`, `Service:…`; Condition is a map. Source: IAM User Guide, «Grammar of the IAM JSON
    policy language».
    """
    return [_normal(s) for s in _listed((document or {}).get("Statement")) if isinstance(s, Mapping)]


def public_statements(document: Document | None) -> list[dict[str, Any]]:
    """Return the statements that allow something to everybody, without a condition that narrows who that is."""
    return [s for s in statements(document) if s["Effect"] == "Allow" and _is_public(s) and not _is_limited(s)]


def foreign_principals(document: Document | None, account: str, trusted: list[str]) -> list[str]:
    """Return the principals outside the account and the trusted ones that are allowed something; `*` is one."""
    own = {account, *trusted}
    found: set[str] = set()
    for statement in statements(document):
        if statement["Effect"] == "Allow" and not _is_limited(statement):
            found.update(p for p in statement["Principal"] if _is_foreign(p, own))
            if statement["NotPrincipal"]:
                found.add("*")
    return sorted(found)


def allows(statement: Document, actions: list[str]) -> bool:
    """Return whether a normalised statement's actions cover at least one of those named (wildcards * and ?)."""
    wanted = [action.lower() for action in actions]
    if statement.get("NotAction"):
        return any(not _covered(action, statement["NotAction"]) for action in wanted)
    return any(_covered(action, statement.get("Action", [])) for action in wanted)


def is_administrator(document: Document | None) -> bool:
    """Return whether one statement allows every action, or every one but some outside IAM, on every resource.

    Conditions and denials are not counted in: whoever holds the rest can change them.
    """
    return any(s["Effect"] == "Allow" and _is_everywhere(s) and _is_everything(s) for s in statements(document))


def _is_everywhere(statement: Document) -> bool:
    named, spared = statement["Resource"], statement["NotResource"]
    return bool({"*", "*:*", "*/*"}.intersection(named)) or (bool(spared) and "*" not in spared)


def _is_everything(statement: Document) -> bool:
    if statement["NotAction"]:
        return allows(statement, ["iam:AttachUserPolicy"])
    return bool({"*", "*:*"}.intersection(statement["Action"]))


def is_any_address(cidr: str) -> bool:
    """Return whether a CIDR block means every address of IPv4 or IPv6."""
    try:
        return ipaddress.ip_network(cidr, strict=False).prefixlen == 0
    except ValueError:
        return False


def sources(permission: Document) -> list[str]:
    """Return the CIDR blocks of a security group's permission, IPv4 and IPv6."""
    four = [str(r.get("CidrIp", "")) for r in _listed(permission.get("IpRanges"))]
    six = [str(r.get("CidrIpv6", "")) for r in _listed(permission.get("Ipv6Ranges"))]
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


def _normal(statement: Document) -> dict[str, Any]:
    return {
        "Sid": str(statement.get("Sid", "")),
        "Effect": str(statement.get("Effect", "")),
        "Action": [str(a).lower() for a in _listed(statement.get("Action"))],
        "NotAction": [str(a).lower() for a in _listed(statement.get("NotAction"))],
        "Resource": [str(r) for r in _listed(statement.get("Resource"))],
        "NotResource": [str(r) for r in _listed(statement.get("NotResource"))],
        "Principal": _principals(statement.get("Principal")),
        "NotPrincipal": _principals(statement.get("NotPrincipal")),
        "Condition": statement.get("Condition") or {},
    }


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]


def _principals(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{kind}:{who}" for kind, whos in value.items() for who in _listed(whos)]
    return [str(who) for who in _listed(value)]


_EVERYBODY = frozenset({"*", "AWS:*", "CanonicalUser:*", "AWS:arn:aws:iam::*:root"})


def _is_public(statement: Document) -> bool:
    return bool(_EVERYBODY.intersection(statement["Principal"])) or bool(statement["NotPrincipal"])


def _is_foreign(principal: str, own: set[str]) -> bool:
    if principal in _EVERYBODY:
        return True
    if not principal.startswith("AWS:"):
        return False
    who = principal.removeprefix("AWS:")
    return (who.split(":")[4] if who.count(":") >= 5 else who) not in own


def _is_limited(statement: Document) -> bool:
    for operator, tests in statement["Condition"].items():
        plain = str(operator).lower().removeprefix("foranyvalue:")
        if plain.startswith(_LIMITING_OPERATORS) and not plain.endswith("ifexists") and isinstance(tests, Mapping):
            for key, values in tests.items():
                if str(key).lower() in _LIMITING_KEYS and not any(_is_wide(str(v)) for v in _listed(values)):
                    return True
    return False


def _is_wide(value: str) -> bool:
    """Tell whether a condition's value narrows nothing: any account's ARN, any organisation, every address."""
    if set(value) <= {"*", "?", ":"} or is_any_address(value) or _ANY_OF_A_KIND.fullmatch(value):
        return True
    parts = value.split(":", 5)
    if parts[0] != "arn":
        return False
    account, resource = parts[4] if len(parts) > 4 else "*", parts[5] if len(parts) > 5 else "*"
    return (bool(account) and set(account) <= {"*", "?"}) or (account == "" and set(resource) <= {"*", "?"})


def _covered(action: str, patterns: list[str]) -> bool:
    return any(pattern == "*" or fnmatchcase(action, pattern.replace("[", "[[]")) for pattern in patterns)


Signature = tuple[str, tuple[str, ...], str, Callable[..., Any]]

# name, parameter types, return type, function; `document` is a map or null.
DECLARATIONS: tuple[Signature, ...] = (
    ("statements", ("document",), "list", statements),
    ("public_statements", ("document",), "list", public_statements),
    ("foreign_principals", ("document", "string", "strings"), "strings", foreign_principals),
    ("allows", ("map", "strings"), "bool", allows),
    ("is_administrator", ("document",), "bool", is_administrator),
    ("is_any_address", ("string",), "bool", is_any_address),
    ("sources", ("map",), "strings", sources),
    ("from_anywhere", ("map",), "bool", from_anywhere),
    ("permits", ("map", "string", "ints"), "bool", permits),
    ("permits_all_ports", ("map",), "bool", permits_all_ports),
    ("age_days", ("string", "timestamp"), "double", age_days),
)
