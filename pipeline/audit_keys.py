"""The keys that authenticate audit records, as files of the home that only its owner reads."""

import hashlib
import hmac
import secrets
from pathlib import Path

from model.fault import Fault, Refused
from pipeline.whole_files import written

FOLDER = Path("keys") / "audit"
_BYTES = 32
# In the folder of the keys, where nobody comes who has the database alone.
_SEALED = "sealed"


class KeyFolder:
    """The keys in a home: numbered files, of which the highest seals; the others check what they sealed.

    They are looked for when they are needed: one that was added meanwhile is found.
    """

    def __init__(self, home: Path) -> None:
        self._folder = home / FOLDER
        self._known: dict[str, bytes] = {}

    def exists(self) -> bool:
        """Return whether there is any key."""
        return any(self._folder.glob("*.key"))

    @property
    def has_sealed(self) -> bool:
        """Return whether what was recorded before there were keys has been sealed: that is done once."""
        return (self._folder / _SEALED).exists()

    def mark_sealed(self) -> None:
        """Note that nothing without a key is to be sealed any more."""
        (self._folder / _SEALED).touch(mode=0o600)

    @property
    def current(self) -> str:
        """Return the number of the key that seals now; raises `Refused` where there is none."""
        if not (highest := _highest(self._folder)):
            raise Refused([Fault(str(self._folder), 0, 0, "has no key; run `hinomi upgrade`, or restore a backup")])
        return str(highest)

    def code(self, key: str, data: bytes) -> str:
        """Return the code (HMAC-SHA-256) of data under a key; the empty text for a key that is not here."""
        return _code(self._key(key), data)

    def _key(self, number: str) -> bytes:
        if number not in self._known and number.isascii() and number.isdigit():
            file = self._folder / f"{number}.key"
            if not file.is_file():
                return b""
            content = file.read_bytes()
            if len(content) != _BYTES:
                raise Refused([Fault(str(file), 0, 0, f"is no key of {_BYTES} bytes; restore it from a backup")])
            self._known[number] = content
        return self._known.get(number, b"")


class ArchivedKeys:
    """The keys in an archive, by their numbers: they check what is in it."""

    def __init__(self, keys: dict[str, bytes]) -> None:
        self._keys = keys

    @property
    def current(self) -> str:
        """Return the highest number, the empty text where there is none."""
        return max(self._keys, key=int, default="")

    def code(self, key: str, data: bytes) -> str:
        """Return the code (HMAC-SHA-256) of data under a key; the empty text for a key that is not here."""
        return _code(self._keys.get(key, b""), data)


def add_key(home: Path) -> str:
    """Make a new key, which seals from now on; return its number."""
    folder = home / FOLDER
    number = _highest(folder) + 1
    with written(folder / f"{number}.key", over=False) as out:
        out.write(secrets.token_bytes(_BYTES))
    return str(number)


def _highest(folder: Path) -> int:
    """Return the number of the newest key in a folder, 0 where there is none."""
    return max((int(file.stem) for file in folder.glob("*.key") if file.stem.isdigit()), default=0)


def _code(key: bytes, data: bytes) -> str:
    return hmac.new(key, data, hashlib.sha256).hexdigest() if key else ""
