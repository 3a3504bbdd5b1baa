"""Inputs after public bug reports, each with the verdict that is right: one file a subject in tests/data/verdicts."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from detectors.posture import cases
from tests.recorded_clouds import catalog

FOLDER = Path(__file__).parent.parent / "data" / "verdicts"
CASES: list[Any] = [
    pytest.param(case, id=f"{file.stem}: {case['policy']}: {case['note']}")
    for file in sorted(FOLDER.glob("*.yaml"))
    for case in yaml.safe_load(file.read_text(encoding="utf-8"))
]


@pytest.mark.parametrize("case", CASES)
def test_an_input_is_judged_rightly(case: dict[str, Any]) -> None:
    policy = next(policy for policy in catalog().policies if policy.id == case["policy"])
    said = cases.judged(policy, case["case"])
    assert said.status == case["expect"], said.reason or said.message
