"""What expressions read, from their checked syntax tree, and what they yield."""

from datetime import UTC, datetime

import pytest

from catalog.expression import EvaluationError, ExpressionFault, compiled
from catalog.fields_read import Roots

ROOTS = Roots(one=frozenset({"r", "account"}), many=frozenset({"trails"}))


@pytest.mark.parametrize(
    ("source", "reads"),
    [
        ("true", {}),
        ("r.A == 1", {"r": {"A"}}),
        ("r.A.B.C == 1", {"r": {"A"}}),
        ("has(r.A)", {"r": {"A"}}),
        (".r.A == 1", {"r": {"A"}}),
        ("has(r.A.B) || r.C", {"r": {"A", "C"}}),
        ("r['A'] == 1", {"r": {"A"}}),
        ("'A' in r", {"r": {"A"}}),
        ("r.?A.orValue(false)", {"r": {"A"}}),
        ("r.?A.?B.orValue(false)", {"r": {"A"}}),
        ("r[?'A'].orValue(false)", {"r": {"A"}}),
        ("r.A.exists(x, x.B == account.C)", {"r": {"A"}, "account": {"C"}}),
        ("[r.A, r.B].all(x, x)", {"r": {"A", "B"}}),
        ("{'k': r.A}.k", {"r": {"A"}}),
        ("r.A ? r.B : r.C", {"r": {"A", "B", "C"}}),
        ("cel.bind(x, r.A, x.B && x.C)", {"r": {"A"}}),
        (
            "trails.exists(t, t.IsMultiRegionTrail && t.?Status.?IsLogging.orValue(false))",
            {"trails": {"IsMultiRegionTrail", "Status"}},
        ),
        ("size(trails) > 0", {"trails": set()}),
        ("trails.all(t, r.A.exists(x, x == t.B))", {"r": {"A"}, "trails": {"B"}}),
        ("trails.exists(t, t.A) && r.A.exists(t, t.B)", {"r": {"A"}, "trails": {"A"}}),
        ("public_statements(r.?Policy.orValue(null)).size() == 0", {"r": {"Policy"}}),
        ("e.A == scope && settings.x && now > timestamp(r.T)", {"r": {"T"}}),
    ],
)
def test_reads(source: str, reads: dict[str, set[str]]) -> None:
    assert compiled(source, ROOTS).reads == reads


@pytest.mark.parametrize(
    ("source", "line", "column", "problem"),
    [
        ("size(r) > 0", 1, 6, "stands alone"),
        ("size(.r) > 0", 1, 7, "stands alone"),
        ("true &&\n  r == {}", 2, 3, "stands alone"),
        ("trails[0].A", 1, 1, "is a list of resources"),
        ("trails.exists(t, size(t) > 0)", 1, 23, "stands alone"),
        ("[1].exists(r, r > 0)", 1, 1, "take another"),
        ("r.A ==", 1, 7, "Syntax error"),
        ("r.A && zzz", 1, 8, "undeclared"),
        ("permits(r.A, 'tcp')", 1, 8, "undeclared"),
        ("1 + 'a' == 2", 1, 3, "no matching overload"),
    ],
)
def test_faults_say_where(source: str, line: int, column: int, problem: str) -> None:
    with pytest.raises(ExpressionFault) as fault:
        compiled(source, ROOTS)
    assert problem in fault.value.problem
    assert (fault.value.line, fault.value.column) == (line, column)


@pytest.mark.parametrize(
    "source",
    [
        "r.Missing == 1",
        "r.A / 0 == 1",
        "r.A.B",
        "age_days('yesterday', now) > 1.0",
        "[1,2,3,4,5,6,7,8,9,0].all(a,[1,2,3,4,5,6,7,8,9,0].all(b,[1,2,3,4,5,6,7,8,9,0].all(c,"
        "[1,2,3,4,5,6,7,8,9,0].all(d,[1,2,3,4,5,6,7,8,9,0].all(f,[1,2,3,4,5,6,7,8,9,0].all(g,a+b+c+d+f+g>=0))))))",
    ],
)
def test_what_has_no_value_is_an_error_of_evaluation(source: str) -> None:
    with pytest.raises(EvaluationError):
        compiled(source, ROOTS).evaluate({"r": {"A": 1}, "now": datetime(2026, 1, 1, tzinfo=UTC)})
