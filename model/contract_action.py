"""What may be done for a tenant, in which phase of its contract."""

from collections.abc import Mapping
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from model.terms import Capability
from model.text import Text

Phase: TypeAlias = Literal["not ordered", "not begun", "running", "grace", "unlicensed", "suspended", "ended"]
Action: TypeAlias = Literal[
    "onboard",
    "look",
    "plan",
    "change",
    "rollback",
    "notify",
    "notice",
    "report",
    "read",
    "export",
    "policies",
    "orders",
    "logs.take",
    "logs.process",
]


class ActionRow(Struct, frozen=True, forbid_unknown_fields=True, rename={"phases": "in"}):
    """An action in words, the phases of a contract in which it is allowed, and the capability that it needs, if any.

    One that `stops_with` the logs is not allowed either while only these are suspended (Article 11).
    """

    text: Text
    phases: Annotated[list[Phase], Meta(min_length=1)]
    capability: Capability | None = None
    stops_with: Literal["logs"] | None = None


class ActionTable(Struct, frozen=True, forbid_unknown_fields=True):
    """The table of what is allowed when: a row for each action."""

    actions: Mapping[Action, ActionRow]
