"""A child process that answers one line with one line, under limits that the kernel enforces.

A question has so many seconds of the child's CPU, whatever else the machine does meanwhile; who gives no answer for
long by the clock is killed too. Memory and CPU are limits of the process besides (setrlimit(2)), which hold where
nobody is left to look. The next question starts another child. It gets no environment, so no secrets, and no open
files.
"""

import contextlib
import math
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from msgspec import Struct

from model.worker import NoAnswer

READY = b"ready"  # the line that a child says by itself when it can be asked
_NOT_STARTED = "the process for it could not be started"
_START_SECONDS = 20.0
_LAST_SECONDS = 0.2
_SHORTEST_STEP = 0.01  # the kernel counts CPU in hundredths of a second
_READ_BYTES = 65_536
_TICKS = os.sysconf("SC_CLK_TCK")
_OPEN_FILES = 32


class Limits(Struct, frozen=True):
    """What one child may use: memory of addresses, the kernel's bound of CPU for one question, the length of an answer.

    `wall_seconds` is how long an answer is waited for: far more than its CPU takes on a busy machine.
    """

    memory_bytes: int = 384 * 2**20
    cpu_seconds: int = 2
    answer_bytes: int = 2**20
    wall_seconds: float = 30.0


class _Budget:
    """What is left of a child's time for one question."""

    def __init__(self, pid: int, cpu_seconds: float, wall_seconds: float) -> None:
        self._pid = pid
        self._cpu_seconds = cpu_seconds
        self._wall_seconds = wall_seconds
        self._began = _cpu_seconds(pid)
        self._until = time.monotonic() + wall_seconds

    def used(self) -> float:
        """Return the seconds of CPU that the question has taken until now.

        Who gave no answer in time has taken all: else a child that only waits would hold every question as long.
        """
        if time.monotonic() >= self._until:
            return self._cpu_seconds
        return max(0.0, _cpu_seconds(self._pid) - self._began)

    def step(self) -> float:
        """Return for how many seconds to wait before looking again; raises `NoAnswer` where nothing is left."""
        wall_left = self._until - time.monotonic()
        if wall_left <= 0:
            raise NoAnswer(f"gave no answer for {self._wall_seconds:g} seconds")
        cpu_left = self._cpu_seconds - self.used()
        if cpu_left <= 0:
            raise NoAnswer(f"used more than {self._cpu_seconds:.1f} seconds of CPU")
        return min(max(cpu_left, _SHORTEST_STEP), wall_left)


class Child:
    """A child process, started when it is first asked, and again after it has ended. For one thread."""

    def __init__(self, command: Sequence[str], limits: Limits = Limits()) -> None:
        self._command = list(command)
        self._limits = limits
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None
        self.spent = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """Return the process that would be asked now, 0 where none runs."""
        return self._process.pid if self._process else 0

    def ready(self) -> None:
        """Start the child unless it runs; raises `NoAnswer` where it cannot be started."""
        if self._process is not None and self._process.poll() is not None:
            self.close()  # it ended while nobody asked: that is nobody's fault
        if self._process is None:
            try:
                self._start()
            except OSError:
                self.close()
                raise NoAnswer(_NOT_STARTED) from None

    def ask(self, question: bytes, seconds: float) -> bytes:
        """Return the answer to a question, both one line without its end.

        Raises `NoAnswer`, so where it takes more than so many seconds of the child's CPU.
        """
        self.spent = 0.0
        self.ready()
        assert self._process is not None
        self._allow_cpu(self._process.pid)
        budget = _Budget(self._process.pid, seconds, self._limits.wall_seconds)
        try:
            try:
                self._send(question, budget)
                return self._receive(budget)
            finally:
                self.spent = budget.used()
        except NoAnswer:
            self.close()
            raise
        except (OSError, EOFError):
            raise NoAnswer(self._ended()) from None

    def close(self) -> None:
        """End the child, if there is one."""
        if self._line is not None:
            self._line.close()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        self._process = self._line = None

    def _start(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - the command is the program's own
                self._command,
                stdin=theirs.fileno(),
                stdout=theirs.fileno(),
                stderr=subprocess.DEVNULL,
                env={},
                cwd="/",
                start_new_session=True,
            )
        for what, most in (
            (resource.RLIMIT_AS, self._limits.memory_bytes),
            (resource.RLIMIT_NOFILE, _OPEN_FILES),
            (resource.RLIMIT_FSIZE, 0),
            (resource.RLIMIT_CORE, 0),
        ):
            _limit(self._process.pid, what, most)
        try:
            said = self._receive(_Budget(self._process.pid, _START_SECONDS, _START_SECONDS))
        except (OSError, EOFError, NoAnswer):
            said = b""
        if said != READY:
            self.close()
            raise NoAnswer(_NOT_STARTED)

    def _allow_cpu(self, pid: int) -> None:
        """Let the child use so much more than it has used: the kernel ends it even when nobody is left to."""
        with contextlib.suppress(OSError):  # it has ended by itself, which the answer will show
            _, hard = resource.prlimit(pid, resource.RLIMIT_CPU)
            most = math.ceil(_cpu_seconds(pid)) + self._limits.cpu_seconds
            resource.prlimit(pid, resource.RLIMIT_CPU, (most if hard < 0 else min(most, hard), hard))

    def _send(self, question: bytes, budget: _Budget) -> None:
        assert self._line is not None
        left = memoryview(question + b"\n")
        while left:
            self._line.settimeout(budget.step())
            with contextlib.suppress(TimeoutError):
                left = left[self._line.send(left) :]

    def _receive(self, budget: _Budget) -> bytes:
        assert self._line is not None
        said = bytearray()
        while not said.endswith(b"\n"):
            self._line.settimeout(budget.step())
            try:
                more = self._line.recv(_READ_BYTES)
            except TimeoutError:
                continue
            if not more:
                raise EOFError
            said += more
            if len(said) > self._limits.answer_bytes:
                raise NoAnswer(f"its value is larger than {self._limits.answer_bytes // 2**20} MB")
        return bytes(said[:-1])

    def _ended(self) -> str:
        """Return how the child has ended, as its question's author should know it."""
        assert self._process is not None
        try:
            status = self._process.wait(_LAST_SECONDS)
        except subprocess.TimeoutExpired:  # its line broke, it did not
            status = 0
        self.close()
        if status == -signal.SIGXCPU:
            return f"used more than {self._limits.cpu_seconds} seconds of CPU"
        return f"needed more than {self._limits.memory_bytes // 2**20} MB of memory, or broke its process"


def _limit(pid: int, what: int, most: int) -> None:
    """Set a limit that is never higher than the one inherited."""
    _, hard = resource.prlimit(pid, what)
    most = most if hard < 0 else min(most, hard)
    resource.prlimit(pid, what, (most, most))


def _cpu_seconds(pid: int) -> float:
    """Return the CPU time that a process has used (proc(5): utime and stime, after the name in parentheses).

    Where that cannot be read it is none: the clock holds the process all the same.
    """
    try:
        after = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    except OSError:
        return 0.0
    return (int(after[11]) + int(after[12])) / _TICKS
