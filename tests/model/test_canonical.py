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
def test_plain_leaves_no_null_inside(value: object) -> None:
    def nulls(inner: object) -> bool:
        children = inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else []
        return any(child is None or nulls(child) for child in children)

    assert not nulls(plain(value))
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
