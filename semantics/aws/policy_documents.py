"""Policy documents of resources: what they say, who is meant, and what their denials withdraw."""

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

from semantics.aws.wildcards import includes, overlaps
from semantics.shapes import SCALAR, TEXT, mapping, one_or_more
from semantics.values import Document, listed

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
# Of those, what keeps a named principal of another account out as well, and what only its own account's number does.
_ORGANISATIONS_AND_NETWORKS = frozenset(
    {"aws:principalorgid", "aws:principalorgpaths", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourcevpc"}
    | {"aws:sourcevpce"}
)
_ACCOUNTS = frozenset({"aws:principalaccount", "aws:principalarn", "kms:calleraccount"})
_ANY_OF_A_KIND = re.compile(r"(o|vpc|vpce)-[*?]+(/[*?]+)?")
_LIMITING_OPERATORS = ("stringequals", "stringlike", "arnequals", "arnlike", "ipaddress")
_SPARING_OPERATORS = frozenset(
    {"stringnotequals", "stringnotequalsignorecase", "stringnotlike", "arnnotequals", "arnnotlike", "notipaddress"}
)
# A stranger's request is none of a service's own: such a condition of a denial holds for strangers.
_FALSE_FOR_STRANGERS = frozenset({"aws:principalisawsservice", "aws:viaawsservice"})
# Wider blocks are no limit: 0.0.0.0/1 and 128.0.0.0/1 together are every address. The bounds are ours: a /8 is the most
# that IANA gave to one organisation at once (IPv4 Address Space Registry), a /32 of IPv6 is a provider's usual block.
_WIDEST_PREFIX = {4: 8, 6: 32}

# Source: IAM User Guide, «Grammar of the IAM JSON policy language». What has no meaning (Sid, Version) is left out.
_TEXTS = one_or_more(TEXT)
_WHO = TEXT | mapping(others=_TEXTS)
DOCUMENT = mapping(
    {
        "Statement": one_or_more(
            mapping(
                dict.fromkeys(("Action", "NotAction", "Resource", "NotResource"), _TEXTS)
                | dict.fromkeys(("Principal", "NotPrincipal"), _WHO)
                | {"Effect": TEXT, "Condition": mapping(others=mapping(others=one_or_more(SCALAR)))},
                needed=("Effect",),
            )
        )
    }
)


def statements(document: Document | None) -> list[dict[str, Any]]:
    """Return a policy document's statements in one shape.

    Effect is text; Action, NotAction (lower case), Resource, NotResource, Principal and NotPrincipal are lists; a
    principal reads `*` or `AWS:arn…`, `Service:…`; Condition is a map. Source: IAM User Guide, «Grammar of the IAM JSON
    policy language».
    """
    return [_normal(s) for s in listed((document or {}).get("Statement")) if isinstance(s, Mapping)]


def granted_statements(document: Document | None) -> list[dict[str, Any]]:
    """Return the statements that allow something which no denial withdraws.

    A denial withdraws what it covers whole, for whom it names; with a condition only where that holds for everybody
    but an organisation, account or network («unless from our VPC»). Principals from whom all is withdrawn are left
    out.
    """
    all_ = statements(document)
    denials = [s for s in all_ if s["Effect"] == "Deny"]
    return [left for s in all_ if s["Effect"] == "Allow" and (left := _left(s, denials)) is not None]


def public_statements(document: Document | None) -> list[dict[str, Any]]:
    """Return the statements that allow something to everybody, without a condition or denial that narrows who."""
    return [s for s in granted_statements(document) if _is_public(s) and not _is_limited(s)]


def foreign_principals(document: Document | None, account: str, trusted: list[str]) -> list[str]:
    """Return the principals outside the account and the trusted ones that a document allows something; `*` is one."""
    own = {account, *trusted}
    found: set[str] = set()
    for statement in granted_statements(document):
        if not _is_limited(statement):
            found.update(p for p in statement["Principal"] if _is_foreign(p, own))
            if statement["NotPrincipal"]:
                found.add("*")
    return sorted(found)


def allows(statement: Document, actions: list[str]) -> bool:
    """Return whether a normalised statement's actions cover at least one of those named (wildcards * and ?)."""
    return any(covers_action(statement, action.lower()) for action in actions)


def covers_action(statement: Document, action: str) -> bool:
    """Return whether a normalised statement speaks of an action, or of all that a pattern means; in lower case."""
    if statement.get("NotAction"):
        return not any(overlaps(spared, action) for spared in statement["NotAction"])
    return any(includes(pattern, action) for pattern in statement.get("Action", []))


def covers_resource(statement: Document, resource: str) -> bool:
    """Return whether a normalised statement speaks of a resource, or of all that a pattern means.

    A statement without resources speaks of the one that it is attached to.
    """
    if statement["NotResource"]:
        return not any(overlaps(spared, resource) for spared in statement["NotResource"])
    return not statement["Resource"] or any(includes(pattern, resource) for pattern in statement["Resource"])


def is_administrator(document: Document | None) -> bool:
    """Return whether one statement allows every action, or every one but some outside IAM, on every resource.

    Conditions and denials are not counted in: whoever holds the rest can change them.
    """
    return any(allows_everything(statement) for statement in statements(document))


def allows_everything(statement: Document) -> bool:
    """Return whether a normalised statement allows every action, or every one but some outside IAM, everywhere."""
    return statement["Effect"] == "Allow" and _is_everywhere(statement) and _is_everything(statement)


def tests(condition: Document) -> Iterator[tuple[str, str, list[str]]]:
    """Yield a condition's tests: operator and key in lower case, the values; all of them have to hold.

    The operator comes without `ForAnyValue:`; `ForAllValues:` stays, since it also holds where the key is absent.
    """
    for operator, named in condition.items():
        if isinstance(named, Mapping):
            plain = str(operator).lower().removeprefix("foranyvalue:")
            for key, values in named.items():
                yield plain, str(key).lower(), [str(value) for value in listed(values)]


def _is_everywhere(statement: Document) -> bool:
    named, spared = statement["Resource"], statement["NotResource"]
    return bool({"*", "*:*", "*/*"}.intersection(named)) or (bool(spared) and "*" not in spared)


def _is_everything(statement: Document) -> bool:
    if statement["NotAction"]:
        return allows(statement, ["iam:AttachUserPolicy"])
    return bool({"*", "*:*"}.intersection(statement["Action"]))


def _normal(statement: Document) -> dict[str, Any]:
    return {
        "Sid": str(statement.get("Sid", "")),
        "Effect": str(statement.get("Effect", "")),
        "Action": [str(a).lower() for a in listed(statement.get("Action"))],
        "NotAction": [str(a).lower() for a in listed(statement.get("NotAction"))],
        "Resource": [str(r) for r in listed(statement.get("Resource"))],
        "NotResource": [str(r) for r in listed(statement.get("NotResource"))],
        "Principal": _principals(statement.get("Principal")),
        "NotPrincipal": _principals(statement.get("NotPrincipal")),
        "Condition": statement.get("Condition") or {},
    }


def _principals(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [f"{kind}:{who}" for kind, whos in value.items() for who in listed(whos)]
    return [str(who) for who in listed(value)]


_EVERYBODY = frozenset({"*", "AWS:*", "CanonicalUser:*", "AWS:arn:aws:iam::*:root"})


def _is_public(statement: Document) -> bool:
    return bool(_EVERYBODY.intersection(statement["Principal"])) or bool(statement["NotPrincipal"])


def _is_foreign(principal: str, own: set[str]) -> bool:
    if principal in _EVERYBODY:
        return True
    return principal.startswith("AWS:") and _account_of(principal) not in own


def _account_of(principal: str) -> str:
    who = principal.removeprefix("AWS:")
    return who.split(":")[4] if who.count(":") >= 5 else who


def _left(allow: dict[str, Any], denials: list[dict[str, Any]]) -> dict[str, Any] | None:
    if not denials:
        return allow
    if allow["NotPrincipal"]:
        return None if _is_denied_again(allow, "*", denials) else allow
    left = [who for who in allow["Principal"] if not _is_denied_again(allow, who, denials)]
    return allow | {"Principal": left} if left else None


def _is_denied_again(allow: Document, who: str, denials: list[dict[str, Any]]) -> bool:
    """Return whether each action on each resource of a statement is covered by a denial that meets the principal."""
    meeting = [denial for denial in denials if _meets(denial, who) and _holds_for(denial["Condition"], who)]
    actions = allow["Action"] if not allow["NotAction"] else ["*"]
    resources = allow["Resource"] or ["*"]
    return all(
        any(covers_action(denial, action) and covers_resource(denial, resource) for denial in meeting)
        for action in actions
        for resource in resources
    )


def _meets(denial: Document, who: str) -> bool:
    if denial["NotPrincipal"]:
        return _account_of(who) not in {_account_of(spared) for spared in denial["NotPrincipal"]}
    return bool({"*", "AWS:*", who}.intersection(denial["Principal"]))


def _holds_for(condition: Document, who: str) -> bool:
    """Return whether a denial's condition holds for a principal whose requests come from anywhere."""
    return all(_is_test_of_strangers(*test, who) for test in tests(condition))


def _is_test_of_strangers(operator: str, key: str, values: list[str], who: str) -> bool:
    plain = operator.removesuffix("ifexists")
    if plain == "bool":
        return key in _FALSE_FOR_STRANGERS and values == ["false"]
    if plain not in _SPARING_OPERATORS or any(_is_wide(value) for value in values):
        return False
    if who in _EVERYBODY:
        return key in _LIMITING_KEYS
    return key in _ORGANISATIONS_AND_NETWORKS or (
        key in _ACCOUNTS and not any(_account_of(who) in value for value in values)
    )


def _is_limited(statement: Document) -> bool:
    return any(
        operator.startswith(_LIMITING_OPERATORS)
        and not operator.endswith("ifexists")
        and key in _LIMITING_KEYS
        and not any(_is_wide(value) for value in values)
        for operator, key, values in tests(statement["Condition"])
    )


def _is_wide(value: str) -> bool:
    """Return whether a condition's value limits nothing: any account's ARN, any organisation, half of all addresses."""
    if set(value) <= {"*", "?", ":"} or _is_wide_block(value) or _ANY_OF_A_KIND.fullmatch(value):
        return True
    parts = value.split(":", 5)
    if parts[0] != "arn":
        return False
    account, resource = parts[4] if len(parts) > 4 else "*", parts[5] if len(parts) > 5 else "*"
    return (bool(account) and set(account) <= {"*", "?"}) or (account == "" and set(resource) <= {"*", "?"})


def _is_wide_block(value: str) -> bool:
    try:
        block = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return False
    return block.prefixlen < _WIDEST_PREFIX[block.version]
