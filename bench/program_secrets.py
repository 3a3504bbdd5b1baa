"""What looking for secrets in programs costs and how much of it is noise: beside detect-secrets' own scan of files.

The programs are Python's standard library and what is installed beside us: nobody has left a secret there, so whatever
is found are examples of documentation, and noise. What has to be found stands in tests/written_secrets.py.
"""

import re
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from detect_secrets.core.scan import scan_file
from detect_secrets.settings import default_settings

from collectors.program_signs import file_signs
from tests.written_secrets import SECRETS

_INSTALLED = ("requests", "urllib3", "boto3", "fastapi", "starlette", "httpx", "authlib", "jinja2", "sqlalchemy")
_TESTS = re.compile(r"/tests?/")


def files() -> Iterator[Path]:
    """Yield the Python files, but for those of tests."""
    installed = Path(sysconfig.get_path("purelib"))
    for folder in (Path(sysconfig.get_path("stdlib")), *(installed / name for name in _INSTALLED)):
        for file in sorted(folder.rglob("*.py")):
            inner = file.relative_to(folder).as_posix()
            if not _TESTS.search(f"/{inner}") and "site-packages" not in inner:
                yield file


def ours(file: Path) -> set[int]:
    """Return the lines that we report."""
    return {sign["line"] for sign in file_signs(file.name, file.read_text(encoding="utf-8", errors="replace"))}


def theirs(file: Path) -> set[int]:
    """Return the lines that detect-secrets reports by its default settings."""
    return {secret.line_number for secret in scan_file(str(file))}


def found(look: Callable[[Path], set[int]]) -> int:
    """Return how many of the tests' secrets are reported, each in a file of its own."""
    number = 0
    with tempfile.TemporaryDirectory() as folder:
        for position, (name, text, _) in enumerate(SECRETS):
            file = Path(folder) / str(position) / name
            file.parent.mkdir()
            file.write_text(f"\n{text}\n", encoding="utf-8")
            number += bool(look(file))
    return number


def show(who: str, look: Callable[[Path], set[int]], programs: list[Path], megabytes: float) -> float:
    """Print one contestant's numbers; return its processor seconds."""
    began = time.process_time()
    lines = [(file, line) for file in programs for line in look(file)]
    took = time.process_time() - began
    print(
        f"{who}: {len(lines)} lines reported in {megabytes:.1f} MB ({len(lines) / megabytes:.1f} a MB, "
        f"{len({file for file, _ in lines})} of {len(programs)} files), {megabytes / took:.2f} MB/s; "
        f"{found(look)} of {len(SECRETS)} secrets of the tests"
    )
    return took


def main() -> None:
    """Print both and the ratio."""
    programs = [file for file in files() if file.stat().st_size <= 1 << 20]
    megabytes = sum(file.stat().st_size for file in programs) / 1e6
    mine = show("hinomi", ours, programs, megabytes)
    with default_settings():
        his = show("detect-secrets", theirs, programs, megabytes)
    print(f"{his / mine:.1f} times the time")


if __name__ == "__main__":
    main()
