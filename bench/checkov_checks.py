"""What adopted checks take: 900 resources of AWS, 900 of Azure; 1,000 workloads, beside checkov's own runner.

Both see the same 1,000 Deployments: ours as assets, checkov's as manifests in a folder. Its runner is measured within
its process, from the first file to the report, without its imports.
"""

import json
import os
import subprocess
import tempfile
import time
from collections import Counter
from pathlib import Path

import msgspec

from catalog import checkov as adopted_files
from catalog.checkov import Adopted
from catalog.folder import config_folder
from detectors.checkov.checkov import Checkov
from model.asset import Asset
from pipeline.checkov_process import checkov_worker, venv

WORKLOADS = 1_000
RESOURCES = 900  # as many as a middling account has
_ROUNDS, _THEIR_ROUNDS = 5, 2
_KIND, _FAMILY = "kubernetes.apps.deployment", "kubernetes.core.workload"
_THEIRS = """
import json, os, sys, time
from checkov.kubernetes.runner import Runner
from checkov.runner_filter import RunnerFilter
began = time.process_time()
checks = json.loads(sys.argv[2])
report = Runner().run(root_folder=sys.argv[1], runner_filter=RunnerFilter(framework=["kubernetes"], checks=checks))
print(json.dumps([time.process_time() - began, len(report.passed_checks), len(report.failed_checks)]))
"""


def _workloads() -> list[Asset]:
    cases = [
        body
        for adopted in adopted_files.load(config_folder() / "checkov")
        for body in (*adopted.form.cases.pass_, *adopted.form.cases.fail)
        if body.get("kind") == "Deployment"
    ]
    made = []
    for number in range(WORKLOADS):
        name = f"orders-{number}"
        case = cases[number % len(cases)]
        body = {**case, "metadata": {**case["metadata"], "name": name}}
        made.append(Asset(_KIND, f"kubernetes://bench/{name}", name, "bench", "global", body, "", family=_FAMILY))
    return made


def _cpu_seconds(pid: int) -> float:
    after = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return (int(after[11]) + int(after[12])) / os.sysconf("SC_CLK_TCK")


def _resources(checks: list[Adopted]) -> list[Asset]:
    """Return resources of the kinds that checks are for, as their cases have them."""
    cases = [(one.form.kinds[0], body) for one in checks for body in (*one.form.cases.pass_, *one.form.cases.fail)]
    made = []
    for number in range(RESOURCES):
        kind, body = cases[number % len(cases)]
        made.append(Asset(kind, f"bench/{number}", str(number), "bench", "global", body, ""))
    return made


def _ours(name: str, checks: list[Adopted], assets: list[Asset]) -> None:
    for number in range(_ROUNDS):
        with checkov_worker() as child:
            child.ready()
            started, began, wall = _cpu_seconds(child.pid), time.process_time(), time.monotonic()
            checkov = Checkov(checks, child)
            count: Counter[str] = Counter(v.status for one in assets for v in checkov.see(one))
            count.update(verdict.status for verdict in checkov.end())
            took = _cpu_seconds(child.pid) - started
            print(
                f"{name}, round {number + 1}: {count.total()} verdicts by {len(checks)} checks {dict(count)}: child "
                f"{took:.2f} s CPU with imports and {started:.2f} s to start, this process "
                f"{time.process_time() - began:.2f} s CPU, {time.monotonic() - wall:.2f} s"
            )


def _is_for_workloads(kinds: frozenset[str]) -> bool:
    return _FAMILY in kinds


def _theirs(workloads: list[Asset]) -> None:
    checks = [one.form.check for one in adopted_files.load(config_folder() / "checkov") if _is_for_workloads(one.kinds)]
    with tempfile.TemporaryDirectory() as folder:
        for one in workloads:
            (Path(folder) / f"{one.name}.json").write_bytes(msgspec.json.encode(one.body))
        environment = {"LOG_LEVEL": "CRITICAL", "CHECKOV_PARALLELIZATION_TYPE": "none", "GIT_PYTHON_REFRESH": "quiet"}
        command = [str(venv() / "bin" / "python"), "-I", "-B", "-c", _THEIRS, folder, json.dumps(checks)]
        for number in range(_THEIR_ROUNDS):
            done = subprocess.run(command, env=environment, capture_output=True, check=True)
            took, passed, failed = json.loads(done.stdout.splitlines()[-1])
            print(
                f"checkov's runner, round {number + 1}: {passed} passed, {failed} failed: {took:.2f} s CPU", flush=True
            )


def main() -> None:
    """Judge by both, and print."""
    adopted, workloads = adopted_files.load(config_folder() / "checkov"), _workloads()
    for provider in ("aws", "azure"):
        checks = [one for one in adopted if one.provider == provider]
        _ours(provider, checks, _resources(checks))
    _ours("workloads", [one for one in adopted if _is_for_workloads(one.kinds)], workloads)
    _theirs(workloads)


if __name__ == "__main__":
    main()
