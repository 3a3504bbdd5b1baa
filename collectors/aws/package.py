"""A function's package: a ZIP of which only the parts that are looked at are fetched, and only signs are kept."""

import csv
import io
import zipfile
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Any

from clouds.call_failed import CallFailed
from collectors.program_signs import file_signs, is_looked_at
from collectors.secret_signs import first_signs, kept_path

Piece = Callable[[int, int], tuple[bytes, int]]

_BLOCK = 64 << 10
_FETCHED_WHOLE = 4 << 20  # what is not larger
_MOST_OF_DIRECTORY = 4 << 20  # fetched before anything is read: some 50,000 files
_MOST_FETCHED = 16 << 20
_MOST_TEXT = 4 << 20  # of all files together: one and a half seconds of looking
_MOST_OF_RECORDS = 4 << 20
_LONGEST_NAME = 1024
_TOO_MUCH = "more code than is looked at"
# What package managers install; Composer's folder has this file.
_INSTALLED = ("node_modules/", "vendor/bundle/", "__pycache__/", "site-packages/")
_COMPOSER = "vendor/composer/installed.json"
_COLUMNS = 3  # of RECORD: path, hash, size
# Python unpacks other methods without a bound.
_UNPACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})


def package_signs(piece: Piece) -> dict[str, Any]:
    """Return the number of the program's own `files` that were looked at, and the `signs` of secrets in them.

    Raises `CallFailed` for what is no ZIP, and where no secret was seen but not all could be looked at.
    """
    stream = _Ranges(piece)
    try:
        with zipfile.ZipFile(io.BufferedReader(stream, _BLOCK)) as package:
            _check(package.infolist())
            stream.left = _MOST_FETCHED
            return _looked(package)
    except CallFailed:
        raise
    except Exception:  # noqa: BLE001 - a customer's file breaks whatever it can; the function itself stays seen
        raise CallFailed("package that cannot be read") from None


def _check(entries: Iterable[zipfile.ZipInfo]) -> None:
    """Raise BadZipFile for entries that lie in each other, have endless names, or are not as empty as they say."""
    end = 0
    for info in sorted(entries, key=lambda info: info.header_offset):
        empty = info.file_size == 0 < info.compress_size - 2
        if info.header_offset < end or empty or len(info.filename) > _LONGEST_NAME:
            raise zipfile.BadZipFile
        end = info.header_offset + info.compress_size


def _looked(package: zipfile.ZipFile) -> dict[str, Any]:
    files = list(_own_files(package))
    chosen = _within(files)
    signs: list[dict[str, Any]] = []
    read = 0
    # In the order in which they lie there: each jump would fetch anew.
    for position, info in enumerate(sorted(chosen, key=lambda info: info.header_offset), 1):
        try:
            found = list(file_signs(info.filename, _text(package, info)))
        except CallFailed:
            if not signs:
                raise
            break
        read += 1
        signs += [{"file": kept_path(info.filename, position), **sign} for sign in found]
    if read < len(files) and not signs:
        raise CallFailed(_TOO_MUCH)
    return {"files": read, "signs": first_signs(signs)}


def _within(files: Iterable[zipfile.ZipInfo]) -> list[zipfile.ZipInfo]:
    """Return the files that together are within the bound: those nearest to the root first, small ones first."""
    chosen, left = [], _MOST_TEXT
    for info in sorted(files, key=lambda info: (info.filename.count("/"), info.file_size)):
        if info.file_size <= left:
            chosen.append(info)
            left -= info.file_size
    return chosen


def _text(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
    if info.compress_type not in _UNPACKED:
        raise zipfile.BadZipFile
    with package.open(info) as file:
        data = file.read(info.file_size + 1)  # what unpacks to more than it says is broken
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    return data.decode("utf-8", errors="replace")


def _own_files(package: zipfile.ZipFile) -> Iterator[zipfile.ZipInfo]:
    """Yield the files that are read, but for those of installed packages."""
    entries = package.infolist()
    names = {info.filename for info in entries}
    folders = (*_INSTALLED, "vendor/") if _COMPOSER in names else _INSTALLED
    installed = _recorded(package, entries, names)
    for info in entries:
        path = f"/{info.filename}"
        if info.is_dir() or any(f"/{folder}" in path for folder in folders):
            continue
        if is_looked_at(info.filename) and (info.filename, info.file_size) not in installed:
            yield info


def _recorded(
    package: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo], names: Collection[str]
) -> set[tuple[str, int]]:
    """Return the files, with their sizes, that Python's installed packages list (`RECORD`: path, hash, size).

    Not of those that were installed from the customer's own folder or repository (PEP 610: `direct_url.json`).
    """
    found: set[tuple[str, int]] = set()
    left = _MOST_OF_RECORDS
    for info in entries:
        folder, _, name = info.filename.rpartition("/")
        own = f"{folder}/direct_url.json" in names
        if name != "RECORD" or not folder.endswith(".dist-info") or own or info.file_size > left:
            continue
        left -= info.file_size
        base = folder.rpartition("/")[0]
        for row in csv.reader(_text(package, info).splitlines()):
            if len(row) == _COLUMNS and row[2].isdecimal() and len(row[0]) <= _LONGEST_NAME:
                found.add((f"{base}/{row[0]}" if base else row[0], int(row[2])))
    return found


class _Ranges(io.RawIOBase):
    """A file that is fetched piece by piece, a small one at once; `left` is how many bytes may still be."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._at = 0
        self._head, self._size = piece(0, _BLOCK)
        if len(self._head) < self._size <= _FETCHED_WHOLE:
            self._head += piece(len(self._head), self._size - len(self._head))[0]
        self.left = _MOST_OF_DIRECTORY

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence] + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Any) -> int:
        length = max(min(len(buffer), self._size - self._at), 0)
        data = self._head[self._at : self._at + length] or (self._fetch(length) if length else b"")
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def _fetch(self, length: int) -> bytes:
        if length > self.left:
            raise CallFailed(_TOO_MUCH)
        self.left -= length
        return self._piece(self._at, length)[0][:length]
