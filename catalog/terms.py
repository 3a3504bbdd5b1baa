"""Data of the terms of service: what an edition leaves to the provider."""

from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from catalog.form import convert
from catalog.yaml_reader import read
from model.contract_record import ItemName
from model.text import Text

_FOLDER = "terms"


class Notices(Struct, frozen=True, forbid_unknown_fields=True):
    """The ways in which notice is given as the provider prescribes, by name (Article 9(1))."""

    ways: Annotated[dict[ItemName, Text], Meta(min_length=1)]


def load_notices(config: Path) -> Notices:
    """Return what a config folder says of notices; raises `Refused` where it does not fit its form."""
    return convert(read(config / _FOLDER / "notices.yaml"), Notices)
