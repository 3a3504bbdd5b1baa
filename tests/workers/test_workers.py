"""Child processes end alone: hostile expressions, and programs that take more than they may."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from catalog import policies
from catalog.evaluator import COMMAND, Allowance, Spent, answer, elsewhere
from catalog.expression import EvaluationError, ExpressionFault
from catalog.fields_read import Roots
from catalog.folder import config_folder
from catalog.policies import Policy
from detectors.posture import cases
from model.worker import NoAnswer, Worker
from tests.clocks import Ticking
from tests.hostile_expressions import expressions
from tests.recorded_clouds import catalog
from workers.child import Child, Limits

ROOT = Path(__file__).parent.parent.parent
ROOTS = Roots(one=frozenset({"r"}))
VARIABLES = {"r": {"A": 1, "Many": list(range(100))}, "now": datetime(2026, 1, 1, tzinfo=UTC)}
LIMIT = 512 * 2**20
POLICIES = {policy.id: policy for policy in policies.load(config_folder() / "policies")}


@pytest.fixture(scope="module")
def worker() -> Iterator[Child]:
    with Child(COMMAND) as child:
        yield child


def outcome(worker: Child, source: str) -> tuple[str, str]:
    """Return how an expression ended, with what is said of it."""
    try:
        value = elsewhere(worker, Allowance())(source, ROOTS).evaluate(VARIABLES)
        return "value", repr(value)
    except ExpressionFault as fault:
        return "refused", fault.problem
    except EvaluationError as problem:
        return ("error" if worker.pid else "killed"), str(problem)


@pytest.mark.process
@pytest.mark.parametrize(
    ("source", "ending"), [(s, e) for _, s, e in expressions()], ids=[w for w, _, _ in expressions()]
)
def test_a_hostile_expression_ends_as_it_has_to_and_the_next_one_is_answered(
    worker: Child, source: str, ending: str
) -> None:
    ended, said = outcome(worker, source)
    assert ended in ending.split(" or "), said
    if ended == "killed":
        assert any(cause in said for cause in ("seconds of CPU", "MB of memory", "larger than 1 MB"))
    assert outcome(worker, "r.A == 1") == ("value", "True")


def test_there_are_enough_hostile_expressions_of_each_ending() -> None:
    endings = [ending for _, _, ending in expressions()]
    assert len(endings) >= 40
    assert min(endings.count(e) for e in ("killed", "error", "refused", "value")) >= 10


@pytest.mark.process
def test_the_kernel_holds_the_limits_and_the_child_has_nothing_to_reveal(
    worker: Child, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HINOMI_SOC_SECRET", "marker")
    worker.close()
    assert outcome(worker, "true")[0] == "value"
    process = Path("/proc") / str(worker.pid)
    limits = {line[:25].strip(): line[26:46].strip() for line in (process / "limits").read_text().splitlines()}
    assert 0 < int(limits["Max address space"]) <= LIMIT
    assert (limits["Max file size"], limits["Max core file size"], limits["Max open files"]) == ("0", "0", "32")
    assert (os.getsid(worker.pid), os.readlink(process / "cwd")) == (worker.pid, "/")
    assert int(limits["Max cpu time"]) <= 3
    assert (process / "environ").read_bytes() == b""
    opened = {os.readlink(handle).split(":")[0] for handle in (process / "fd").iterdir()}
    assert opened <= {"socket", "/dev/null"}


def program(text: str) -> list[str]:
    return [sys.executable, "-I", "-c", f"import sys, time\nprint('ready', flush=True)\n{text}"]


@pytest.mark.process
@pytest.mark.parametrize(
    ("text", "cause"),
    [
        ("sys.stdin.readline()\nwhile True: pass", "used more than 2 seconds of CPU"),
        ("sys.stdin.readline()\nx = bytearray(10**9)\nprint(1, flush=True)", "MB of memory"),
        ("sys.stdin.readline()\nprint('x' * 3_000_000, flush=True)", "larger than 1 MB"),
        ("sys.stdin.readline()\nsys.exit()", "broke its process"),
        ("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)", "broke its process"),
    ],
)
def test_what_a_program_does_ends_that_program_with_its_cause(text: str, cause: str) -> None:
    with Child(program(text)) as child, pytest.raises(NoAnswer, match=cause):
        child.ask(b"{}", 30.0)


@pytest.mark.process
def test_a_question_has_seconds_of_cpu() -> None:
    with Child(program("sys.stdin.readline()\nwhile True: pass")) as child:
        with pytest.raises(NoAnswer, match=r"used more than 0\.2 seconds of CPU"):
            child.ask(b"{}", 0.2)
        assert 0.2 <= child.spent < 1.0


@pytest.mark.process
def test_whoever_waits_on_a_busy_machine_has_used_nothing() -> None:
    """The child is held back for longer than it may compute; then it answers."""
    with Child(program("sys.stdin.readline()\ntime.sleep(0.5)\nprint(1, flush=True)")) as child:
        assert child.ask(b"{}", 0.2) == b"1"
        assert child.spent < 0.2


FAR = Limits(wall_seconds=0.3)


@pytest.mark.process
def test_who_takes_too_long_by_the_clock_is_ended() -> None:
    with Child(program("sys.stdin.readline()\ntime.sleep(600)"), FAR) as child:
        with pytest.raises(NoAnswer, match=r"gave no answer for 0\.3 seconds"):
            child.ask(b"{}", 10.0)
        assert child.pid == 0
        assert child.spent == 10.0, "who only waits has taken all: the next question does not wait as long again"


@pytest.mark.process
def test_what_does_not_read_does_not_hold_the_asker() -> None:
    with Child(program("time.sleep(600)"), FAR) as child, pytest.raises(NoAnswer, match="gave no answer"):
        child.ask(b"x" * 10_000_000, 10.0)


@pytest.mark.process
def test_a_program_that_cannot_start_is_named() -> None:
    with (
        Child([sys.executable, "-I", "-c", "print('no')"]) as child,
        pytest.raises(NoAnswer, match="could not be started"),
    ):
        child.ask(b"{}", 1.0)


@pytest.mark.process
def test_an_answer_that_is_none_is_named() -> None:
    with (
        Child(program("sys.stdin.readline()\nprint('[' * 5000, flush=True)")) as child,
        pytest.raises(ExpressionFault, match="broke"),
    ):
        elsewhere(child, Allowance())("true", ROOTS)


@pytest.mark.process
def test_a_child_does_not_outlive_whoever_asks_it() -> None:
    code = (
        "import sys\nfrom workers.child import Child\nfrom catalog.evaluator import COMMAND, Allowance, elsewhere\n"
        "from catalog.fields_read import Roots\nchild = Child(COMMAND)\n"
        "elsewhere(child, Allowance())('true', Roots(frozenset()))\nprint(child.pid, flush=True)\nsys.stdin.read()"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    pid = int(parent.stdout.readline())
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    deadline = time.monotonic() + 10
    while Path(f"/proc/{pid}/exe").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{pid}/exe").exists()


@pytest.mark.process
def test_a_child_that_ended_while_nobody_asked_is_nobodys_fault(worker: Child) -> None:
    assert outcome(worker, "true")[0] == "value"
    os.kill(worker.pid, signal.SIGKILL)
    os.waitid(os.P_PID, worker.pid, os.WEXITED | os.WNOWAIT)
    assert outcome(worker, "r.A == 1") == ("value", "True")


@pytest.mark.process
def test_what_starts_slowly_is_not_counted(tmp_path: Path) -> None:
    slow = ["/bin/sh", "-c", f"sleep 1; exec {' '.join(COMMAND)}"]
    with Child(slow) as child:
        allowance = Allowance(for_one=0.8)
        with allowance:
            assert elsewhere(child, allowance)("r.A == 1", ROOTS).evaluate(VARIABLES) is True


@pytest.mark.process
def test_whoever_ends_the_child_pays_for_the_next_one() -> None:
    allowance = Allowance(in_all=0.5)
    with Child(program("sys.exit()")) as child:
        for _ in range(2):
            with allowance, pytest.raises(ExpressionFault):
                elsewhere(child, allowance)("true", ROOTS)
        with pytest.raises(Spent), allowance:
            pass


@pytest.mark.process
@pytest.mark.parametrize("limit", ["-n 24", "-v 300000", "-t 600"])
def test_limits_that_are_lower_already_stay(limit: str) -> None:
    code = (
        "from workers.child import Child\nfrom catalog.evaluator import COMMAND, Allowance, elsewhere\n"
        "from catalog.fields_read import Roots\nchild = Child(COMMAND)\n"
        "print(elsewhere(child, Allowance())('1 == 1', Roots(frozenset())).evaluate({}))"
    )
    command = ["/bin/sh", "-c", f'ulimit {limit}; exec {sys.executable} -c "$CODE"']
    done = subprocess.run(command, env={"CODE": code}, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout == "True\n", done.stderr


@pytest.mark.process
def test_a_command_that_is_none_is_named() -> None:
    with Child(["/no/such/command"]) as child, pytest.raises(NoAnswer, match="could not be started"):
        child.ask(b"{}", 1.0)


def test_an_allowance_ends_for_one_resource_and_for_all() -> None:
    tick = Ticking()
    allowance = Allowance(in_all=10.0, for_one=3.0, tick=tick)
    with allowance:
        assert allowance.left() == 2.0
        tick.seconds += 5.0
        assert allowance.left() < 0
    with allowance:
        tick.seconds += 5.0
    with pytest.raises(Spent, match="10 seconds of this scan"), allowance:
        pass


def test_what_the_child_uses_is_taken_from_the_allowance() -> None:
    allowance = Allowance(in_all=10.0, for_one=1.5, tick=lambda: 0.0)

    class Using:
        spent = 0.6

        def ready(self) -> None: ...

        def ask(self, question: bytes, seconds: float) -> bytes:
            return msgspec.json.encode({"type_name": "BOOL", "value": True})

    expression = elsewhere(Using(), allowance)("true", ROOTS)  # compiling is counted too
    with allowance:
        assert [expression.evaluate({}) for _ in range(3)] == [True] * 3
        with pytest.raises(EvaluationError, match="too long for one resource"):
            expression.evaluate({})
    with allowance:
        assert expression.evaluate({})


def test_what_is_spent_is_not_asked() -> None:
    now = [0.0]
    allowance = Allowance(in_all=10.0, for_one=1.5, tick=lambda: now[0])
    asked: list[bytes] = []

    class Counting:
        spent = 0.0

        def ready(self) -> None: ...

        def ask(self, question: bytes, seconds: float) -> bytes:
            asked.append(question)
            return msgspec.json.encode({"type_name": "BOOL", "value": True})

    expression = elsewhere(Counting(), allowance)("true", ROOTS)
    now[0] = 1.6
    with pytest.raises(EvaluationError, match="too long for one resource"):
        expression.evaluate({})
    assert len(asked) == 1


class AtHand:
    """Answers as the child does, in this process."""

    spent = 0.0

    def ready(self) -> None: ...

    def ask(self, question: bytes, seconds: float) -> bytes:
        return answer(question)


def assert_the_same_elsewhere(policy: Policy, worker: Worker) -> None:
    again = policies.compile_policy(policy.document, elsewhere(worker, Allowance(1_000.0, 1_000.0)))
    assert again.compiled.reads == policy.compiled.reads
    assert again.compiled.shapes == policy.compiled.shapes
    assert list(cases.faults(again, catalog().kinds)) == []


@pytest.mark.parametrize("policy", POLICIES.values(), ids=lambda policy: policy.id)
def test_a_policy_is_judged_from_questions_as_it_is_here(policy: Policy) -> None:
    assert_the_same_elsewhere(policy, AtHand())


@pytest.mark.process
@pytest.mark.parametrize("policy", [*POLICIES.values()][::10], ids=lambda policy: policy.id)
def test_a_policy_is_judged_by_a_child_as_it_is_here(worker: Child, policy: Policy) -> None:
    assert_the_same_elsewhere(policy, worker)
