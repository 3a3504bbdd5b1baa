"""Which events of Azure's activity log an alert rule notifies of, by its condition."""

from collections.abc import Iterable

from semantics.shapes import TEXT, listing, mapping
from semantics.values import Document, listed

# What does not narrow an alert on an operation: its category, and that it has been carried out.
_HARMLESS = {"category": {"administrative"}, "status": {"succeeded"}, "level": {"informational"}}

_LEAF = {"field": TEXT, "equals": TEXT, "containsAny": listing(TEXT)}
# Source: Microsoft.Insights' models, AlertRuleAllOfCondition.
CONDITION = mapping({"allOf": listing(mapping({**_LEAF, "anyOf": listing(mapping(_LEAF))}))})


def alerts_on(condition: Document | None, operation: str) -> bool:
    """Return whether a rule's condition holds whenever an operation has been carried out: all of its parts have to."""
    parts = [_Part(part) for part in listed((condition or {}).get("allOf"))]
    return bool(parts) and all(part.holds_for(operation.lower()) for part in parts)


class _Part:
    """One part of a condition: a field with the values that it may have, or several parts of which one suffices."""

    def __init__(self, part: Document) -> None:
        self._any_of = [_Part(inner) for inner in listed(part.get("anyOf"))]
        self._field = str(part.get("field", "")).lower()
        self._values = _lowered([*listed(part.get("equals")), *listed(part.get("containsAny"))])

    def holds_for(self, operation: str) -> bool:
        """Return whether it holds for every event of the operation."""
        if self._any_of:
            return any(part.holds_for(operation) for part in self._any_of)
        if self._field in ("operationname", "resourcetype", "resourceprovider"):
            return self._field_of(operation) in self._values
        return bool(self._values & _HARMLESS.get(self._field, set()))

    def _field_of(self, operation: str) -> str:
        """Return what an event of the operation says in this field: an operation is a resource's type and a verb."""
        type_ = operation.rpartition("/")[0]
        return {"operationname": operation, "resourcetype": type_}.get(self._field, type_.partition("/")[0])


def _lowered(values: Iterable[object]) -> set[str]:
    return {str(value).lower() for value in values if value is not None}
