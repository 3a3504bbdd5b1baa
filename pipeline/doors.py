"""Opens doors to the places of a tenant's file, whichever cloud they are in."""

import uuid

from model.clock import Clock
from model.sight import Sight
from model.tenant import AwsOrganization, AwsScope
from pipeline import aws_doors, azure_doors
from pipeline.assembly import House
from pipeline.scopes import AzureScope, GoogleParent, GoogleScope, Group, ManagementGroupOf, Members, Scope


def connect(scope: Scope, house: House, clock: Clock) -> Sight:
    """Return the sight of a place; raises `Refused` where it cannot be entered."""
    match scope:
        case AwsScope():
            return aws_doors.connect(scope, house, clock)
        case AzureScope():
            return azure_doors.connect(scope, house, clock)
        case GoogleScope():
            raise NotImplementedError


def list_members(group: Group, external_id: str, clock: Clock) -> Members:
    """Return what stands in an organisation; raises `Refused` where it cannot be listed."""
    match group:
        case AwsOrganization():
            return aws_doors.list_members(group, external_id, clock)
        case ManagementGroupOf():
            return azure_doors.list_members(group, clock)
        case GoogleParent():
            raise NotImplementedError


def new_external_id() -> str:
    """Return an external id that nobody can guess."""
    return str(uuid.uuid4())
