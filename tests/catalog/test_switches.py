"""What every resource has is written down; what some cannot have, a policy says in `when`."""

import re
from pathlib import Path

from catalog.policies import Policy
from semantics.shapes import ANYTHING, Shape
from tests.recorded_clouds import catalog

FILE = Path(__file__).parent.parent.parent / "docs" / "switches.md"
SEVERAL = {"list", "mapping"}


def leaves(shape: Shape) -> list[Shape]:
    return [leaf for inner in shape.fields.values() for leaf in leaves(inner)] if shape.fields else [shape]


def is_switch(policy: Policy) -> bool:
    """Tell whether a policy judges every resource of its kind by one setting of it."""
    if policy.form.when or policy.form.each or policy.form.with_:
        return False
    read = leaves(policy.compiled.passes.expects.get("r", ANYTHING))
    return len(read) == 1 and not read[0].sorts <= SEVERAL


def test_each_switch_says_what_has_it() -> None:
    rows = re.findall(r"^\| `([a-z0-9.-]+)` \| .{8,} \|$", FILE.read_text(encoding="utf-8"), re.MULTILINE)
    assert rows == sorted(policy.id for policy in catalog().policies if is_switch(policy))
