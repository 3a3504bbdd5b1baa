"""What customers' expressions cost: hostile ones in time and memory, harmless ones against judging in this process."""

import json
import resource
import subprocess
import sys
import time
from datetime import UTC, datetime
from typing import Any

from catalog.evaluator import COMMAND, Allowance, elsewhere
from catalog.expression import Compile, EvaluationError, ExpressionFault, compiled
from catalog.fields_read import Roots
from tests.hostile_expressions import expressions
from workers.child import Child

_ROOTS = Roots(one=frozenset({"r"}))
_VARIABLES = {"r": {"A": 1, "Many": list(range(100))}, "now": datetime(2026, 1, 1, tzinfo=UTC)}
_HARMLESS = "r.Many.exists(x, x == 30) && r.A == 1"
_ROUNDS = 5_000


def hostile() -> dict[str, Any]:
    """Evaluate all; return the longest time of one, the most memory that a child had, how many were ended."""
    longest, ended = 0.0, 0
    with Child(COMMAND) as child:
        for _, source, _ in expressions():
            began = time.monotonic()
            try:
                elsewhere(child, Allowance())(source, _ROOTS).evaluate(_VARIABLES)
            except (ExpressionFault, EvaluationError):
                ended += child.pid == 0
            longest = max(longest, time.monotonic() - began)
        asked = elsewhere(child, Allowance())("r.A == 1", _ROOTS).evaluate(_VARIABLES)
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {"longest": longest, "most_mb": most, "ended": ended, "answers": asked}


def pace(compile_: Compile) -> float:
    """Return how many harmless evaluations are done in a second."""
    expression = compile_(_HARMLESS, _ROOTS)
    began = time.monotonic()
    for _ in range(_ROUNDS):
        expression.evaluate(_VARIABLES)
    return _ROUNDS / (time.monotonic() - began)


def main() -> None:
    """Print both."""
    # In a process of its own: the memory at its height is that of all children that a process ever had.
    reported = subprocess.run(
        [sys.executable, "-m", "bench.own_policies", "hostile"], stdout=subprocess.PIPE, check=True
    )
    found = json.loads(reported.stdout)
    print(
        f"{sum(1 for _ in expressions())} hostile expressions: the longest {found['longest']:.2f} s, "
        f"the most {found['most_mb']:.0f} MB, {found['ended']} children ended, answers after them: {found['answers']}"
    )
    with Child(COMMAND) as child:
        there = pace(elsewhere(child, Allowance(1_000.0, 1_000.0)))
    here = pace(compiled)
    print(f"harmless: {there:,.0f} a second in a child, {here:,.0f} in this process: 1 : {here / there:.0f}")


if __name__ == "__main__":
    if sys.argv[1:] == ["hostile"]:
        print(json.dumps(hostile()))
    else:
        main()
