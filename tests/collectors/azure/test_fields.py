"""Every Azure type's fields against a table made from Microsoft's own models, package and version inside."""

import json
from pathlib import Path
from typing import Any

import pytest

from collectors.azure import resource_types

TABLE: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parent.parent.parent / "data" / "azure-fields.json").read_text(encoding="utf-8")
)
TYPES = {type_.kind.name: type_ for type_ in resource_types.load()}


@pytest.mark.parametrize("kind", TYPES)
def test_fields_are_those_of_the_model(kind: str) -> None:
    row = TABLE[TYPES[kind].form.type]
    assert dict(TYPES[kind].form.fields) == row["fields"] | row.get("added", {})


def test_the_table_has_no_type_that_is_not_read() -> None:
    assert TABLE.keys() == {type_.form.type for type_ in TYPES.values()}


def test_every_row_names_its_source() -> None:
    for name, row in TABLE.items():
        assert row["package"].split(" ")[1][0].isdigit(), name
        assert ":" in row["model"], name
        assert bool(row.get("added")) == bool(row.get("source")), f"{name}: what is added names where it is from"
        assert not row.get("added", {}).keys() & row["fields"].keys(), name
