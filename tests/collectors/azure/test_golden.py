"""Verdicts on Azure's own replies, as recorded by others, against verdicts that were reviewed by hand.

Of each resource the newest recording counts. Resources go through the parser and the reader of scans; a detail is
known where its reply was recorded too. The review's notes are in the golden file.
"""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

from catalog.policies import Policy
from clouds.azure.query_scope import Subscriptions
from clouds.call_failed import CallFailed
from collectors.azure.parse import seen, type_by_id, type_of
from collectors.azure.reader import TableLook, TableReading
from collectors.azure.recordings import _rows as rows_of
from collectors.azure.resource_types import ResourceType
from collectors.counting import Odd
from detectors.posture.cases import belonging
from detectors.posture.judge import Moment, Related, judge
from detectors.posture.posture import names_of
from model.asset import Asset, Place
from tests.readers import lacking
from tests.recorded_clouds import catalog, types_of

pytestmark = pytest.mark.shared

GOLDEN = Path(__file__).parent.parent.parent / "data" / "azure-golden.json"
MOMENT = Moment(now=datetime(2026, 1, 1, tzinfo=UTC))
NOT_RECORDED = "not recorded"


class Recorded:
    """The recorded replies, the newest of each path, as a client that only knows them."""

    def __init__(self, folder: Path) -> None:
        reported = [json.loads(line) for line in (folder / "index.jsonl").read_text(encoding="utf-8").splitlines()]
        reported.sort(key=lambda line: (line["year"] or "", line["file"]))
        exchanges = [json.loads((folder / line["file"]).read_text(encoding="utf-8")) for line in reported]
        self._returned = [
            (_path(exchange["url"]), exchange["response"])
            for exchange in exchanges
            if exchange["method"] == "GET" and exchange["status"] == 200 and isinstance(exchange["response"], dict)
        ]
        self._replies = dict(self._returned)

    def get(self, path: str, api_version: str) -> dict[str, Any]:
        reply = self._replies.get(path.lower())
        if reply is None:
            raise CallFailed(NOT_RECORDED)
        return reply

    def pages(self, path: str, api_version: str) -> Iterator[list[Any]]:
        yield self.get(path, api_version)["value"]

    def query(self, within: Subscriptions, query: str) -> Iterator[list[dict[str, Any]]]:
        raise CallFailed(NOT_RECORDED)

    @cached_property
    def assets(self) -> list[Asset]:
        """Everything of a supported type, each once, with the details that were recorded.

        What Resource Manager lists of all types at once has no properties: such rows say nothing.
        """
        types = {type_.form.type.lower(): type_ for type_ in types_of(catalog(), "azure")}
        found: dict[tuple[str, str], Asset] = {}
        for path, reply in self._returned:
            rows = [row for row in rows_of(reply) if "properties" in row or _is_one(path)]
            for row in rows:
                reported = "microsoft.resources/subscriptions" if _is_one(path) else type_of(row) or type_by_id(path)
                if (type_ := types.get(reported)) and (asset := self._asset(row, type_, path)):
                    found[asset.kind, asset.resource.lower()] = asset
        return list(found.values())

    def _asset(self, row: Any, type_: ResourceType, path: str) -> Asset | None:
        subscription = path.split("/")[2] if path.startswith("/subscriptions/") else ""
        names = {"subscription": subscription, "directory": ""}
        place = Place(subscription, subscription, f"/subscriptions/{subscription}", "", ())
        reading = TableReading(self, place, names, TableLook("", [], {}, whole=False))
        try:
            return reading.asset(seen(row, type_, names))
        except Odd:
            return None

    def related(self, policy: Policy, subject: Asset) -> dict[str, Related]:
        """What a policy looks at beside its resource; a kind of which nothing was recorded is not known."""
        others = {name: [a for a in self.assets if a.kind == o.kind] for name, o in policy.compiled.others.items()}
        return {
            name: belonging(policy.compiled.others[name], subject, found, names_of(subject, MOMENT))
            if found
            else Related((), NOT_RECORDED)
            for name, found in others.items()
        }


def _path(url: str) -> str:
    return "/" + url.split("://", 1)[-1].partition("/")[2].split("?")[0].rstrip("/").lower()


def _is_one(path: str) -> bool:
    """Return whether a path is a subscription's own."""
    return path.startswith("/subscriptions") and path.count("/") <= 2


def verdicts(folder: Path) -> dict[str, dict[str, str]]:
    """Return each policy's verdicts by resource, below its subscription; what is not applicable is left out."""
    recorded = Recorded(folder)
    reported: dict[str, dict[str, str]] = {}
    for policy in (p for p in catalog().policies if p.provider == "azure"):
        for asset in recorded.assets:
            if asset.kind == policy.form.kind:
                status = judge(policy, asset, recorded.related(policy, asset), MOMENT).status
                if status != "not_applicable":
                    reported.setdefault(policy.id, {})[_below(asset.resource)] = status
    return {policy: dict(sorted(by_resource.items())) for policy, by_resource in sorted(reported.items())}


def _below(resource: str) -> str:
    return "/".join(resource.split("/")[3:]) or "(the subscription)"


def test_recorded_resources_are_judged_as_reviewed(shared_folder: Path) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    assert verdicts(shared_folder / "recorded" / "azure") == golden["verdicts"]


def test_the_review_covers_what_is_there(shared_folder: Path) -> None:
    golden = json.loads(GOLDEN.read_text(encoding="utf-8"))
    kinds = {p.id: p.form.kind for p in catalog().policies}
    assert {kinds[policy] for policy in golden["verdicts"]} == golden["reviewed"].keys()
    statuses = [status for by_resource in golden["verdicts"].values() for status in by_resource.values()]
    assert {"pass", "fail", "unknown"} == set(statuses)


def test_what_is_always_there_is_in_all_recordings(shared_folder: Path) -> None:
    assert lacking(Recorded(shared_folder / "recorded" / "azure").assets, types_of(catalog(), "azure")) == []
