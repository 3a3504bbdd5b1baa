"""Opens doors to Azure subscriptions and Entra ID directories."""

import os
from collections.abc import Iterator, Sequence

from clouds import azure_login
from clouds.azure import AzureDoor
from clouds.azure_clients import Login, clients
from clouds.azure_write import AzureWire
from clouds.rest_write import RestWriteDoor
from collectors.azure.resource_types import ResourceType
from collectors.azure.sight import AzureSight
from model.clock import Clock
from model.fault import Refused
from model.tenant import AzureDirectory
from pipeline.assembly import House
from pipeline.scopes import AzureScope, ManagementGroupOf, Members
from pipeline.secrets import secret


def connect(scope: AzureScope, house: House, clock: Clock) -> AzureSight:
    """Return the sight of a subscription, or of its directory; raises `Refused` where it cannot be entered."""
    door = open_door(_login(scope.directory), clock)
    if scope.id == scope.directory.directory:
        return AzureSight(door, azure_login.directory_place(scope.id), house.azure, scope.id)
    place = azure_login.locate(door, scope.id, scope.directory.locations)
    hidden = hidden_kinds(door, scope.id, house.azure)
    return AzureSight(door, place, house.azure, scope.directory.directory, hidden)


def connect_write(scope: AzureScope, clock: Clock) -> RestWriteDoor:
    """Return the door for changes in a subscription; raises `Refused` where none is given."""
    write = scope.directory.write
    if write is None:
        raise Refused(f"nothing can be changed in {scope.id}; give its directory 'write' (docs/tenants.md)")
    value = secret(write.secret).decode() if write.secret else ""
    login = Login(scope.directory.directory, write.client, value, (write.certificate or "").removeprefix("file:"))
    return RestWriteDoor(AzureWire(clients(login)), clock)


def looks(subscriptions: Sequence[str], locations: Sequence[str], house: House, clock: Clock) -> Iterator[AzureSight]:
    """Yield the sights of what the environment's identity sees, first the directory where a type is asked of it.

    Raises `Refused` where nothing can be entered.
    """
    directory = os.environ.get("AZURE_TENANT_ID", "")
    door = open_door(Login(), clock)
    wanted = list(subscriptions) or [one for one in [os.environ.get("AZURE_SUBSCRIPTION_ID", "")] if one]
    of_directory = [type_ for type_ in house.azure if type_.of_directory]
    if of_directory:
        yield AzureSight(door, azure_login.directory_place(directory), of_directory, directory, whole=False)
    of_subscriptions = [type_ for type_ in house.azure if not type_.of_directory]
    if not of_subscriptions:
        return
    if not wanted:
        seen = azure_login.subscriptions(door)
        wanted = [id_ for id_, state in seen.items() if state in azure_login.ENABLED]
        if not wanted:
            raise Refused("these credentials see no subscription; assign our role, or name one by --subscription")
    for id_ in wanted:
        place = azure_login.locate(door, id_.lower(), locations)
        hidden = hidden_kinds(door, id_, of_subscriptions)
        yield AzureSight(door, place, of_subscriptions, directory, hidden, whole=False)


def list_members(group: ManagementGroupOf, clock: Clock) -> Members:
    """Return a management group's subscriptions; raises `Refused` where they cannot be listed."""
    listed = azure_login.members(open_door(_login(group.directory), clock), group.id)
    return Members(
        active=sorted(id_ for id_, state in listed.items() if state in azure_login.ENABLED),
        resting={
            id_: f"the subscription is {state} in its management group"
            for id_, state in sorted(listed.items())
            if state not in azure_login.ENABLED
        },
    )


def open_door(login: Login, clock: Clock) -> AzureDoor:
    """Return a door for a login; raises `Refused` where the environment's values cannot be used."""
    return AzureDoor(clients(login), clock)


def hidden_kinds(door: AzureDoor, subscription: str, types: Sequence[ResourceType]) -> dict[str, str]:
    """Return the kinds that Resource Graph would leave out without a word, each with the permission that it lacks."""
    ours = azure_login.permissions(door, subscription)
    return {t.kind.name: missing for t in types if t.form.table and (missing := ours.missing(t.action))}


def _login(directory: AzureDirectory) -> Login:
    certificate = (directory.certificate or "").removeprefix("file:")
    value = secret(directory.secret).decode() if directory.secret else ""
    return Login(directory.directory, directory.client or "", value, certificate)
