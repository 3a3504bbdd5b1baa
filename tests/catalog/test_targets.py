"""The list of checks that were ordered: each has a policy that answers it, or is manual and says why."""

import csv
import re
from pathlib import Path

import pytest

from catalog.folder import config_folder
from tests.recorded_clouds import catalog

pytestmark = pytest.mark.shared

MOST_MANUAL = {"aws": 3, "azure": 8, "gcp": 6, "kubernetes": 6}
CHAPTERS = {"aws": "AWS", "azure": "Azure", "gcp": "Google", "kubernetes": "Kubernetes"}
MANUAL_CHECKS = config_folder().parent / "docs" / "manual-checks.md"


def asked(shared_folder: Path, provider: str) -> list[str]:
    with (shared_folder / "targets" / "posture_checks.csv").open(encoding="utf-8") as rows:
        return [row["prowler_check_id"] for row in csv.DictReader(rows) if row["provider"] == provider]


def answered(provider: str) -> set[str]:
    forms = [p.form for p in catalog().policies if p.provider == provider]
    return {name.removeprefix("prowler:") for form in forms for name in [*form.same_as, *form.part_of]}


def manual(provider: str) -> set[str]:
    """Return the checks in the first column of the provider's chapter."""
    text = MANUAL_CHECKS.read_text(encoding="utf-8")
    chapters = dict(re.findall(r"^## (\S+).*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL))
    return set(re.findall(r"^\| `(\w+)` \|", chapters[CHAPTERS[provider]], re.MULTILINE))


@pytest.mark.parametrize("provider", MOST_MANUAL)
def test_every_row_is_answered_or_manual(shared_folder: Path, provider: str) -> None:
    rows, left = asked(shared_folder, provider), manual(provider)
    assert rows
    assert set(rows) - answered(provider) == left
    assert len(left) <= MOST_MANUAL[provider]
