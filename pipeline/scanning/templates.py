"""Templates of infrastructure in a folder, judged by checkov's runners: nothing of them is executed."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
import yaml
from msgspec import Struct

from catalog.checkov import Adopted
from model.fault import Fault, Refused
from model.template import TemplateFinding, TemplateLook
from model.text import Text, printable
from model.worker import NoAnswer, Worker
from workers.child import Limits

RUNNERS = ("terraform", "cloudformation", "arm", "kubernetes", "dockerfile")
# Measured: importing the Terraform runner takes 4 seconds of CPU and 870 MB of addresses.
LIMITS = Limits(memory_bytes=3 * 2**30, cpu_seconds=240, answer_bytes=64 * 2**20, wall_seconds=600)
_SECONDS = 300.0
_MOST_BYTES = 5_000_000
_ENDINGS = (".yaml", ".yml", ".json")


class _Found(Struct, frozen=True):
    check: str
    name: str
    resource: str
    file: str
    line: int
    end_line: int


class _Answer(Struct, frozen=True):
    found: list[_Found]
    passed: int
    skipped: int
    unparsed: list[str]


def look(folder: Path, worker: Worker, adopted: Iterable[Adopted]) -> TemplateLook:
    """Return what checkov's worker finds in a folder; raises `Refused` where it is none.

    Checks that are `adopted` have our texts. Raises `NoAnswer` where checkov is not there. A runner that breaks off is
    named, and the others go on.
    """
    if not folder.is_dir():
        raise Refused([Fault(str(folder), 0, 0, "is no folder")])
    worker.ready()
    ours = {one.form.check: one for one in adopted}
    found: list[TemplateFinding] = []
    unread = dict(_not_parsed(folder))
    passed = skipped = 0
    for runner in RUNNERS:
        try:
            said = _asked(worker, folder, runner)
        except NoAnswer as problem:
            unread[runner] = f"checkov's runner broke off: {problem}"
            continue
        found += [_finding(one, ours) for one in said.found]
        passed, skipped = passed + said.passed, skipped + said.skipped
        unread |= {printable(file): f"could not be parsed as {runner}" for file in said.unparsed if file not in unread}
    order = sorted(found, key=lambda one: (one.file, one.line, one.check, one.resource))
    return TemplateLook(tuple(order), passed, skipped, dict(sorted(unread.items())))


def _asked(worker: Worker, folder: Path, runner: str) -> _Answer:
    question = msgspec.json.encode({"templates": {"folder": str(folder.resolve()), "runner": runner}})
    try:
        return msgspec.json.decode(worker.ask(question, _SECONDS), type=_Answer)
    except (msgspec.DecodeError, RecursionError):
        raise NoAnswer("it gave an answer that is none") from None


def _finding(found: _Found, ours: Mapping[str, Adopted]) -> TemplateFinding:
    adopted = ours.get(found.check)
    name = printable(found.name)
    return TemplateFinding(
        policy=adopted.id if adopted else f"checkov:{found.check}",
        check=found.check,
        title=adopted.form.title if adopted else Text(en=name, ja=name),
        resource=printable(found.resource),
        file=printable(found.file),
        line=found.line,
        end_line=found.end_line,
        severity=adopted.form.severity if adopted else None,
    )


def _not_parsed(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the files that checkov would leave out without a word: broken YAML and JSON, and what is too large."""
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if file.suffix not in _ENDINGS or _is_passed_over(inside) or not file.is_file():
            continue
        name = printable(str(inside))
        if file.stat().st_size > _MOST_BYTES:
            yield name, f"is larger than {_MOST_BYTES:,} bytes"
        elif problem := _problem(file):
            yield name, problem


def _is_passed_over(file: Path) -> bool:
    """Return whether checkov leaves a file out on purpose."""
    return any(part.startswith(".") or part == "node_modules" for part in file.parts[:-1])


def _problem(file: Path) -> str:
    try:
        for _ in yaml.parse(file.read_bytes(), Loader=yaml.CBaseLoader):  # JSON is YAML too
            pass
    except yaml.MarkedYAMLError as problem:
        place = f" (line {problem.problem_mark.line + 1})" if problem.problem_mark else ""
        return f"could not be parsed{place}"
    except (yaml.YAMLError, UnicodeDecodeError):
        return "could not be parsed"
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"
    return ""
