"""Opens doors to the accounts of a tenant's file."""

import uuid

from clouds.aws import AwsDoor
from clouds.aws_login import Login, locate, session
from clouds.aws_organization import active_accounts
from collectors.aws.reader import ReadCloud
from model.asset import Place
from model.clock import Clock
from model.fault import Refused
from model.tenant import AwsOrganization, AwsScope


def open_aws(scope: AwsScope, clock: Clock) -> tuple[ReadCloud, Place]:
    """Return the door to a scope with its place; raises `Refused` where the credentials lead to another account."""
    door = AwsDoor(session(Login(scope.profile, scope.role or "", scope.external_id or ""), clock), clock)
    place = locate(door, tuple(scope.regions))
    if place.account != scope.aws:
        raise Refused(
            f"the credentials for the scope {scope.aws} lead to the account {place.account}; "
            "give the scope its own 'role' or 'profile'"
        )
    return door, place


def list_members(organization: AwsOrganization, external_id: str, clock: Clock) -> list[str]:
    """Return the ids of an organisation's active accounts; raises `Refused` where they cannot be listed."""
    login = Login("", organization.role, external_id)
    return active_accounts(AwsDoor(session(login, clock), clock), organization.role.split(":")[1])


def new_external_id() -> str:
    """Return an external id that nobody can guess."""
    return str(uuid.uuid4())
