"""What of the menu a contract has, and what that gives (Articles 2 and 6). Pure."""

from collections.abc import Collection, Sequence
from datetime import date

from contract.term import Decision
from model.terms import Capability, Menu, MenuItem
from model.text import Text


def menu_on(menus: Sequence[Menu], day: date) -> Menu:
    """Return the menu that governs a day: the newest that is effective, before all of them the first.

    There is at least one (catalog/terms.py).
    """
    by_day = sorted(menus, key=lambda menu: menu.effective)
    return next((menu for menu in reversed(by_day) if menu.effective <= day), by_day[0])


def in_force(menu: Menu, agreed: Collection[str]) -> frozenset[str]:
    """Return which of the items that are agreed the menu gives: options only beside a base item (Article 2).

    What an edition of the specification no longer has, a contract no longer gives (Article 6(2)).
    """
    known = frozenset(agreed) & menu.items.keys()
    return known if any(menu.items[name].kind == "base" for name in known) else frozenset()


def capabilities(menu: Menu, items: Collection[str]) -> frozenset[Capability]:
    """Return what items of a menu give together."""
    return frozenset(one for name in items for one in menu.items[name].capabilities)


def options_in(menu: Menu, items: Collection[str]) -> list[str]:
    """Return the options of a menu among items, in the order of their names."""
    return sorted(name for name in items if name in menu.items and menu.items[name].kind == "option")


def first_base(menu: Menu) -> str:
    """Return the base item that a contract has of which a file does not say it: the menu's first."""
    return next(name for name, item in menu.items.items() if item.kind == "base")


def not_bought(menu: Menu, capability: Capability) -> Decision:
    """Return the refusal of what needs a capability that a contract does not have."""
    name = menu.capabilities.get(capability) or Text(en=capability, ja=capability)
    giving = [(item, menu.items[item]) for item in menu.giving(capability)]
    en, ja = _lacks(giving)
    return Decision(False, Text(en=f"{name.en}: {en}", ja=f"{name.ja}：{ja}"), "2")


def _lacks(giving: Sequence[tuple[str, MenuItem]]) -> tuple[str, str]:
    if not giving:
        return "the menu in force does not offer it", "現行のメニューでは提供していません"
    items = " or ".join(name for name, _ in giving)
    named = "または".join(name for name, _ in giving)
    if any(item.kind == "base" for _, item in giving):
        return (
            f"the contract has no base item today (`hinomi contract record`: item {items})",
            f"基本メニューが契約に含まれていません（`hinomi contract record`：item {named}）",
        )
    return (
        f"an option that the contract does not have (`hinomi contract record`: item {items})",
        f"契約に含まれないオプションメニューです（`hinomi contract record`：item {named}）",
    )
