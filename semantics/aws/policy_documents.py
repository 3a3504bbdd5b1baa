"""Policy documents of resources: what they say, who is meant, and what their denials withdraw."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from semantics.aws.condition_keys import Limit, Requester, limit_of, spared_by
from semantics.aws.fixed_values import is_open
from semantics.aws.policy_conditions import OWN, Clause, clauses
from semantics.aws.principals import account, is_anybody_at_all, is_everybody, is_foreign, is_whole_account
from semantics.aws.wildcards import includes, overlaps
from semantics.shapes import SCALAR, TEXT, mapping, one_or_more
from semantics.values import Document, listed

# What keeps a named principal of another account out as well: it is not ours, in whichever account it is.
_OURS = frozenset({Requester.ORGANISATION, Requester.NETWORK, Requester.SERVICE})
# A stranger's request is none of a service's own: such a condition of a denial holds for strangers.
_FALSE_FOR_STRANGERS = frozenset({"aws:principalisawsservice", "aws:viaawsservice"})
# But requests without credentials do not have this key («AWS global condition context keys»).
_ONLY_WHERE_SIGNED = frozenset({"aws:principalisawsservice"})

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


def without_everybody(statement: Document) -> dict[str, Any] | None:
    """Return a statement for the principals that it names beside everybody, as it is written; None for none."""
    said = statement.get("Principal")
    if not isinstance(said, Mapping):
        return None
    left = {kind: [who for who in listed(whos) if not is_everybody(f"{kind}:{who}")] for kind, whos in said.items()}
    named = {kind: whos for kind, whos in left.items() if whos}
    return {**statement, "Principal": named} if named else None


def foreign_principals(document: Document | None, account_id: str, trusted: list[str]) -> list[str]:
    """Return the principals outside the account and the trusted ones that a document allows something; `*` is one.

    `account_id` is whose document it is. Where everybody is let in on a condition that names accounts, these are
    returned.
    """
    own = _own(account_id, trusted)
    return sorted({who for statement in granted_statements(document) for who in _strangers(statement, own)})


def foreign_statements(document: Document | None, account_id: str, trusted: list[str]) -> list[dict[str, Any]]:
    """Return the granted statements that let somebody in from outside the account and the trusted ones.

    `account_id` is whose document it is. A condition keeps strangers out where it names only these accounts, an
    organisation, a network or an AWS service.
    """
    own = _own(account_id, trusted)
    return [statement for statement in granted_statements(document) if _strangers(statement, own)]


def trusts_web_identities(statement: Document) -> bool:
    """Return whether a normalised statement lets identities of an OpenID Connect provider take a role."""
    return allows(statement, ["sts:AssumeRoleWithWebIdentity"]) and any(
        principal.startswith("Federated:") and ":saml-provider/" not in principal
        for principal in statement["Principal"]
    )


def names_identities(statement: Document) -> bool:
    """Return whether a condition of a normalised statement says which identities of a provider are meant."""
    return any(limit.subject is Requester.IDENTITY for limit in _limits(statement))


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


def _is_everywhere(statement: Document) -> bool:
    named, spared = statement["Resource"], statement["NotResource"]
    return any(map(_means_everywhere, named)) or (bool(spared) and not any(map(_means_everywhere, spared)))


def _is_everything(statement: Document) -> bool:
    if statement["NotAction"]:
        return allows(statement, ["iam:AttachUserPolicy"])
    return any(map(_means_everything, statement["Action"]))


# A pattern that means all of such unlike services' means all, however many stars and colons it is spelt with.
_UNLIKE = ("iam", "s3", "ec2", "kms")


@lru_cache(maxsize=1024)
def _means_everything(action: str) -> bool:
    return all(includes(action, f"{service}:*") for service in _UNLIKE)


@lru_cache(maxsize=1024)
def _means_everywhere(resource: str) -> bool:
    partition = resource.split(":", 2)[1] if resource.startswith("arn:") else ""
    inside = "aws" if is_open(partition) or not partition else partition
    return resource == "*/*" or all(includes(resource, f"arn:{inside}:{service}:*:*:*") for service in _UNLIKE)


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


def _is_public(statement: Document) -> bool:
    return any(is_everybody(who) for who in statement["Principal"]) or bool(statement["NotPrincipal"])


def _own(account_id: str, trusted: list[str]) -> frozenset[str]:
    """Return the accounts that are no strangers'; a bucket's name in an ARN stands for none."""
    return frozenset({account_id, *trusted, OWN, ""})


def _strangers(statement: Document, own: frozenset[str]) -> list[str]:
    limits = _limits(statement)
    accounts = [limit.accounts for limit in limits if limit.accounts]
    if any(limit.subject in _OURS for limit in limits) or any(named <= own for named in accounts):
        return []
    everybody = sorted(f"AWS:{number}" for number in accounts[0] - own) if accounts else ["*"]
    found = [who for who in statement["Principal"] if is_foreign(who, own)]
    named = [who for who in found if not is_everybody(who)]
    return named + everybody if statement["NotPrincipal"] or len(named) < len(found) else named


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
        spared = denial["NotPrincipal"]
        return not any(is_everybody(other) or account(other) == account(who) for other in spared)
    return any(
        is_anybody_at_all(denied) or denied == who or (is_whole_account(denied) and account(denied) == account(who))
        for denied in denial["Principal"]
    )


def _holds_for(condition: Document, who: str) -> bool:
    """Return whether a denial's condition holds for a principal whose requests come from anywhere."""
    return all(_holds_for_strangers(clause, who) for clause in clauses(condition))


def _holds_for_strangers(clause: Clause, who: str) -> bool:
    if clause.operator == "bool":
        is_there = clause.if_exists or not is_everybody(who) or clause.key not in _ONLY_WHERE_SIGNED
        return is_there and clause.key in _FALSE_FOR_STRANGERS and [v.lower() for v in clause.values] == ["false"]
    spared = spared_by(clause)
    return spared is not None and (is_everybody(who) or _is_stranger_to(spared, who))


def _is_stranger_to(spared: Limit, who: str) -> bool:
    if spared.subject is Requester.ACCOUNT:
        return account(who) not in spared.accounts
    return spared.subject in _OURS or (spared.subject is Requester.IDENTITY and who.startswith("Federated:"))


def _limits(statement: Document) -> list[Limit]:
    limits = (limit_of(clause) for clause in clauses(statement["Condition"]))
    return [limit for limit in limits if limit is not None]


def _is_limited(statement: Document) -> bool:
    return any(limit_of(clause) is not None for clause in clauses(statement["Condition"]))
