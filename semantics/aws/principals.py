"""Principals of policy documents, as `AWS:arn…`, `Service:…`, `CanonicalUser:…`, `Federated:…` or `*`: whose they are.

Source: IAM User Guide, «AWS JSON policy elements: Principal». Partitions make no difference: of an ARN only the
account and what stands behind it count.
"""

import re

from semantics.aws.fixed_values import account_of, is_open
from semantics.aws.service_accounts import CLOUDFRONT_LOGS, CLOUDTRAIL, ELB, REDSHIFT

_WRITERS = frozenset({*ELB.values(), *CLOUDTRAIL.values()})
_AUDIT_WRITERS = frozenset(REDSHIFT.values())
_LOG_DELIVERY = frozenset(CLOUDFRONT_LOGS.values())
# An origin access identity's canonical user id has 96 digits, an account's 64: the examples of AWS CLI Command
# Reference, `cloudfront list-cloud-front-origin-access-identities`, and `s3api list-buckets`.
_ORIGIN_ACCESS_IDENTITY = re.compile(r"[0-9a-f]{96}")
# What IAM leaves of a user or role that was deleted: nobody has it any more («IAM identifiers: unique identifiers»).
_DELETED = re.compile(r"A(IDA|ROA)[A-Z0-9]+")


def is_everybody(principal: str) -> bool:
    """Return whether a principal means any: of every account, or whichever there is of its kind."""
    who = _who(principal)
    return who == "*" or (who.startswith("arn:") and is_open(account_of(who)))


def is_anybody_at_all(principal: str) -> bool:
    """Return whether a denial for this principal meets every request."""
    return principal in {"*", "AWS:*"}


def is_foreign(principal: str, own: frozenset[str]) -> bool:
    """Return whether a principal is outside of accounts; a canonical user is unless its own id is among them."""
    if is_everybody(principal):
        return True
    kind, who = principal.partition(":")[0], _who(principal)
    if kind == "CanonicalUser":
        return who not in own | _LOG_DELIVERY and not _ORIGIN_ACCESS_IDENTITY.fullmatch(who)
    if kind == "Federated":
        return who.startswith("arn:") and account_of(who) not in own
    return kind == "AWS" and account_of(who) not in own and not _DELETED.fullmatch(who) and not _is_of_aws(who)


def account(principal: str) -> str:
    """Return a principal's account, or what it is named by where it has none."""
    return account_of(_who(principal))


def is_whole_account(principal: str) -> bool:
    """Return whether a principal stands for all of its account: its number, or its root."""
    who = _who(principal)
    return who.isdigit() or who.endswith(":root")


def _is_of_aws(who: str) -> bool:
    number, resource = account_of(who), who.split(":", 5)[-1]
    if number == "cloudfront":  # arn:aws:iam::cloudfront:user/CloudFront Origin Access Identity E…
        return resource.startswith("user/CloudFront Origin Access Identity ")
    if number in _AUDIT_WRITERS:  # and no other principal of these accounts
        return resource == "user/logs"
    return number in _WRITERS and resource in {"root", number}


def _who(principal: str) -> str:
    return principal if principal == "*" else principal.partition(":")[2]
