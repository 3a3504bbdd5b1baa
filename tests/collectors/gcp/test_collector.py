"""Google Cloud by the SDK's own client and a real gRPC server: what is seen of a place, joined with its policies."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.cloud.asset_v1 import ListAssetsResponse
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.struct_pb2 import Struct  # type: ignore[import-untyped]

from clouds.gcp.asset_messages import row, struct
from clouds.gcp.login import Login, locate, open_client, place, projects_under
from clouds.gcp.read import GcpClient
from collectors.gcp import resource_types
from collectors.gcp.collector import GcpCollector
from demo.stand_ins.gcp_assets import page_of
from model.asset import Asset, Listing
from model.fault import Refused
from tests.conftest import MovingClock
from tests.servers.gcp_server import AssetServer, serving

SERVED = json.loads((Path(__file__).parent.parent.parent / "data" / "gcp" / "assets.json").read_text(encoding="utf-8"))
SHOP, ORGANIZATION = "projects/aozora-shop", "organizations/700"
TYPES = resource_types.load()
BUCKET = "gcp.storage.bucket"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AssetServer]:
    """A server of small pages; the environment leads to it."""
    server = AssetServer(SERVED, page_size=2)
    with serving(server) as endpoint:
        monkeypatch.setenv("HINOMI_GCP_ENDPOINT", endpoint)
        monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
        yield server


def opened(quota_project: str = "") -> GcpClient:
    return open_client(Login(quota_project=quota_project), MovingClock())


def look(parent: str = SHOP, kinds: set[str] | None = None) -> tuple[dict[str, Asset], dict[str, str]]:
    """Return the assets of a place by resource, and the causes of its listings by kind."""
    types = TYPES if kinds is None else [type_ for type_ in TYPES if type_.kind.name in kinds]
    seen = list(GcpCollector(opened(), place(parent), types, raw=kinds is None).collect())
    assets = {event.resource: event for event in seen if isinstance(event, Asset)}
    listings = [event for event in seen if isinstance(event, Listing)]
    assert len({listing.kind for listing in listings}) == len(listings)
    return assets, {listing.kind: listing.cause for listing in listings}


@pytest.mark.process
def test_a_bucket_is_its_own_fields_with_the_policy_that_is_set_on_it(server: AssetServer) -> None:
    assets, causes = look()
    bucket = assets["//storage.googleapis.com/aozora-logs"]
    assert (bucket.kind, bucket.name, bucket.scope, bucket.region) == (
        BUCKET,
        "aozora-logs",
        "aozora-shop",
        "asia-northeast1",
    )
    assert bucket.body == {
        "name": "aozora-logs",
        "location": "ASIA-NORTHEAST1",
        "metageneration": 2,
        "projectNumber": 100200300,
        "labels": {"team": "shop"},
        "versioning": {"enabled": True},
        "lifecycle": {"rule": [{"action": {"type": "Delete"}, "condition": {"age": 365}}]},
        "iamPolicy": {
            "bindings": [
                {"role": "roles/storage.objectViewer", "members": ["allUsers"]},
                {
                    "role": "roles/storage.admin",
                    "members": ["group:shop@example.com"],
                    "condition": {"title": "hours", "expression": "true"},
                },
            ]
        },
    }
    assert bucket.unknown == {}
    assert type(bucket.body["metageneration"]) is int
    assert set(causes) == {type_.kind.name for type_ in TYPES} | {"gcp.raw"}
    assert set(causes.values()) == {""}


@pytest.mark.process
def test_what_has_no_policy_of_its_own_has_none(server: AssetServer) -> None:
    assets, _ = look()
    private = assets["//storage.googleapis.com/aozora-private"]
    assert "iamPolicy" not in private.body
    assert private.unknown == {}


@pytest.mark.process
def test_what_no_type_file_describes_is_kept_raw_without_its_secrets(server: AssetServer) -> None:
    thing = look()[0]["//example.googleapis.com/projects/100200300/things/a"]
    assert thing.kind == "gcp.raw"
    assert thing.body == {
        "assetType": "example.googleapis.com/Thing",
        "size": 3,
        "adminPassword": {"looks_like": "named"},
    }


@pytest.mark.process
def test_only_chosen_types_are_asked_without_raw(server: AssetServer) -> None:
    assets, causes = look(kinds={BUCKET})
    assert {asset.kind for asset in assets.values()} == {BUCKET}
    assert causes == {BUCKET: ""}
    assert {call.types for call in server.calls} == {("storage.googleapis.com/Bucket",)}


@pytest.mark.process
def test_policies_are_not_asked_where_no_type_wants_them(server: AssetServer) -> None:
    types = [type_.narrowed({"name"}) for type_ in TYPES]
    list(GcpCollector(opened(), place(SHOP), types).collect())
    assert {call.content for call in server.calls} == {"RESOURCE"}


@pytest.mark.process
def test_a_full_page_is_asked_and_the_quota_project_named(server: AssetServer) -> None:
    list(GcpCollector(opened("aozora-billing"), place(SHOP), TYPES).collect())
    assert {call.page_size for call in server.calls} == {1000}
    assert {call.metadata["x-goog-user-project"] for call in server.calls} == {"aozora-billing"}


@pytest.mark.process
def test_of_an_organisation_what_lies_in_projects_is_left_to_them(server: AssetServer) -> None:
    assets, _ = look(ORGANIZATION)
    holder = "//cloudresourcemanager.googleapis.com/"
    assert set(assets) == {f"{holder}organizations/700", f"{holder}folders/71"}
    assert {asset.scope for asset in assets.values()} == {ORGANIZATION}
    assert projects_under(opened(), ORGANIZATION) == {"aozora-shop": "ACTIVE", "aozora-old": "DELETE_REQUESTED"}


@pytest.mark.process
def test_the_body_hash_leaves_out_what_is_volatile(server: AssetServer) -> None:
    before = look()[0]["//storage.googleapis.com/aozora-logs"].body_hash
    served = json.loads(json.dumps(SERVED))
    served[SHOP][1]["resource"]["data"]["metageneration"] = 3
    server.assets = served
    assert look()[0]["//storage.googleapis.com/aozora-logs"].body_hash == before
    served[SHOP][1]["resource"]["data"]["versioning"]["enabled"] = False
    assert look()[0]["//storage.googleapis.com/aozora-logs"].body_hash != before


@pytest.mark.process
def test_the_project_is_reported_or_refused(server: AssetServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Refused, match="GOOGLE_CLOUD_PROJECT"):
        locate(opened(), Login())
    with pytest.raises(Refused, match="projects/ID"):
        locate(opened(), Login(parent="projects/Not A Name"))
    monkeypatch.setenv("GOOGLE_CLOUD_PROJECT", "aozora-shop")
    found = locate(opened(), Login())
    assert (found.scope, found.regions) == ("aozora-shop", ())
    assert found.account_resource == "//cloudresourcemanager.googleapis.com/projects/aozora-shop"
    folder = locate(opened(), Login(parent="folders/71"))
    assert (folder.scope, folder.account_resource) == ("folders/71", "//cloudresourcemanager.googleapis.com/folders/71")


@pytest.mark.parametrize("reported", [asset for assets in SERVED.values() for asset in assets])
def test_messages_become_what_protobuf_itself_makes_of_them(reported: dict[str, Any]) -> None:
    message = ListAssetsResponse.pb().FromString(page_of([reported])).assets[0]
    expected = json_format.MessageToDict(message)
    assert without_nulls(row(message)) == without_nulls(expected | {"resource": needed(expected["resource"])})


def needed(resource: dict[str, Any]) -> dict[str, Any]:
    return {key: resource.get(key, "") for key in ("parent", "location")} | {"data": resource["data"]}


def without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_nulls(inner) for inner in value]
    return value


NUMBERS = [0, -1, 1.5, 2.0**53, -(2.0**53), 2.0**60, 1e300, 5e-324]
TEXTS = ["", "a", "é", "日本" * 200, "x" * 127, "x" * 128, "x" * 20_000, '"\\\n']
STRUCTS: list[dict[str, Any]] = [
    {},
    {"a": {}, "b": [], "c": [[], {}, [[None]]], "d": None},
    {"numbers": NUMBERS, "texts": TEXTS, "truths": [True, False, None, {"a": False, "b": True}]},
    {text: text for text in TEXTS},
    {"k" * 130: {"k" * 20_000: [{"k": "v" * 300}] * 3}},
]


@pytest.mark.parametrize("reported", STRUCTS, ids=range(len(STRUCTS)))
def test_structs_are_read_as_protobuf_reads_them(reported: dict[str, Any]) -> None:
    message = json_format.ParseDict(reported, Struct())
    assert struct(message) == without_nulls(json_format.MessageToDict(message))


def test_whole_numbers_are_whole_and_what_json_cannot_say_is_text() -> None:
    message = Struct()
    for name, number in (("whole", 2.0), ("half", 0.5), ("endless", float("inf")), ("none", float("nan"))):
        message.fields[name].number_value = number
    reported = struct(message)
    assert reported == {"whole": 2, "half": 0.5, "endless": "inf", "none": "nan"}
    assert type(reported["whole"]) is int


def test_fields_that_the_library_does_not_know_change_nothing() -> None:
    strange = b"\x98\x06\x01"  # field 99, a number
    value = b"\x1a\x01v" + strange
    entry = b"\x0a\x01k\x12" + bytes([len(value)]) + value  # the library drops a map's entry that has more
    data = strange + b"\x0a" + bytes([len(entry)]) + entry + strange
    assert struct(Struct.FromString(data)) == {"k": "v"}
    resource = b"\x32" + bytes([len(data)]) + data
    asset = strange + b"\x0a\x01n" + b"\x1a" + bytes([len(resource)]) + resource + b"\x12\x01t" + strange
    page = ListAssetsResponse.pb().FromString(b"\x12" + bytes([len(asset)]) + asset)
    reported = row(page.assets[0])
    assert (reported["name"], reported["assetType"], reported["resource"]["data"]) == ("n", "t", {"k": "v"})
