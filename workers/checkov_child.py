"""Judges resources by checkov's own checks: a program by itself, run by the Python of checkov's venv.

Nothing of Hinomi is imported here, and nothing of it is known: one line of JSON is asked, one is answered.

    {"judge": [{"runner": "kubernetes", "checks": ["CKV_K8S_8"], "resource": {"kind": "Pod", …}}]}
    {"statuses": [["PASSED"]]}

    {"templates": {"folder": "/repository", "runner": "terraform"}}
    {"found": [{"check": "CKV_AWS_24", "name": "…", "resource": "…", "file": "main.tf", "line": 8, "end_line": 15}],
     "passed": 9, "skipped": 0, "unparsed": ["broken.tf"]}

An answer about resources holds words only. checkov's command line is not used, nor its maker's service.
"""

import importlib
import json
import os
import sys
import tempfile
import types
from typing import Any, NamedTuple


class _Runner(NamedTuple):
    """Where a runner keeps its checks, and which key of a resource says what it is."""

    checks: str  # what has to be imported so that they register
    module: str
    registry: str
    kind: str


_RUNNERS = {
    "kubernetes": _Runner(
        "checkov.kubernetes.checks.resource.k8s", "checkov.kubernetes.checks.resource.registry", "registry", "kind"
    ),
    "cloudformation": _Runner(
        "checkov.cloudformation.checks.resource.aws",
        "checkov.cloudformation.checks.resource.registry",
        "cfn_registry",
        "Type",
    ),
    "arm": _Runner("checkov.arm.checks.resource", "checkov.arm.registry", "arm_resource_registry", "type"),
}
# What judging a resource needs nothing of, and is three quarters of the time that imports take: what checkov's maker
# names checks, and the registry of Bicep's, where ARM's checks register too.
_LEFT_OUT = {
    "checkov.common.bridgecrew.integration_features.features.policy_metadata_integration": "integration",
    "checkov.bicep.checks.resource.registry": "registry",
}
# What checkov's code could do by itself, seen by Python's own audit events: it only ever gets to compute.
_REFUSED = (
    "socket.connect",
    "socket.getaddrinfo",
    "subprocess.Popen",
    "os.exec",
    "os.fork",
    "os.posix_spawn",
    "os.system",
)
_ENVIRONMENT = {
    "LOG_LEVEL": "CRITICAL",
    "BC_SKIP_MAPPING": "TRUE",
    "CHECKOV_PARALLELIZATION_TYPE": "none",
    "GIT_PYTHON_REFRESH": "quiet",  # it would start git when it is imported
}


class _Nothing:
    """Stands in the place of what is left out."""

    def register(self, _check: object) -> None: ...


class _Checks:
    """checkov's checks by runner and id; a runner is imported when it is first asked for.

    A process that judges resources is not asked of templates, whose runners need all of checkov.
    """

    def __init__(self) -> None:
        self._known: dict[str, dict[str, Any]] = {}

    def of(self, runner: str) -> dict[str, Any]:
        """Return a runner's checks by id."""
        if runner not in self._known:
            known = _RUNNERS[runner]
            _leave_out()
            importlib.import_module(known.checks)
            registry = getattr(importlib.import_module(known.module), known.registry)
            listed = [*registry.checks.values(), *registry.wildcard_checks.values()]
            self._known[runner] = {check.id: check for checks_of_kind in listed for check in checks_of_kind}
        return self._known[runner]


def _leave_out() -> None:
    for module, name in _LEFT_OUT.items():
        stand_in = types.ModuleType(module)
        setattr(stand_in, name, _Nothing())
        sys.modules.setdefault(module, stand_in)


def _judge(checks: _Checks, asked: list[dict[str, Any]]) -> list[list[str]]:
    return [_words(checks.of(one["runner"]), _RUNNERS[one["runner"]].kind, one) for one in asked]


def _words(checks: dict[str, Any], kind: str, one: dict[str, Any]) -> list[str]:
    resource = one["resource"]
    return [_word(checks.get(id_), resource, str(resource.get(kind, ""))) for id_ in one["checks"]]


def _word(check: Any, resource: dict[str, Any], kind: str) -> str:
    """Return what a check says, NONE where it is not for such a resource, or RAISED with what it has raised."""
    if check is None:
        return "RAISED NoSuchCheck"
    if kind not in check.supported_entities and "*" not in check.supported_entities:
        return "NONE"
    try:
        said = check.scan_entity_conf(resource, kind)  # `run` does no more, but formats the resource into a log line
    except Exception as problem:  # noqa: BLE001 - whatever a check does to itself is its answer
        return f"RAISED {type(problem).__name__}"
    return str((said[0] if isinstance(said, tuple) else said).name)


def _templates(folder: str, runner: str) -> dict[str, Any]:
    """Return what a runner of checkov's finds in a folder's files; paths are relative to the folder."""
    filtering = importlib.import_module("checkov.runner_filter").RunnerFilter
    runner_filter = filtering(framework=[runner], download_external_modules=False, run_image_referencer=False)
    made = importlib.import_module(f"checkov.{runner}.runner").Runner()
    reports = made.run(root_folder=folder, runner_filter=runner_filter)
    reports = reports if isinstance(reports, list) else [reports]
    return {
        "found": [_found(record) for report in reports for record in report.failed_checks],
        "passed": sum(len(report.passed_checks) for report in reports),
        "skipped": sum(len(report.skipped_checks) for report in reports),
        "unparsed": sorted({os.path.relpath(file, folder) for report in reports for file in report.parsing_errors}),
    }


def _found(record: Any) -> dict[str, Any]:
    first, last = record.file_line_range
    return {
        "check": record.check_id,
        "name": record.check_name,
        "resource": record.resource,
        "file": record.file_path.lstrip("/"),
        "line": max(1, first),
        "end_line": max(1, last),
    }


def _answer(checks: _Checks, asked: dict[str, Any]) -> dict[str, Any]:
    return {"statuses": _judge(checks, asked["judge"])} if "judge" in asked else _templates(**asked["templates"])


def _hold_back(event: str, _: object) -> None:
    if event in _REFUSED:
        raise PermissionError(event)


def _serve() -> None:
    line = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever checkov prints is no answer
    os.environ.update(_ENVIRONMENT)
    tempfile.tempdir = "/proc/none"  # a parser would keep itself there, and load what somebody else has put there
    checks = _Checks()
    sys.addaudithook(_hold_back)
    line.write(b"ready\n")
    line.flush()
    for question in sys.stdin.buffer:
        line.write(json.dumps(_answer(checks, json.loads(question))).encode() + b"\n")
        line.flush()


if __name__ == "__main__":
    _serve()
