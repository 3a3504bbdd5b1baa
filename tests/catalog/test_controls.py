"""Controls that policies name are controls of their standard."""

import re
from pathlib import Path

import yaml

from tests.recorded_clouds import catalog

DATA = Path(__file__).parent.parent / "data"
LISTED: dict[str, list[int]] = yaml.safe_load((DATA / "fsbp-controls.yaml").read_text(encoding="utf-8"))
COMPARED: dict[str, dict[str, str]] = yaml.safe_load((DATA / "cis-controls.yaml").read_text(encoding="utf-8"))


def test_named_best_practices_belong_to_their_standard() -> None:
    """Security Hub numbers its controls across standards: not each is one of the best practices."""
    found = [re.fullmatch(r"AWS-FSBP-1\.0\.0:(\w+)\.(\d+)", control) for control in _named()]
    outside = [one[0] for one in found if one and one[1] in LISTED and int(one[2]) not in LISTED[one[1]]]
    assert outside == []


def test_named_benchmarks_were_compared() -> None:
    """Each control of CIS for Azure and Google Cloud has its title in the table, and each title a policy."""
    compared = sorted(f"{standard}:{control}" for standard, titles in COMPARED.items() for control in titles)
    assert [control for control in _named() if control.startswith(("CIS-AZURE-", "CIS-GCP-"))] == compared


def _named() -> list[str]:
    return sorted({control for policy in catalog().judging for control in policy.form.controls})
