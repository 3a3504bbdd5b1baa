"""What the tests of the project's shape look at: its settings, its rooms, its files."""

import subprocess
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
ROOMS: list[str] = SETTINGS["tool"]["importlinter"]["root_packages"]
SHIPPED: list[str] = SETTINGS["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
SOURCES = sorted(file for room in ROOMS for file in (ROOT / room).rglob("*.py"))


def tracked() -> list[Path]:
    """Return the project's files, those that are not yet committed too."""
    names = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in names.stdout.splitlines() if (ROOT / name).is_file()]
