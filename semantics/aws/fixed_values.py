"""Which part of a condition's value has to be fixed for it to limit who asks, by the shape of the value.

Amazon S3's own definition is the measure: a policy is public unless what limits it has no wildcard and no variable
(Amazon S3 User Guide, «The meaning of public»). Of an ARN the account is enough: the guide says so of access points,
and accounts are what others cannot choose. Values come as patterns (`policy_conditions`): open where there is a `*`.
"""

import functools
import operator
from collections.abc import Callable
from functools import lru_cache

from semantics.addresses import Addresses, addresses

Patterns = tuple[str, ...]
Shape = Callable[[Patterns], bool]

# What requests without credentials have for their account and user («aws:PrincipalAccount», «Principal key values»).
_NOBODYS = "anonymous"


def is_open(pattern: str) -> bool:
    """Return whether a requester chooses some of a pattern's text."""
    return "*" in pattern or "?" in pattern


def whole(patterns: Patterns) -> bool:
    """Return whether each value is one text: an account, an organisation, a network."""
    return all(not is_open(pattern) and pattern not in {"", _NOBODYS} for pattern in patterns)


def arns(patterns: Patterns) -> bool:
    """Return whether each ARN names an account; where ARNs have none, a bucket or the whole resource."""
    return all(_is_one_owners(pattern) for pattern in patterns)


def paths(patterns: Patterns) -> bool:
    """Return whether each path begins with one organisation: roots and units have the same ids in others."""
    return whole(tuple(pattern.partition("/")[0] for pattern in patterns))


def users(patterns: Patterns) -> bool:
    """Return whether each principal id is one user's or role's; behind a role's id stands the session's name."""
    return whole(tuple(pattern.partition(":")[0] for pattern in patterns))


def endpoints(patterns: Patterns) -> bool:
    """Return whether each endpoint of a subscription is one's own: a mail domain, a host, an account."""
    return all(_is_one_owners_endpoint(pattern) for pattern in patterns)


@lru_cache(maxsize=1024)
def networks(patterns: Patterns) -> bool:
    """Return whether blocks of addresses together are some network's, and no longer everybody's."""
    read = {pattern: _block(pattern) for pattern in patterns}
    others = tuple(pattern for pattern, block in read.items() if block is None)
    blocks = functools.reduce(operator.or_, (block for block in read.values() if block is not None), Addresses())
    return whole(others) and not blocks.is_wide


def account_of(arn: str) -> str:
    """Return the account of an ARN, which may be empty, or a text that is no ARN as it is."""
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 else arn


def owner_of(arn: str) -> str:
    """Return the account of an ARN whose value is fixed; empty where a bucket's name or a whole resource fixes it."""
    account = account_of(arn)
    return "" if is_open(account) else account


def _is_one_owners(pattern: str) -> bool:
    parts = pattern.split(":", 5)
    if not is_open(pattern) or len(parts) < 6:
        return whole((pattern,))
    service, account, resource = parts[2], parts[4], parts[5]
    # A bucket's name is its own in all accounts, and so are the ids that EC2 gives («aws:SourceVpcArn» has an example).
    if service == "ec2" or (service == "s3" and "/" not in resource):
        return whole((resource,)) or whole((account,))
    if account:
        return whole((account,))
    return whole((resource.partition("/")[0] if service == "s3" else resource,))


def _is_one_owners_endpoint(pattern: str) -> bool:
    if not is_open(pattern) or pattern.startswith("arn:"):
        return _is_one_owners(pattern)
    scheme, separator, rest = pattern.partition("://")
    if separator:
        host, slash, _ = rest.partition("/")
        return bool(slash) and whole((scheme, host))
    # A mail address: all behind its local part. Slashes would let a URL of any host end like it.
    domain = pattern[max(pattern.rfind("*"), pattern.rfind("?")) + 1 :]
    return domain.startswith("@") and len(domain) > 1


def _block(pattern: str) -> Addresses | None:
    try:
        return addresses([pattern])
    except ValueError:
        return None
