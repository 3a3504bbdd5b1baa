"""Entra ID by Microsoft Graph: directory types, details of other resources that are asked there, their permissions."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from catalog.yaml_reader import read
from clouds.azure.query_scope import Subscriptions
from clouds.call_failed import CallFailed
from collectors.azure import permissions, resource_types
from collectors.azure.collector import AzureCollector
from model.asset import Asset, Place
from model.fault import Refused

DIRECTORY = "33333333-3333-4333-8333-333333333333"
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
PERSON, MACHINE = "e0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000001"
REGISTRATIONS = "/v1.0/reports/authenticationMethods/userRegistrationDetails"
TYPES = {type_.kind.name: type_ for type_ in resource_types.load()}


class Client:
    """Answers from a mapping of paths; a text there is the code of a failure. Notes what was asked."""

    def __init__(self, replies: dict[str, Any], rows: list[dict[str, Any]]) -> None:
        self.replies = replies
        self.rows = rows
        self.asked: list[tuple[str, str]] = []

    def get(self, path: str, api_version: str) -> dict[str, Any]:
        self.asked.append((path, api_version))
        reply = self.replies[path]
        if isinstance(reply, str):
            raise CallFailed(reply)
        return dict(reply)

    def pages(self, path: str, api_version: str) -> Iterator[list[Any]]:
        yield self.get(path, api_version)["value"]

    def query(self, within: Subscriptions, query: str) -> Iterator[list[dict[str, Any]]]:
        yield self.rows


def assignment(number: int, principal: str, kind: str) -> dict[str, Any]:
    name = f"a0000000-0000-4000-8000-00000000000{number}"
    return {
        "id": f"/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Authorization/RoleAssignments/{name}",
        "name": name,
        "type": "microsoft.authorization/roleassignments",
        "properties": {"principalId": principal, "principalType": kind},
    }


def look(client: Client, account: str, *kinds: str) -> list[Asset]:
    place = Place(account, account, "", "", ())
    collector = AzureCollector(client, place, [TYPES[kind] for kind in kinds], DIRECTORY, whole=False)
    return [event for event in collector.collect() if isinstance(event, Asset)]


@pytest.mark.parametrize(
    ("reply", "body", "unknown"),
    [
        ({"id": PERSON, "isMfaCapable": True}, {"Registration": {"id": PERSON, "isMfaCapable": True}}, {}),
        ("ResourceNotFound", {}, {}),
        ("Forbidden", {}, {"Registration": "AuditLog.Read.All Forbidden"}),
    ],
)
def test_microsoft_graph_is_asked_of_persons_only(reply: Any, body: dict[str, Any], unknown: dict[str, str]) -> None:
    path = f"{REGISTRATIONS}/{PERSON}"
    client = Client({path: reply}, [assignment(1, PERSON, "User"), assignment(2, MACHINE, "ServicePrincipal")])
    person, machine = look(client, SUBSCRIPTION, "azure.authorization.role-assignment")
    assert client.asked == [(path, "")]
    assert {key: value for key, value in person.body.items() if key == "Registration"} == body
    assert person.unknown == unknown
    assert "Registration" not in machine.body
    assert machine.unknown == {}


def test_what_belongs_to_a_directory_has_no_envelope() -> None:
    reported = {"value": [{"id": PERSON, "userPrincipalName": "yuki@example.com", "accountEnabled": True}]}
    path = TYPES["azure.entra.user"].call
    assert path is not None
    [user] = look(Client({path.path: reported}, []), DIRECTORY, "azure.entra.user")
    assert (user.resource, user.name) == (f"/tenants/{DIRECTORY}/users/{PERSON}", "yuki@example.com")
    assert (user.scope, user.region) == (DIRECTORY, "global")
    assert not {"location", "tags", "sku"} & TYPES["azure.entra.user"].kind.fields


def test_the_directory_as_a_whole_is_named_by_its_id() -> None:
    reported = {"id": "authorizationPolicy", "displayName": "Authorization Policy", "allowInvitesFrom": "none"}
    [whole] = look(
        Client({"/v1.0/policies/authorizationPolicy": reported}, []), DIRECTORY, "azure.entra.authorization-policy"
    )
    assert (whole.resource, whole.name) == (f"/tenants/{DIRECTORY}", DIRECTORY)


def test_permissions_of_microsoft_graph_are_no_part_of_the_role() -> None:
    asked = permissions.graph_permissions(TYPES.values())
    text = (Path(__file__).parent.parent.parent.parent / "docs" / "types-azure.md").read_text(encoding="utf-8")
    assert all(f"`{permission}`" in text for permission in asked)
    assert asked == ["AuditLog.Read.All", "Directory.Read.All", "Policy.Read.All"]
    assert all(
        action.startswith("Microsoft.") and action.endswith("/read") for action in permissions.actions(TYPES.values())
    )


@pytest.mark.parametrize(
    "call",
    [
        "list: {path: /v1.0/users}",
        'list: {path: /v1.0/users, action: User.Read.All}\ndetails: {Manager: {path: "/v1.0/users/$userId/manager"}}',
    ],
)
def test_a_call_of_microsoft_graph_names_its_permission(tmp_path: Path, call: str) -> None:
    file = tmp_path / "user.yaml"
    head = "kind: azure.entra.person\ntype: Microsoft.Graph/user\nfields: {userId: string, name: string}\n"
    file.write_text(f"{head}resource: /tenants/$userId\n{call}\n", encoding="utf-8")
    with pytest.raises(Refused, match="has to say its 'action'"):
        resource_types.check(read(file, "user.yaml"))
