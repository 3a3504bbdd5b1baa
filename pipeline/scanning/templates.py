"""Templates of infrastructure in a folder, judged by checkov's runners: nothing of them is executed."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import msgspec
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
_SECONDS_EACH = 20.0
_ENDINGS = (".yaml", ".yml", ".json", ".template", ".tf", ".tfvars", ".hcl")


class _Found(Struct, frozen=True):
    check: str
    name: str
    resource: str
    file: str
    line: int
    end_line: int


class _Unparsed(Struct, frozen=True):
    problem: str


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
    folder = folder.resolve()
    withheld = dict(_not_parsed(folder, worker))
    unread = {printable(file): problem for file, problem in withheld.items()}
    passed = skipped = 0
    for runner in RUNNERS:
        try:
            said = _asked(worker, folder, runner, withheld)
        except NoAnswer as problem:
            unread[runner] = f"checkov's runner broke off: {problem}"
            continue
        found += [_finding(one, ours) for one in said.found]
        passed, skipped = passed + said.passed, skipped + said.skipped
        unread |= {printable(file): _said_of(file, runner) for file in said.unparsed if file not in withheld}
    order = sorted(found, key=lambda one: (one.file, one.line, one.check, one.resource))
    return TemplateLook(tuple(order), passed, skipped, dict(sorted(unread.items())))


def _said_of(file: str, runner: str) -> str:
    outside = file.startswith("../")
    return "lies outside of the folder, and is not read" if outside else f"could not be parsed as {runner}"


def _asked(worker: Worker, folder: Path, runner: str, withheld: Iterable[str]) -> _Answer:
    asked = {"folder": str(folder), "runner": runner, "withheld": [str(folder / file) for file in withheld]}
    question = msgspec.json.encode({"templates": asked})
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


def _not_parsed(folder: Path, worker: Worker) -> Iterator[tuple[str, str]]:
    """Yield the files that are not read, with the reason: checkov would leave them out without a word, or never end."""
    for file in sorted(folder.rglob("*")):
        inside = file.relative_to(folder)
        if _is_passed_over(inside) or file.is_dir():
            continue
        if problem := _problem(file, worker):
            yield str(inside), problem


def _is_passed_over(file: Path) -> bool:
    """Return whether checkov leaves a file out on purpose."""
    return any(part.startswith(".") or part == "node_modules" for part in file.parts[:-1])


def _problem(file: Path, worker: Worker) -> str:
    if not file.is_file():  # nothing else is opened, whatever it is called
        return "is no regular file"
    if file.suffix not in _ENDINGS:
        return ""
    question = msgspec.json.encode({"unparsed": str(file.absolute())})
    try:
        return msgspec.json.decode(worker.ask(question, _SECONDS_EACH), type=_Unparsed).problem
    except NoAnswer as problem:
        return f"could not be parsed: {problem}"
    except msgspec.DecodeError:
        return "could not be parsed"
