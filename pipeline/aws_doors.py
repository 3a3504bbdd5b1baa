"""Opens doors to AWS accounts."""

import json
from collections.abc import Sequence

from clouds import aws_organization
from clouds.aws import AwsDoor
from clouds.aws_login import Login, account_of, locate, session
from clouds.aws_write import AwsWriteDoor
from collectors.aws.sight import AwsSight
from model.clock import Clock
from model.fault import Refused
from model.tenant import AwsOrganization, AwsScope
from pipeline.assembly import House
from pipeline.scopes import Members


def connect(scope: AwsScope, house: House, clock: Clock) -> AwsSight:
    """Return the sight of an account; raises `Refused` where the credentials lead to another account."""
    door = AwsDoor(session(Login(scope.profile, scope.role or "", scope.external_id or ""), clock), clock)
    place = locate(door, tuple(scope.regions))
    if place.account != scope.aws:
        raise Refused(
            f"the credentials for the scope {scope.aws} lead to the account {place.account}; "
            "give the scope its own 'role' or 'profile'"
        )
    return AwsSight(door, place, house.aws)


def connect_write(scope: AwsScope, actions: Sequence[str], clock: Clock) -> AwsWriteDoor:
    """Return the door for changes in an account, narrowed to these IAM actions; raises `Refused`.

    A role's session is narrowed by a session policy; a profile has what it has.
    """
    if scope.write is None:
        raise Refused(f"nothing can be changed in the account {scope.aws}; give the scope 'write' (docs/tenants.md)")
    write = scope.write
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    login = Login(write.profile, write.role or "", write.external_id or "", policy if write.role else "")
    door = AwsWriteDoor(session(login, clock), clock)
    if (account := account_of(door)) != scope.aws:
        raise Refused(f"the credentials for changes in {scope.aws} lead to the account {account}")
    return door


def one_look(profile: str, role: str, external_id: str, regions: Sequence[str], house: House, clock: Clock) -> AwsSight:
    """Return the sight of whatever account the credentials lead to; raises `Refused`."""
    door = AwsDoor(session(Login(profile, role, external_id), clock), clock)
    return AwsSight(door, locate(door, tuple(regions)), house.aws)


def list_members(organization: AwsOrganization, external_id: str, clock: Clock) -> Members:
    """Return an organisation's accounts; raises `Refused` where they cannot be listed."""
    login = Login("", organization.role, external_id)
    door = AwsDoor(session(login, clock), clock)
    listed = aws_organization.accounts(door, organization.role.split(":")[1])
    return Members(
        active=sorted(account for account, state in listed.items() if state == aws_organization.ACTIVE),
        resting={
            account: f"the account is {state} in its organisation"
            for account, state in sorted(listed.items())
            if state not in (aws_organization.ACTIVE, aws_organization.CLOSED)
        },
    )
