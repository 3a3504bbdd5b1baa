"""Which accounts a tenant has: those that its file names, and those of its organisations as they are now."""

from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from model.fault import Refused
from model.tenant import AwsOrganization, AwsScope, Tenant


class Scopes(Struct, frozen=True):
    """The accounts that were found.

    `closed` tells of each organisation that could not be listed, `resting` of each account that nobody can enter for
    now, and why.
    """

    found: tuple[AwsScope, ...]
    closed: dict[str, str] = {}
    resting: dict[str, str] = {}

    @property
    def whole(self) -> bool:
        """Return whether these are all accounts: else one that is missing may be there all the same."""
        return not self.closed


class Members(Struct, frozen=True):
    """The accounts of an organisation: those that can be entered, and why each of the others cannot."""

    active: list[str]
    resting: dict[str, str] = {}


ListMembers = Callable[[AwsOrganization, str], Members]


def named(tenant: Tenant) -> Scopes:
    """Return the accounts that the tenant's file names."""
    return Scopes(tuple(tenant.scopes))


def discovered(tenant: Tenant, external_id: str, members: ListMembers) -> Scopes:
    """Return the named accounts and the organisations' members, each once; roles ask for the tenant's external id."""
    found = {scope.aws: _with(scope, external_id) for scope in tenant.scopes}
    closed: dict[str, str] = {}
    resting: dict[str, str] = {}
    for organization in tenant.organizations:
        try:
            listed = members(organization, external_id)
        except Refused as refused:
            closed[organization.management] = f"the organisation's accounts cannot be listed: {refused}"
            continue
        for account in listed.active:
            if account not in organization.exclude:
                found.setdefault(account, _member(organization, account, external_id))
        resting |= {account: why for account, why in listed.resting.items() if account not in organization.exclude}
    return Scopes(
        tuple(found.values()), closed, {account: resting[account] for account in resting.keys() - found.keys()}
    )


def _with(scope: AwsScope, external_id: str) -> AwsScope:
    return replace(scope, external_id=scope.external_id or external_id) if scope.role else scope


def _member(organization: AwsOrganization, account: str, external_id: str) -> AwsScope:
    partition = organization.role.split(":")[1]
    role = f"arn:{partition}:iam::{account}:role/{organization.member_role}"
    return AwsScope(aws=account, role=role, external_id=external_id, regions=organization.regions)
