"""What a policy reads and does not understand makes its verdict unknown: made for every policy from its own cases.

Whatever is read of a body, at every depth, is put in another sort, one place at a time; a field that is always there
is taken away. None of it may leave a pass.
"""

import copy
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from catalog.policies import Policy
from detectors.posture import cases
from detectors.posture.judge import Moment, judge
from model.asset import missing_named
from pipeline.assembly import misread
from semantics.shapes import Shape, Sort
from tests.recorded_clouds import catalog

POLICIES = {policy.id: policy for policy in catalog().policies}
# One value of each sort, and those that JSON has beside them.
OF_SORTS: dict[Sort, Any] = {"text": "text", "number": 7, "boolean": True, "list": ["text"], "mapping": {"a": "text"}}
MOMENT = Moment(datetime(2026, 1, 1, tzinfo=UTC))
Place = tuple[str | int, ...]


def places(shape: Shape, value: Any, at: Place = ()) -> Iterator[tuple[Place, Shape]]:
    """Yield the places of a value that are read, with the shape that is expected there."""
    if shape.sorts:
        yield at, shape
    if isinstance(value, dict):
        for name, inner in value.items():
            within = shape.fields.get(name) or shape.others
            if within and inner is not None:
                yield from places(within, inner, (*at, name))
    elif isinstance(value, list) and shape.items:
        for number, inner in enumerate(value):
            yield from places(shape.items, inner, (*at, number))


def changed(body: Any, at: Place, value: Any) -> Any:
    """Return a body with another value at a place; None takes the field away, or stands in the list."""
    made = copy.deepcopy(body)
    holder = made
    for step in at[:-1]:
        holder = holder[step]
    if value is None and isinstance(holder, dict):
        del holder[at[-1]]
    else:
        holder[at[-1]] = value
    return made


def read(policy: Policy) -> Iterator[tuple[dict[str, Any], str, Place, Shape]]:
    """Yield each place that a policy reads of its passing cases: the case, the name, where, and what is expected."""
    for case in policy.form.cases.pass_:
        for name, shape in policy.compiled.shapes.items():
            if name == "e" or name not in case:
                continue
            bodies = case[name] if isinstance(case[name], list) else [case[name]]
            found = None if name == "r" else [asset.body for asset in cases.situation(policy, case)[1][name].assets]
            for number, body in enumerate(bodies):
                if found is not None and body not in found:
                    continue  # it belongs to another resource
                before: Place = (number,) if isinstance(case[name], list) else ()
                yield from ((case, name, (*before, *at), expected) for at, expected in places(shape, body) if at)


@pytest.mark.parametrize("identity", POLICIES)
def test_another_sort_is_never_passed(identity: str) -> None:
    policy = POLICIES[identity]
    for case, name, at, shape in read(policy):
        for sort, value in OF_SORTS.items():
            if sort not in shape.sorts:
                said = cases.judged(policy, case | {name: changed(case[name], at, value)})
                assert said.status == "unknown", f"{name} {at} as {sort}: {said.status} {said.reason}"


@pytest.mark.parametrize("identity", POLICIES)
def test_a_null_is_no_field_and_in_a_list_not_understood(identity: str) -> None:
    policy = POLICIES[identity]
    for case, name, at, _ in read(policy):
        if isinstance(at[-1], int):
            said = cases.judged(policy, case | {name: changed(case[name], at, None)})
            assert said.status == "unknown", f"{name} {at}: {said.status}"


@pytest.mark.parametrize("identity", POLICIES)
def test_what_is_always_there_is_missed(identity: str) -> None:
    policy, kinds = POLICIES[identity], catalog().kinds
    for case, name, at, _ in read(policy):
        field = at[-1]
        if len(at) != (2 if isinstance(case[name], list) else 1):
            continue
        kind = policy.form.kind if name == "r" else policy.compiled.others[name].kind
        if field in policy.compiled.shapes[name].needed:
            said = cases.judged(policy, case | {name: changed(case[name], at, None)})
        elif name == "r" and field in kinds[kind].always:
            asset, related = cases.situation(policy, case | {name: changed(case[name], at, None)})
            said = judge(policy, missing_named(asset, kinds[kind].always), related, MOMENT)
        else:
            continue
        assert said.status == "unknown", f"{name} {at}: {said.status}"


@pytest.mark.parametrize("identity", POLICIES)
def test_only_what_is_always_there_is_read_plainly(identity: str) -> None:
    assert list(misread(POLICIES[identity], catalog().kinds)) == []


@pytest.mark.parametrize("identity", POLICIES)
def test_something_is_expected_of_whatever_is_read(identity: str) -> None:
    """Only what is shown in messages, or is no more than there, may be anything."""
    shapes = POLICIES[identity].compiled.shapes
    lacking = [f"{name}.{field}" for name, one in shapes.items() for field, of in one.fields.items() if not of.sorts]
    assert set(lacking) == ANYTHING.get(identity, set())


# What is only counted, or becomes part of an element, of which it is expected then.
ANYTHING = {
    "aws.cloudtrail.no-multi-region-trail": {"trails.Name"},
    "aws.iam.access-key-not-rotated": {f"r.access_key_{slot}_last_rotated" for slot in (1, 2)},
    "aws.iam.access-key-unused": {
        f"r.access_key_{slot}_{what}" for slot in (1, 2) for what in ("last_rotated", "last_used_date")
    },
    "azure.network.watcher-off": {"networks.name"},
    "gcp.iam.data-access-not-audited": {"r.parent"},
}
