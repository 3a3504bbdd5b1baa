"""How long `hinomi --help` takes, and that it imports no SDK; what a worker and the API take before they are ready."""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.measured import Measure, run
from bench.stage import HINOMI

_RUNS = 15
_HEAVY = {"boto3", "botocore", "sqlalchemy", "cel_expr_python", "httpx", "jinja2"}
# What the processes do before they are ready, on a home that `hinomi init` has made. They are not torn down: that is
# no part of a start.
_WORKER = """
import os
import sys
from pathlib import Path
import pipeline.serving.worker
from catalog.folder import config_folder
from pipeline.assembly import as_shipped, offered
from pipeline.log_segments import segments_in
from pipeline.installation import open_home
from pipeline.process import begin
begin()
open_home(Path(sys.argv[1])).check()
offered(as_shipped(config_folder()), ())
os._exit(0)
"""
_API = """
import os
import sys
from pathlib import Path
import httpx
import api.__main__ as process
from api.app import make_app
from api.dependencies import Service
from catalog import access
from catalog.folder import config_folder
from pipeline.access.sign_in import Gate
from pipeline.clock import SystemClock
from pipeline.installation import open_home, service_key, settings
folder, clock = Path(sys.argv[1]), SystemClock()
home = open_home(folder)
gate = Gate(home.service, lambda: service_key(folder), clock)
table, http = access.load(config_folder()), httpx.Client()
make_app(Service(home, gate, table, clock, settings(folder), http, segments_in(folder)))
os._exit(0)
"""


def main() -> None:
    """Print medians."""
    with tempfile.TemporaryDirectory() as folder:
        runs = _runs(folder, str(HINOMI), "--help")
        imported = subprocess.run(
            [sys.executable, "-X", "importtime", str(HINOMI), "--help"], capture_output=True, text=True, check=True
        ).stderr
        names = {line.rpartition("|")[2].strip() for line in imported.splitlines()}
        middle = statistics.median(one.wall for one in runs)
        most = max(one.wall for one in runs)
        print(f"hinomi --help: median {middle * 1000:.0f} ms, most {most * 1000:.0f} ms", end="")
        print(f", {runs[0].rss_mb:.0f} MB; heavy imports: {sorted(names & _HEAVY) or 'none'}")
        home = str(Path(folder) / "home")
        subprocess.run([str(HINOMI), "init", "--home", home], check=True, stdout=subprocess.DEVNULL)
        for name, code in (("a worker", _WORKER), ("the API", _API)):
            cpu = [one.cpu for one in _runs(folder, sys.executable, "-c", code, home)]
            print(f"{name}, until it is ready: median {statistics.median(cpu):.2f} s of CPU", end="")
            print(f", {min(cpu):.2f} to {max(cpu):.2f}")


def _runs(folder: str, *command: str) -> list[Measure]:
    done = [run(command, os.environ, Path(folder) / "log") for _ in range(_RUNS)]
    assert all(one.exit_code == 0 for one in done), (Path(folder) / "log.err").read_text(encoding="utf-8")
    return done


if __name__ == "__main__":
    main()
