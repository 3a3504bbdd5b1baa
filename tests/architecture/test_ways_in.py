"""There is one way into tenants' clouds, which asks the contract gate, and one that leads to their channels."""

import ast
from collections import defaultdict

from tests.architecture.project import ROOT, SOURCES

# What enters or sends, by the name that is called, and who may: the gate stands before each, or no tenant is entered.
CALLS = {
    "opening_of": {"pipeline/tenants/entrance.py"},
    "scopes_of": {"pipeline/tenants/entrance.py"},
    "feeds_of": {"pipeline/tenants/entrance.py"},
    "opened_feed": {"pipeline/tenants/entrance.py"},
    "open_feed": {"pipeline/providers/aws/feeds.py"},  # for `opened_feed`
    "discovered": {"pipeline/tenants/scopes.py"},  # for `scopes_of`
    "members": {"pipeline/tenants/scopes.py"},  # for `discovered`
    "opening without arguments": {"pipeline/providers/provider.py", "cli/check.py"},  # for `opening_of`; no tenant's
    "attempt": {"pipeline/notifying/notify.py", "pipeline/notifying/reminding.py"},
    "way.send": {"pipeline/notifying/attempts.py"},  # for `attempt`
}
_ROOMS = ("cli/", "api/", "pipeline/", "notifier/", "reports/")
# The providers' own functions, and `demo/`, whose company is no tenant of anybody.
_BEHIND = "pipeline/providers/azure/opening.py"


def called(call: ast.Call) -> str:
    match call.func:
        case ast.Name(id=name):
            return name
        case ast.Attribute(attr="opening") if not call.args:
            return "opening without arguments"
        case ast.Attribute(value=ast.Name(id="way"), attr="send"):
            return "way.send"
        case ast.Attribute(attr=name):
            return name
        case _:
            return ""


def test_whatever_enters_or_sends_is_behind_the_gate() -> None:
    found = defaultdict[str, set[str]](set)
    for file in SOURCES:
        name = str(file.relative_to(ROOT))
        if name.startswith(_ROOMS) and name != _BEHIND:
            calls = (node for node in ast.walk(ast.parse(file.read_text("utf-8"))) if isinstance(node, ast.Call))
            for each in {called(call) for call in calls} & CALLS.keys():
                found[each].add(name)
    assert found == CALLS
