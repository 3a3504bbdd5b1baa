"""Fields in which something stands that says nothing: a null in a list is an element, and nobody knows which."""

import re
from typing import Any

import msgspec
from msgspec.structs import replace

from collectors.counting import MALFORMED
from model.asset import Asset
from model.json_walk import leaves

CAUSE = f"{MALFORMED}: null in a list"
# In JSON, a null that is no field's; or a text that looks like one, which the second look finds out.
_IN_LIST = re.compile(rb"[\[,]null[,\]]")


def without_gaps(asset: Asset) -> Asset:
    """Return an asset with the cause beside each field that holds a list with a null: what reads it cannot be known.

    «There is none» and «one fewer» would both be more than was said. No reply that was recorded has one, so that one
    search through the body's JSON is all that it costs.
    """
    if not _IN_LIST.search(msgspec.json.encode(asset.body)):
        return asset
    gaps = {name: CAUSE for name, value in asset.body.items() if _has_gap(value)}
    return replace(asset, unknown=gaps | asset.unknown) if gaps else asset


def _has_gap(value: Any) -> bool:
    """Return whether a list in a value has a null; fields that are null were left out before."""
    return any(leaf is None for _, leaf in leaves(value))
