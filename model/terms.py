"""What the provider's specification names: the menu of an edition, and the products that customers hold licences of."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Literal, TypeAlias

from msgspec import Meta, Struct

from model.contract_record import ItemName
from model.text import Text

# What something that is done needs to have been bought: a word of its own, because several items may give it.
Capability: TypeAlias = ItemName


class MenuItem(Struct, frozen=True, forbid_unknown_fields=True):
    """An item of a menu and what it gives: a contract has one base item, and options beside it (Article 2)."""

    kind: Literal["base", "option"]
    text: Text
    capabilities: Annotated[list[Capability], Meta(min_length=1)]


class Menu(Struct, frozen=True, forbid_unknown_fields=True):
    """The menu of one edition of the specification, in force from a day on (Article 6(2))."""

    edition: Annotated[str, Meta(min_length=1, max_length=100)]
    effective: date
    capabilities: Mapping[Capability, Text]
    items: Mapping[ItemName, MenuItem]

    def giving(self, capability: Capability) -> list[ItemName]:
        """Return the items that give a capability."""
        return [name for name, item in self.items.items() if capability in item.capabilities]


class Product(Struct, frozen=True, forbid_unknown_fields=True):
    """A designated cloud security product (Article 3(1)); both days count, without one there is no such limit."""

    text: Text
    first_day: date | None = None
    last_day: date | None = None

    def is_designated(self, day: date) -> bool:
        """Return whether a licence of it counts on a day."""
        return (self.first_day or date.min) <= day <= (self.last_day or date.max)
