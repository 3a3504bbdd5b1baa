import pytest

from model.asset import Kind, Place

KIND = Kind("aws.s3.bucket", "aws", frozenset({"Name", "LastUsed"}), frozenset(), frozenset({"LastUsed"}))


def test_the_hash_of_a_body_leaves_out_what_is_volatile_and_nothing_below() -> None:
    # printf '%s' '[{"Name":"a","Tags":{"LastUsed":1}}]' | sha256sum
    body = {"Tags": {"LastUsed": 1}, "Name": "a"}
    assert KIND.hash_of(body) == KIND.hash_of(body | {"LastUsed": 2}) == "bb69e5d4c09df97593d06e6d472f3af1"
    assert KIND.hash_of(body | {"Name": "b"}) != KIND.hash_of(body)


@pytest.mark.parametrize(
    ("region", "looked_at"),
    [("global", True), ("asia-northeast1", True), ("asia-northeast1-a", True), ("asia-northeast2", False), ("", False)],
)
def test_a_place_covers_its_regions_and_their_zones(region: str, looked_at: bool) -> None:
    place = Place("p", "p", "//p", "", ("asia-northeast1",))
    assert place.covers(region) is looked_at
    assert Place("p", "p", "//p", "", ()).covers(region)
