from collections import OrderedDict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.canonical import plain
from model.json_walk import Walk, leaves

NAMES = st.sampled_from(["a", "b", "c", "d"])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner),
    max_leaves=30,
)


@given(JSON)
def test_a_walk_without_wishes_changes_nothing_and_makes_all_anew(value: Any) -> None:
    made = Walk().of(value)
    assert repr(made) == repr(value)
    assert made is not value or not isinstance(value, dict | list)


@given(JSON)
def test_what_is_left_out_is_nowhere_and_all_else_stays_in_order(value: Any) -> None:
    made = Walk(without=["a"], nulls=False).of({"x": value})
    if all(name != "a" for name in _names(value)):
        assert repr(made) == repr(plain({"x": value}))
    assert "a" not in _names(made)


@given(JSON)
def test_each_leaf_of_a_type_is_what_is_made_of_it(value: Any) -> None:
    made = list(leaves(Walk({str: len, int: str}).of(value)))
    assert made == [
        (name, len(leaf) if isinstance(leaf, str) else str(leaf) if isinstance(leaf, int) else leaf)
        for name, leaf in leaves(value)
    ]


def _names(value: Any) -> set[str]:
    if isinstance(value, dict):
        return set(value).union(*map(_names, value.values()))
    return set().union(*map(_names, value)) if isinstance(value, list) else set()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"k": {"k": 1}, "x": [{"k": None}]}, {"k": "{'k': 1}", "x": [{}]}),
        ({"k": 1, "no": {"k": 2}, "x": {"no": 3}}, {"k": "1", "x": {}}),
        ([None, [None]], [None, [None]]),
        (None, None),
    ],
)
def test_a_named_field_is_what_is_made_of_it_unless_it_is_left_out(value: Any, expected: Any) -> None:
    assert Walk(fields={"k": str, "no": str}, without=["no"], nulls=False).of(value) == expected


def test_a_type_that_derives_from_another_is_walked_like_it() -> None:
    class Text(str):
        pass

    value = OrderedDict(a=[Text("x"), 1, True])
    made = Walk({str: str.upper, int: lambda number: number + 1}).of(value)
    assert made == {"a": ["X", 2, 2]}
    assert type(made) is dict


def test_leaves_have_the_name_of_the_nearest_field() -> None:
    value = {"a": [1, [2, {"b": 3}], {}], "c": None}
    assert list(leaves(value)) == [("a", 1), ("a", 2), ("b", 3), ("c", None)]
    assert list(leaves("x", "n")) == [("n", "x")]


def test_deep_nesting_ends_in_an_error_that_is_expected() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(RecursionError):
        Walk().of(deep)
    with pytest.raises(RecursionError):
        list(leaves(deep))
