"""Data of the terms of service: what an edition leaves to the provider."""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, get_args

from msgspec import Meta, Struct

from catalog import access
from catalog.form import convert, convert_all
from catalog.yaml_reader import Document, KeyPath, read
from model.contract_action import Action, ActionTable
from model.contract_record import ItemName, SettingKey, is_day
from model.fault import Fault, Refused
from model.suspension_case import StandingJudgement
from model.terms import Menu, Product
from model.text import Text

_FOLDER = "terms"

SettingValue: TypeAlias = bool | int | str
_Type: TypeAlias = Literal["bool", "int", "text"]
_Unit: TypeAlias = Literal[
    "bool",
    "choice",
    "cron",
    "days",
    "hours",
    "megabytes",
    "minutes",
    "percent",
    "provider",
    "records",
    "seconds",
    "times",
]
_EditionLayer: TypeAlias = Literal["specification", "terms", "base-terms"]
_TYPES: dict[_Type, tuple[type, str]] = {
    "bool": (bool, "true or false"),
    "int": (int, "a whole number"),
    "text": (str, "text; put it in quotes"),
}
_TYPES_OF_UNITS: dict[_Unit, _Type] = {
    "bool": "bool",
    "choice": "text",
    "cron": "text",
    "days": "int",
    "hours": "int",
    "megabytes": "int",
    "minutes": "int",
    "percent": "int",
    "provider": "text",
    "records": "int",
    "seconds": "int",
    "times": "int",
}
_MOST = 1_000_000
# What of a tenant's file is one value that may differ from contract to contract (docs/terms.md).
_FILED = ("schedule.cron", "schedule.jitter_minutes")
_SHORT = Meta(min_length=1, max_length=100)


class Notices(Struct, frozen=True, forbid_unknown_fields=True):
    """The ways in which notice is given as the provider prescribes, by name (Article 9(1))."""

    ways: Annotated[dict[ItemName, Text], Meta(min_length=1)]


class Products(Struct, frozen=True, forbid_unknown_fields=True):
    """The designated products, by name (Article 3(1))."""

    products: Annotated[dict[ItemName, Product], Meta(min_length=1)]


class SettingForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A setting: what it is, its type and unit, its default if it has one, its clause, and which layers may set it.

    `who` is the action of whoever records it as an individual condition. `file` is the key of a tenant's file that the
    service goes by today. `choices` are the values that it can have, where they are few; a number is between the
    `least` and the `most`. `goes_by` says what goes by the setting today (docs/terms.md).
    """

    text: Text
    type: _Type
    unit: _Unit
    clause: Annotated[str, Meta(pattern=r"^[0-9]+(\([0-9]+\))?$(?!\n)")]
    layers: Annotated[list[Literal["individual", _EditionLayer]], Meta(min_length=1)]
    default: SettingValue | None
    who: str = ""
    file: str = ""
    choices: list[str] = []
    goes_by: str = ""
    least: int = 0
    most: int = _MOST

    def why_not(self, value: SettingValue) -> str:
        """Return why the setting cannot have a value, the empty text where it can."""
        type_, name = _TYPES[self.type]
        if type(value) is not type_:  # true is an int, too
            return f"{json.dumps(value, ensure_ascii=False)} has to be {name}"
        if self.choices and value not in self.choices:
            return f"{value!r} is none of {', '.join(self.choices)}"
        if isinstance(value, int) and not self.least <= value <= self.most:
            return f"{value} has to be between {self.least:,} and {self.most:,} {self.unit}"
        return ""


class EditionForm(Struct, frozen=True, forbid_unknown_fields=True):
    """An edition of a layer: its name, from which day it is effective, and what it says of settings.

    One of the specification may have a standing judgement on suspensions because of massive logs (Article 11).
    """

    edition: Annotated[str, _SHORT]
    effective: str
    values: dict[SettingKey, SettingValue]
    standing_judgement: StandingJudgement | None = None

    @property
    def day(self) -> date:
        """Return the day from which it is effective."""
        return date.fromisoformat(self.effective)


class EditionsForm(Struct, frozen=True, forbid_unknown_fields=True, rename={"base_terms": "base-terms"}):
    """The editions of each layer that has editions."""

    specification: list[EditionForm]
    terms: list[EditionForm]
    base_terms: list[EditionForm]


class SettingsForm(Struct, frozen=True, forbid_unknown_fields=True):
    """All settings by their keys, and the editions that say something of them."""

    settings: Annotated[dict[SettingKey, SettingForm], Meta(min_length=1)]
    editions: EditionsForm

    def dated(self) -> Iterator[tuple[_EditionLayer, int, EditionForm]]:
        """Yield every edition, with its layer and its place in the layer's list."""
        layers: dict[_EditionLayer, list[EditionForm]] = {
            "specification": self.editions.specification,
            "terms": self.editions.terms,
            "base-terms": self.editions.base_terms,
        }
        for layer, editions in layers.items():
            for number, edition in enumerate(editions):
                yield layer, number, edition

    def why_not(self, layer: str, key: str, value: SettingValue) -> str:
        """Return why a layer cannot set what has a key to a value, the empty text where it can."""
        setting = self.settings.get(key)
        if setting is None:
            return f"there is no setting {key!r}; known are {', '.join(self.settings)}"
        if layer not in setting.layers:
            return f"{key!r} is not set by {layer!r}; what may set it: {', '.join(setting.layers)}"
        return setting.why_not(value)


def load_actions(config: Path, menus: Sequence[Menu]) -> ActionTable:
    """Return the table of what may be done in which phase of a contract, with the capabilities that it needs.

    Raises `Refused` where a row is missing, or needs what is none of the menus'.
    """
    document = read(config / _FOLDER / "actions.yaml")
    table: ActionTable = convert(document, ActionTable)
    faults = []
    if missing := [action for action in get_args(Action) if action not in table.actions]:
        faults.append(document.fault(("actions",), f"has no row for {', '.join(missing)}"))
    known = {capability for menu in menus for capability in menu.capabilities}
    for action, row in table.actions.items():
        if row.capability and row.capability not in known:
            problem = f"{row.capability!r} is no capability of a menu; known are {', '.join(sorted(known))}"
            faults.append(document.fault(("actions", action, "capability"), problem))
    if faults:
        raise Refused(faults)
    return table


def load_menus(config: Path) -> list[Menu]:
    """Return the menus of a config folder, one a file, by their effective days.

    Raises `Refused` with every fault: a menu without a base item, a capability that it does not name, two of one day.
    """
    found, faults = convert_all(sorted((config / _FOLDER).glob("menu-*.yaml")), Menu)
    for number, (document, menu) in enumerate(found):
        faults += _faults_of_menu(document, menu, [before for _, before in found[:number]])
    if not found and not faults:
        faults.append(Fault(str(config / _FOLDER), 0, 0, "holds no menu (menu-*.yaml)"))
    if faults:
        raise Refused(faults)
    return sorted((menu for _, menu in found), key=lambda menu: menu.effective)


def _faults_of_menu(document: Document, menu: Menu, before: Collection[Menu]) -> Iterator[Fault]:
    if not any(item.kind == "base" for item in menu.items.values()):
        yield document.fault(("items",), "has no base item: a contract has one (Article 2)")
    for name, item in menu.items.items():
        for number, capability in enumerate(item.capabilities):
            if capability not in menu.capabilities:
                problem = f"{capability!r} is none of the menu's capabilities: {', '.join(menu.capabilities)}"
                yield document.fault(("items", name, "capabilities", number), problem)
    for other in before:
        if other.effective == menu.effective:
            yield document.fault(("effective",), f"the edition {other.edition!r} begins on the same day")
        if other.edition == menu.edition:
            yield document.fault(("edition",), f"the edition {menu.edition!r} stands in two files; rename one")


def load_products(config: Path) -> Mapping[str, Product]:
    """Return the designated products of a config folder; raises `Refused` where they do not fit their form."""
    form: Products = convert(read(config / _FOLDER / "products.yaml"), Products)
    return form.products


def load_notices(config: Path) -> Notices:
    """Return what a config folder says of notices; raises `Refused` where it does not fit its form."""
    return convert(read(config / _FOLDER / "notices.yaml"), Notices)


def load_settings(config: Path) -> SettingsForm:
    """Return the settings of a config folder with their editions; raises `Refused` with the place of each fault."""
    document = read(config / _FOLDER / "settings.yaml")
    form: SettingsForm = convert(document, SettingsForm)
    actions = access.load(config).actions
    faults = [fault for key, one in form.settings.items() for fault in _faults_of_setting(document, key, one, actions)]
    faults += [
        fault for layer, number, _ in form.dated() for fault in _faults_of_edition(document, form, layer, number)
    ]
    if faults:
        raise Refused(faults)
    return form


def _faults_of_setting(document: Document, key: str, one: SettingForm, actions: Collection[str]) -> Iterator[Fault]:
    at: KeyPath = ("settings", key)
    if one.type != (fitting := _TYPES_OF_UNITS[one.unit]):
        yield document.fault(
            (*at, "unit"), f"{one.unit!r} is no unit of {one.type!r}; it goes with the type {fitting!r}"
        )
    elif one.default is not None and (problem := one.why_not(one.default)):
        yield document.fault((*at, "default"), problem)
    if one.file and one.file not in _FILED:
        yield document.fault(
            (*at, "file"), f"{one.file!r} is no setting of a tenant's file; known are {', '.join(_FILED)}"
        )
    if "individual" in one.layers and one.who not in actions:
        yield document.fault((*at, "who"), f"there is no action {one.who!r}; name the one by which it is recorded")


def _faults_of_edition(document: Document, form: SettingsForm, layer: _EditionLayer, number: int) -> Iterator[Fault]:
    at: KeyPath = ("editions", layer, number)
    editions = [one for name, _, one in form.dated() if name == layer]
    edition, before = editions[number], editions[:number]
    if problem := _why_no_day(edition.effective):
        yield document.fault((*at, "effective"), problem)
    elif edition.effective in {one.effective for one in before}:
        yield document.fault((*at, "effective"), "another edition begins on the same day; a day has one edition")
    if edition.edition in {one.edition for one in before}:
        yield document.fault((*at, "edition"), f"the edition {edition.edition!r} stands there twice; rename one")
    for key, value in edition.values.items():
        if problem := form.why_not(layer, key, value):
            known = document.fault if key in form.settings else document.fault_at_key
            yield known((*at, "values", key), problem)
    if edition.standing_judgement and (problem := _why_no_judgement(edition, edition.standing_judgement, layer)):
        yield document.fault((*at, "standing_judgement"), problem)


def _why_no_judgement(edition: EditionForm, judgement: StandingJudgement, layer: _EditionLayer) -> str:
    """Return why nobody has judged so for all cases, the empty text where two people have."""
    if layer != "specification":
        return "stands in the specification alone (Article 11)"
    if problem := _why_no_day(judgement.on):
        return f"on: {problem}"
    if not _why_no_day(edition.effective) and judgement.on > edition.effective:
        return f"is of {judgement.on}, after the edition's first day; nobody judges so of the past"
    author, approver = (name.strip().casefold() for name in (judgement.author, judgement.approver))
    if not author or not approver or author == approver:
        return "needs an author and an approver who are two people"
    return ""


def _why_no_day(text: str) -> str:
    """Return why a text is no day, the empty text where it is one."""
    with suppress(ValueError):
        if is_day(text) and date.fromisoformat(text):
            return ""
    return f"{text!r} is no day; write it as YYYY-MM-DD"
