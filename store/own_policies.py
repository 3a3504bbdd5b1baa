"""A tenant's own policies: each edition is the whole set as texts; editions are only ever added."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, select

from model.canonical import digest, encode
from store import schema

RECORDED = "policies.applied"


class PolicyEdition(Struct, frozen=True):
    """The policies that hold from a moment on: their files' texts by id."""

    number: int
    applied_at: str
    person: str
    documents: dict[str, str]

    @property
    def digest(self) -> str:
        """Return what the audit record says of the texts."""
        return digest(encode(self.documents).decode())


class OwnPolicies:
    """What can be asked about a tenant's own policies, on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def newest(self) -> PolicyEdition:
        """Return the edition that holds; the one numbered 0 has no policies."""
        table = schema.policy_edition
        row = self._connection.execute(select(table).order_by(table.c.number.desc()).limit(1)).first()
        if row is None:
            return PolicyEdition(0, "", "", {})
        return PolicyEdition(row.number, row.applied_at, row.person, msgspec.json.decode(row.documents))

    def fault(self, recorded: Sequence[Mapping[str, Any]]) -> str:
        """Return which edition is not as the audit chain recorded it, the empty text where all are."""
        known = {detail["edition"]: detail["documents"] for detail in recorded}
        table = schema.policy_edition
        there = {row.number: digest(row.documents) for row in self._connection.execute(select(table))}
        for number in sorted(known.keys() | there.keys()):
            if known.get(number) != there.get(number):
                return f"edition {number} of its own policies is not the one that was recorded"
        return ""


class OwnPoliciesWriter(OwnPolicies):
    """What can be asked and changed about them."""

    def add(self, documents: Mapping[str, str], at: str, person: str) -> PolicyEdition:
        """Write the documents as the next edition, made by a person at the moment `at`."""
        made = PolicyEdition(self.newest().number + 1, at, person, dict(documents))
        values = msgspec.structs.asdict(made) | {"documents": encode(made.documents).decode()}
        self._connection.execute(schema.policy_edition.insert().values(values))
        return made
