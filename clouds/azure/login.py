"""How an Azure subscription or an Entra ID directory is entered, and what we may see there."""

import re
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from clouds.azure.query_scope import Subscriptions
from clouds.azure.read import AzureClient
from clouds.call_failed import CallFailed
from model.asset import Place
from model.fault import Refused

_SUBSCRIPTIONS_VERSION, _PERMISSIONS_VERSION = "2022-12-01", "2022-04-01"
_NO_SUCH = frozenset(
    {"SubscriptionNotFound", "InvalidSubscriptionId", "AuthorizationFailed", "InvalidAuthenticationToken"}
)
_MEMBERS = "resourcecontainers | where type =~ 'microsoft.resources/subscriptions' | order by id asc"
ENABLED = frozenset({"Enabled", "PastDue", "Warned"})


class GrantedPermissions(Struct, frozen=True):
    """What the roles of an identity let it do at a scope: per assignment, the actions and those taken out again.

    `cause` says why that is not known.
    """

    roles: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = ()
    cause: str = ""

    def missing(self, action: str) -> str:
        """Return why an action is not to be counted on, empty where it is permitted.

        One assignment permits it whose actions cover it and whose excepted ones do not (Azure RBAC).
        """
        if self.cause:
            return self.cause
        for actions, excepted in self.roles:
            if _covers(actions, action) and not _covers(excepted, action):
                return ""
        return f"{action} not permitted"


def _covers(patterns: Sequence[str], action: str) -> bool:
    return any(
        re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), action, re.IGNORECASE) is not None for pattern in patterns
    )


def locate(client: AzureClient, subscription: str, locations: Sequence[str] = ()) -> Place:
    """Return a subscription as a place; raises `Refused` where there is none that the client can enter.

    With `locations`, only what lies in these is looked at.
    """
    try:
        client.get(f"/subscriptions/{subscription}", _SUBSCRIPTIONS_VERSION)
    except CallFailed as failure:
        _refuse_who_asks(failure)
        if failure.code in _NO_SUCH:
            raise Refused(
                f"the subscription {subscription} cannot be entered ({failure.code}); check its id and our role in it"
            ) from None
    return Place(subscription, subscription, f"/subscriptions/{subscription}", "", tuple(locations))


def _refuse_who_asks(failure: CallFailed) -> None:
    """Raise `Refused` where it is not what was asked that failed, but the way to Azure or who asks."""
    if failure.unreachable:
        raise Refused(f"Azure does not answer ({failure.code}); check the network and the address") from None
    if failure.code.startswith("sign-in"):
        raise Refused(
            f"Entra ID accepts no credentials of ours ({failure.code}); check directory, client and secret "
            "(AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET), or sign in by `az login`"
        ) from None


def directory_place(directory: str) -> Place:
    """Return a directory as a place."""
    return Place(directory, directory, f"/tenants/{directory}", "", ())


def permissions(client: AzureClient, subscription: str) -> GrantedPermissions:
    """Return what we may do in a subscription (Permissions - List, Microsoft.Authorization)."""
    path = f"/subscriptions/{subscription}/providers/Microsoft.Authorization/permissions"
    try:
        rows = [row for page in client.pages(path, _PERMISSIONS_VERSION) for row in page]
        return GrantedPermissions(tuple((tuple(row["actions"]), tuple(row.get("notActions") or ())) for row in rows))
    except CallFailed as failure:
        if failure.code == "HTTP 404" or failure.code.endswith("NotFound"):  # a server without roles of its own
            return GrantedPermissions(((("*",), ()),))
        return GrantedPermissions(cause=f"Microsoft.Authorization/permissions/read {failure.code}")
    except (KeyError, TypeError, AttributeError):
        return GrantedPermissions(cause="Microsoft.Authorization/permissions/read malformed")


def subscriptions(client: AzureClient) -> dict[str, str]:
    """Return the state of each subscription that we see, by id; raises `Refused` where they cannot be listed."""
    try:
        rows = [row for page in client.pages("/subscriptions", _SUBSCRIPTIONS_VERSION) for row in page]
        return {_subscription_of(row): str(row.get("state", "Enabled")) for row in rows}
    except CallFailed as failure:
        _refuse_who_asks(failure)
        raise Refused(f"the subscriptions cannot be listed ({failure.code}); name one by --subscription") from None
    except (KeyError, TypeError, AttributeError):
        raise Refused("the subscriptions cannot be listed (malformed); name one by --subscription") from None


def members(client: AzureClient, management_group: str) -> dict[str, str]:
    """Return the state of each subscription below a management group, by id.

    Raises `Refused` where they cannot be listed.
    """
    try:
        rows = [
            row for page in client.query(Subscriptions(management_group=management_group), _MEMBERS) for row in page
        ]
        return {_subscription_of(row): str((row.get("properties") or {}).get("state", "Enabled")) for row in rows}
    except CallFailed as failure:
        raise Refused(f"Microsoft.ResourceGraph/resources/read {failure.code}") from None
    except (KeyError, TypeError, AttributeError):
        raise Refused("Microsoft.ResourceGraph/resources/read malformed") from None


def _subscription_of(row: Any) -> str:
    """Return the subscription that a row states; raises `TypeError` where it is none."""
    if not isinstance(id_ := row["subscriptionId"], str) or not id_:
        raise TypeError("a subscription has an id")
    return id_
