"""What Cloud Asset can do wrong, by a real server to the real SDK: each ends in a named unknown.

The look comes to its end, and nothing is unknown that the fault does not touch.
"""

import json
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import google.auth.exceptions
import grpc  # type: ignore[import-untyped]
import pytest

from clouds.call_failed import CallFailed
from clouds.gcp.listing import Ask
from clouds.gcp.login import Login, locate, open_client, place, projects_under
from clouds.gcp.read import AssetApi, GcpClient, local_client
from collectors.gcp import resource_types
from collectors.gcp.collector import GcpCollector
from demo.stand_ins.gcp_assets import page_of
from model.asset import Asset, Listing
from model.fault import Refused
from pipeline.clock import SystemClock
from tests.conftest import MovingClock
from tests.servers import gcp_server
from tests.servers.gcp_server import Act, AssetServer, Fault, Proxy, serving

pytestmark = pytest.mark.process

SERVED = json.loads((Path(__file__).parent.parent.parent / "data" / "gcp" / "assets.json").read_text(encoding="utf-8"))
SHOP = "projects/aozora-shop"
TYPES = resource_types.load()
BUCKET, RAW = "gcp.storage.bucket", "gcp.raw"
LOGS = "//storage.googleapis.com/aozora-logs"
RESOURCES, POLICIES = "cloudasset.assets.listResource", "cloudasset.assets.listIamPolicy"
Status = grpc.StatusCode

# What befalls, the cause that stands for it, and how often a page is asked before it is given up.
FAULTS: dict[str, tuple[Act, str, int]] = {
    "exhausted": (gcp_server.error(Status.RESOURCE_EXHAUSTED), "RESOURCE_EXHAUSTED", 8),
    "exhausted, with a time": (gcp_server.error(Status.RESOURCE_EXHAUSTED, 7), "RESOURCE_EXHAUSTED", 8),
    "internal": (gcp_server.error(Status.INTERNAL), "INTERNAL", 3),
    "unavailable": (gcp_server.error(Status.UNAVAILABLE), "UNAVAILABLE", 3),
    "aborted": (gcp_server.error(Status.ABORTED), "ABORTED", 3),
    "cancelled": (gcp_server.error(Status.CANCELLED), "CANCELLED", 3),
    "too late": (gcp_server.error(Status.DEADLINE_EXCEEDED), "DEADLINE_EXCEEDED", 3),
    "cut off": (gcp_server.cut_off, "INTERNAL", 3),  # what the SDK says of a message that it cannot read
    "unauthenticated": (gcp_server.error(Status.UNAUTHENTICATED), "UNAUTHENTICATED", 2),
    "denied": (gcp_server.error(Status.PERMISSION_DENIED), "PERMISSION_DENIED", 1),
    "not found": (gcp_server.error(Status.NOT_FOUND), "NOT_FOUND", 1),
    "unimplemented": (gcp_server.error(Status.UNIMPLEMENTED), "UNIMPLEMENTED", 1),
}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[AssetServer]:
    server = AssetServer(SERVED, page_size=2)
    with serving(server) as endpoint:
        monkeypatch.setenv("HINOMI_GCP_ENDPOINT", endpoint)
        yield server


class Seen:
    """What one look found."""

    def __init__(self, raw: bool = True, endpoint: str = "", types: Any = TYPES) -> None:
        self.clock = MovingClock()
        # A broken connection is made anew in time, so that waiting has to take some.
        opened = (
            GcpClient(AssetApi(local_client(endpoint)), SystemClock()) if endpoint else open_client(Login(), self.clock)
        )
        events = list(GcpCollector(opened, place(SHOP), types, raw).collect())
        self.assets = {event.resource: event for event in events if isinstance(event, Asset)}
        self.causes = {event.kind: event.cause for event in events if isinstance(event, Listing)}


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("page", [0, 1])
def test_resources_that_cannot_be_listed_are_unknown(server: AssetServer, name: str, page: int) -> None:
    act, code, tries = FAULTS[name]
    server.faults = [Fault(act, "RESOURCE", page)]
    seen = Seen()
    assert set(seen.causes) == {type_.kind.name for type_ in TYPES} | {RAW}
    assert set(seen.causes.values()) == {f"{RESOURCES} {code}"}
    assert len(seen.assets) == 2 * page  # what came before stands
    asked = [
        call for call in server.calls if call.content == "RESOURCE" and call.token == (f"page-{page}" if page else "")
    ]
    assert len(asked) == tries


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.parametrize("page", [0, 1])
def test_policies_that_cannot_be_listed_are_unknown_and_nothing_else(server: AssetServer, name: str, page: int) -> None:
    server.page_size = 1
    act, code, _ = FAULTS[name]
    healthy = Seen()
    server.faults = [Fault(act, "IAM_POLICY", page)]
    seen = Seen()
    assert seen.causes == healthy.causes
    assert seen.assets.keys() == healthy.assets.keys()
    for resource, asset in seen.assets.items():
        wants = any(type_.form.iam for type_ in TYPES if type_.kind.name == asset.kind)
        assert asset.unknown == ({"iamPolicy": f"{POLICIES} {code}"} if wants else {})
        known = {key: value for key, value in healthy.assets[resource].body.items() if key != "iamPolicy"}
        assert asset.body == known


@pytest.mark.parametrize("name", ["exhausted", "internal", "unavailable", "cut off", "unauthenticated"])
def test_a_fault_that_passes_changes_nothing(server: AssetServer, name: str) -> None:
    healthy = Seen()
    server.faults = [
        Fault(FAULTS[name][0], content, page, times=1) for content in ("RESOURCE", "IAM_POLICY") for page in (0, 1)
    ]
    seen = Seen()
    assert (seen.assets, seen.causes) == (healthy.assets, healthy.causes)


def test_the_service_says_when_to_come_back(server: AssetServer) -> None:
    server.faults = [Fault(gcp_server.error(Status.RESOURCE_EXHAUSTED, 7), "RESOURCE", times=2)]
    seen = Seen()
    assert set(seen.causes.values()) == {""}
    assert [pause for pause in seen.clock.slept if pause >= 1] == [7.0, 7.0]


def test_nobody_waits_longer_than_a_minute(server: AssetServer) -> None:
    server.faults = [Fault(gcp_server.error(Status.RESOURCE_EXHAUSTED, 86400))]
    assert max(Seen().clock.slept) <= 60


@pytest.mark.parametrize("names", [("A",), ("A", "B"), ("A", "B", "C")])
def test_tokens_that_come_round_again_end_the_listing(server: AssetServer, names: tuple[str, ...]) -> None:
    server.faults = [Fault(gcp_server.token(*names), "RESOURCE")]
    assert set(Seen().causes.values()) == {f"{RESOURCES} PaginationError"}
    assert len(server.calls) < 12


def test_pages_without_end_are_given_up(server: AssetServer) -> None:
    numbers = (f"page-{number}" for number in range(100, 100_000))

    def onward(*_: Any) -> bytes:
        return page_of([], next(numbers))

    server.faults = [Fault(onward)]
    with pytest.raises(CallFailed, match="PaginationError"):
        for _ in open_client(Login(), MovingClock()).pages(Ask(SHOP, "RESOURCE")):
            pass
    assert len(server.calls) == 10_000


def test_an_empty_message_after_true_ones_is_no_answer(server: AssetServer) -> None:
    server.faults = [Fault(gcp_server.empty, "RESOURCE", 1)]
    assert set(Seen().causes.values()) == {f"{RESOURCES} BrokenReply"}


@pytest.mark.parametrize("after_bytes", [100, 400, 800])
def test_a_connection_that_is_reset_in_mid_page(server: AssetServer, after_bytes: int) -> None:
    endpoint = client_endpoint()
    healthy = Seen()
    always = Proxy(endpoint, after_bytes)
    seen = Seen(endpoint=always.endpoint)
    always.close()
    assert set(seen.causes.values()) == {f"{RESOURCES} UNAVAILABLE"}
    assert always.cuts >= 3
    passing = Proxy(endpoint, after_bytes, times=2)
    seen = Seen(endpoint=passing.endpoint)
    passing.close()
    assert passing.cuts == 2
    assert (seen.assets, seen.causes) == (healthy.assets, healthy.causes)


def client_endpoint() -> str:
    return os.environ["HINOMI_GCP_ENDPOINT"]


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        endpoint = f"127.0.0.1:{held.getsockname()[1]}"
    assert set(Seen(endpoint=endpoint).causes.values()) == {f"{RESOURCES} UNAVAILABLE"}


def test_a_server_that_stays_silent(server: AssetServer) -> None:
    over = threading.Event()

    def silent(*_: Any) -> bytes:
        over.wait(30)
        return b""

    server.faults = [Fault(silent)]
    opened = GcpClient(AssetApi(local_client(client_endpoint())), MovingClock(), call_seconds=0.2)
    with pytest.raises(CallFailed, match="DEADLINE_EXCEEDED"):
        next(opened.pages(Ask(SHOP, "RESOURCE")))
    over.set()


def test_credentials_are_renewed_once(server: AssetServer) -> None:
    renewed: list[int] = []
    access = AssetApi(local_client(client_endpoint()), renew=lambda: renewed.append(1))
    server.faults = [Fault(gcp_server.error(Status.UNAUTHENTICATED), times=1)]
    assert len(list(GcpClient(access, MovingClock()).pages(Ask(SHOP, "RESOURCE")))) == 2
    assert renewed == [1]


def test_credentials_that_cannot_be_renewed_are_named(server: AssetServer) -> None:
    def refuse() -> None:
        raise google.auth.exceptions.RefreshError("user-1a2b@example.com is gone")  # type: ignore[no-untyped-call]

    opened = GcpClient(AssetApi(local_client(client_endpoint()), renew=refuse), MovingClock())
    server.faults = [Fault(gcp_server.error(Status.UNAUTHENTICATED))]
    with pytest.raises(CallFailed, match=r"^RefreshError$"):
        next(opened.pages(Ask(SHOP, "RESOURCE")))
    with pytest.raises(Refused, match="does not accept the credentials") as refused:
        locate(opened, Login(parent=SHOP))
    assert "example.com" not in str(refused.value)


def test_one_type_that_is_not_known_hides_no_other(server: AssetServer) -> None:
    types = [
        type_
        for type_ in TYPES
        if type_.kind.name in (BUCKET, "gcp.cloudresourcemanager.project", "gcp.compute.instance")
    ]
    assert len(types) == 3
    server.known_types = {type_.form.asset_type for type_ in types} - {"compute.googleapis.com/Instance"}
    seen = Seen(raw=False, types=types)
    assert seen.causes == {
        BUCKET: "",
        "gcp.cloudresourcemanager.project": "",
        "gcp.compute.instance": f"{RESOURCES} INVALID_ARGUMENT",
    }
    assert {asset.kind for asset in seen.assets.values()} == {BUCKET, "gcp.cloudresourcemanager.project"}
    assert all(not asset.unknown for asset in seen.assets.values())


def change(key: str, value: Any) -> Act:
    """Change one first-level field of the first asset's data."""

    def in_place(asset: dict[str, Any]) -> None:
        asset["resource"]["data"][key] = value

    return gcp_server.odd(in_place)


@pytest.mark.parametrize(
    ("field", "value", "cause"),
    [
        ("versioning", "on", "malformed: text where a mapping was expected"),
        ("metageneration", 1.5, "malformed: a number where a whole number was expected"),
        ("name", 12, "malformed: a number where text was expected"),
        ("defaultEventBasedHold", "true", "malformed: text where true or false was expected"),
    ],
)
def test_a_field_of_another_type_is_unknown_and_the_others_stand(
    server: AssetServer, field: str, value: Any, cause: str
) -> None:
    server.assets = {SHOP: SERVED[SHOP][1:]}
    server.faults = [Fault(change(field, value), "RESOURCE", 0, times=1)]
    seen = Seen()
    bucket = seen.assets[LOGS]
    assert bucket.unknown == {field: cause}
    assert field not in bucket.body
    assert bucket.body["location"] == "ASIA-NORTHEAST1"
    assert set(seen.causes.values()) == {""}


def test_an_asset_without_data_is_unknown_in_everything(server: AssetServer) -> None:
    server.assets = {SHOP: SERVED[SHOP][1:]}
    server.faults = [Fault(gcp_server.odd(lambda asset: asset["resource"].pop("data")), "RESOURCE", 0, times=1)]
    bucket = Seen().assets[LOGS]
    type_ = next(type_ for type_ in TYPES if type_.kind.name == BUCKET)
    assert bucket.body == {}
    assert bucket.unknown == dict.fromkeys(type_.kind.fields, "malformed: no data")


def test_an_asset_without_a_name_makes_its_listing_unknown(server: AssetServer) -> None:
    server.assets = {SHOP: SERVED[SHOP][1:]}
    server.faults = [Fault(gcp_server.odd(lambda asset: asset.pop("name")), "RESOURCE", 0, times=1)]
    seen = Seen()
    assert seen.causes.pop(BUCKET).startswith("malformed")
    assert set(seen.causes.values()) == {""}


def test_projects_that_cannot_be_listed_are_refused(server: AssetServer) -> None:
    server.faults = [Fault(gcp_server.error(Status.PERMISSION_DENIED))]
    with pytest.raises(Refused, match=rf"^{RESOURCES} PERMISSION_DENIED$"):
        projects_under(open_client(Login(), MovingClock()), "organizations/700")


def test_no_message_of_the_service_is_ever_shown(server: AssetServer) -> None:
    server.faults = [Fault(gcp_server.error(Status.PERMISSION_DENIED))]
    seen = Seen()
    assert not [cause for cause in seen.causes.values() if "@" in cause or "welcome" in cause]
