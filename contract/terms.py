"""What decisions by a contract's records rest on: the data of the terms of service, as one."""

from collections.abc import Mapping, Sequence

from msgspec import Struct

from contract.settings import Definition
from model.contract_action import ActionTable
from model.terms import Menu, Product


class ContractTerms(Struct, frozen=True):
    """The table of actions, the menus of all editions, the designated products and the settings by their keys."""

    actions: ActionTable
    menus: Sequence[Menu]
    products: Mapping[str, Product]
    settings: Mapping[str, Definition]
