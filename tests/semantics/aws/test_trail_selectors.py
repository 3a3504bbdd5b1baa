"""What event selectors record together. Examples follow the CloudTrail User Guide; verdicts are in data/verdicts."""

from typing import Any

import pytest

from semantics.aws.trail_selectors import records_management_events, records_object_events

KMS = "kms.amazonaws.com"


def advanced(*selectors: dict[str, dict[str, list[str]]]) -> dict[str, Any]:
    return {
        "AdvancedEventSelectors": [
            {"FieldSelectors": [{"Field": name} | asked for name, asked in one.items()]} for one in selectors
        ]
    }


MANAGEMENT = {"eventCategory": {"Equals": ["Management"]}}
OBJECTS = {"eventCategory": {"Equals": ["Data"]}, "resources.type": {"Equals": ["AWS::S3::Object"]}}


@pytest.mark.parametrize(
    ("selectors", "spared", "all_of_them"),
    [
        ({}, [], False),
        ({"EventSelectors": [{}]}, [], True),
        ({"EventSelectors": [{"ExcludeManagementEventSources": [KMS]}]}, [], False),
        ({"EventSelectors": [{"ExcludeManagementEventSources": [KMS]}]}, [KMS], True),
        (advanced(MANAGEMENT), [], True),
        (advanced(MANAGEMENT | {"eventSource": {"NotEquals": [KMS]}}), [], False),
        (advanced(MANAGEMENT | {"eventSource": {"NotEquals": [KMS]}}), [KMS], True),
        (advanced(MANAGEMENT | {"eventSource": {"NotStartsWith": ["kms"]}}), [KMS], False),
        (advanced(MANAGEMENT | {"readOnly": {}}), [], False),
        (advanced({"readOnly": {"Equals": ["true"]}}, {"readOnly": {"Equals": ["false"]}}), [], False),
    ],
)
def test_management_events(selectors: dict[str, Any], spared: list[str], all_of_them: bool) -> None:
    assert records_management_events(selectors, spared) is all_of_them


@pytest.mark.parametrize(
    ("more", "reads", "writes"),
    [
        ({}, True, True),
        ({"readOnly": {"Equals": ["true"]}}, True, False),
        ({"eventSource": {"Equals": ["s3.amazonaws.com"]}}, True, True),
        ({"resources.ARN": {"StartsWith": ["arn:aws-cn:s3:::"]}}, True, True),
        ({"resources.ARN": {"StartsWith": ["arn:aws:s3:::logs/"]}}, False, False),
        ({"resources.ARN": {"Equals": ["arn:aws:s3:::"]}}, False, False),
        ({"userIdentity.arn": {"NotEquals": ["arn:aws:iam::1:role/x"]}}, False, False),
    ],
)
def test_events_of_objects(more: dict[str, Any], reads: bool, writes: bool) -> None:
    selectors = advanced(OBJECTS | more)
    assert (records_object_events(selectors, False), records_object_events(selectors, True)) == (reads, writes)


def test_what_is_neither_reads_nor_writes_is_no_selector() -> None:
    with pytest.raises(ValueError, match="neither reads nor writes"):
        records_management_events({"EventSelectors": [{"ReadWriteType": "Some"}]}, [])
