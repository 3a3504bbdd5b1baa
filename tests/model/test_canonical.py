from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.canonical import digest, encode, instant, parse_instant, plain

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(JSON)
def test_plain_leaves_no_field_null_and_no_element_out(value: object) -> None:
    def stands(made: object, whole: object) -> bool:
        if isinstance(made, dict) and isinstance(whole, dict):
            fields = {name: inner for name, inner in whole.items() if inner is not None}
            return made.keys() == fields.keys() and all(stands(made[name], fields[name]) for name in fields)
        if isinstance(made, list) and isinstance(whole, list):
            return len(made) == len(whole) and all(map(stands, made, whole))
        return made == whole

    assert stands(plain(value), value)
    assert plain(plain(value)) == plain(value)


@given(st.dictionaries(st.text(), st.integers()))
def test_order_of_keys_changes_no_digest(value: dict[str, int]) -> None:
    assert digest(value) == digest(dict(reversed(list(value.items()))))


def test_digest_is_the_start_of_sha256() -> None:
    # printf '%s' '["a",{"b":1,"c":"é"}]' | sha256sum
    assert encode(["a", {"c": "é", "b": 1}]) == '["a",{"b":1,"c":"é"}]'.encode()
    assert digest("a", {"c": "é", "b": 1}) == "aedadb2d5ddfd4a72778217640b3c3e6"


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2026, 4, 1, 9, 0, tzinfo=timezone(timedelta(hours=9))), "2026-04-01T00:00:00.000000Z"),
        (datetime(2026, 4, 1, 0, 0, 0, 5, tzinfo=UTC), "2026-04-01T00:00:00.000005Z"),
    ],
)
def test_instants_are_utc_and_come_back(moment: datetime, text: str) -> None:
    assert instant(moment) == text
    assert parse_instant(text) == moment


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="time zone"):
        instant(datetime(2026, 4, 1))  # noqa: DTZ001 - that is the point
