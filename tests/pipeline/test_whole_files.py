"""Files are there whole or not at all, for their owner alone; the first one's stays where that is wanted."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.whole_files import written


def put(file: Path, content: bytes, *, over: bool = True, mode: int = 0o600) -> None:
    with written(file, over=over, mode=mode) as out:
        out.write(content)


def test_a_file_is_there_whole_for_its_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a"
    put(file, b"1" * 100_000)
    put(file, b"2", mode=0o644)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (b"2", 0o644)
    put(file, b"3")
    assert file.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in file.parent.iterdir()] == ["a"]


def test_of_several_who_may_not_write_over_each_other_the_first_one_s_stays(tmp_path: Path) -> None:
    put(tmp_path / "a", b"first", over=False)
    with pytest.raises(FileExistsError):
        put(tmp_path / "a", b"second", over=False)
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"first")]


def test_what_is_broken_off_leaves_what_was_there(tmp_path: Path) -> None:
    def parts() -> Iterator[bytes]:
        yield b"after"
        raise ValueError("broken off")

    put(tmp_path / "a", b"before")
    with pytest.raises(ValueError, match="broken off"), written(tmp_path / "a") as out:
        out.writelines(parts())
    assert [(one.name, one.read_bytes()) for one in tmp_path.iterdir()] == [("a", b"before")]
