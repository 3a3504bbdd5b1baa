"""Fields of another JSON type than declared are unknown, never judged."""

from typing import Any

import pytest

from collectors.declared import FieldType, checked
from collectors.kept import kept_raw

# What each type takes, by JSON's own types (RFC 8259) and the JSON form of protocol buffers, where int64 is a text.
FITTING: dict[FieldType, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, -5, 3.0, "9223372036854775807", "-1"],
    "number": [0, 1.5],
    "string": ["", "true"],
    "object": [{}, {"a": 1}],
    "array": [[], [1]],
    "any": [True, 1, "a", {}, []],
}
STRANGE: dict[FieldType, list[Any]] = {
    "boolean": ["true", 1, {}, []],
    "integer": [True, 1.5, "1.5", "", "-", "٣", {}, float("inf")],
    "number": [True, "1", []],
    "string": [True, 1, {}, []],
    "object": ["{}", [], 1],
    "array": ["[]", {}, True],
}


@pytest.mark.parametrize(("type_", "value"), [(t, v) for t, values in FITTING.items() for v in values])
def test_what_fits_is_left_as_it_is(type_: FieldType, value: Any) -> None:
    assert checked({"a": value, "b": 1}, {"a": type_, "c": "string"}) == ({"a": value, "b": 1}, {})


@pytest.mark.parametrize(("type_", "value"), [(t, v) for t, values in STRANGE.items() for v in values])
def test_what_does_not_fit_is_unknown_and_taken_out(type_: FieldType, value: Any) -> None:
    body, unknown = checked({"a": value, "b": 1}, {"a": type_})
    assert body == {"b": 1}
    assert list(unknown) == ["a"]
    assert unknown["a"].startswith("malformed: ")


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"adminPassword": "hunter22"}, {"adminPassword": {"looks_like": "named"}}),
        ([{"name": "DB_PASSWORD", "value": "hunter22"}], [{"name": "DB_PASSWORD", "value": {"looks_like": "named"}}]),
        ([{"name": "COLOUR", "value": "blue"}], [{"name": "COLOUR", "value": "blue"}]),
        ({"passwordPolicy": {"length": 14}}, {"passwordPolicy": {"length": 14}}),
        ({"url": "https://a:b@example.com/x"}, {"url": "https://redacted:redacted@example.com/x"}),
        ({"secret": "arn:aws:secretsmanager:x"}, {"secret": "arn:aws:secretsmanager:x"}),
    ],
)  # fmt: skip
def test_of_raw_bodies_no_named_secret_is_kept(value: Any, kept: Any) -> None:
    assert kept_raw(value) == kept
