from model.asset import Kind

KIND = Kind("aws.s3.bucket", "aws", frozenset({"Name", "LastUsed"}), frozenset(), frozenset({"LastUsed"}))


def test_the_hash_of_a_body_leaves_out_what_is_volatile_and_nothing_below() -> None:
    # printf '%s' '[{"Name":"a","Tags":{"LastUsed":1}}]' | sha256sum
    body = {"Tags": {"LastUsed": 1}, "Name": "a"}
    assert KIND.hash_of(body) == KIND.hash_of(body | {"LastUsed": 2}) == "bb69e5d4c09df97593d06e6d472f3af1"
    assert KIND.hash_of(body | {"Name": "b"}) != KIND.hash_of(body)
