"""Streams sealed in frames: each opens as it was, under its name and key; nothing of it can be changed or cut."""

import io
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.sealing import FRAME, Damaged, Opened, sealed
from pipeline.whole_files import written

KEY, NAME, SALT, TAG = bytes(range(32)), "aws.cloudtrail/x", 32, 16


def write(file: Path, content: bytes, chunk: int = 100_000) -> Path:
    chunks = (content[at : at + chunk] for at in range(0, len(content), chunk))
    with written(file) as out:
        out.writelines(sealed(chunks, KEY, NAME))
    return file


def read(file: Path, key: bytes = KEY, name: str = NAME) -> bytes:
    with io.BufferedReader(Opened(file, key, name)) as stream:
        return stream.read()


@pytest.mark.parametrize("length", [0, 1, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 3 * FRAME + 7])
@pytest.mark.parametrize("chunk", [FRAME // 3, FRAME, 2**20])
def test_it_opens_as_it_was(tmp_path: Path, length: int, chunk: int) -> None:
    content = os.urandom(length)
    file = write(tmp_path / "a", content, chunk)
    assert read(file) == content
    assert length < 100 or content[:100] not in file.read_bytes()
    assert [one.name for one in tmp_path.iterdir()] == ["a"]


def test_what_was_changed_cut_exchanged_or_is_anothers_does_not_open(tmp_path: Path) -> None:
    file = write(tmp_path / "a", os.urandom(2 * FRAME + 100))
    whole, frame = file.read_bytes(), FRAME + TAG
    salt, first, second = whole[:SALT], whole[SALT:][:frame], whole[SALT + frame :][:frame]
    last = whole[SALT + 2 * frame :]
    other = write(tmp_path / "b", os.urandom(2 * FRAME + 100)).read_bytes()
    for content in (
        salt + second + first + last,
        salt + first + last,
        salt + first + second,  # cut where a frame ends
        salt + first,
        salt + first + second + last[:-1],
        salt + first + other[SALT + frame :],
        other[:SALT] + whole[SALT:],
        salt,  # cut before the first frame: an empty stream has one, too
        salt[:7],
        b"",
        whole + b"\0",
        whole[: SALT + 5] + bytes([whole[SALT + 5] ^ 1]) + whole[SALT + 6 :],
    ):
        file.write_bytes(content)
        with pytest.raises(Damaged, match="was changed since it was sealed"):
            read(file)
    file.write_bytes(whole)
    for key, name in ((bytes(32), NAME), (KEY, "aws.cloudtrail/y")):
        with pytest.raises(Damaged):
            read(file, key, name)


def test_what_is_broken_off_leaves_nothing(tmp_path: Path) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 2 * FRAME
        raise OSError("the network is down")

    with pytest.raises(OSError, match="network"), written(tmp_path / "a") as out:
        out.writelines(sealed(chunks(), KEY, NAME))
    assert list(tmp_path.iterdir()) == []
