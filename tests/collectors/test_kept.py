"""What is kept of bodies, at every depth, by each of the ways in which collectors make them anew."""

from typing import Any

import pytest

from catalog.yaml_reader import Document
from collectors.gaps import without_gaps
from collectors.gcp.keeping import Keeper
from collectors.gcp.parse import Parser, RowContext, tidy
from collectors.gcp.resource_types import ResourceType, TypeForm
from collectors.kept import kept, kept_raw, without_passwords
from collectors.kubernetes import keeping
from collectors.secret_signs import Unreadable, signs
from collectors.templates import fill, references
from model.asset import Asset, Kind

NAMED = {"looks_like": "named"}
FORM = TypeForm(
    "gcp.compute.instance",
    "compute.googleapis.com/Instance",
    "$name",
    {"name": "string"},
    org=True,
    omit=["fingerprint", "note"],
    secrets={"environment": "pairs"},
    switches=["metadata"],
)


def nested(depth: int, inner: Any) -> Any:
    for number in range(depth):
        inner = {"a": inner} if number % 2 else [inner]
    return inner


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": None, "b": [None, {"c": None}, []]}, {"b": [None, {}, []]}),
        ([1.0, 1.5, -0.0, True, "1.0"], [1, 1.5, 0, True, "1.0"]),
        ({"a": [2.0**53, 2.0**53 + 2]}, {"a": [2**53, 2.0**53 + 2]}),
        (None, None),
        (3.0, 3),
    ],
)
def test_a_tidy_value_has_no_field_that_is_null_and_whole_numbers(value: Any, expected: Any) -> None:
    assert repr(tidy(value)) == repr(expected)  # 1 == 1.0 == True


def test_policies_have_no_etag_at_any_depth_and_keep_the_rest() -> None:
    type_ = ResourceType(FORM, Document("", {}, ""), Kind(FORM.kind, "gcp", frozenset(), frozenset(), frozenset()))
    row = {
        "name": "//compute.googleapis.com/a",
        "assetType": FORM.asset_type,
        "resource": {"data": {"name": "a"}},
        "orgPolicy": [{"etag": "1", "spec": {"etag": "2", "rules": [{"etag": "3", "values": ["etag", None]}]}}],
    }
    parsed = Parser([type_]).parse(row, RowContext("s"))
    assert parsed.asset
    assert parsed.asset.body == {"name": "a", "orgPolicies": [{"spec": {"rules": [{"values": ["etag", None]}]}}]}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"name": "a", "x": [{"fingerprint": 1, "y": {"note": 2, "z": 3}}]}, {"name": "a", "x": [{"y": {"z": 3}}]}),
        (
            {"x": [{"environment": [{"name": "DB_PASSWORD", "value": "hunter22"}]}]},
            {"x": [{"environment": [{"name": "DB_PASSWORD", **NAMED}]}]},
        ),
        (
            {"x": {"metadata": {"items": [{"key": "serial", "value": "TRUE"}], "fingerprint": "f"}}},
            {"x": {"metadata": {"items": [{"key": "serial", "value": "TRUE"}], "fingerprint": "f"}}},
        ),
        (
            {"labels": {"environment": "live", "metadata": "m", "note": "n"}, "x": {"note": 1}},
            {"labels": {"environment": "live", "metadata": "m"}, "x": {}},
        ),
        ({"labels": [{"note": 1, "a": 2}]}, {"labels": [{"a": 2}]}),
        ({"url": ["https://a:b@example.com/"], "note": 1}, {"url": ["https://redacted:redacted@example.com/"]}),
    ],
)
def test_of_google_clouds_bodies(body: Any, expected: Any) -> None:
    assert Keeper(FORM).kept(body) == (expected, {})


def test_a_field_that_cannot_be_looked_at_is_unknown_as_a_whole() -> None:
    body = {"a": {"b": [{"environment": "no pairs"}]}, "c": 1}
    assert Keeper(FORM).kept(body) == ({"c": 1}, {"a": "unreadable text"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"a": None, "b": [None, 1], "no": 2}, {"b": [None, 1]}),
        ([{"no": 1, "c": {"no": None}}], [{"c": {}}]),
        ({"s": {"PASSWORD": "hunter22", "PORT": 1}}, {"s": [{"name": "PASSWORD", **NAMED}]}),
        ({"x": [{"s": {"PORT": "80"}}, {"s": None}]}, {"x": [{"s": []}, {}]}),
        (["https://u:p@h/?token=t&x=1"], ["https://redacted:redacted@h/?token=redacted&x=1"]),
        ("ftp://u@h", "ftp://redacted@h"),
        (1, 1),
        (None, None),
    ],
)
def test_of_any_value_by_what_a_type_says(value: Any, expected: Any) -> None:
    assert kept(value, ["no"], {"s": "values"}) == expected


def test_a_secret_of_another_shape_is_refused_wherever_it_stands() -> None:
    with pytest.raises(Unreadable):
        kept({"no": {"s": "text"}}, ["no"], {"s": "pairs"})


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"password": ["hunter22", None, {"x": "hunter22"}]}, {"password": [NAMED, None, {"x": "hunter22"}]}),
        ({"key": "API_PASSWORD", "value": ["hunter22"]}, {"key": "API_PASSWORD", "value": [NAMED]}),
        ({"name": 1, "value": "hunter22", "password": None}, {"name": 1, "value": "hunter22"}),
    ],
)
def test_of_a_value_that_no_type_describes(value: Any, expected: Any) -> None:
    assert kept_raw(value) == expected


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"a": None, "b": [None, {"c": None}]}, {"b": [None, {}]}),
        ({"command": ["--password=hunter2hunter2", 1, None]}, {"command": ["redacted", "1", None]}),
        ({"args": "--password=hunter2hunter2"}, {"args": "--password=hunter2hunter2"}),
        ({"args": {"args": ["a"], "x": None}}, {"args": {"args": ["a"]}}),
        ({"args": [["a"]]}, {"args": ["['a']"]}),
        ({"x": [["a", None]]}, {"x": [["a", None]]}),
        ({"env": [{"name": "A", "value": "b", "x": None}, "odd", None]}, {"env": [{"name": "A"}, None, None]}),
        ({"env": {"env": [{"name": "A"}], "x": None}}, {"env": {"env": [{"name": "A"}]}}),
        ({"template": {"metadata": {"selfLink": "s", "x": {"y": None}}}}, {"template": {"metadata": {"x": {}}}}),
        ({"metadata": [{"selfLink": "s", "x": None}]}, {"metadata": [{"selfLink": "s"}]}),
        ({"url": "https://a:b@h"}, {"url": "https://redacted:redacted@h"}),
    ],
)
def test_of_kubernetes_objects(spec: Any, expected: Any) -> None:
    assert keeping.kept({"spec": spec, "x": None, "metadata": None}) == {"spec": expected, "metadata": {}}


def test_what_pods_hold_is_known_by_its_name_at_the_first_level_too() -> None:
    row = {"command": ["--password=hunter2hunter2"], "env": [{"name": "A", "value": "b"}]}
    assert keeping.kept(row) == {"command": ["redacted"], "env": [{"name": "A"}], "metadata": {}}


def test_signs_go_by_the_nearest_name_and_by_the_place_among_what_is_stated() -> None:
    value = {"a": None, "b": [{"PASSWORD": ["x", None, ["hunter22"]]}, "hunter22"], "p q password": "hunter22"}
    assert signs("values", value) == [{"name": "PASSWORD", **NAMED}, {"name": "#4", **NAMED}]


@pytest.mark.parametrize(
    ("value", "names", "expected"),
    [
        ("$A-${B.c}", {"A", "B"}, "1-[2]"),
        (["$A", {"$x": "${B.c}", "y": [None, 3, True]}], {"A", "B"}, [1, {"$x": [2], "y": [None, 3, True]}]),
        (None, set(), None),
    ],
)
def test_templates_are_filled_where_they_refer(value: Any, names: set[str], expected: Any) -> None:
    assert references(value) == names
    assert fill(value, {"A": 1, "B": {"c": [2]}}) == expected


def test_what_is_nested_deeper_than_any_resource_is_not_kept() -> None:
    """The bound leaves room: what is kept can be written and read again, which goes twice as deep."""
    assert without_passwords(nested(400, "a")) == nested(400, "a")
    for deep in (nested(600, "a"), nested(100_000, "a")):
        with pytest.raises(RecursionError):
            without_passwords(deep)
        with pytest.raises(RecursionError):
            tidy(deep)


@pytest.mark.parametrize(
    ("body", "gaps"),
    [
        ({"rules": [None]}, {"rules"}),
        ({"rules": [{"ports": ["22", None]}], "other": []}, {"rules"}),
        ({"a": {"b": [[], [None]]}, "c": [None], "d": [1]}, {"a", "c"}),
        ({"text": ["a,null,b", "[null]", "null"], "empty": []}, set()),
    ],
)
def test_a_null_in_a_list_makes_its_field_unknown(body: dict[str, Any], gaps: set[str]) -> None:
    asset = without_gaps(Asset("k", "r", "n", "s", "global", body, "", unknown={"c": "its own"}))
    assert asset.body == body
    assert asset.unknown == {**dict.fromkeys(gaps, "malformed: null in a list"), "c": "its own"}
