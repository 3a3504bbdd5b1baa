"""The terms of service as decisions use them, read once from the configuration."""

from functools import cache
from pathlib import Path

from catalog.folder import config_folder
from catalog.terms import SettingsForm, load_actions, load_menus, load_products, load_settings
from contract.days import begins
from contract.records import Book
from contract.settings import Definition, EditionValue
from contract.suspension_settings import settings_of, why_never
from contract.terms import ContractTerms
from model.fault import Refused
from model.text import Text


@cache
def terms() -> ContractTerms:
    """Return the terms of this installation; raises `Refused` where their files do not fit their forms."""
    return terms_in(config_folder())


def terms_in(config: Path) -> ContractTerms:
    """Return the terms of a config folder; raises `Refused` where their files do not fit their forms."""
    menus, settings = load_menus(config), load_settings(config)
    made = ContractTerms(load_actions(config, menus), menus, load_products(config), definitions(settings))
    for layer, _, edition in settings.dated():
        if problem := why_never(settings_of(Book([], made), begins(edition.effective))):
            raise Refused(f"the edition {edition.edition!r} of {layer} (settings.yaml): {problem}")
    return made


def texts_of_settings() -> dict[str, Text]:
    """Return in words what each setting is, by its key; raises `Refused` where their file does not fit its form."""
    return {key: one.text for key, one in load_settings(config_folder()).settings.items()}


def definitions(settings: SettingsForm) -> dict[str, Definition]:
    """Return each of the settings by its key, with what every edition says of it."""
    return {
        key: Definition(
            one.unit,
            one.clause,
            one.default,
            [EditionValue(layer, by.edition, by.day, by.values.get(key)) for layer, _, by in settings.dated()],
        )
        for key, one in settings.settings.items()
    }
