"""A function's package: a ZIP of which only the parts that are looked at are fetched, and only signs are kept."""

import io
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from typing import Any

from clouds.call_failed import CallFailed
from collectors.program_signs import file_signs, is_looked_at
from collectors.secret_signs import first_signs, kept_path

Piece = Callable[[int, int], tuple[bytes, int]]

_BLOCK = 256 << 10
_MOST_OF_DIRECTORY = 4 << 20  # fetched before anything is read: some 50,000 files
_MOST_FETCHED = 16 << 20
_MOST_TEXT = 4 << 20  # of all files together: about two seconds of looking
_TOO_MUCH = "more code than is looked at"
# What package managers install; Composer's folder has this file.
_INSTALLED = ("node_modules/", "vendor/bundle/", "__pycache__/", "site-packages/")
_COMPOSER = "vendor/composer/installed.json"


def package_signs(piece: Piece) -> dict[str, Any]:
    """Return the number of the program's own `files` that were looked at, and the `signs` of secrets in them.

    Raises `CallFailed` for what is no ZIP, and where no secret was seen but not all could be looked at.
    """
    stream = _Ranges(piece)
    try:
        with zipfile.ZipFile(io.BufferedReader(stream, _BLOCK)) as package:
            stream.left = _MOST_FETCHED
            return _looked(package)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError, OSError):
        raise CallFailed("package that cannot be read") from None


def _looked(package: zipfile.ZipFile) -> dict[str, Any]:
    files = sorted(_own_files(package), key=lambda info: (info.filename.count("/"), info.file_size))
    signs: list[dict[str, Any]] = []
    left, whole = _MOST_TEXT, True
    for position, info in enumerate(files, 1):
        if info.file_size > left:
            whole = False
            continue
        text = _text(package, info)
        left -= info.file_size
        where = kept_path(info.filename, position)
        signs += [{"file": where, **sign} for sign in file_signs(info.filename, text)]
    if not (whole or signs):
        raise CallFailed(_TOO_MUCH)
    return {"files": len(files), "signs": first_signs(signs)}


def _text(package: zipfile.ZipFile, info: zipfile.ZipInfo) -> str:
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
    installed = _recorded(package, entries)
    for info in entries:
        path = f"/{info.filename}"
        if info.filename in installed or any(f"/{folder}" in path for folder in folders) or info.is_dir():
            continue
        if is_looked_at(info.filename):
            yield info


def _recorded(package: zipfile.ZipFile, entries: Collection[zipfile.ZipInfo]) -> set[str]:
    """Return the files that Python's installed packages tell of (PEP 627: `RECORD`, a CSV of path, hash and size)."""
    found: set[str] = set()
    for info in entries:
        if info.filename.endswith(".dist-info/RECORD") and info.file_size <= _BLOCK:
            base = info.filename.rsplit("/", 2)[0] + "/" if info.filename.count("/") > 1 else ""
            found |= {base + line.split(",")[0].strip('"') for line in _text(package, info).splitlines()}
    return found


class _Ranges(io.RawIOBase):
    """A file that is fetched piece by piece, a small one at once; `left` is how many bytes may still be."""

    def __init__(self, piece: Piece) -> None:
        self._piece = piece
        self._at = 0
        self._head, self._size = piece(0, _BLOCK)
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
        return self._piece(self._at, length)[0]
