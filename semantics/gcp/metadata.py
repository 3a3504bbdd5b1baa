"""Switches in the metadata of Compute Engine's projects and machines.

Source: Compute Engine documentation, «Predefined metadata keys», «About VM metadata»: what a machine says of a key
holds before what its project says; true values are TRUE, Y, YES and 1 in any case.
"""

from collections.abc import Sequence

from semantics.shapes import TEXT, listing, mapping
from semantics.values import Document

# Values that are no switches are not kept: in their place stands a mapping with the signs of secrets.
ITEMS = listing(mapping({"key": TEXT, "value": TEXT | mapping()}, needed=("key",)))

_ON = frozenset({"true", "y", "yes", "1"})


def metadata_on(items: Sequence[Document], key: str) -> bool:
    """Return whether the items of metadata turn the switch of a key on; raises `ValueError` where that is no switch."""
    values = [item.get("value") for item in items if item.get("key") == key]
    if any(not isinstance(value, str) for value in values):
        raise ValueError(f"what {key} is set to is no switch")
    return any(str(value).lower() in _ON for value in values)
