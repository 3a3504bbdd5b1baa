"""Condition keys that tie a request to somebody: one table, with what of their values has to be fixed.

Sources, read in November 2026: IAM User Guide, «AWS global condition context keys» (with aws:VpceAccount, VpceOrgID and
VpceOrgPaths of August 2025 and aws:SourceVpcArn of November 2025); Amazon S3 User Guide, «The meaning of public»;
Service Authorization Reference for the services' own keys. What is not here limits nobody: tags, names and session
names can be chosen, `aws:VpcSourceIp` and other private addresses are the same in everybody's networks,
`kms:ViaService`, `aws:CalledVia` and `lambda:FunctionUrlAuthType` say how, and `aws:ResourceAccount` says of what.
"""

from enum import Enum, auto
from functools import lru_cache
from typing import NamedTuple

from semantics.aws import fixed_values as shapes
from semantics.aws import web_identities
from semantics.aws.policy_conditions import Clause, variable


class Requester(Enum):
    """What a condition key may say of who asks."""

    ACCOUNT = auto()
    ORGANISATION = auto()
    NETWORK = auto()
    SERVICE = auto()
    ADDRESS = auto()
    IDENTITY = auto()
    OTHER = auto()


class Key(NamedTuple):
    """What a condition key is about, and how its values are fixed."""

    subject: Requester
    are_fixed: shapes.Shape


class Limit(NamedTuple):
    """Who is meant by a clause; of accounts also which (`OWN` for the resource's, empty for a bucket's name)."""

    subject: Requester
    accounts: frozenset[str] = frozenset()


_ACCOUNT = Key(Requester.ACCOUNT, shapes.whole)
_ARN = Key(Requester.ACCOUNT, shapes.arns)
_ORGANISATION = Key(Requester.ORGANISATION, shapes.whole)
_ORGANISATION_PATH = Key(Requester.ORGANISATION, shapes.paths)
_NETWORK = Key(Requester.NETWORK, shapes.whole)
_SERVICE = Key(Requester.SERVICE, shapes.whole)

KEYS = {
    # the requester
    "aws:principalaccount": _ACCOUNT,
    "aws:principalarn": _ARN,
    "aws:principalorgid": _ORGANISATION,
    "aws:principalorgpaths": _ORGANISATION_PATH,
    "aws:principalservicename": _SERVICE,
    "aws:principalservicenameslist": _SERVICE,
    "aws:userid": Key(Requester.OTHER, shapes.users),
    # the session that credentials were given to, as AWS itself fills it in
    "aws:chatbotsourcearn": _ARN,
    "aws:ec2instancesourcevpc": _NETWORK,
    "codebuild:buildarn": _ARN,
    "codebuild:projectarn": _ARN,
    "ec2:sourceinstancearn": _ARN,
    "lambda:sourcefunctionarn": _ARN,
    "ssm:sourceinstancearn": _ARN,
    # the network
    "aws:sourceip": Key(Requester.ADDRESS, shapes.networks),
    "aws:sourcevpc": _NETWORK,
    "aws:sourcevpcarn": _ARN,
    "aws:sourcevpce": _NETWORK,
    "aws:vpceaccount": _ACCOUNT,
    "aws:vpceorgid": _ORGANISATION,
    "aws:vpceorgpaths": _ORGANISATION_PATH,
    # on whose behalf a service asks
    "aws:sourceaccount": _ACCOUNT,
    "aws:sourcearn": _ARN,
    "aws:sourceorgid": _ORGANISATION,
    "aws:sourceorgpaths": _ORGANISATION_PATH,
    "aws:sourceowner": _ACCOUNT,
    # services' own
    "kms:calleraccount": _ACCOUNT,
    "s3:accessgrantsinstancearn": _ARN,
    "s3:dataaccesspointaccount": _ACCOUNT,
    "s3:dataaccesspointarn": _ARN,
    "s3:x-amz-server-side-encryption-aws-kms-key-id": Key(Requester.OTHER, shapes.whole),
    "sns:endpoint": Key(Requester.OTHER, shapes.endpoints),
}
# Where the requester's side stands in the value: `"aws:ResourceAccount": "${aws:PrincipalAccount}"`.
_MIRRORED = {
    "aws:resourceaccount": Requester.ACCOUNT,
    "s3:resourceaccount": Requester.ACCOUNT,
    "aws:resourceorgid": Requester.ORGANISATION,
}
_OWN_ACCOUNT = frozenset({""})


@lru_cache(maxsize=4096)
def limit_of(clause: Clause) -> Limit | None:
    """Return whom a clause of an Allow leaves in; none where it holds for strangers too, or without the key."""
    return None if clause.negated or clause.holds_without_key else _meant(clause)


@lru_cache(maxsize=4096)
def spared_by(clause: Clause) -> Limit | None:
    """Return whom a clause of a Deny spares while it holds for everybody else; none where it is of another kind."""
    return _meant(clause) if clause.negated and clause.holds_without_key else None


def _meant(clause: Clause) -> Limit | None:
    if not clause.matches:
        return None
    if clause.key in _MIRRORED:
        return _mirrored(clause)
    patterns = clause.patterns
    if web_identities.is_claim(clause.key):
        return Limit(Requester.IDENTITY) if web_identities.name_identities(clause.key, patterns) else None
    key = KEYS.get(clause.key)
    if key is None or not key.are_fixed(patterns):
        return None
    accounts = map(shapes.owner_of, patterns) if key.subject is Requester.ACCOUNT else ()
    return Limit(key.subject, frozenset(accounts))


def _mirrored(clause: Clause) -> Limit | None:
    subject = _MIRRORED[clause.key]
    keys = [KEYS.get(variable(value)) for value in clause.values]
    if any(key is None or key.subject is not subject or key.are_fixed is not shapes.whole for key in keys):
        return None
    return Limit(subject, _OWN_ACCOUNT if subject is Requester.ACCOUNT else frozenset())
