"""What type files say of fields that are always there, against recorded replies; and which fields are left."""

from collections import defaultdict
from pathlib import Path

import pytest

from model.asset import Asset, missing_named
from tests.catalog import optional_fields
from tests.collectors.azure.test_golden import Recorded
from tests.collectors.gcp.test_golden import recorded
from tests.recorded_clouds import catalog, types_of

RECORDED = "recorded replies, all of them"


@pytest.mark.shared
@pytest.mark.parametrize("provider", ["azure", "gcp"])
def test_what_recordings_are_the_source_of_stands_in_all_of_them(provider: str, shared_folder: Path) -> None:
    folder, seen = shared_folder / "recorded" / provider, defaultdict[str, list[Asset]](list)
    for asset in Recorded(folder).assets if provider == "azure" else recorded(folder):
        seen[asset.kind].append(asset)
    said = {type_.name: type_.form.always.get(RECORDED, []) for type_ in types_of(catalog(), provider)}
    assert sum(map(len, said.values())) >= 3
    for kind, fields in said.items():
        for field in fields:
            assert len(seen[kind]) >= 2
            assert all(field in asset.body for asset in seen[kind]), f"{kind} {field}"


def test_all_other_fields_that_policies_read_are_listed() -> None:
    text = optional_fields.FILE.read_text(encoding="utf-8")
    assert text == optional_fields.written(), "`python -m tests.catalog.optional_fields` writes it anew"


def test_a_missing_field_is_named_once() -> None:
    asset = Asset("k", "r", "n", "s", "global", {"A": 1}, "", {"B": "denied"})
    assert missing_named(asset, ("A",)) is asset
    assert missing_named(asset, ("A", "B", "C")).unknown == {"B": "denied", "C": "not returned"}
