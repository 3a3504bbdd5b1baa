"""Values of the clouds' documents: mappings, and lists that may be written as one value."""

from collections.abc import Mapping
from typing import Any

Document = Mapping[str, Any]


def listed(value: Any) -> list[Any]:
    """Return a value of a document as a list: none, one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, list | tuple) else [value]
