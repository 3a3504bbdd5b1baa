"""The account behind the replaying server, and the command that is measured on it."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from bench.account import REGION, build
from bench.measured import Measure, Pace, Replayer, replayer
from demo.stand_ins.aws_emulator import Emulator

HINOMI = Path(sys.executable).parent / "hinomi"
_KEPT = ("HOME", "LANG", "TMPDIR")


class Stage(Struct, frozen=True):
    """An account that answers, an environment that leads to it alone, a folder for results."""

    resources: int
    server: Replayer
    environment: dict[str, str]
    folder: Path

    def check(self, pace: Pace, *options: str) -> Measure:
        """Run `hinomi check aws` once at a pace."""
        command = [str(HINOMI), "check", "aws", "--region", REGION, "--format", "jsonl", *options]
        return self.server.measured(command, self.environment, self.folder / "ours.jsonl", pace)


@contextmanager
def staged(times: int = 1) -> Iterator[Stage]:
    """Build the account, `times` as large, and yield it; everything ends and vanishes afterwards."""
    with tempfile.TemporaryDirectory() as name:
        emulator = Emulator()
        try:
            resources = build(emulator, times)
            emulator.client("iam", "us-east-1").generate_credential_report()  # the first reply says only «started»
            reported = emulator.environment()
            environment = {k: v for k, v in reported.items() if k.startswith("AWS_") or k in _KEPT} | {
                "PATH": os.defpath
            }
            with replayer(emulator) as server:
                yield Stage(resources, server, environment, Path(name))
        finally:
            emulator.stop()
