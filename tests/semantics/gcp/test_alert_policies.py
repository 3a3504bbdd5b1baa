"""Metrics that alert policies watch. Expected by Google Cloud's documentation of alert policies and of MQL."""

import pytest

from semantics.gcp.alert_policies import watched_metrics


@pytest.mark.parametrize(
    ("threshold", "query", "metrics"),
    [
        ("", "", []),
        ('metric.type="logging.googleapis.com/user/m"', "", ["m"]),
        ('resource.type="global" AND metric.type = "logging.googleapis.com/user/m"', "", ["m"]),
        ('metric.type="compute.googleapis.com/instance/cpu/utilization"', "", []),
        ('metric.type="logging.googleapis.com/user/a/b"', "", ["a/b"]),
        ("", "fetch global | metric 'logging.googleapis.com/user/m' | condition val() > 0", ["m"]),
        ("", 'fetch global::"logging.googleapis.com/user/m" | condition val() > 0', ["m"]),
        ("", "{ metric 'logging.googleapis.com/user/a'; metric 'logging.googleapis.com/user/b' }", ["a", "b"]),
    ],
)
def test_watched_metrics(threshold: str, query: str, metrics: list[str]) -> None:
    assert watched_metrics(threshold, query) == metrics
