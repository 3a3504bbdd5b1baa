"""A reply is believed only where it has the form of what was asked, whatever else comes with status 200."""

from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any

import grpc  # type: ignore[import-untyped]
import httpx2
import pytest
from botocore.awsrequest import AWSResponse
from google.cloud.asset_v1 import SearchAllResourcesResponse

from clouds.aws import login, organization
from clouds.aws.login import Login, session
from clouds.aws.read import AwsClient
from clouds.azure import login as azure_login
from clouds.azure.clients import Login as AzureLogin
from clouds.azure.clients import clients
from clouds.azure.read import AzureClient
from clouds.gcp.login import place, projects_under
from clouds.gcp.read import AssetApi, GcpClient, local_client
from clouds.kubernetes.read import KubernetesClient, expected
from clouds.kubernetes.served_apis import RESOURCES
from collectors.aws import engine
from collectors.aws import resource_types as aws_types
from collectors.azure import resource_types as azure_types
from collectors.azure.collector import AzureCollector
from collectors.gcp import resource_types as gcp_types
from collectors.gcp.collector import GcpCollector
from collectors.kubernetes import resource_types as kubernetes_types
from collectors.kubernetes.collector import KubernetesCollector
from model.asset import Asset, Listing, Place
from model.fault import Refused
from tests.conftest import MovingClock
from tests.foreign import BODIES
from tests.servers import azure_company
from tests.servers.azure_company import DIRECTORY, SUBSCRIPTION, BreakingStandIn
from tests.servers.gcp_server import AssetServer, Fault, serving

pytestmark = pytest.mark.sweep

ACCOUNT = Place("123456789012", "123456789012", "arn:aws:iam::123456789012:root", "aws", ("ap-northeast-1",))


def judged(events: Iterable[Asset | Listing], kinds: Iterable[str]) -> list[str]:
    """Return the assets that were seen, and the kinds of which a listing is believed, or is missing."""
    seen = list(events)
    listed = Counter(one.kind for one in seen if isinstance(one, Listing))
    believed = {one.kind for one in seen if isinstance(one, Listing) and not one.cause}
    return [one.resource for one in seen if isinstance(one, Asset)] + sorted(believed | (set(kinds) - listed.keys()))


class Raw(BytesIO):
    """A body as the SDK's connection hands it over."""

    def stream(self) -> Iterator[bytes]:
        yield self.read()


def aws_client(body: bytes, headers: dict[str, str]) -> AwsClient:
    """Return a client of which the SDK's own hook answers every request so, without sending it."""

    def before_send(request: Any, **_: object) -> AWSResponse:
        return AWSResponse(request.url, 200, headers | {"content-length": str(len(body))}, Raw(body))

    own = session(Login(), MovingClock())
    own.set_credentials("key", "secret")
    own.register("before-send", before_send)
    return AwsClient(own, MovingClock())


AWS_TYPES = [type_ for type_ in aws_types.load() if type_.form.listing]


@pytest.mark.parametrize("name", BODIES)
def test_no_listing_of_aws_is_believed(name: str) -> None:
    client = aws_client(BODIES[name], {"content-type": "text/html"})
    assert judged(engine.collect(client, AWS_TYPES, ACCOUNT), [t.kind.name for t in AWS_TYPES]) == []


def test_a_listing_that_the_service_leaves_out_is_empty_where_the_service_signed_it() -> None:
    """Of SQS alone (its ListQueues for no queues); the request's id is what another document has not."""
    signed = {"content-type": "application/x-amz-json-1.0", "x-amzn-requestid": "0b6b4c5c-0000-5000-9000-5d5d5d5d5d5d"}
    believed = judged(engine.collect(aws_client(b"{}", signed), AWS_TYPES, ACCOUNT), [])
    assert believed == ["aws.sqs.queue"]


@pytest.mark.parametrize("name", BODIES)
def test_who_we_are_and_which_accounts_there_are_is_not_believed_either(name: str) -> None:
    """An organisation without accounts would end everything in them."""
    client = aws_client(BODIES[name], {"content-type": "text/html"})
    with pytest.raises(Refused, match="organizations:ListAccounts"):
        organization.accounts(client, "aws")
    with pytest.raises(Refused, match="AWS does not accept"):
        login.locate(client, ())
    with pytest.raises(Refused, match="AWS does not accept"):
        login.account_of(client)


class Answered:
    """What every GET of a cluster is answered with."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self._body, self._status = body, status

    def get(self, url: str, **_: object) -> httpx2.Response:
        return httpx2.Response(
            self._status, content=self._body, request=httpx2.Request("GET", f"https://c.example{url}")
        )

    def close(self) -> None: ...


KUBERNETES_TYPES = kubernetes_types.load()
CLUSTER = Place("cluster", "cluster", "kubernetes://cluster", "kubernetes", ())
# A type of one object is no listing; where it is not there, that is answered with 404.
LISTED = [type_ for type_ in KUBERNETES_TYPES if not type_.form.only]


@pytest.mark.parametrize("name", BODIES)
def test_no_listing_of_kubernetes_is_believed(name: str) -> None:
    client = KubernetesClient(Answered(BODIES[name]), MovingClock())
    assert judged(KubernetesCollector(client, CLUSTER, KUBERNETES_TYPES).collect(), [t.kind.name for t in LISTED]) == []


@pytest.mark.parametrize("name", BODIES)
def test_nothing_of_kubernetes_is_gone_because_somebody_else_has_not_found_it(name: str) -> None:
    client = KubernetesClient(Answered(BODIES[name], 404), MovingClock())
    kinds = [t.kind.name for t in KUBERNETES_TYPES]
    assert judged(KubernetesCollector(client, CLUSTER, KUBERNETES_TYPES).collect(), kinds) == []


@pytest.mark.parametrize("body", [b"404 page not found\n", b'{"kind":"Status","reason":"NotFound","code":404}'])
def test_what_a_server_does_not_serve_is_not_there(body: bytes) -> None:
    client = KubernetesClient(Answered(body, 404), MovingClock())
    found = judged(KubernetesCollector(client, CLUSTER, LISTED).collect(), [])
    assert len([kind for kind in found if kind.startswith("kubernetes.")]) > 20


@pytest.mark.parametrize("resource", RESOURCES.values(), ids=lambda one: one.plural)
def test_what_stands_at_a_path_is_of_its_own_kind(resource: Any) -> None:
    path = f"{resource.api}/{resource.plural}"
    listed = {"apiVersion": resource.version, "kind": f"{resource.kind}List"}
    one = {"apiVersion": resource.version, "kind": resource.kind}
    assert expected(path).fits(listed)
    assert not expected(path).fits(one)
    assert not expected(path).fits(listed | {"apiVersion": "example.com/v1"}), "another group's, by the same name"
    inside = path.replace(resource.plural, f"namespaces/shop/{resource.plural}") if resource.namespaced else path
    assert expected(inside).fits(listed)
    assert expected(f"{inside}/name").fits(one)
    for other in RESOURCES.values():
        same = (other.version, other.kind) == (resource.version, resource.kind)
        assert expected(path).fits({"apiVersion": other.version, "kind": f"{other.kind}List"}) == same


AZURE_TYPES = [type_ for type_ in azure_types.load() if not type_.of_directory]


@pytest.fixture(scope="module")
def azure() -> Iterator[BreakingStandIn]:
    with azure_company.breaking() as stand_in:
        yield stand_in


@pytest.mark.process
@pytest.mark.parametrize("name", [name for name in BODIES if name != "no byte"])
def test_no_listing_of_azure_is_believed(name: str, azure: BreakingStandIn) -> None:
    client = AzureClient(clients(AzureLogin()), MovingClock())
    own = Place(SUBSCRIPTION, SUBSCRIPTION, f"/subscriptions/{SUBSCRIPTION}", "azure", ())
    azure.faults = [
        azure_company.Fault(needle, azure_company.answer(200, BODIES[name]))
        for needle in ("Microsoft.ResourceGraph", "GET /subscriptions")
    ]
    collector = AzureCollector(client, own, AZURE_TYPES, DIRECTORY, {}, True)
    assert judged(collector.collect(), [t.kind.name for t in AZURE_TYPES]) == []
    for listing in (azure_login.subscriptions, lambda client: azure_login.members(client, "all")):
        with pytest.raises(Refused):
            listing(client)


@pytest.mark.process
@pytest.mark.parametrize("name", [name for name in BODIES if name != "no byte"])
def test_no_listing_of_a_directory_is_believed(name: str, azure: BreakingStandIn) -> None:
    types = [type_ for type_ in azure_types.load() if type_.of_directory]
    azure.faults = [azure_company.Fault("GET /", azure_company.answer(200, BODIES[name]))]
    client = AzureClient(clients(AzureLogin()), MovingClock())
    collector = AzureCollector(client, azure_login.directory_place(DIRECTORY), types, DIRECTORY, {}, True)
    assert judged(collector.collect(), [t.kind.name for t in types]) == []


GCP_TYPES = gcp_types.load()
GCP_BODIES = BODIES | {"another method's reply": bytes(SearchAllResourcesResponse.pb()().SerializeToString())}


@pytest.mark.process
@pytest.mark.parametrize("name", GCP_BODIES)
def test_no_listing_of_google_is_believed(name: str) -> None:
    server = AssetServer({}, page_size=2)

    def act(_call: Any, _context: grpc.ServicerContext, _reply: bytes) -> bytes:
        return GCP_BODIES[name]

    server.faults = [Fault(act)]
    with serving(server) as endpoint:
        client = GcpClient(AssetApi(local_client(endpoint)), MovingClock())
        collector = GcpCollector(client, place("projects/aozora-shop"), GCP_TYPES, True)
        assert judged(collector.collect(), [t.kind.name for t in GCP_TYPES]) == []
        with pytest.raises(Refused):
            projects_under(client, "folders/1")
