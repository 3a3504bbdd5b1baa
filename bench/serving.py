"""How long `hinomi serve` takes until it answers, and the memory of all its processes while nothing is to be done."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from bench.stage import HINOMI

_RUNS = 5
_IDLE_SECONDS = 5.0


def started(home: str) -> tuple[float, float]:
    """Return the seconds until the first answer, and the megabytes that the processes have to themselves in all."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    began = time.monotonic()
    command = [str(HINOMI), "serve", "--home", home, "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as served:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
        took = time.monotonic() - began
        time.sleep(_IDLE_SECONDS)
        memory = sum(resident_mb(pid) for pid in [served.pid, *children(served.pid)])
        served.terminate()
        served.wait(60)
    return took, memory


def children(parent: int) -> list[int]:
    """Return the process ids of a process's children."""
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [int(pid) for pid in text.split()]


def resident_mb(pid: int) -> float:
    """Return a process's resident memory, in megabytes; what processes share is counted for each."""
    line = next(x for x in Path(f"/proc/{pid}/status").read_text("ascii").splitlines() if x.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024


def main() -> None:
    """Print every run."""
    with tempfile.TemporaryDirectory() as folder:
        home = str(Path(folder) / "home")
        subprocess.run([str(HINOMI), "init", "--home", home], check=True, stdout=subprocess.DEVNULL, env=os.environ)
        for number in range(_RUNS):
            took, memory = started(home)
            print(f"run {number + 1}: answers after {took:.2f} s, {memory:.0f} MB idle", flush=True)


if __name__ == "__main__":
    main()
