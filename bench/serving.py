"""How long `hinomi serve` takes until it answers, and the memory of all its processes while nothing is to be done."""

import os
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from bench.stage import HINOMI

_RUNS = 5
_IDLE_SECONDS = 5.0


def started(home: str) -> tuple[float, float]:
    """Return the seconds until the first answer, and the megabytes that the processes have to themselves in all."""
    began = time.monotonic()
    with serving(home, os.environ) as (served, _):
        took = time.monotonic() - began
        time.sleep(_IDLE_SECONDS)
        return took, sum(resident_mb(pid) for pid in processes(served))


@contextmanager
def serving(home: str, environment: Mapping[str, str]) -> Iterator[tuple[int, str]]:
    """Run `hinomi serve`; yield its process id and address once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [str(HINOMI), "serve", "--home", home, "--listen", f"127.0.0.1:{port}"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, env=dict(environment)) as served:
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.01)
        try:
            yield served.pid, f"http://127.0.0.1:{port}"
        finally:
            served.terminate()
            served.wait(60)


def processes(parent: int) -> list[int]:
    """Return the process ids of a service: its own and its children's."""
    text = Path(f"/proc/{parent}/task/{parent}/children").read_text(encoding="ascii")
    return [parent, *(int(pid) for pid in text.split())]


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has taken so far, with that of its children that have ended."""
    fields = _read(pid, "stat").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def resident_mb(pid: int) -> float:
    """Return a process's resident memory, in megabytes; what processes share is counted for each."""
    lines = _read(pid, "status").splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


def _read(pid: int, file: str) -> str:
    """Return what the kernel reports of a process, nothing of one that has ended meanwhile."""
    try:
        return Path(f"/proc/{pid}/{file}").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return ""


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
