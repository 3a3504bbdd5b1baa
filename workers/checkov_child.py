"""Judges resources by checkov's own checks: a program by itself, run by the Python of checkov's venv.

Nothing of Hinomi is imported here, and nothing of it is known: one line of JSON is asked, one is answered.

    {"judge": [{"runner": "kubernetes", "checks": ["CKV_K8S_8"], "resource": {"kind": "Pod", …}}]}
    {"statuses": [["PASSED"]]}

    {"templates": {"folder": "/repository", "runner": "terraform", "withheld": ["/repository/pipe.tf"]}}
    {"found": [{"check": "CKV_AWS_24", "name": "…", "resource": "…", "file": "main.tf", "line": 8, "end_line": 15}],
     "passed": 9, "skipped": 0, "unparsed": ["broken.tf"]}

    {"unparsed": "/repository/main.tf"}
    {"problem": "is nested deeper than 100 levels"}

Of a folder of templates only files are opened that are regular, not too large, and have no such problem: a parser of
checkov's may wait for ever at a FIFO, and take minutes over brackets.

An answer about resources holds words only. checkov's command line is not used, nor its maker's service.
"""

import errno
import importlib
import json
import os
import re
import stat
import sys
import tempfile
import types
from collections.abc import Sequence
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
_MOST_BYTES = 5_000_000
_DEEPEST = 100
_MOST_BY_ALIASES = 100_000
_MOST_DIRECTIVES = 10
_YAML = (".yaml", ".yml", ".json", ".template")  # JSON is YAML too
_HCL = (".tf", ".tfvars", ".hcl")
# How much deeper what follows a character lies: a bracket within quotes counts too, which harms nobody at this depth.
_DEEPER = {**dict.fromkeys(b"[{(", 1), **dict.fromkeys(b"]})", -1)}
_OTHERS = bytes(set(range(256)) - set(_DEEPER))
# checkov and its Python, which have such files too.
_PROGRAMS = tuple(f"{folder}/" for one in (sys.prefix, sys.base_prefix) for folder in (one, os.path.realpath(one)))


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


class _Templates:
    """The folder whose templates are being read, and what of it is not opened."""

    def __init__(self) -> None:
        self.folder = ""
        self.withheld: frozenset[str] = frozenset()

    def refuse(self, path: object) -> None:
        """Raise `PermissionError` for a file of the folder that is not opened."""
        if not self.folder or not isinstance(path, str | bytes | os.PathLike):
            return
        name = os.path.abspath(os.fsdecode(path))
        if name.startswith(f"{self.folder}/"):
            withheld = name in self.withheld or bool(_unfit(name))
        else:  # a template may name others anywhere: `source = "../../elsewhere"`
            withheld = name.endswith((*_YAML, *_HCL)) and not name.startswith(_PROGRAMS)
        if withheld:
            raise PermissionError(errno.EACCES, "is withheld", name)


_READING = _Templates()  # an audit hook is the process's, and gets nothing but the event


def _unfit(file: str) -> str:
    """Return why a file is not opened, the empty text where it is."""
    try:
        found = os.stat(file)
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"
    if not stat.S_ISREG(found.st_mode):
        return "is no regular file"
    return f"is larger than {_MOST_BYTES:,} bytes" if found.st_size > _MOST_BYTES else ""


def _unparsed(file: str) -> str:
    """Return what is wrong with a file by itself, the empty text where nothing is: checkov would not say so."""
    if problem := _unfit(file):
        return problem
    try:
        with open(file, "rb") as stream:
            raw = stream.read(_MOST_BYTES)
    except OSError as problem_of_system:
        return f"cannot be read: {problem_of_system.strerror}"
    if file.endswith(_YAML):
        problem = _yaml_problem(raw)
        return "" if file.endswith(".template") and problem.startswith("could not") else problem
    return _TOO_DEEP if file.endswith(_HCL) and _depth(raw) > _DEEPEST else ""


_TOO_DEEP = f"is nested deeper than {_DEEPEST} levels"


def _yaml_problem(raw: bytes) -> str:
    """Return what is wrong with YAML, by its events: neither aliases nor nesting cost anything here."""
    if raw.count(b"\n%") > _MOST_DIRECTIVES:  # libyaml looks through all of them for each
        return "has more than a few directives (%)"
    yaml = importlib.import_module("yaml")
    size = _Size()
    try:
        for event in yaml.parse(raw, Loader=yaml.CBaseLoader):
            if isinstance(event, yaml.CollectionEndEvent):
                size.end()
            elif isinstance(event, yaml.CollectionStartEvent):
                size.begin(event.anchor)
            elif isinstance(event, yaml.ScalarEvent):
                size.add(event.anchor)
            elif isinstance(event, yaml.AliasEvent):
                size.add_again(event.anchor)
            if size.problem:
                return size.problem
    except yaml.MarkedYAMLError as problem:
        return "could not be parsed" + (f" (line {problem.problem_mark.line + 1})" if problem.problem_mark else "")
    except (yaml.YAMLError, UnicodeDecodeError):
        return "could not be parsed"
    return ""


class _Size:
    """How many values a document comes to when its aliases are followed, and how deep they lie."""

    def __init__(self) -> None:
        self.problem = ""
        self._open: list[tuple[str, int, int]] = []  # anchor, values and depth within
        self._anchored: dict[str, tuple[int, int]] = {}
        self._by_aliases = 0

    def begin(self, anchor: str | None) -> None:
        self._open.append((anchor or "", 1, 1))
        if len(self._open) > _DEEPEST:
            self.problem = _TOO_DEEP

    def end(self) -> None:
        anchor, values, depth = self._open.pop()
        self._anchored[anchor] = (values, depth)
        self._grow(values, depth)

    def add(self, anchor: str | None) -> None:
        if anchor:
            self._anchored[anchor] = (1, 0)
        self._grow(1, 0)

    def add_again(self, anchor: str) -> None:
        if anchor not in self._anchored:  # it is still open
            self.problem = f"has an alias within what it stands for (*{anchor[:100]})"
            return
        values, depth = self._anchored[anchor]
        self._by_aliases += values
        if self._by_aliases > _MOST_BY_ALIASES:
            self.problem = f"comes to more than {_MOST_BY_ALIASES:,} values by its aliases; write them out"
        self._grow(values, depth)
        if len(self._open) + depth > _DEEPEST:
            self.problem = _TOO_DEEP

    def _grow(self, values: int, depth: int) -> None:
        if self._open:
            anchor, before, deepest = self._open[-1]
            self._open[-1] = (anchor, before + values, max(deepest, depth + 1))


def _depth(raw: bytes) -> int:
    """Return how deep brackets are nested, at the deepest."""
    depth = deepest = 0
    for bracket in raw.translate(None, _OTHERS):
        depth = max(0, depth + _DEEPER[bracket])
        deepest = max(deepest, depth)
    return deepest


def _read_templates(folder: str, runner: str, withheld: Sequence[str] = ()) -> dict[str, Any]:
    _READING.folder, _READING.withheld = folder, frozenset(withheld)
    return _templates(folder, runner, withheld)


def _templates(folder: str, runner: str, withheld: Sequence[str]) -> dict[str, Any]:
    """Return what a runner of checkov's finds in a folder's files; paths are relative to the folder.

    Files that are withheld it does not even ask for: some runners end when they may not open one.
    """
    filtering = importlib.import_module("checkov.runner_filter").RunnerFilter
    excluded = [f"^{re.escape(file)}$" for file in withheld]
    runner_filter = filtering(
        framework=[runner], download_external_modules=False, run_image_referencer=False, excluded_paths=excluded
    )
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
    if "judge" in asked:
        return {"statuses": _judge(checks, asked["judge"])}
    if "unparsed" in asked:
        return {"problem": _unparsed(asked["unparsed"])}
    return _read_templates(**asked["templates"])


def _hold_back(event: str, given: tuple[Any, ...]) -> None:
    if event in _REFUSED:
        raise PermissionError(event)
    if event == "open":
        _READING.refuse(given[0])


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
