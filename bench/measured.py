"""Runs a command and measures it from outside: time, processor time, memory at its height, calls."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from bench.replay import CONTROL
from demo.stand_ins.aws_emulator import Emulator


class Measure(Struct, frozen=True):
    """What one run took; `first_call` is the time until the cloud heard of it, `said` what it printed."""

    exit_code: int
    wall: float
    cpu: float
    rss_mb: float
    said: bytes
    calls: int = 0
    recorded: int = 0
    throttled: int = 0
    first_call: float = 0.0


def run(command: Sequence[str], environment: Mapping[str, str], log: Path) -> Measure:
    """Run to the end.

    The peak of memory is the process's own, by the kernel's high-water mark: what `wait4` reports begins with the
    memory of whoever started it.
    """
    with log.open("wb") as out, log.with_suffix(".err").open("wb") as errors:
        began = time.monotonic()
        process = subprocess.Popen(command, env=dict(environment), stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        peak = 0.0
        while not (ended := os.wait4(process.pid, os.WNOHANG))[0]:
            peak = max(peak, high_water_mb(process.pid))
            time.sleep(0.01)
        wall = time.monotonic() - began
    _, status, usage = ended
    process.returncode = os.waitstatus_to_exitcode(status)
    return Measure(process.returncode, wall, usage.ru_utime + usage.ru_stime, peak, log.read_bytes())


def high_water_mb(pid: int) -> float:
    """Return the memory of a process at its height, in megabytes; 0 once it has ended."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


class Pace(Struct, frozen=True):
    """How the server answers: seconds later than it could, calls per second at most (0: no limit)."""

    delay: float
    limit: float = 0.0


class Replayer:
    """The recording and replaying server, in a process of its own."""

    def __init__(self, url: str) -> None:
        self.url = url

    def measured(self, command: Sequence[str], environment: Mapping[str, str], log: Path, pace: Pace) -> Measure:
        """Run a command against the server at a pace."""
        self._control(f"?delay={pace.delay}&limit={pace.limit}")
        began = time.time()
        measure = run(command, {**environment, "AWS_ENDPOINT_URL": self.url}, log)
        reported = self._control("")
        return replace(
            measure,
            calls=int(reported["calls"]),
            recorded=int(reported["recorded"]),
            throttled=int(reported["throttled"]),
            first_call=max(0.0, reported["first_at"] - began),
        )

    def _control(self, query: str) -> dict[str, float]:
        with urllib.request.urlopen(f"{self.url}{CONTROL}{query}", timeout=30) as reply:  # noqa: S310 - loopback
            reported: dict[str, float] = json.load(reply)
        return reported


@contextmanager
def replayer(emulator: Emulator) -> Iterator[Replayer]:
    """Run the replaying server before an emulator."""
    process = subprocess.Popen([sys.executable, "-m", "bench.replay", emulator.url], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None, "it is a pipe"
        yield Replayer(process.stdout.readline().strip())
    finally:
        process.terminate()
        process.wait()
