"""What cannot be read is set aside with its place and reason, once, and the rest is read."""

import gzip
import io
import json
import tracemalloc
import zlib
from typing import BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from intake.events import Malformed, read
from intake.limits import LIMITS, LogLimits
from tests.intake.sources import brief, shipped, taken

GOOD = b'{"eventID":"good"}'
SMALL = LogLimits(event=200, document=2_000, elements=50, unpacked=100_000, ratio=20, leeway=20_000, chunk=64)
BAD: list[tuple[bytes, str]] = [
    (b"}", "not JSON"),
    (b'{"eventID":"a"', "not JSON"),
    (b'{"eventID":"a', "not JSON"),
    (b'{"eventID":5', "not JSON"),
    (b"plain text", "not JSON"),
    (b"5", "no object"),
    (b'"text"', "no object"),
    (b"null", "no object"),
    (b"\0\0\0", "a NUL"),
    (b'{"eventID":"a\0"}', "a NUL"),
    (b'{"eventID":"a\\u0000"}', "a NUL"),
    (b'{"eventID":"\xff"}', "not UTF-8"),
    (b'{"other":"\xff"}', "not UTF-8"),
    (b'{"other":"\xed\xa0\x80"}', "not UTF-8"),  # a surrogate in UTF-8 (RFC 3629, section 3)
    (b'{"other":"\\ud800"}', "a lone surrogate"),
    (b'{"other":"\\udc00"}', "a lone surrogate"),
    (b'{"eventID":"\\ud800\\u0041"}', "a lone surrogate"),
    (b'{"other":' + b"[" * 10_000 + b"]" * 10_000 + b"}", "nested too deep"),
    (b'{"other":' + b'{"a":' * 10_000 + b"1" + b"}" * 10_001, "nested too deep"),
    (b'{"Records":5}', "broken envelope"),
    (b'{"Records":{"eventID":"a"}}', "broken envelope"),
    (b'{"Records":null}', "broken envelope"),
    (b'{"Events":"x"}', "broken envelope"),
    (b'{"logEvents":7}', "broken envelope"),
    (b'{"CloudTrailEvent":7}', "broken envelope"),
    (b'{"CloudTrailEvent":"no JSON"}', "not JSON"),
    *(
        (b'{"%s":%s}' % (key, value), "a wrong type")
        for key in (b"eventID", b"eventTime", b"eventName", b"userIdentity")
        for value in (b"5", b"true", b"[]")
    ),
    (b'{"eventID":{}}', "a wrong type"),
    (b'{"userIdentity":"x"}', "a wrong type"),
    (b'{"userIdentity":{"arn":["x"]}}', "a wrong type"),
]


@pytest.mark.parametrize(("bad", "reason"), BAD, ids=lambda value: repr(value[:30]))
def test_each_is_set_aside_with_its_reason(bad: bytes, reason: str) -> None:
    assert brief("aws.cloudtrail", bad) == [("1", reason)]
    assert brief("aws.cloudtrail", GOOD + b"\n" + bad + b"\n" + GOOD) == [("1", "good"), ("2", reason), ("3", "good")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (
            b'{"Records":[' + GOOD + b',5,{"eventID":7},{"a":"\xff"},' + GOOD + b"]}",
            ["good", "no object", "a wrong type", "not UTF-8", "good"],
        ),
        (b'{"logEvents":[{"message":"{}x"},{"message":5},7,{"id":"a"}]}', ["not JSON"] + ["broken envelope"] * 3),
        (GOOD + b"}\n" + GOOD, ["good", "not JSON", "good"]),
        (GOOD + GOOD[:-1] + b"\n" + GOOD, ["good", "not JSON", "good"]),
        (b'{"a":[\n' + GOOD + b"\n" + GOOD, ["not JSON", "good", "good"]),
        (b'{\n  "eventID": "a",\n  "b": [\n' + GOOD + b"\n" + GOOD, ["not JSON", "good", "good"]),
        (b'{\n  "eventID": "a",\n', ["not JSON"]),
        (b'{\n"a":1\n' + GOOD + b"\n}\n" + GOOD, ["not JSON", "good", "not JSON", "good"]),
        (b'{"a":1,\n' + GOOD + b"\n}\n" + GOOD, ["not JSON", "good", "not JSON", "good"]),
        (b'{"other":"' + "é".encode() * 600_000 + b'"}', ["too large"]),
        (b'{"other":"' + b"x" + "é".encode() * 600_000 + b'\xff"', ["not UTF-8"]),
        (b'{"CloudTrailEvent":"[' + b"[" * 50 + b'"}', ["not JSON"]),
        (gzip.compress(GOOD + b"\n" + GOOD, mtime=0)[:-12], ["good", "cut off"]),
        (gzip.compress(b"[\n" + GOOD + b",\n" + GOOD, mtime=0)[:-4], ["not JSON", "cut off"]),
        (gzip.compress(b'{\n  "eventID": "a",\n  "b": 5', mtime=0)[:-4], ["cut off"]),
        (gzip.compress(GOOD + b"\n", mtime=0) + b"rubbish", ["good", "broken packing"]),
        (gzip.compress(GOOD + b"\n", mtime=0) + gzip.compress(GOOD, mtime=0)[:5], ["good", "cut off"]),
        (b"\x1f\x8b", ["cut off"]),
        (b"\x1f\x8b\x09" + b"\0" * 20, ["broken packing"]),
        (zlib.compress(b"x")[:3], ["cut off"]),
    ],
)
def test_the_rest_is_read(data: bytes, expected: list[str]) -> None:
    assert [what for _, what in brief("aws.cloudtrail", data)] == expected


def test_blank_lines_are_counted() -> None:
    data = b"[\n\n\n" + GOOD + b"\n" + GOOD
    assert brief("aws.cloudtrail", data) == [("1", "not JSON"), ("4", "good"), ("5", "good")]


def test_envelopes_within_envelopes_end() -> None:
    text = GOOD.decode()
    for _ in range(5):
        text = json.dumps({"CloudTrailEvent": text})
    assert brief("aws.cloudtrail", text.encode()) == [("1", "broken envelope")]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b'{"eventID":"%s"}' % (b"x" * 300), [("1", "too large")]),
        (b"x" * 3_000 + b"\n" + GOOD, [("1", "too large"), ("2", "good")]),
        (b"x" * 3_000, [("1", "too large")]),
        (b"[\n" + (GOOD + b",\n") * 200 + GOOD + b"\n]\n" + GOOD, [("1", "too large"), ("204", "good")]),
        (b"[" + b"0," * 60 + b"0]", [("1", "too large")]),
        (b'{"Records":[' + b"0," * 60 + b"0]}", [("1", "too large")]),
        (gzip.compress(b"\n" * 200_000, mtime=0), [("19969", "a bomb")]),
        (zlib.compress(b"\n" * 200_000), [("19969", "a bomb")]),
    ],
)
def test_limits_are_kept(data: bytes, expected: list[tuple[str, str]]) -> None:
    assert brief("aws.cloudtrail", data, SMALL) == expected


_RECORD = st.one_of(st.just((GOOD, "good")), st.sampled_from([bad for bad in BAD if len(bad[0]) < 1_000]))


@given(st.lists(_RECORD, max_size=12), st.sampled_from([b"\n", b"\r\n", b"\n\n"]), st.integers(1, 300), st.booleans())
def test_each_record_comes_out_once_and_in_order(
    records: list[tuple[bytes, str]], end: bytes, chunk: int, packed: bool
) -> None:
    data = b"".join(record + end for record, _ in records)
    found = brief("aws.cloudtrail", gzip.compress(data, mtime=0) if packed else data, LogLimits(chunk=chunk))
    step = end.count(b"\n")
    assert found == [(str(1 + number * step), what) for number, (_, what) in enumerate(records)]


@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"\x1f\x8b\x08\0", b"\x78\x9c", b'{"Records":[', b"[{"]),
    st.sampled_from(sorted(shipped())),
)
def test_nothing_crashes(data: bytes, before: bytes, source: str) -> None:
    taken(source, before + data)


class Repeated(io.RawIOBase):
    """A stream of many times the same bytes, of which no more is held."""

    def __init__(self, piece: bytes, times: int, before: bytes = b"") -> None:
        self._piece, self._left, self._before = piece, times, before

    def read(self, size: int = -1) -> bytes:
        if self._before:
            before, self._before = self._before, b""
            return before
        self._left -= 1
        return self._piece if self._left >= 0 else b""


def peak(stream: io.RawIOBase, limits: LogLimits) -> tuple[list[object], float]:
    """Return what is read, and how many MB were held at most."""
    tracemalloc.start()
    try:
        binary: BinaryIO = stream  # type: ignore[assignment]
        found: list[object] = list(read(shipped()["aws.cloudtrail"], binary, limits))
        return found, tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_a_bomb_is_left_early() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(60)) + packer.flush()
    found, most = peak(io.BytesIO(bomb), LIMITS)  # type: ignore[arg-type]
    assert [(one.reason, one.bytes < 20_000_000) for one in found if isinstance(one, Malformed)] == [("a bomb", True)]
    assert most < 60


def test_a_line_of_100_mb_is_not_held() -> None:
    found, most = peak(Repeated(b"x" * 1_000_000, 100, b'{"a":"'), LIMITS)
    assert found == [Malformed("1", "too large", 100_000_006)]
    assert most < 60


def test_many_lines_are_not_held() -> None:
    found, most = peak(Repeated(b"[1,\n" * 2_000, 5), LIMITS)
    assert len(found) == 10_000
    assert most < 20


@pytest.mark.soak
def test_a_gigabyte_of_zeros_is_left_early() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(10_000_000)) for _ in range(100)) + packer.flush()
    found, most = peak(io.BytesIO(bomb), LIMITS)  # type: ignore[arg-type]
    assert [one.reason for one in found if isinstance(one, Malformed)] == ["a bomb"]
    assert most < 60
