"""Controls that policies name are controls of their standard."""

import re
from pathlib import Path

import yaml

from tests.recorded_clouds import catalog

FILE = Path(__file__).parent.parent / "data" / "fsbp-controls.yaml"
LISTED: dict[str, list[int]] = yaml.safe_load(FILE.read_text(encoding="utf-8"))


def test_named_best_practices_belong_to_their_standard() -> None:
    """Security Hub numbers its controls across standards: not each is one of the best practices."""
    named = {control for policy in catalog().judging for control in policy.form.controls}
    found = [re.fullmatch(r"AWS-FSBP-1\.0\.0:(\w+)\.(\d+)", control) for control in sorted(named)]
    outside = [one[0] for one in found if one and one[1] in LISTED and int(one[2]) not in LISTED[one[1]]]
    assert outside == []
