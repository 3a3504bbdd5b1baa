"""Whom a plan is made for is a person: each place that says so gets it from where people are looked up."""

import ast

from tests.architecture.project import ROOT, SOURCES

# A standing order is for whoever granted it, and had signed in then; the demonstration names nobody.
WITHOUT_ASKING = {"pipeline/changing/carrying_out.py", "demo/steps.py"}


def test_whoever_names_a_requester_has_looked_the_person_up() -> None:
    makers: dict[str, set[str]] = {}
    for file in SOURCES:
        tree = ast.parse(file.read_text("utf-8"))
        calls = {
            node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        if "Wanted" in calls and _imports_wanted(tree):
            makers[str(file.relative_to(ROOT))] = calls
    assert makers.keys() >= {"cli/plans.py", "api/plans.py"}
    assert {name for name, calls in makers.items() if "requester_called" not in calls} == WITHOUT_ASKING


def _imports_wanted(tree: ast.Module) -> bool:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return any(
        node.module == "pipeline.changing.plans" and "Wanted" in {a.name for a in node.names} for node in imports
    )
