"""What a CloudTrail trail records, by all of its event selectors together.

Sources: CloudTrail API reference, EventSelector, AdvancedEventSelector, AdvancedFieldSelector; CloudTrail User Guide,
«Logging management events», «Logging data events»: an event is recorded where one selector matches it, and a selector
matches where each of its fields does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from semantics.shapes import BOOLEAN, TEXT, listing, mapping
from semantics.values import Document

_TEXTS = listing(TEXT)
_OPERATORS: Mapping[str, tuple[bool, Callable[[str, str], bool]]] = {
    "Equals": (True, str.__eq__),
    "StartsWith": (True, str.startswith),
    "EndsWith": (True, str.endswith),
    "NotEquals": (False, str.__eq__),
    "NotStartsWith": (False, str.startswith),
    "NotEndsWith": (False, str.endswith),
}
_FIELD = mapping({"Field": TEXT, **dict.fromkeys(_OPERATORS, _TEXTS)}, needed=("Field",))
_RESOURCES = mapping({"Type": TEXT, "Values": _TEXTS}, needed=("Type",))
SELECTORS = mapping(
    {
        "EventSelectors": listing(
            mapping(
                {
                    "ReadWriteType": TEXT,
                    "IncludeManagementEvents": BOOLEAN,
                    "ExcludeManagementEventSources": _TEXTS,
                    "DataResources": listing(_RESOURCES),
                }
            )
        ),
        "AdvancedEventSelectors": listing(mapping({"FieldSelectors": listing(_FIELD)}, needed=("FieldSelectors",))),
    }
)

_S3_OBJECTS = "AWS::S3::Object"
_KINDS = {"All": ("true", "false"), "ReadOnly": ("true",), "WriteOnly": ("false",)}
# Stands for every event source that no selector names.
_ANY_OTHER = "*"
_EVERY_BUCKET = "arn:*:s3:::*"

Event = Mapping[str, str]


def records_management_events(selectors: Document, spared: Sequence[str]) -> bool:
    """Return whether all management events are recorded, reads and writes, but for those of the event sources `spared`.

    Raises `ValueError` for what is no selector.
    """
    classic, advanced = _classic(selectors), _advanced(selectors)
    named = {source for one in classic for source in one.get("ExcludeManagementEventSources") or ()}
    named |= {text for field in _fields(advanced, "eventSource") for texts in field.values() for text in texts}
    return all(
        any(_takes_management(one, read_only, source) for one in classic)
        or _matches_any(advanced, {"eventCategory": "Management", "readOnly": read_only, "eventSource": source})
        for read_only in ("true", "false")
        for source in (named - set(spared)) | {_ANY_OTHER}
    )


def records_object_events(selectors: Document, writes: bool) -> bool:
    """Return whether the reads, or the writes, of the objects of all S3 buckets are recorded.

    Raises `ValueError` for what is no selector.
    """
    read_only = "false" if writes else "true"
    event = {
        "eventCategory": "Data",
        "readOnly": read_only,
        "eventSource": "s3.amazonaws.com",
        "resources.type": _S3_OBJECTS,
        "resources.ARN": _EVERY_BUCKET,
    }
    return any(
        read_only in _kinds(one) and any(map(_is_every_object, one.get("DataResources") or ()))
        for one in _classic(selectors)
    ) or _matches_any(_advanced(selectors), event)


def _classic(selectors: Document) -> Sequence[Document]:
    return selectors.get("EventSelectors") or ()


def _advanced(selectors: Document) -> Sequence[Document]:
    return selectors.get("AdvancedEventSelectors") or ()


def _kinds(selector: Document) -> tuple[str, ...]:
    said = selector.get("ReadWriteType") or "All"
    if said not in _KINDS:
        raise ValueError(f"neither reads nor writes nor both: {str(said)[:20]!r}")
    return _KINDS[said]


def _takes_management(selector: Document, read_only: str, source: str) -> bool:
    return (
        selector.get("IncludeManagementEvents") is not False
        and read_only in _kinds(selector)
        and source not in (selector.get("ExcludeManagementEventSources") or ())
    )


def _is_every_object(resources: Document) -> bool:
    """Return whether a classic selector's resources are the objects of all buckets: those of S3 as a whole."""
    return resources["Type"] == _S3_OBJECTS and any(map(_means_every_bucket, resources.get("Values") or ()))


def _means_every_bucket(arn: str) -> bool:
    parts = arn.split(":")
    return parts[0] == "arn" and parts[2:] in (["s3"], ["s3", "", "", ""], ["s3", "", "", "*/*"])


def _fields(advanced: Iterable[Document], name: str) -> list[dict[str, Sequence[str]]]:
    return [
        {operator: field[operator] for operator in _OPERATORS if field.get(operator)}
        for one in advanced
        for field in one["FieldSelectors"]
        if field["Field"] == name
    ]


def _matches_any(advanced: Iterable[Document], event: Event) -> bool:
    """Return whether one selector matches every event of a kind; what the kind leaves open must not be asked for."""
    kind = "resources.type" if "resources.type" in event else "eventCategory"
    return any(
        any(field["Field"] == kind for field in one["FieldSelectors"])
        and all(_matches(field, event) for field in one["FieldSelectors"])
        for one in advanced
    )


def _matches(field: Mapping[str, Any], event: Event) -> bool:
    value = event.get(field["Field"])
    asked = [(operator, field[operator]) for operator in _OPERATORS if field.get(operator)]
    if value == _EVERY_BUCKET:
        return all(operator == "StartsWith" and any(map(_means_every_bucket, texts)) for operator, texts in asked)
    return value is not None and bool(asked) and all(_holds(operator, texts, value) for operator, texts in asked)


def _holds(operator: str, texts: Sequence[str], value: str) -> bool:
    wanted, compare = _OPERATORS[operator]
    if value == _ANY_OTHER and operator not in ("Equals", "NotEquals"):
        return False
    return any(compare(value, text) for text in texts) is wanted
