"""What grows with an account, and what does not: memory at one and ten times the resources, one policy alone, a limit.

`python -m bench.growth 10` builds the account ten times as large, which takes the emulator some minutes.
"""

import sys

from bench.measured import Measure, Pace
from bench.stage import staged

_LATE, _AT_200 = Pace(0.05), Pace(0.0, limit=200.0)
_ONE_POLICY = "aws.kms.key-rotation-off"


def show(name: str, run: Measure) -> None:
    """Print one run."""
    unknown = sum(b'"status":"unknown"' in line for line in run.said.splitlines())
    print(
        f"{name:24} wall {run.wall:7.2f} s  cpu {run.cpu:6.2f} s  rss {run.rss_mb:4.0f} MB  calls {run.calls:6}  "
        f"throttled {run.throttled:5}  recorded {run.recorded:5}  unknown {unknown}  exit {run.exit_code}",
        flush=True,
    )


def main(times: int) -> None:
    """Print all runs."""
    with staged(times) as stage:
        print(f"{stage.resources} resources")
        show("recording", stage.check(Pace(0.0)))
        for number in range(3):
            show(f"50 ms, run {number + 1}", stage.check(_LATE))
        for number in range(3):
            show(f"one policy, run {number + 1}", stage.check(_LATE, "--policy", _ONE_POLICY))
        limited = stage.check(_AT_200)
        show("at most 200 calls/s", limited)
        answered = limited.calls - limited.throttled
        print(f"{answered} answered: {limited.wall / (answered / 200):.2f} times the ideal of {answered / 200:.1f} s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
