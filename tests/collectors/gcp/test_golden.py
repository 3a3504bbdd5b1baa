"""Verdicts on Google's own replies, as recorded by others, against verdicts that were reviewed by hand.

Of each resource the newest recording counts; single services' replies are wrapped as Cloud Asset would return them. IAM
policies that a recording does not hold are not known. Neighbours are those of the same project or organisation. The
review's notes are in the golden file.
"""

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec import structs

from catalog.policies import Policy
from collectors.gcp.recordings import Recordings
from collectors.gcp.resource_types import IAM, ORG
from detectors.posture.cases import belonging
from detectors.posture.judge import Moment, Related, judge
from detectors.posture.posture import names_of
from model.asset import Asset
from tests.readers import lacking
from tests.recorded_clouds import catalog, types_of

pytestmark = pytest.mark.shared

GOLDEN = Path(__file__).parent.parent.parent / "data" / "gcp-golden.json"
MOMENT = Moment(now=datetime(2026, 1, 1, tzinfo=UTC))
NOT_RECORDED = "not recorded"


def recorded(folder: Path) -> list[Asset]:
    """Return everything of a supported type, each once."""
    reported = [json.loads(line) for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()]
    reported.sort(key=lambda line: (line["year"] or "", line["file"]))
    recordings = Recordings(types_of(catalog(), "gcp"))
    found: dict[tuple[str, str], Asset] = {}
    for line in reported:
        exchange = json.loads((folder / line["file"]).read_text(encoding="utf-8"))
        for asset in recordings.assets(exchange):
            found[asset.kind, asset.resource] = _with_what_is_not_returned(asset)
    return list(found.values())


def _with_what_is_not_returned(asset: Asset) -> Asset:
    missing = {name: NOT_RECORDED for name in (IAM, ORG) if name not in asset.body}
    return structs.replace(asset, unknown=dict(asset.unknown) | missing)


def _place(asset: Asset) -> str:
    """Return the project or organisation that an asset lies in, empty where its name does not state it."""
    found = re.search(r"/((?:projects|organizations)/[^/]+)", asset.resource)
    return found[1] if found else ""


def related(policy: Policy, subject: Asset, assets: list[Asset]) -> dict[str, Related]:
    """Return what a policy looks at beside its resource; a kind of which nothing was recorded is not known."""
    place = _place(subject)
    near = [a for a in assets if not place or _place(a) == place]
    others = {name: [a for a in near if a.kind == other.kind] for name, other in policy.compiled.others.items()}
    return {
        name: belonging(policy.compiled.others[name], subject, found, names_of(subject, MOMENT))
        if found
        else Related((), NOT_RECORDED)
        for name, found in others.items()
    }


def verdicts(folder: Path) -> dict[str, dict[str, str]]:
    """Return each policy's verdicts by resource; what is not applicable is left out."""
    assets = recorded(folder)
    reported: dict[str, dict[str, str]] = {}
    for policy in (p for p in catalog().policies if p.provider == "gcp"):
        for asset in (a for a in assets if a.kind == policy.form.kind):
            status = judge(policy, asset, related(policy, asset, assets), MOMENT).status
            if status != "not_applicable":
                reported.setdefault(policy.id, {})[asset.resource.removeprefix("//")] = status
    return {policy: dict(sorted(by_resource.items())) for policy, by_resource in sorted(reported.items())}


def test_recorded_resources_are_judged_as_reviewed(shared_folder: Path) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert verdicts(shared_folder / "recorded" / "gcp") == golden["verdicts"]


def test_the_review_covers_what_is_there() -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    kinds = {p.id: p.form.kind for p in catalog().policies}
    assert {kinds[policy] for policy in golden["verdicts"]} == golden["reviewed"].keys()
    statuses = [status for by_resource in golden["verdicts"].values() for status in by_resource.values()]
    assert {"pass", "fail", "unknown"} == set(statuses)


def test_what_is_always_there_is_in_all_recordings(shared_folder: Path) -> None:
    assert lacking(recorded(shared_folder / "recorded" / "gcp"), types_of(catalog(), "gcp")) == []
