"""Opens clients of Azure subscriptions and Entra ID directories."""

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clouds.azure import login as azure_login
from clouds.azure.clients import Login, clients
from clouds.azure.read import AzureClient
from clouds.azure.write import AzureWire
from clouds.rest_write import RestWriteClient
from collectors.azure.collector import AzureCollector
from collectors.azure.resource_types import ResourceType
from model.clock import Clock
from model.fault import Refused
from model.tenant import AzureDirectory, AzureWrite
from pipeline.providers.provider import GroupOf, Members, ScopeOf
from pipeline.secrets import TenantSecrets


def connect(scope: ScopeOf[AzureDirectory], types: Sequence[ResourceType], clock: Clock) -> AzureCollector:
    """Return the collector of the scope's subscription, or of its directory, for these types.

    The clock waits between tries. Raises `Refused` where it cannot be entered.
    """
    directory = scope.access
    client = open_client(_login(directory.directory, directory, scope.secrets), clock)
    if scope.id == directory.directory:
        return AzureCollector(client, azure_login.directory_place(scope.id), types, scope.id)
    place = azure_login.locate(client, scope.id, directory.locations)
    hidden = hidden_kinds(client, scope.id, types)
    return AzureCollector(client, place, types, directory.directory, hidden)


def connect_write(scope: ScopeOf[AzureDirectory], _needs: Sequence[str], clock: Clock) -> RestWriteClient:
    """Return the client for changes in a subscription; raises `Refused` where none is given."""
    write = scope.access.write
    if write is None:
        raise Refused(f"nothing can be changed in {scope.id}; give its directory 'write' (docs/tenants.md)")
    login = _login(scope.access.directory, write, scope.secrets)
    return RestWriteClient(AzureWire(clients(login)), clock)


def looks(asked: Mapping[str, Any], types: Sequence[ResourceType], clock: Clock) -> Iterator[AzureCollector]:
    """Yield the collectors of what the environment's identity sees, first the directory where a type is asked of it.

    No subscriptions named = all; with `locations`, only what lies in these. They are for the catalog's types, and wait
    between tries by the clock. Raises `Refused` where nothing can be entered.
    """
    directory = os.environ.get("AZURE_TENANT_ID", "")
    client = open_client(Login(), clock)
    wanted = list(asked["subscription"]) or [one for one in [os.environ.get("AZURE_SUBSCRIPTION_ID", "")] if one]
    of_directory = [type_ for type_ in types if type_.of_directory]
    if of_directory:
        yield AzureCollector(client, azure_login.directory_place(directory), of_directory, directory, whole=False)
    of_subscriptions = [type_ for type_ in types if not type_.of_directory]
    if not of_subscriptions:
        return
    if not wanted:
        seen = azure_login.subscriptions(client)
        wanted = [id_ for id_, state in seen.items() if state in azure_login.ENABLED]
        if not wanted:
            raise Refused("these credentials see no subscription; assign our role, or name one by --subscription")
    for id_ in wanted:
        place = azure_login.locate(client, id_.lower(), asked["region"])
        hidden = hidden_kinds(client, id_, of_subscriptions)
        yield AzureCollector(client, place, of_subscriptions, directory, hidden, whole=False)


def list_members(group: GroupOf[AzureDirectory], name: str, clock: Clock) -> Members:
    """Return the subscriptions of a management group by its name; raises `Refused` where they cannot be listed.

    The clock waits between tries.
    """
    login = _login(group.access.directory, group.access, group.secrets)
    listed = azure_login.members(open_client(login, clock), name)
    return Members(
        active=sorted(id_ for id_, state in listed.items() if state in azure_login.ENABLED),
        resting={
            id_: f"the subscription is {state} in its management group"
            for id_, state in sorted(listed.items())
            if state not in azure_login.ENABLED
        },
    )


def open_client(login: Login, clock: Clock) -> AzureClient:
    """Return a client for a login; raises `Refused` where the environment's values cannot be used."""
    return AzureClient(clients(login), clock)


def hidden_kinds(client: AzureClient, subscription: str, types: Sequence[ResourceType]) -> dict[str, str]:
    """Return the kinds of the types that Resource Graph would leave out of a subscription without a word.

    Each is with the permission that the client lacks.
    """
    ours = azure_login.permissions(client, subscription)
    return {t.kind.name: missing for t in types if t.form.table and (missing := ours.missing(t.action))}


def _login(directory: str, who: AzureDirectory | AzureWrite, secrets: TenantSecrets) -> Login:
    """Return who enters a directory, with the secret or the certificate that the tenant's file refers to."""
    value = secrets.text(who.secret) if who.secret else ""
    certificate = secrets.value(who.certificate) if who.certificate else b""
    return Login(directory, who.client or "", value, certificate)
