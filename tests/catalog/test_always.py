"""Which fields of a body are missed, and which are left that may be absent."""

from model.asset import Asset, missing_named
from tests.catalog import optional_fields


def test_all_other_fields_that_policies_read_are_listed() -> None:
    text = optional_fields.FILE.read_text(encoding="utf-8")
    assert text == optional_fields.written(), "`python -m tests.catalog.optional_fields` writes it anew"


def test_a_missing_field_is_named_once() -> None:
    asset = Asset("k", "r", "n", "s", "global", {"A": 1}, "", {"B": "denied"})
    assert missing_named(asset, ("A",)) is asset
    assert missing_named(asset, ("A", "B", "C")).unknown == {"B": "denied", "C": "not returned"}
