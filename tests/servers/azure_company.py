"""A small company in Azure for tests, and servers of it that break."""

import json
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from msgspec import Struct

from demo.stand_ins.azure import Company, Handler, StandIn, Subscription, running
from demo.stand_ins.azure_writes import Answer

DIRECTORY = "33333333-3333-4333-8333-333333333333"
SUBSCRIPTION = "11111111-1111-4111-8111-111111111111"
OTHER = "44444444-4444-4444-8444-444444444444"
GROUP = f"/subscriptions/{SUBSCRIPTION}/resourceGroups/shop/providers"
QUERY = "POST /providers/Microsoft.ResourceGraph/resources"
RESOURCES = "resources | order by"  # of the queries, the one for everything

Body = dict[str, Any]


def account(name: str, **properties: Any) -> Body:
    """Return a storage account as Resource Graph returns it (its types are in small letters)."""
    return {
        "id": f"{GROUP}/Microsoft.Storage/storageAccounts/{name}",
        "name": name,
        "type": "microsoft.storage/storageaccounts",
        "location": "japaneast",
        "kind": "StorageV2",
        "managedBy": "",
        "plan": None,
        "properties": {"supportsHttpsTrafficOnly": True, "allowBlobPublicAccess": False, **properties},
    }


def vault(name: str) -> Body:
    """Return a key vault as Resource Graph returns it: its `sku` stands among the properties."""
    return {
        "id": f"{GROUP}/Microsoft.KeyVault/vaults/{name}",
        "name": name,
        "type": "microsoft.keyvault/vaults",
        "location": "japanwest",
        "sku": None,
        "properties": {"enableSoftDelete": True, "sku": {"name": "standard"}, "tenantId": DIRECTORY},
    }


def strange(name: str) -> Body:
    """Return a resource of a type that no file describes."""
    return {
        "id": f"{GROUP}/Microsoft.Strange/things/{name}",
        "name": name,
        "type": "microsoft.strange/things",
        "location": "global",
        "properties": {"apiPassword": "hunter22", "colour": "blue"},
    }


def company(accounts: int = 5) -> Company:
    """Return the company: so many storage accounts, two vaults with keys, one strange thing."""
    resources = [account(f"shop{n}") for n in range(accounts)]
    resources += [vault("keys"), vault("more"), strange("thing")]
    key = f"{GROUP}/Microsoft.KeyVault/vaults/keys/keys/first"
    one = Subscription(
        id=SUBSCRIPTION,
        name="Shop",
        tables={"resources": resources},
        paths=_paths(key, accounts),
    )
    other = Subscription(id=OTHER, name="Warehouse", tables={"resources": []})
    return Company(directory=DIRECTORY, subscriptions=[one, other], management_groups={"all": [SUBSCRIPTION, OTHER]})


def _paths(key: str, accounts: int) -> dict[str, Body | list[Body]]:
    parts = ("blobServices/default", "fileServices/default")
    services = [f"{GROUP}/Microsoft.Storage/storageAccounts/shop{n}/{part}" for n in range(accounts) for part in parts]
    paths: dict[str, Body | list[Body]] = {
        f"{GROUP}/Microsoft.KeyVault/vaults/keys/keys": [{"id": key, "name": "first", "properties": {}}],
        key: {"id": key, "name": "first", "properties": {"attributes": {"enabled": True}}},
        "$id/providers/Microsoft.Security/securityContacts": [
            {
                "id": "$id/providers/Microsoft.Security/securityContacts/default",
                "name": "default",
                "type": "Microsoft.Security/securityContacts",
                "properties": {"emails": "soc@example.com"},
            }
        ],
        "$id/providers/Microsoft.Security/settings": [],
        "$id/providers/Microsoft.Security/autoProvisioningSettings": [],
        "$id/providers/Microsoft.Authorization/locks": [],
    }
    for service in services:
        paths[service] = {"id": service, "properties": {"deleteRetentionPolicy": {"enabled": True}}}
    return paths


@contextmanager
def breaking() -> Iterator["BreakingStandIn"]:
    """Run the company's stand-in, to which the environment leads, and let it break where a test says."""
    stand_in = BreakingStandIn(company())
    with running(stand_in, BreakingHandler) as environment, pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        yield stand_in


Act = Callable[["BreakingHandler", Answer], None]


class Fault(Struct):
    """What befalls requests whose `METHOD path body` contains a text.

    The first `spared` of them are answered as they should be, then `times` are not; None means all.
    """

    needle: str
    act: Act
    spared: int = 0
    times: int | None = None

    def befalls(self, request: str) -> bool:
        """Return whether it befalls this request."""
        if self.needle.lower() not in request.lower():
            return False
        if self.spared:
            self.spared -= 1
            return False
        if self.times is not None:
            self.times -= 1
        return self.times is None or self.times >= 0


class BreakingHandler(Handler):
    """Answers like the stand-in, but for what befalls."""

    said: str

    def converse(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        self.said = f"{self.command} {self.path} {body.decode()}"
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send(self.stand_in.answer(self.command, self.path, headers, body))

    do_GET = do_POST = converse

    def send(self, answer: Answer) -> None:
        for fault in self.stand_in.faults if isinstance(self.stand_in, BreakingStandIn) else []:
            if fault.befalls(self.said):
                fault.act(self, answer)
                return
        super().send(answer)

    def send_bytes(self, status: int, body: bytes, length: int | None = None) -> None:
        """Send raw bytes, announcing another length where one is given."""
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)
        self.wfile.flush()


class BreakingStandIn(StandIn):
    """A stand-in with faults."""

    def __init__(self, company: Company, page: int = 2) -> None:
        super().__init__(company, page)
        self.faults: list[Fault] = []


def error(status: int, code: str, **headers: str) -> Act:
    """Answer with an error in Resource Manager's form."""
    reported = {name.replace("_", "-"): value for name, value in headers.items()}

    def act(handler: BreakingHandler, _answer: Answer) -> None:
        Handler.send(handler, Answer(status, {"error": {"code": code, "message": "m"}}, reported))

    return act


def answer(status: int, body: bytes) -> Act:
    """Answer with what is no reply."""
    return lambda handler, _answer: handler.send_bytes(status, body)


def changed(**parts: Any) -> Act:
    """Answer with the true reply, but for some of its parts; None takes one out."""

    def act(handler: BreakingHandler, answer: Answer) -> None:
        body = {key: value for key, value in (answer.body | parts).items() if value is not None}
        Handler.send(handler, Answer(answer.status, body, answer.headers))

    return act


def reported(**headers: str) -> Act:
    """Answer with the true reply and further headers."""

    def act(handler: BreakingHandler, answer: Answer) -> None:
        extra = {name.replace("_", "-"): value for name, value in headers.items()}
        Handler.send(handler, Answer(answer.status, answer.body, answer.headers | extra))

    return act


def reset(handler: BreakingHandler, _answer: Answer) -> None:
    """Reset the connection instead of answering."""
    _end(handler)


def reset_in_the_body(handler: BreakingHandler, answer: Answer) -> None:
    """Reset the connection in the middle of the body."""
    body = json.dumps(answer.body).encode()
    handler.send_bytes(200, body[: len(body) // 2], len(body))
    time.sleep(0.05)
    _end(handler)


def cut_off(handler: BreakingHandler, answer: Answer) -> None:
    """Send half of the body as if it were all."""
    body = json.dumps(answer.body).encode()
    handler.send_bytes(200, body[: len(body) // 2])


def _end(handler: BreakingHandler) -> None:
    own: socket.socket = handler.connection
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends a reset
    handler.close_connection = True
    own.close()
