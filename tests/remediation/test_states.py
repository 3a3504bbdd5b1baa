"""States: what differs, and what a rollback does to what others have changed since (invariants by hypothesis)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from model.plan import Change
from remediation.states import Conflict, bare, difference, is_between, put, rolled_back, same, value_at

leaves: st.SearchStrategy[Any] = st.one_of(
    st.booleans(), st.integers(0, 3), st.sampled_from(["", "a", "b"]), st.just([1]), st.just([])
)
names = st.sampled_from(["a", "b", "c", "d"])
states = st.dictionaries(
    names,
    st.recursive(leaves, lambda inner: st.dictionaries(names, inner, min_size=1, max_size=3), max_leaves=6),
    max_size=4,
)


def with_changes(state: dict[str, Any], changes: tuple[Change, ...]) -> dict[str, Any]:
    result = bare(state)
    for change in changes:
        put(result, change.path, change.after)
    return result


@given(states, states)
def test_a_difference_put_onto_the_first_state_is_the_second(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert same(with_changes(one, difference(one, other)), other)
    assert (difference(one, other) == ()) is same(one, other)


@given(states, states)
def test_what_was_done_alone_is_rolled_back_whole(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert rolled_back(before, after, after) == before
    assert rolled_back(before, after, before) == before, "what is back already stays"


@given(states, states, leaves)
def test_what_somebody_else_has_added_stays(before: dict[str, Any], after: dict[str, Any], theirs: Any) -> None:
    now = after | {"neighbour": theirs}
    assert rolled_back(before, after, now) == before | {"neighbour": theirs}


@given(states, states)
def test_a_value_that_is_neither_ours_nor_the_old_one_is_a_conflict(
    before: dict[str, Any], after: dict[str, Any]
) -> None:
    for change in difference(before, after):
        now = bare(after)
        put(now, change.path, "somebody else's")
        with pytest.raises(Conflict) as caught:
            rolled_back(before, after, now)
        assert [(one.path, present) for one, present in caught.value.places] == [(change.path, "somebody else's")]


@given(states, states, st.data())
def test_any_part_of_a_change_is_between_and_nothing_else_is(
    before: dict[str, Any], after: dict[str, Any], data: st.DataObject
) -> None:
    changes = difference(before, after)
    part = tuple(change for change in changes if data.draw(st.booleans()))
    assert is_between(before, after, with_changes(before, part))
    assert not is_between(before, after, with_changes(before, part) | {"neighbour": 1})


HANDLED = {"_etag": "1", "rules": {"a": {"port": 22, "_id": "r-1"}}}


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (HANDLED, {"_etag": "2", "rules": {"a": {"port": 22, "_id": "r-2"}}}, ()),
        (HANDLED, {"rules": {"a": {"port": 23}}}, (Change(("rules", "a", "port"), 22, 23),)),
        (HANDLED, {"rules": {}}, (Change(("rules", "a"), {"port": 22}, UNSET),)),
        ({}, {"on": False}, (Change(("on",), UNSET, False),)),
        ({"on": 1}, {"on": True}, (Change(("on",), 1, True),)),
        ({"a": {}}, {}, (Change(("a",), {}, UNSET),)),
    ],
)
def test_handles_are_no_part_of_a_difference(one: Any, other: Any, expected: Any) -> None:
    assert difference(one, other) == expected


def test_what_comes_back_comes_with_its_handles() -> None:
    assert rolled_back(HANDLED, {"rules": {}}, {"rules": {}, "_etag": "9"}) == HANDLED
    assert rolled_back(HANDLED, {"rules": {}}, {"rules": {"b": {"port": 1}}, "_etag": "9"}) == {
        "rules": {"a": {"port": 22, "_id": "r-1"}, "b": {"port": 1}}
    }
    assert value_at(HANDLED, ("rules", "a")) == {"port": 22}
