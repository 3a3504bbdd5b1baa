"""How long `hinomi --help` takes, and that it imports no SDK."""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measured import run
from bench.stage import HINOMI

_RUNS = 15
_HEAVY = {"boto3", "botocore", "sqlalchemy", "cel_expr_python", "httpx", "jinja2"}


def main() -> None:
    """Print the median."""
    with tempfile.TemporaryDirectory() as folder:
        runs = [run([str(HINOMI), "--help"], os.environ, Path(folder) / "help") for _ in range(_RUNS)]
    imported = subprocess.run(
        [sys.executable, "-X", "importtime", str(HINOMI), "--help"], capture_output=True, text=True, check=True
    ).stderr
    names = {line.rpartition("|")[2].strip() for line in imported.splitlines()}
    middle = statistics.median(one.wall for one in runs)
    print(f"hinomi --help: median {middle * 1000:.0f} ms, most {max(one.wall for one in runs) * 1000:.0f} ms", end="")
    print(f", {runs[0].rss_mb:.0f} MB; heavy imports: {sorted(names & _HEAVY) or 'none'}")


if __name__ == "__main__":
    main()
