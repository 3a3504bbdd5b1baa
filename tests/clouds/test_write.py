"""The clients for changes over HTTP: what is sent once, what is sent again, what is certain and what is in doubt."""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from clouds.azure.clients import Login as AzureLogin
from clouds.azure.clients import clients
from clouds.azure.write import AzureWire
from clouds.call_failed import CallFailed, InDoubt, NotThere
from clouds.gcp.write import GcpWire, session_of
from clouds.kubernetes.login import Login, connection
from clouds.kubernetes.write import KubernetesWire
from clouds.rest_write import RestWriteClient
from demo.stand_ins import azure as azure_stand_in
from demo.stand_ins import gcp_compute
from demo.stand_ins.azure import CLIENT, SECRET, Company, Handler, StandIn, Subscription
from demo.stand_ins.azure_writes import Answer
from demo.stand_ins.gcp_assets import AssetStandIn
from demo.stand_ins.gcp_compute import ComputeStandIn
from demo.stand_ins.kubernetes import CUT, Asked, ClusterStandIn, StandInReply
from model.call import Call
from tests.conftest import MovingClock
from tests.other_clouds import DIRECTORY, GROUP, PROJECT, SUBSCRIPTION, account, firewall, security_group

pytestmark = pytest.mark.process

GARBAGE = -1  # what comes instead of a reply is not even TLS
# What befalls requests that write, by turns: a status with its headers, CUT, GARBAGE; then the truth.
Faults = list[tuple[int, dict[str, str]]]


class Server:
    """One of the local servers with a client of it: what can be asked and written there, and what was."""

    def __init__(
        self, client: RestWriteClient, calls: dict[str, Call], writes: Callable[[], int], now: Callable[[], Any]
    ):
        self.client, self.calls, self.writes, self.now = client, calls, writes, now


@contextmanager
def kubernetes(faults: Faults, clock: MovingClock, folder: Path, _: pytest.MonkeyPatch) -> Iterator[Server]:
    def fault(asked: Asked, _times: int) -> StandInReply | None:
        return StandInReply(*reported(faults)) if asked.method != "GET" and faults else None

    def reported(faults: Faults) -> tuple[int, bytes, dict[str, str]]:
        status, headers = faults.pop(0)
        return status, b'{"kind":"Status","reason":"Forbidden"}', headers

    path = "/api/v1/namespaces/shop/serviceaccounts/default"
    patch = {"path": path, "query": {"fieldValidation": "Strict"}, "type": "application/merge-patch+json"}
    field = {"automountServiceAccountToken": False}
    with ClusterStandIn([account("shop")], fault) as cluster:
        client = RestWriteClient(KubernetesWire(connection(Login(str(cluster.kubeconfig(folder))))), clock)
        calls = {
            "read": Call("cluster", "GET", {"path": path}),
            "write": Call("cluster", "PATCH", patch | {"body": field}),
            "old": Call("cluster", "PATCH", patch | {"body": field | {"metadata": {"resourceVersion": "0"}}}),
            "unknown field": Call("cluster", "PATCH", patch | {"body": {"automount": False}}),
            "nowhere": Call("cluster", "GET", {"path": path + "x"}),
        }
        yield Server(
            client,
            calls,
            lambda: sum(asked.method != "GET" for asked in cluster.asked),
            lambda: cluster.objects[1].get("automountServiceAccountToken"),
        )
        client.close()


@contextmanager
def azure(
    faults: Faults, clock: MovingClock, _: Path, patch: pytest.MonkeyPatch, operation: Answer | None = None
) -> Iterator[Server]:
    class Breaking(Handler):
        def send(self, answer: Answer) -> None:
            if operation and "/operations/" in self.path:
                answer = operation
            if self.command not in ("GET", "POST") and faults:
                status, headers = faults.pop(0)
                if status in (CUT, GARBAGE):
                    self.close_connection = True
                    if status == GARBAGE:
                        with socket.socket(fileno=os.dup(self.connection.fileno())) as below:
                            below.sendall(b"no record of TLS")
                    return
                answer = Answer(status, {"error": {"code": "Forbidden", "message": "m"}}, headers)
            super().send(answer)

    group = security_group()
    stand_in = StandIn(Company(DIRECTORY, [Subscription(SUBSCRIPTION, tables={"resources": [group]})]))
    with azure_stand_in.running(stand_in, Breaking) as environment:
        for name, value in environment.items():
            patch.setenv(name, value)
        path = f"{GROUP}/Microsoft.Network/networkSecurityGroups/web"
        version = {"query": {"api-version": "2023-09-01"}}
        rule = {"path": f"{path}/securityRules/ssh"} | version
        client = RestWriteClient(AzureWire(clients(AzureLogin(DIRECTORY, CLIENT, SECRET))), clock)
        calls = {
            "read": Call("management", "GET", {"path": path} | version),
            "write": Call("management", "DELETE", rule),
            "old": Call("management", "DELETE", rule | {"if_match": 'W/"0"'}),
            "unknown field": Call("management", "PUT", rule | {"body": {"properties": {"colour": "blue"}}}),
            "nowhere": Call("management", "GET", {"path": f"{path}x"} | version),
        }
        names: Callable[[], list[str]] = lambda: [one["name"] for one in group["properties"]["securityRules"]]  # noqa: E731
        yield Server(client, calls, lambda: len(stand_in.writes.log), lambda: None if "ssh" in names() else False)
        client.close()


@contextmanager
def gcp(faults: Faults, clock: MovingClock, _: Path, patch: pytest.MonkeyPatch) -> Iterator[Server]:
    assets = AssetStandIn({f"projects/{PROJECT}": [firewall("any", sourceRanges=["0.0.0.0/0"])]})

    class Breaking(ComputeStandIn):
        def answer(self, method: str, path: str, body: bytes) -> tuple[int, dict[str, Any]]:
            if method != "GET" and faults:
                self.log.append((method, path, faults[0][0]))
                return faults.pop(0)[0], {"error": {"errors": [{"reason": "Forbidden"}]}}
            return super().answer(method, path, body)

    compute = Breaking(assets)
    with gcp_compute.serving(compute) as url:
        patch.setenv("HINOMI_GCP_REST_ENDPOINT", url)
        client = RestWriteClient(GcpWire(session_of(None)), clock)
        path = f"/compute/v1/projects/{PROJECT}/global/firewalls/any"
        calls = {
            "read": Call("compute", "GET", {"path": path}),
            "write": Call("compute", "PATCH", {"path": path, "body": {"disabled": False, "description": "x"}}),
            "unknown field": Call("compute", "PATCH", {"path": path, "body": {"colour": "blue"}}),
            "nowhere": Call("compute", "GET", {"path": path + "x"}),
        }
        data = assets.assets[f"projects/{PROJECT}"][0]["resource"]["data"]
        yield Server(client, calls, lambda: len(compute.log), lambda: data.get("disabled"))
        client.close()


SERVERS: dict[str, Callable[..., AbstractContextManager[Server]]] = {
    "kubernetes": kubernetes,
    "azure": azure,
    "google": gcp,
}
WAITED = {"kubernetes": 0, "azure": 3, "google": 2}  # looks at an operation until it has ended


@pytest.fixture(params=SERVERS)
def cloud(request: pytest.FixtureRequest, clock: MovingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what serves the cloud with faults."""
    return lambda *faults: SERVERS[request.param]([*faults], clock, tmp_path, monkeypatch)


def test_a_write_takes_effect_once_and_is_waited_for(
    cloud: Any, clock: MovingClock, request: pytest.FixtureRequest
) -> None:
    with cloud() as server:
        assert server.now() is None
        server.client.send(server.calls["write"])
        assert (server.now(), server.writes()) == (False, 1)
        waited = next(number for name, number in WAITED.items() if name in request.node.name)
        assert len(clock.slept) == waited


@pytest.mark.parametrize(
    ("faults", "expected", "codes", "sent"),
    [
        ([(429, {"Retry-After": "7"})], None, (), 2),
        ([(403, {})], CallFailed, ("Forbidden",), 1),
        ([(500, {})], InDoubt, ("Forbidden",), 1),
        ([(CUT, {})], InDoubt, ("RemoteProtocolError", "ServiceResponseError", "ConnectionError"), 1),
    ],
    ids=["throttled", "denied", "broken", "lost"],
)
def test_only_what_was_throttled_is_sent_again(
    cloud: Any, faults: Faults, expected: type[CallFailed] | None, codes: tuple[str, ...], sent: int
) -> None:
    with cloud(*faults) as server:
        if expected is None:
            server.client.send(server.calls["write"])
            assert server.now() is False
        else:
            with pytest.raises(CallFailed) as caught:
                server.client.send(server.calls["write"])
            assert type(caught.value) is expected
            assert caught.value.code in codes
        assert server.writes() == sent


@pytest.mark.parametrize(
    ("which", "what", "code"),
    [  # a firewall rule of Google's has neither fingerprint nor ETag
        ("kubernetes", "old", "Conflict"),
        ("azure", "old", "PreconditionFailed"),
        ("kubernetes", "unknown field", "BadRequest"),
        ("azure", "unknown field", "InvalidRequestFormat"),
        ("google", "unknown field", "invalid"),
    ],
)
def test_the_servers_are_as_strict_as_the_real_ones(
    which: str, what: str, code: str, clock: MovingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with SERVERS[which]([], clock, tmp_path, monkeypatch) as server:
        with pytest.raises(CallFailed) as caught:
            server.client.send(server.calls[what])
        assert type(caught.value) is CallFailed
        assert caught.value.code == code
        assert server.now() is None


def test_a_reply_of_azure_that_is_no_reply_leaves_it_in_doubt(
    clock: MovingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The SDK calls it a «ServiceRequestError», like a server that is not there."""
    with azure([(GARBAGE, {})], clock, tmp_path, monkeypatch) as server:
        with pytest.raises(InDoubt, match="ServiceRequestError"):
            server.client.send(server.calls["write"])
        assert server.writes() == 1, "it had arrived"


@pytest.mark.parametrize(
    ("answer", "expected", "code"),
    [
        (Answer(200, {"status": "Failed", "error": {"code": "InUse", "message": "m"}}), CallFailed, "InUse"),
        (Answer(200, {"status": "Canceled"}), CallFailed, "canceled"),
        (Answer(200, {"status": "InProgress"}), InDoubt, "OperationNotEnded"),
        (Answer(404, {"error": {"code": "OperationNotFound", "message": "m"}}), InDoubt, "OperationNotFound"),
    ],
    ids=["failed", "canceled", "not ended", "forgotten"],
)
def test_an_operation_of_azure_is_followed_to_whatever_end_it_has(
    answer: Answer,
    expected: type[CallFailed],
    code: str,
    clock: MovingClock,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with azure([], clock, tmp_path, monkeypatch, operation=answer) as server:
        with pytest.raises(CallFailed) as caught:
            server.client.send(server.calls["write"])
        assert (type(caught.value), caught.value.code) == (expected, code)


def test_asking_never_writes_and_sending_never_reads(cloud: Any) -> None:
    with cloud() as server:
        with pytest.raises(CallFailed, match="is no reading"):
            server.client.ask(server.calls["write"])
        with pytest.raises(CallFailed, match="GET is no writing"):
            server.client.send(server.calls["read"])
        assert server.client.ask(server.calls["read"])
        with pytest.raises(NotThere):
            server.client.ask(server.calls["nowhere"])
        assert server.writes() == 0


def test_an_operation_that_does_not_end_is_in_doubt(clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = AssetStandIn({f"projects/{PROJECT}": [firewall("any")]})
    with gcp_compute.serving(ComputeStandIn(assets)) as url:
        monkeypatch.setenv("HINOMI_GCP_REST_ENDPOINT", url)
        client = RestWriteClient(GcpWire(session_of(None)), clock, patience_seconds=1.0)
        path = f"/compute/v1/projects/{PROJECT}/global/firewalls/any"
        with pytest.raises(InDoubt, match="OperationNotEnded"):
            client.send(Call("compute", "PATCH", {"path": path, "body": {"disabled": True}}))
        client.close()


def test_an_operation_that_failed_says_why(clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    ended = {"kind": "compute#operation", "status": "DONE", "error": {"errors": [{"code": "RESOURCE_IN_USE"}]}}
    compute = ComputeStandIn(AssetStandIn({}))
    compute.faults.append((200, ended))
    with gcp_compute.serving(compute) as url:
        monkeypatch.setenv("HINOMI_GCP_REST_ENDPOINT", url)
        client = RestWriteClient(GcpWire(session_of(None)), clock)
        with pytest.raises(CallFailed, match="RESOURCE_IN_USE") as caught:
            client.send(Call("compute", "PATCH", {"path": "/compute/v1/x", "body": {}}))
        assert type(caught.value) is CallFailed
        client.close()


def test_a_server_of_gcp_that_is_not_there_was_not_asked(clock: MovingClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HINOMI_GCP_REST_ENDPOINT", "http://127.0.0.1:9")
    client = RestWriteClient(GcpWire(session_of(None)), clock)
    refused_at_once(client, Call("compute", "PATCH", {"path": "/compute/v1/x", "body": {}}))


def test_a_server_of_azure_that_is_not_there_was_not_asked(
    clock: MovingClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with azure([], clock, tmp_path, monkeypatch) as server:
        signed_in = replace(clients(AzureLogin(DIRECTORY, CLIENT, SECRET)), arm_url="https://127.0.0.1:9")
        refused_at_once(RestWriteClient(AzureWire(signed_in), clock), server.calls["write"])


def refused_at_once(client: RestWriteClient, call: Call) -> None:
    with pytest.raises(CallFailed) as caught:
        client.send(call)
    assert type(caught.value) is CallFailed
    assert caught.value.unreachable
    client.close()
