"""The keys that seal tenants' monitoring logs at rest, one a tenant, as files of the home that only its owner reads."""

import secrets
from contextlib import suppress
from pathlib import Path

from model.fault import Fault, Refused
from pipeline.whole_files import written
from store.database import StoreFault

# Where a home has what is sealed by tenant and cannot be had again: events that are kept, pieces that were pushed.
KEPT, WAITING = "logs", "spool/pushed"
FOLDER = Path("keys") / "logs"
_BYTES = 32


def log_key(home: Path, tenant: str) -> bytes:
    """Return the key of a tenant's logs in a home's folder; it is made where nothing was sealed yet.

    Raises `Refused` for a file that is no key, and `StoreFault` where there is none and something was sealed: with a
    new one it would be damaged for good.
    """
    file = home / FOLDER / f"{tenant}.key"
    if not file.exists():
        sealed = (one for folder in (KEPT, WAITING) for one in (home / folder / tenant).rglob("*") if one.is_file())
        if any(sealed) and not file.exists():  # somebody else may make the first one now
            raise StoreFault([Fault(str(file), 0, 0, "is gone, and has sealed logs; restore it from a backup")])
        _make(file)
    content = file.read_bytes()
    if len(content) != _BYTES:
        raise Refused([Fault(str(file), 0, 0, f"is no key of {_BYTES} bytes; restore it from a backup")])
    return content


def _make(file: Path) -> None:
    """Make a key; of several processes that do, the first one's is everybody's."""
    with suppress(FileExistsError), written(file, over=False) as out:
        out.write(secrets.token_bytes(_BYTES))
