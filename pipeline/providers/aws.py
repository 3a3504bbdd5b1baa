"""Opens clients of AWS accounts."""

import json
from collections.abc import Sequence

from clouds.aws import organization as aws_organization
from clouds.aws.login import Login, account_of, locate, session
from clouds.aws.read import AwsClient
from clouds.aws.write import AwsWriteClient
from collectors.aws.collector import AwsCollector
from model.clock import Clock
from model.fault import Refused
from model.tenant import AwsOrganization, AwsScope
from pipeline.assembly import Catalog
from pipeline.tenants.scopes import Members


def connect(scope: AwsScope, catalog: Catalog, clock: Clock) -> AwsCollector:
    """Return the collector of the scope's account, for the catalog's types, and waits between tries by the clock.

    Raises `Refused` where the credentials lead to another account.
    """
    client = AwsClient(session(Login(scope.profile, scope.role or "", scope.external_id or ""), clock), clock)
    place = locate(client, tuple(scope.regions))
    if place.account != scope.aws:
        raise Refused(
            f"the credentials for the scope {scope.aws} lead to the account {place.account}; "
            "give the scope its own 'role' or 'profile'"
        )
    return AwsCollector(client, place, catalog.aws)


def connect_write(scope: AwsScope, actions: Sequence[str], clock: Clock) -> AwsWriteClient:
    """Return the client for changes in the scope's account, narrowed to these IAM actions.

    A role's session is narrowed by a session policy; a profile has what it has. The clock waits between tries. Raises
    `Refused` where none is given, or it leads to another account.
    """
    if scope.write is None:
        raise Refused(f"nothing can be changed in the account {scope.aws}; give the scope 'write' (docs/tenants.md)")
    write = scope.write
    statement = {"Effect": "Allow", "Action": sorted(actions), "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]}, separators=(",", ":"))
    login = Login(write.profile, write.role or "", write.external_id or "", policy if write.role else "")
    client = AwsWriteClient(session(login, clock), clock)
    if (account := account_of(client)) != scope.aws:
        raise Refused(f"the credentials for changes in {scope.aws} lead to the account {account}")
    return client


def one_look(
    profile: str, role: str, external_id: str, regions: Sequence[str], catalog: Catalog, clock: Clock
) -> AwsCollector:
    """Return the collector of whatever account the credentials lead to: a profile, a role with its external id.

    It looks at these regions, for the catalog's types, and waits between tries by the clock. Raises `Refused`.
    """
    client = AwsClient(session(Login(profile, role, external_id), clock), clock)
    return AwsCollector(client, locate(client, tuple(regions)), catalog.aws)


def list_members(organization: AwsOrganization, external_id: str, clock: Clock) -> Members:
    """Return an organization's accounts; raises `Refused` where they cannot be listed.

    Its role asks for the external id; the clock waits between tries.
    """
    login = Login("", organization.role, external_id)
    client = AwsClient(session(login, clock), clock)
    listed = aws_organization.accounts(client, organization.role.split(":")[1])
    return Members(
        active=sorted(account for account, state in listed.items() if state == aws_organization.ACTIVE),
        resting={
            account: f"the account is {state} in its organisation"
            for account, state in sorted(listed.items())
            if state not in (aws_organization.ACTIVE, aws_organization.CLOSED)
        },
    )
