"""`docs/differences.md`: each pair that it compares is one that a policy names."""

import re

from catalog.folder import config_folder
from tests.recorded_clouds import catalog

TEXT = (config_folder().parent / "docs" / "differences.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `([a-z0-9.-]+)` \| `(\w+)` \| ([^|]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)


def test_each_pair_is_named_by_its_policy() -> None:
    forms = {policy.id: policy.form for policy in catalog().policies}
    named = {(identity, check) for identity, form in forms.items() for check in [*form.same_as, *form.part_of]}
    assert {(policy, f"prowler:{check}") for policy, check, _, _ in ROWS} - named == set()


def test_every_line_of_the_table_is_read_once_in_order() -> None:
    lines = [line for line in TEXT.splitlines() if line.startswith("| `")]
    assert len(ROWS) == len(lines)
    assert [row[:2] for row in ROWS] == sorted({row[:2] for row in ROWS})
