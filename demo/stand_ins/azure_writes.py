"""The writes that the stand-in for Azure takes: security rules as asynchronous operations, vaults at once.

As strict as Resource Manager: unknown properties are refused, If-Match is obeyed, an operation takes its time, and what
Azure does not let anybody reverse stays. Sources: Azure REST API reference (Security Rules, Vaults); Azure Resource
Manager, «Track asynchronous Azure operations».
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

from msgspec import Struct

Body = dict[str, Any]

_RULE = re.compile(r"(?P<group>.*/networksecuritygroups/[^/]+)/securityrules/(?P<rule>[^/]+)")
_VAULT = re.compile(r".*/providers/microsoft\.keyvault/vaults/[^/]+")
_OPERATION = re.compile(r"/operations/(?P<number>\d+)")
# The properties of a SecurityRule and of a vault that can be set.
_RULE_PROPERTIES = frozenset(
    {"access", "description", "destinationAddressPrefix", "destinationAddressPrefixes", "destinationPortRange"}
    | {"destinationApplicationSecurityGroups", "destinationPortRanges", "direction", "priority", "protocol"}
    | {"sourceAddressPrefix", "sourceAddressPrefixes", "sourceApplicationSecurityGroups", "sourcePortRange"}
    | {"sourcePortRanges"}
)
_VAULT_PROPERTIES = frozenset(
    {"accessPolicies", "enablePurgeProtection", "enableRbacAuthorization", "enableSoftDelete", "networkAcls"}
    | {"publicNetworkAccess", "sku", "softDeleteRetentionInDays"}
)
LOOKS = 2  # so often an operation is in progress before it has ended


class Answer(Struct):
    """One reply, before it is sent."""

    status: int
    body: Any
    headers: dict[str, str] = {}


def error(status: int, code: str, headers: Mapping[str, str] | None = None) -> Answer:
    """Return an error as Resource Manager writes it: the status, the code in the body, and headers."""
    return Answer(status, {"error": {"code": code, "message": "stand-in"}}, dict(headers or {}))


class Rows(Protocol):
    """Where the resources are."""

    url: str

    def rows(self) -> Iterator[Body]:
        """Yield all rows, to be changed in place."""
        ...

    def full_id(self, row: Body) -> str:
        """Return a row's id in small letters."""
        ...

    def saved(self) -> None:
        """Keep what was changed."""
        ...


class _Operation(Struct):
    """An operation under way: what it will do, and how often it was asked after."""

    effect: Callable[[], None]
    looks: int = 0


class Writes:
    """Takes writes; `log` holds them as (method, path, status)."""

    def __init__(self, rows: Rows) -> None:
        self.log: list[tuple[str, str, int]] = []
        self._rows = rows
        self._operations: list[_Operation] = []
        self._versions: dict[str, int] = {}

    def answer(self, method: str, path: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return what the service says to a write: its method, path, headers and body."""
        returned = self._written(method, path.lower(), headers.get("if-match", ""), json.loads(body) if body else {})
        self.log.append((method, path, returned.status))
        return returned

    def answer_to(self, path: str) -> Answer | None:
        """Return how far an operation is, or what stands at a path with its ETag; None for other paths."""
        if found := _OPERATION.fullmatch(path):
            return self._progress(self._operations[int(found["number"])])
        row = self._row(path.lower())
        if row is None or not ("/networksecuritygroups/" in path.lower() or _VAULT.fullmatch(path.lower())):
            return None
        shown = json.loads(json.dumps(row))
        for rule in shown.get("properties", {}).get("securityRules", []):
            rule["etag"] = self._etag(f"{path.lower()}/securityrules/{rule['name'].lower()}")
        return Answer(200, shown | {"etag": self._etag(path.lower())})

    def _written(self, method: str, path: str, match: str, body: Body) -> Answer:
        if found := _RULE.fullmatch(path):
            return self._rule(method, path, (found["group"], found["rule"]), match, body)
        if _VAULT.fullmatch(path) and method == "PATCH":
            return self._vault(path, body)
        return error(405, "MethodNotAllowed")

    def _rule(self, method: str, path: str, names: tuple[str, str], match: str, body: Body) -> Answer:
        group = self._row(names[0])
        if group is None:
            return error(404, "ResourceNotFound")
        rules: list[Body] = group["properties"].setdefault("securityRules", [])
        there = next((rule for rule in rules if rule["name"].lower() == names[1]), None)
        if match and (there is None or match != self._etag(path)):
            return error(412, "PreconditionFailed")
        properties = body.get("properties", {})
        if method == "PUT" and (body.keys() - {"properties", "name", "id"} or properties.keys() - _RULE_PROPERTIES):
            return error(400, "InvalidRequestFormat")
        if method == "PUT" and any(
            rule is not there
            and rule["properties"].get("priority") == properties.get("priority")
            and rule["properties"].get("direction") == properties.get("direction")
            for rule in rules
        ):
            return error(400, "SecurityRuleConflict")

        def effect() -> None:
            kept = [rule for rule in rules if rule is not there]
            name = there["name"] if there else body.get("name", path.rsplit("/", 1)[-1])
            after = [{"name": name, "properties": properties}] if method == "PUT" else []
            at = rules.index(there) if there in rules else len(kept)
            rules[:] = [*kept[:at], *after, *kept[at:]]
            self._touch(path, names[0])

        status = 202 if method == "DELETE" else 200 if there else 201
        return self._begun(effect, status, body)

    def _vault(self, path: str, body: Body) -> Answer:
        vault = self._row(path)
        if vault is None:
            return error(404, "ResourceNotFound")
        properties = body.get("properties", {})
        if body.keys() - {"properties", "tags"} or properties.keys() - _VAULT_PROPERTIES:
            return error(400, "BadRequest")
        now = vault["properties"]
        # «Enabling this functionality is irreversible - that is, the property does not accept false as its value.»
        if properties.get("enablePurgeProtection") is False:
            return error(400, "BadRequest")
        now |= properties
        self._touch(path)
        return Answer(200, vault)

    def _begun(self, effect: Callable[[], None], status: int, body: Body) -> Answer:
        self._operations.append(_Operation(effect))
        link = f"{self._rows.url}/operations/{len(self._operations) - 1}?api-version=2023-09-01"
        returned = body if status != 202 else None
        return Answer(status, returned, {"azure-asyncoperation": link, "retry-after": "1"})

    def _progress(self, operation: _Operation) -> Answer:
        operation.looks += 1
        if operation.looks <= LOOKS:
            return Answer(200, {"status": "InProgress"}, {"retry-after": "1"})
        if operation.looks == LOOKS + 1:
            operation.effect()
        return Answer(200, {"status": "Succeeded"})

    def _row(self, path: str) -> Body | None:
        return next((row for row in self._rows.rows() if self._rows.full_id(row) == path), None)

    def _etag(self, path: str) -> str:
        return f'W/"{self._versions.get(path, 1)}"'

    def _touch(self, *paths: str) -> None:
        for path in paths:
            self._versions[path] = self._versions.get(path, 1) + 1
        self._rows.saved()
