"""Who we are in a customer's logs: what our own scans and changes leave there is not the customer's doing. Pure."""

import re
from collections.abc import Iterator
from typing import TypeAlias

from msgspec import Struct

from model.tenant import AwsLogs, AwsOrganization, AwsScope, AzureDirectory, GcpAccess, Tenant

# https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html: a role, and who has taken it on.
_ROLE = re.compile(r"arn:[a-z-]+:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_ASSUMED = ":assumed-role/"
_Place: TypeAlias = AwsScope | AwsOrganization | AwsLogs | AzureDirectory | GcpAccess


class Own(Struct, frozen=True):
    """Our own roles in AWS as (account, name), any account where that is empty; and our names in other clouds."""

    roles: frozenset[tuple[str, str]] = frozenset()
    names: frozenset[str] = frozenset()

    def has(self, principal: str) -> bool:
        """Return whether a principal, as it stands in an event, is one of ours."""
        head, assumed, rest = principal.partition(_ASSUMED)  # asked of each event: a pattern takes twice as long
        if not assumed:
            return principal in self.names
        role = rest.partition("/")[0]
        return (head.rpartition(":")[2], role) in self.roles or ("", role) in self.roles


NOBODY = Own()


def own_of(tenant: Tenant) -> Own:
    """Return who we are in a tenant's clouds, as far as its file says so.

    It says nothing of a profile's user, of the account in a Google key file, and of whom a kubeconfig names.
    """
    in_aws: list[_Place] = [*tenant.scopes, *tenant.organizations, *(tenant.logs or ())]
    places: list[_Place] = [*in_aws, *tenant.azure, *tenant.google]
    found = [one for place in places for one in _of(place)]
    roles = (one for one in found if isinstance(one, tuple))
    return Own(frozenset(roles), frozenset(one for one in found if isinstance(one, str)))


def _of(place: _Place) -> Iterator[tuple[str, str] | str]:
    match place:
        case AwsScope():
            yield from _roles(place.role, place.write.role if place.write else None)
        case AwsOrganization():
            yield from _roles(place.role)
            yield from (("", name) for name in (place.member_role, place.write_role) if name)
        case AwsLogs():
            yield from _roles(place.role)
        case AzureDirectory():
            yield from (one.client for one in (place, place.write) if one and one.client)
        case GcpAccess():
            yield from (one.impersonate for one in (place, place.write) if one and one.impersonate)


def _roles(*arns: str | None) -> Iterator[tuple[str, str]]:
    for found in (_ROLE.fullmatch(arn) for arn in arns if arn):
        if found:
            yield found[1], found[2]
