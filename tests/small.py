"""A checkout with a small catalog: processes that only have to run start and scan in a fraction of the time."""

import shutil
from pathlib import Path

ROOT = Path(__file__).parent.parent
SERVICES = ("s3", "kms", "sns")
_ROOMS = ("config", "collectors")


def checkout(folder: Path) -> Path:
    """Return a folder with the same code, and of policies and types those of a few services of AWS."""
    for path in ROOT.iterdir():
        if path.name not in _ROOMS and not path.name.startswith("."):
            (folder / path.name).symlink_to(path)
    for room, catalogs in (("config", ("policies", "checkov")), ("collectors", ("aws",))):
        _linked(ROOT / room, folder / room, without=catalogs)
    _linked(ROOT / "collectors" / "aws", folder / "collectors" / "aws", without=("types",))
    (folder / "config" / "checkov").mkdir()
    for service in SERVICES:
        for catalog in ("config/policies/aws", "collectors/aws/types"):
            shutil.copytree(ROOT / catalog / service, folder / catalog / service)
    return folder


def _linked(room: Path, copy: Path, without: tuple[str, ...]) -> None:
    copy.mkdir()
    for path in room.iterdir():
        if path.name not in without:
            (copy / path.name).symlink_to(path)
