"""The pictures of `docs/design.md`, drawn from the code: `python -m tests.architecture.pictures` draws them anew.

They are Mermaid diagrams. The rooms and their imports are as import-linter and the syntax trees say. A way is a list of
calls; that each function is there and names the next one is looked up, and what it hands back is its annotation.
"""

import ast
import re
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from itertools import pairwise

from tests.architecture.project import ROOMS, ROOT, SETTINGS, SOURCES

DESIGN = ROOT / "docs" / "design.md"
_PLACE = re.compile(r"(<!-- picture: (\w+) -->\n)(.*?)(<!-- end of the picture -->\n)", re.DOTALL)
_PLAIN = frozenset({"None", "bool", "str", "int", ""})

Call = tuple[str, str]

# What is called from where: `file function`, methods by `Class.method`. A port is named by one of its implementations.
_JOB = "pipeline/serving/work.py _do"
_SCAN = "pipeline/scanning/scan.py scan"
_SURVEY = "pipeline/scanning/survey.py survey"
_PANEL = "detectors/panel.py Panel.see"
_RECORD = "pipeline/scanning/scan.py _Recorder.record"
_WRITE = "pipeline/scanning/scan.py _Recorder._write"
_NOTIFY = "pipeline/notifying/notify.py notify"
_QUEUE = "pipeline/notifying/notify.py _queue"
_ENTER = "pipeline/tenants/entrance.py Entrance.opening"
_SEND = "pipeline/notifying/notify.py _send_all"
_TRY = "pipeline/notifying/notify.py _outcome"
_ATTEMPT = "pipeline/notifying/attempts.py attempt"
_TELLING: tuple[Call, ...] = (
    (_NOTIFY, _QUEUE),
    (_QUEUE, "notifier/stages.py run"),
    (_NOTIFY, "pipeline/notifying/notify.py _deliver"),
    ("pipeline/notifying/notify.py _deliver", _SEND),
    (_SEND, _TRY),
    (_TRY, _ATTEMPT),
    (_ATTEMPT, "notifier/channels/webhook.py send"),
)
ASSET: tuple[Call, ...] = (
    (_JOB, _SCAN),
    (_SCAN, "pipeline/tenants/entrance.py Entrance.scopes"),
    ("pipeline/tenants/entrance.py Entrance.scopes", "pipeline/tenants/scopes.py scopes_of"),
    (_SCAN, _ENTER),
    (_ENTER, "pipeline/tenants/gate.py ask"),
    (_SCAN, "pipeline/providers/aws/opening.py connect"),
    (_SCAN, _SURVEY),
    (_SURVEY, "collectors/aws/collector.py AwsCollector.collect"),
    ("collectors/aws/collector.py AwsCollector.collect", "collectors/aws/engine.py collect"),
    (_SURVEY, _PANEL),
    (_PANEL, "detectors/posture/posture.py Posture.see"),
    (_PANEL, "detectors/checkov/checkov.py Checkov.see"),
    (_SCAN, _RECORD),
    (_RECORD, "store/writer.py Writer.put_assets"),
    (_RECORD, "pipeline/scanning/findings.py advanced"),
    ("pipeline/scanning/findings.py advanced", "model/finding.py advance"),
    (_RECORD, _WRITE),
    (_WRITE, "pipeline/scanning/findings.py write_changes"),
    (_SCAN, "pipeline/scanning/scan.py _Recorder.finish"),
    (_JOB, _NOTIFY),
    *_TELLING,
)
_STANDING = "pipeline/changing/permits.py Permits.standing_in"
_CHECK = "pipeline/changing/permits.py Permits.check"
_UNAPPROVED = "pipeline/changing/permits.py Permits.refuse_unapproved"
_FORBIDDEN = "pipeline/changing/carrying_out.py _Workshop.refuse_forbidden"
_FINISH = "pipeline/changing/carrying_out.py finish"
_ONE = "pipeline/changing/carrying_out.py _finish"
_RUN = "pipeline/changing/carrying_out.py _run"
_STEP = "pipeline/changing/carrying_out.py _Workshop.work"
_CARRY = "remediation/applying.py carry_out"
_CARRIED = "remediation/applying.py _carried_out"
_VERIFIED = "remediation/applying.py _verified"
_LOOKED = "remediation/applying.py _looked_at"
_END = "pipeline/changing/step_journal.py StepJournal.end"
_ROLLBACK = "pipeline/changing/carrying_out.py make_rollback"
_MAKE = "pipeline/changing/plans.py make_plan"
_PUT = "pipeline/changing/plans.py put_plan"
PLAN: tuple[Call, ...] = (
    ("cli/plans.py plan", _MAKE),
    (_MAKE, "remediation/proposing.py propose"),
    (_MAKE, _PUT),
    ("cli/plans.py approve", "cli/plans.py _vote"),
    ("cli/plans.py _vote", "pipeline/changing/permits.py Permits.vote"),
    ("pipeline/changing/permits.py Permits.vote", _STANDING),
    (_STANDING, "remediation/approval.py stand"),
    ("cli/plans.py run", "pipeline/serving/work.py work"),
    ("pipeline/serving/work.py work", _JOB),
    (_JOB, _FINISH),
    (_FINISH, _ONE),
    (_ONE, _RUN),
    (_RUN, "pipeline/changing/carrying_out.py waves"),
    (_RUN, _FORBIDDEN),
    (_FORBIDDEN, _CHECK),
    (_CHECK, _UNAPPROVED),
    (_UNAPPROVED, _STANDING),
    (_RUN, _STEP),
    (_STEP, _CARRY),
    (_CARRY, _CARRIED),
    (_CARRIED, "pipeline/changing/step_journal.py StepJournal.ahead"),
    (_CARRIED, "clouds/aws/write.py AwsWriteClient.send"),
    (_CARRIED, "pipeline/changing/step_journal.py StepJournal.behind"),
    (_CARRIED, _VERIFIED),
    (_VERIFIED, _LOOKED),
    (_CARRY, _END),
    (_END, "pipeline/scanning/findings.py advanced"),
    ("cli/plans.py rollback", _ROLLBACK),
    (_ROLLBACK, "remediation/proposing.py propose_rollback"),
    (_ROLLBACK, _PUT),
)
# What is planned: each of these places must not be there yet, or else its part of the way is drawn from the code.
TO_COME: tuple[tuple[str, str, str], ...] = (("detectors/threats", "rules over events; pure", "Finding"),)
_TAKE = "pipeline/intake/taking.py take"
_READ_ON = "pipeline/intake/taking.py LogLine.read"
_BATCH = "pipeline/intake/taking.py LogLine.write"
_TURN = "pipeline/intake/processing.py Processor.turn"
_HAVE_WRITTEN = "pipeline/intake/processing.py Processor._begin_writing"
_ACCOUNT_FOR = "pipeline/intake/taking.py _write"
_ACCOUNT_PART = "pipeline/intake/taking.py _write_part"
_SEGMENT = "pipeline/log_segments.py Segments.write"
TAKING: tuple[Call, ...] = (
    ("pipeline/serving/intake.py main", "pipeline/intake/service.py IntakeService.step"),
    ("pipeline/intake/service.py IntakeService.step", _TURN),
    (_TURN, "intake/schedule.py LogSchedule.next"),
    ("intake/schedule.py LogSchedule.next", "intake/turns.py Turns.next"),
    (_TURN, _READ_ON),
    ("cli/logs.py take", _TAKE),
    (_TAKE, _READ_ON),
    (_READ_ON, "intake/batches.py Batch.add"),
    (_TURN, _HAVE_WRITTEN),
    (_HAVE_WRITTEN, "pipeline/intake/processing.py _written"),
    ("pipeline/intake/processing.py _written", _BATCH),
    (_TAKE, _BATCH),
    (_BATCH, _ACCOUNT_FOR),
    (_ACCOUNT_FOR, _ACCOUNT_PART),
    (_ACCOUNT_PART, "intake/accounting.py account"),
    (_ACCOUNT_FOR, _SEGMENT),
)


def drawn(text: str) -> str:
    """Return a text with every picture in it drawn anew."""
    return _PLACE.sub(lambda found: f"{found[1]}```mermaid\n{_PICTURES[found[2]]()}```\n{found[4]}", text)


def rooms() -> str:
    """Draw the floors with their rooms, and of the imports those that no longer way implies."""
    [layers] = [
        one["layers"]
        for one in SETTINGS["tool"]["importlinter"]["contracts"]
        if "containers" not in one and one["type"] == "layers"
    ]
    lines = ["flowchart TB"]
    for number, floor in enumerate(layers):
        lines += [f'  subgraph floor{number}[" "]', "    direction LR"]
        lines += [f'    {room}["<b>{room}/</b><br/>{_purpose(room)}"]' for room in floor.split(" | ")]
        lines += ["  end"]
    lines += [f"  {upper} --> {lower}" for upper, lower in sorted(reduced(imports()))]
    return _joined(lines)


def imports() -> set[tuple[str, str]]:
    """Return which room imports which other."""
    found = set()
    for file in SOURCES:
        room = file.relative_to(ROOT).parts[0]
        found |= {(room, name.split(".")[0]) for name in _imported(ast.parse(file.read_text(encoding="utf-8")))}
    return {(upper, lower) for upper, lower in found if lower in ROOMS and lower != upper}


def reduced(edges: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return the edges of a graph without cycles that no longer way between the same ends implies."""
    below = {upper: {lower for above, lower in edges if above == upper} for upper, _ in edges}

    def reached(start: str) -> set[str]:
        return {one for lower in below.get(start, ()) for one in {lower, *reached(lower)}}

    return {(a, b) for a, b in edges if not any(b in reached(middle) for middle in below[a] - {b})}


def way(calls: Iterable[Call]) -> str:
    """Draw a way: functions in their rooms, and what each hands back to the one that called it."""
    known = list(dict.fromkeys(place for call in calls for place in call))
    lines = ["flowchart LR", *_nodes(known)]
    for number, (caller, callee) in enumerate(calls, 1):
        returned = returns(callee)
        label = f"{number}" if returned in _PLAIN else f"{number}: {_escaped(returned)}"
        lines.append(f'  n{known.index(caller)} -- "{label}" --> n{known.index(callee)}')
    return _joined(lines)


def record() -> str:
    """Draw the way of a log record: from the file to what is kept, what is planned, dashed, and from a finding on."""
    advanced = "pipeline/scanning/findings.py advanced"
    known = list(dict.fromkeys([*(place for call in TAKING for place in call), advanced, *sum(_TELLING, ())]))
    lines = ["flowchart TB", *_nodes(known)]
    lines += [f'  p{n}["<b>{place}</b><br/>{what}"]' for n, (place, what, _) in enumerate(TO_COME)]
    lines += [f"  class p{number} planned" for number in range(len(TO_COME))]
    lines += [f"  n{known.index(caller)} --> n{known.index(callee)}" for caller, callee in (*TAKING, *_TELLING)]
    lines.append(f"  n{known.index(_SEGMENT)} -.-> p0")
    lines += [f'  p{n} -. "{one[2]}" .-> p{n + 1}' for n, (one, _) in enumerate(pairwise(TO_COME))]
    lines.append(f'  p{len(TO_COME) - 1} -. "{TO_COME[-1][2]}" .-> n{known.index(advanced)}')
    lines.append(f'  n{known.index(advanced)} -- "Fact" --> n{known.index(_NOTIFY)}')
    lines.append("  classDef planned stroke-dasharray: 5 5")
    return _joined(lines)


_PICTURES: dict[str, Callable[[], str]] = {
    "rooms": rooms,
    "asset": partial(way, ASSET),
    "record": record,
    "plan": partial(way, PLAN),
}


def function(place: str) -> ast.FunctionDef:
    """Return the definition of `file function` or `file Class.method`; raises LookupError where there is none."""
    file, _, name = place.partition(" ")
    body: list[ast.stmt] = _tree(file).body
    *owners, last = name.split(".")
    for owner in owners:
        body = next(node.body for node in body if isinstance(node, ast.ClassDef) and node.name == owner)
    for node in body:
        if isinstance(node, ast.FunctionDef) and node.name == last:
            return node
    raise LookupError(place)


def returns(place: str) -> str:
    """Return what a function returns, as its annotation says."""
    annotation = function(place).returns
    return ast.unparse(annotation).strip("'") if annotation else ""


def names(place: str) -> set[str]:
    """Return every name that a function's body uses."""
    nodes = list(ast.walk(function(place)))
    return {node.id for node in nodes if isinstance(node, ast.Name)} | {
        node.attr for node in nodes if isinstance(node, ast.Attribute)
    }


@cache
def _tree(file: str) -> ast.Module:
    return ast.parse((ROOT / file).read_text(encoding="utf-8"))


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def _purpose(room: str) -> str:
    said = ast.get_docstring(ast.parse((ROOT / room / "__init__.py").read_text(encoding="utf-8"))) or ""
    return _escaped(said.split(". ")[0].rstrip("."))


def _nodes(places: Iterable[str]) -> Iterator[str]:
    for number, place in enumerate(places):
        file, _, name = place.partition(" ")
        yield f'  n{number}["<b>{name}</b><br/>{file}"]'


def _escaped(text: str) -> str:
    return text.replace('"', "'").replace("`", "").replace("<", "&lt;").replace(">", "&gt;").replace("|", "or")


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


if __name__ == "__main__":
    DESIGN.write_text(drawn(DESIGN.read_text(encoding="utf-8")), encoding="utf-8")
