"""Processes for tests that die or are many: each is forked from one that has imported everything, in milliseconds.

The process they come from reads a JSON object a line and answers with a line: {"call": "module:function", "args": [],
"environment": {}} is answered with the process id of the fork, {"wait": PID} with its exit status, negative where a
signal ended it. Arguments are texts.
"""

import importlib
import json
import os
import subprocess
import sys
import traceback
from collections.abc import Mapping
from typing import Any


class Forks:
    """Starts processes; `close` ends the one they come from."""

    def __init__(self) -> None:
        self._from = subprocess.Popen(
            [sys.executable, "-m", "tests.servers.forks"], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def start(self, call: str, *args: str, environment: Mapping[str, str] | None = None) -> int:
        """Return the id of a process that calls `module:function` with texts, in an environment of its own."""
        return self._ask({"call": call, "args": args, "environment": dict(environment or os.environ)})

    def wait(self, process: int) -> int:
        """Return the exit status of a process once it has ended, negative where a signal ended it."""
        return self._ask({"wait": process})

    def run(self, call: str, *args: str, environment: Mapping[str, str] | None = None) -> int:
        """Return the exit status of a process that calls a function."""
        return self.wait(self.start(call, *args, environment=environment))

    def close(self) -> None:
        self._from.communicate()

    def _ask(self, question: dict[str, Any]) -> int:
        assert self._from.stdin
        assert self._from.stdout
        self._from.stdin.write(json.dumps(question) + "\n")
        self._from.stdin.flush()
        return int(self._from.stdout.readline())


def _start(call: str, args: list[str], environment: dict[str, str]) -> int:
    module, _, function = call.partition(":")
    called = getattr(importlib.import_module(module), function)  # once for all forks
    if (process := os.fork()) != 0:
        return process
    os.environ.clear()
    os.environ.update(environment)
    try:
        called(*args)
    except BaseException:  # noqa: BLE001 - a fork never goes on with what the process it comes from does
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def _wait(process: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


def main() -> None:
    for line in sys.stdin:
        question = json.loads(line)
        print(_wait(question["wait"]) if "wait" in question else _start(**question), flush=True)


if __name__ == "__main__":
    main()
