"""Recorded replies of Google's REST APIs through the parser of live ones; single services' are wrapped as data."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from collectors.gcp import resource_types
from collectors.gcp.recordings import Line, Recordings

TYPES = resource_types.load()
RECORDINGS = Recordings(TYPES)
SUPPORTED = {path.lower() for type_ in TYPES for path in type_.form.rest}
CASES = json.loads(
    (Path(__file__).parent.parent.parent / "data" / "gcp" / "recordings.json").read_text(encoding="utf-8")
)
COMPUTE = "https://compute.googleapis.com/compute/v1/projects/p"


def read(url: str, response: Any, status: int = 200, method: str = "GET") -> list[Line]:
    return list(RECORDINGS.read({"method": method, "url": url, "status": status, "response": response}))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["url"])
def test_resources_of_single_services_are_assets(case: dict[str, Any]) -> None:
    lines = read(case["url"], case["response"])
    assert [[kind, resource] for kind, resource, _ in lines] == case["seen"]
    assert {outcome for _, _, outcome in lines} <= {"asset"}


@pytest.mark.parametrize(
    ("url", "response", "status", "method"),
    [
        (f"{COMPUTE}/global/firewalls/x", {"error": {"code": 404}}, 404, "GET"),
        (f"{COMPUTE}/global/firewalls/x", None, 200, "GET"),
        (f"{COMPUTE}/global/firewalls/x", {"kind": "compute#operation", "name": "operation-1"}, 200, "PATCH"),
        (f"{COMPUTE}/global/firewalls/x", {}, 200, "DELETE"),
        ("https://file.googleapis.com/v1/projects/p/locations/l/instances", {"name": "p/operations/o"}, 200, "POST"),
        ("https://pubsub.googleapis.com/v1/projects/p/topics/t:getIamPolicy", {"bindings": []}, 200, "GET"),
        ("https://storage.googleapis.com/storage/v1/b/x/iam", {"bindings": []}, 200, "GET"),
        ("https://example.googleapis.com/v1/projects/p/things", {"things": [{}]}, 200, "GET"),
        ("http://[", {"things": [{}]}, 200, "GET"),
        ("", {}, 200, "GET"),
    ],
)  # fmt: skip
def test_what_is_no_resource_is_one_line(url: str, response: Any, status: int, method: str) -> None:
    assert [(kind, outcome) for kind, _, outcome in read(url, response, status, method)] == [("", "unknown-type")]


def test_replies_of_cloud_asset_are_parsed_as_they_are() -> None:
    bucket = "storage.googleapis.com/Bucket"
    rows = [
        {"name": "//storage.googleapis.com/x", "assetType": bucket, "resource": {"data": {"name": "x"}}},
        {"name": "//storage.googleapis.com/y", "assetType": bucket, "iamPolicy": {"bindings": []}},
        {"name": "//storage.googleapis.com/z", "assetType": bucket, "resource": {"data": "z"}},
        {"name": "//example.googleapis.com/a", "assetType": "example.googleapis.com/Thing", "resource": {"data": {}}},
        {"assetType": bucket},
        "strange",
    ]
    url = "https://cloudasset.googleapis.com/v1/projects/p/assets?contentType=RESOURCE"
    path = "/v1/projects/p/assets"
    assert read(url, {"assets": rows}) == [
        ("gcp.storage.bucket", "//storage.googleapis.com/x", "asset"),
        ("gcp.storage.bucket", "//storage.googleapis.com/y", "asset"),
        ("gcp.storage.bucket", "//storage.googleapis.com/z", "malformed"),
        ("gcp.raw", "//example.googleapis.com/a", "unknown-type"),
        ("gcp.storage.bucket", path, "malformed"),
        ("gcp.raw", path, "malformed"),
    ]
    assert read(url, {"readTime": "2026-01-01T00:00:00Z"}) == []
    assert read(url, {"assets": "none"}) == [("gcp.raw", path, "malformed")]


ODD: list[Any] = ["text", 1, True, [], [1], {"name": None}, {"name": {"a": [None]}}, {"name": "\ud800"}, {"id": 1e400}]
DEEP: Any = {}
for _ in range(900):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize("body", [*ODD, DEEP], ids=range(10))
@pytest.mark.parametrize(
    "url", [f"{COMPUTE}/zones/a/instances/i", f"{COMPUTE}/zones/a/instances", f"{COMPUTE}/aggregated/instances"]
)
def test_an_odd_body_of_a_supported_type_is_never_of_an_unknown_one(url: str, body: Any) -> None:
    for response in (
        body,
        {"items": body},
        {"items": [body]},
        {"items": {"zones/a": body, "zones/b": {"instances": body}}},
    ):
        lines = read(url, response)
        assert {kind for kind, _, _ in lines} <= {"gcp.compute.instance"}
        assert {outcome for _, _, outcome in lines} <= {"asset", "malformed"}


STRANGE_ID = '"a22222222222222222"'  # one upstream put a text for an id


@pytest.mark.shared
def test_every_recording_of_a_supported_type_is_an_asset(shared_folder: Path) -> None:
    outcomes: Counter[str] = Counter()
    for file in sorted((shared_folder / "recorded" / "gcp").glob("*/*.json")):
        text = file.read_text(encoding="utf-8")
        exchange = json.loads(text)
        lines = list(RECORDINGS.read(exchange))
        outcomes.update(outcome for _, _, outcome in lines)
        reveals = exchange["status"] == 200 and ":get" not in exchange["url"]
        if file.parent.name in SUPPORTED | {"cloudasset.assets"} and reveals:
            assert {outcome for _, _, outcome in lines} <= ({"malformed"} if STRANGE_ID in text else {"asset"}), file
            assert "" not in {kind for kind, _, _ in lines}, file
    assert outcomes["malformed"] == 1
    assert outcomes["asset"] >= 970


@pytest.mark.shared
def test_no_field_of_a_recording_is_of_another_type_but_where_it_was_recorded_otherwise(
    shared_folder: Path,
) -> None:
    """Enumerations are numbers where the caller asked for them so; one upstream put a text for an id."""
    for file in sorted((shared_folder / "recorded" / "gcp").glob("*/*.json")):
        exchange = json.loads(file.read_text(encoding="utf-8"))
        if "enum-encoding" in exchange["url"] or STRANGE_ID in json.dumps(exchange):
            continue
        for asset in RECORDINGS.assets(exchange):
            strange = {name: cause for name, cause in asset.unknown.items() if cause != "not in this reply"}
            assert not strange, (file, strange)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ({}, [("gcp.raw", "malformed")]),
        ({"nextPageToken": "t"}, [("gcp.raw", "malformed")]),
        ({"readTime": "2026-01-01T00:00:00Z"}, []),
        ({"readTime": "2026-01-01T00:00:00Z", "assets": None}, [("gcp.raw", "malformed")]),
        ({"assets": [None, 7, {}]}, [("gcp.raw", "malformed")] * 3),
        ({"assets": [{"assetType": "storage.googleapis.com/Bucket"}]}, [("gcp.storage.bucket", "malformed")]),
    ],
    ids=range(6),
)
def test_a_page_of_assets_is_one_only_where_it_is_dated_or_has_some(response: Any, expected: list[Any]) -> None:
    lines = read("https://cloudasset.googleapis.com/v1/projects/p/assets", response)
    assert [(kind, outcome) for kind, _, outcome in lines] == expected
