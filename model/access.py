"""The table of roles and actions, as `config/access.yaml` holds it."""

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct

from model.text import Text


class Action(Text, frozen=True, forbid_unknown_fields=True):
    """One action: what it is in words, and whether a machine's token may be for it; no decision of people's is."""

    machine: bool = False


class Role(Struct, frozen=True, forbid_unknown_fields=True):
    """One role: on whose side it stands, and the actions that it may do."""

    title: Text
    side: Literal["staff", "customer", "host"]
    may: tuple[str, ...]


class Access(Struct, frozen=True, forbid_unknown_fields=True):
    """The table: actions with what they are, roles with what they may do."""

    actions: Mapping[str, Action]
    roles: Mapping[str, Role]
