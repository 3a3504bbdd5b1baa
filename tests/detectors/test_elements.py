"""Policies that judge elements one at a time: what they take grows with the elements, and not with their square."""

import gc
from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.expression import compiled
from catalog.fields_read import Roots
from catalog.policies import Policy
from detectors.posture import cases
from detectors.posture.judge import Moment, judge
from model.asset import Asset
from tests.recorded_clouds import catalog

BY_ELEMENT = [policy for policy in catalog().policies if policy.compiled.elements is not None]
# AWS has at most 1,000 rules in a security group; a Google policy has 1,500 members at most.
BOUNDED_BY_THE_PROVIDER = {"aws.ec2": {"IpPermissions"}, "gcp.iam": {"iamPolicy"}}


@pytest.mark.parametrize("policy", BY_ELEMENT, ids=[policy.id for policy in BY_ELEMENT])
def test_no_element_is_judged_by_what_all_elements_stand_in(policy: Policy) -> None:
    assert policy.compiled.elements is not None
    listed = policy.compiled.elements.reads.get("r", frozenset())
    bounded = BOUNDED_BY_THE_PROVIDER.get(policy.id.rpartition(".")[0], set())
    assert listed & policy.compiled.element_reads["r"] <= bounded


def workload(containers: int) -> Asset:
    variables = [{"name": f"A{number}", "value": "x"} for number in range(50)]
    listed = [{"name": f"app-{number}", "image": "app:1", "env": variables} for number in range(containers)]
    body: dict[str, Any] = {"kind": "Pod", "metadata": {"name": "a", "namespace": "b"}, "spec": {"containers": listed}}
    return Asset("kubernetes.core.pod", "k", "a", "s", "global", body, "", family="kubernetes.core.workload")


OF_WORKLOADS = [p for p in catalog().policies if p.form.kind == "kubernetes.core.workload" and not p.form.with_]


def test_nothing_is_kept_of_what_was_judged() -> None:
    moment = Moment(datetime(2026, 6, 1, tzinfo=UTC))
    many = workload(20)
    for policy in OF_WORKLOADS:
        judge(policy, many, {}, moment)
    gc.collect()
    before = len(gc.get_objects())
    for policy in OF_WORKLOADS:
        judge(policy, many, {}, moment)
    gc.collect()
    # An emptied list or mapping for each call of a function, where it was the whole pod.
    assert len(gc.get_objects()) - before < 20 * 50


def test_a_function_s_value_may_be_what_it_was_given() -> None:
    expression = compiled("flat([r.A, r.A])", Roots(one=frozenset({"r"}), many=frozenset()))
    body = {"A": [{"B": [1]}]}
    assert [expression.evaluate({"r": body}) for _ in range(2)] == [[{"B": [1]}] * 2] * 2
    assert body == {"A": [{"B": [1]}]}


ALARMS = [policy for policy in catalog().policies if policy.id.startswith("aws.cloudwatch.no-alarm-for-")]
ALERTS = [policy for policy in catalog().policies if policy.id.startswith("gcp.logging.no-alert-for-")]
MANY = 120


@pytest.mark.parametrize("policy", ALARMS, ids=[policy.id for policy in ALARMS])
def test_many_filters_and_alarms_are_judged_as_one_of_each(policy: Policy) -> None:
    case = policy.form.cases.pass_[0]
    (filter_,), (alarm,), (topic,) = case["filters"], case["alarms"], case["topics"]
    counting = [{**filter_, "metricTransformations": [_metric(number)]} for number in range(MANY)]
    others = [{**alarm, "MetricName": f"other-{number}"} for number in range(MANY)]
    topics = [{**topic, "TopicArn": f"{topic['TopicArn']}-{number}"} for number in range(MANY)]
    for name, expected in ((f"m-{MANY - 1}", "pass"), ("other", "fail")):
        found = cases.judged(
            policy,
            {
                **case,
                "filters": counting,
                "alarms": [*others, {**alarm, "MetricName": name, "Namespace": "n"}],
                "topics": [*topics, topic],
            },
        )
        assert (found.status, found.reason) == (expected, "")


def _metric(number: int) -> dict[str, str]:
    return {"metricName": f"m-{number}", "metricNamespace": "n", "metricValue": "1"}


@pytest.mark.parametrize("policy", ALERTS, ids=[policy.id for policy in ALERTS])
def test_many_metrics_and_alerts_are_judged_as_one_of_each(policy: Policy) -> None:
    case = policy.form.cases.pass_[0]
    (metric,), (alert,) = case["metrics"], case["alerts"]
    metrics = [{**metric, "name": f"m-{number}"} for number in range(MANY)]
    others = [_watching(alert, f"other-{number}") for number in range(MANY)]
    for name, expected in ((f"m-{MANY - 1}", "pass"), ("other", "fail")):
        found = cases.judged(policy, {**case, "metrics": metrics, "alerts": [*others, _watching(alert, name)]})
        assert (found.status, found.reason) == (expected, "")


def _watching(alert: dict[str, Any], name: str) -> dict[str, Any]:
    watched = f'resource.type="global" AND metric.type = "logging.googleapis.com/user/{name}"'
    return {**alert, "conditions": [{"conditionThreshold": {"filter": watched}}]}
