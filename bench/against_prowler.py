"""Hinomi and Prowler on the same account, with the same replies, in one run.

`make bench-peers` puts Prowler into `.bench-venv/`. Both ask a server that plays back what an emulator answered,
50 ms late; Prowler runs only the checks that our policies name under `same_as`. Ratios count only where both say the
same of at least 95 % of what either judges.
"""

import json
import statistics
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from bench.account import REGION
from bench.measured import Measure, Pace
from bench.stage import Stage, staged
from catalog.folder import config_folder
from catalog.policies import load
from pipeline.assembly import assemble, offered

ROOT = Path(__file__).parent.parent
PROWLER = ROOT / ".bench-venv" / "bin" / "prowler"
LEAST_AGREEMENT = 0.95
_PEER = "prowler:"

Verdicts = dict[tuple[str, str], str]


class Side(Struct, frozen=True):
    """One contestant's runs at one delay."""

    name: str
    runs: list[Measure]
    findings: int
    result_bytes: int

    def middle(self, name: str) -> float:
        """Return the median of a measure over the runs."""
        return float(statistics.median(getattr(run, name) for run in self.runs))


def checks() -> dict[str, list[str]]:
    """Return Prowler's checks of AWS that our policies name, each with our policies; an option's are not compared."""
    found: dict[str, list[str]] = {}
    for policy in offered(assemble(config_folder(), load(config_folder() / "policies", "aws")), ()).policies:
        for name in policy.form.same_as:
            if name.startswith(_PEER):
                found.setdefault(name.removeprefix(_PEER), []).append(policy.id)
    return found


def ours(said: bytes) -> Verdicts:
    """Return our verdicts by the peer's check and resource; a check that is several policies fails with one of them."""
    by_policy: dict[str, list[str]] = {}
    for check, policies in checks().items():
        for policy in policies:
            by_policy.setdefault(policy, []).append(check)
    reported: list[tuple[str, str, str]] = []
    for line in map(json.loads, said.splitlines()):
        for check in by_policy.get(line["policy"], []):
            reported.append((check, line["resource"], line["status"].upper()))
    return _worst(reported)


def theirs(file: Path) -> Verdicts:
    """Return Prowler's verdicts by check and resource (OCSF)."""
    return _worst(
        (one["metadata"]["event_code"], one["resources"][0]["uid"], one["status_code"])
        for one in json.loads(file.read_bytes())
    )


def _worst(reported: Iterable[tuple[str, str, str]]) -> Verdicts:
    order = ("NOT_APPLICABLE", "PASS", "MANUAL", "UNKNOWN", "FAIL")
    found: Verdicts = {}
    for check, resource, status in reported:
        before = found.get((check, resource), "NOT_APPLICABLE")
        found[check, resource] = max(before, status, key=order.index)
    return found


def compare(one: Verdicts, other: Verdicts) -> tuple[float, Counter[tuple[str, str, str]]]:
    """Return the part of all pairs of check and resource on which both say the same, and how the others differ.

    What one of them calls not applicable the other may leave out.
    """
    differences: Counter[tuple[str, str, str]] = Counter()
    judged = 0
    for pair in one.keys() | other.keys():
        mine, his = one.get(pair, "NOT_APPLICABLE"), other.get(pair, "NOT_APPLICABLE")
        if mine == his == "NOT_APPLICABLE":
            continue
        judged += 1
        if mine != his:
            differences[pair[0], mine, his] += 1
    return 1 - differences.total() / max(1, judged), differences


def run_ours(stage: Stage, pace: Pace, times: int) -> Side:
    """Run all our policies; those that the peer has no check for are extra."""
    runs = [stage.check(pace) for _ in range(times)]
    return Side("hinomi", runs, len(runs[-1].said.splitlines()), len(runs[-1].said))


def run_theirs(stage: Stage, pace: Pace) -> Side:
    """Run the peer's checks that we name."""
    file, out = written(stage.folder), stage.folder / "out"
    command = [str(PROWLER), "aws", "-f", REGION, "-M", "json-ocsf", "-F", "run", "-o", str(out)]
    command += ["--no-banner", "--no-color", "--ignore-exit-code-3", "-c", *sorted(checks())]
    extra = {"AWS_DISABLE_HOST_PREFIX_INJECTION": "true", "HOME": str(stage.folder)}
    file.unlink(missing_ok=True)
    run = stage.server.measured(command, {**stage.environment, **extra}, stage.folder / "theirs.log", pace)
    return Side("prowler", [run], len(json.loads(file.read_bytes())), file.stat().st_size)


def written(folder: Path) -> Path:
    """Return the peer's file of findings."""
    return folder / "out" / "run.ocsf.json"


def show(side: Side, delay: float) -> None:
    """Print one contestant's numbers."""
    print(
        f"{side.name:8} {delay * 1000:3.0f} ms  wall {side.middle('wall'):7.2f} s  cpu {side.middle('cpu'):6.2f} s  "
        f"rss {side.middle('rss_mb'):4.0f} MB  calls {side.middle('calls'):5.0f} "
        f"(recorded {side.middle('recorded'):.0f})  first call {side.middle('first_call'):5.2f} s  "
        f"findings {side.findings}  bytes/finding {side.result_bytes / max(1, side.findings):.0f}  "
        f"exits {[run.exit_code for run in side.runs]}"
    )


def main() -> None:
    """Compare, and print every number with the agreement beside it."""
    if not PROWLER.exists():
        sys.exit("Prowler is not there; `make bench-peers` installs it")
    with staged() as stage:
        print(f"{stage.resources} resources; {len(checks())} checks of Prowler's", flush=True)
        for delay, times in ((0.0, 1), (0.0, 3), (0.05, 3)):  # the first run records
            _race(stage, Pace(delay), times)


def _race(stage: Stage, pace: Pace, times: int) -> None:
    mine, his = run_ours(stage, pace, times), run_theirs(stage, pace)
    share, differences = compare(ours(mine.runs[-1].said), theirs(written(stage.folder)))
    for side in (mine, his):
        show(side, pace.delay)
    print(f"agreement {share:.1%}", *(f"\n  {n:4} {d}" for d, n in differences.most_common()), flush=True)
    if share >= LEAST_AGREEMENT:
        ratios = {n: his.middle(n) / mine.middle(n) for n in ("wall", "cpu", "rss_mb", "calls")}
        print("prowler : hinomi ", "  ".join(f"{n} {ratio:.1f}" for n, ratio in ratios.items()), flush=True)


if __name__ == "__main__":
    main()
