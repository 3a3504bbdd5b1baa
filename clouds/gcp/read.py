"""The reading client of Google Cloud: Cloud Asset over gRPC, page by page."""

from collections.abc import Callable, Iterator
from typing import Any

import google.api_core.exceptions
import google.auth.exceptions
import grpc  # type: ignore[import-untyped]
from google.cloud.asset_v1 import AssetServiceClient, ContentType, ListAssetsRequest, ListAssetsResponse
from google.cloud.asset_v1.services.asset_service.transports import AssetServiceGrpcTransport
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from msgspec import Struct

from clouds.call_failed import CallFailed
from clouds.gcp.asset_messages import Row, row
from clouds.gcp.listing import Ask
from clouds.rate import Rate
from model.clock import Clock

_PAGE_SIZE = 1000  # the API's own limit
_MOST_PAGES = 10_000
_CALL_SECONDS = 60.0  # as the SDK has it for this method
_EXHAUSTED_TRIES, _BROKEN_TRIES = 8, 3
_LONGEST_PAUSE_SECONDS = 60.0  # quotas are counted by the minute
# The SDK's own, for pages of more than 4 MB; and reconnecting as soon as this client asks again, not a second later.
_CHANNEL = [
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
]

_EXHAUSTED = grpc.StatusCode.RESOURCE_EXHAUSTED.name
_UNAUTHENTICATED = grpc.StatusCode.UNAUTHENTICATED.name
# What a broken connection or service says; CANCELLED and UNKNOWN come of streams that the other side gave up.
_BREAKING = frozenset(
    {
        grpc.StatusCode.ABORTED.name,
        grpc.StatusCode.CANCELLED.name,
        grpc.StatusCode.DATA_LOSS.name,
        grpc.StatusCode.DEADLINE_EXCEEDED.name,
        grpc.StatusCode.INTERNAL.name,
        grpc.StatusCode.UNAVAILABLE.name,
        grpc.StatusCode.UNKNOWN.name,
    }
)


class AssetApi(Struct, frozen=True):
    """How Cloud Asset is reached: the SDK's client, its credentials' own project, metadata for each call, and renewal.

    `renew` asks for new credentials now; it raises GoogleAuthError.
    """

    client: AssetServiceClient
    project: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    renew: Callable[[], None] = lambda: None


class GcpClient:
    """Reads Cloud Asset with one set of credentials, whatever the parent; safe to share between threads.

    Every call waits for its turn (quotas are the consumer project's, so all parents share one rate), is repeated within
    a budget while the service objects or breaks, and ends in an answer or in `CallFailed`.
    """

    def __init__(self, access: AssetApi, clock: Clock, call_seconds: float = _CALL_SECONDS) -> None:
        self._access = access
        self._clock = clock
        self._call_seconds = call_seconds
        self._rate = Rate(clock)

    @property
    def own_project(self) -> str:
        """Return the project that the credentials name, the empty text where they name none."""
        return self._access.project

    def renew(self) -> None:
        """Ask for new credentials; raises `CallFailed`, named by the SDK's exception."""
        try:
            self._access.renew()
        except google.auth.exceptions.GoogleAuthError as problem:
            raise CallFailed(type(problem).__name__) from None

    def pages(self, ask: Ask) -> Iterator[Iterator[Row]]:
        """Yield the pages of a listing, each as assets in Cloud Asset's JSON form; raises `CallFailed` in mid-way too.

        Assets are converted while their page is read.
        """
        request = ListAssetsRequest(
            parent=ask.parent,
            content_type=getattr(ContentType, ask.content),
            asset_types=ask.asset_types,
            page_size=_PAGE_SIZE,
        )
        tokens: set[str] = set()
        while True:
            page = self._page(request)
            yield map(row, page.assets)
            token = page.next_page_token
            if not token:
                return
            if token in tokens or len(tokens) == _MOST_PAGES - 1:  # A → B → A too
                raise CallFailed("PaginationError")
            tokens.add(token)
            request.page_token = token

    def _page(self, request: ListAssetsRequest) -> Any:
        """Return one page as the protocol buffer itself: wrapping each message would double the time."""
        tries, renewed = 0, False
        while True:
            self._rate.wait()
            tries += 1
            try:
                page = self._asked(request)
            except Exception as problem:  # noqa: BLE001 - every failure becomes a named cause
                code = _code(problem)
                if code == _EXHAUSTED:
                    self._rate.objected()
                if code == _UNAUTHENTICATED and not renewed:
                    renewed = True
                    self.renew()
                    continue
                if tries >= _most_tries(code):
                    raise CallFailed(code, unreachable=code == grpc.StatusCode.UNAVAILABLE.name) from None
                self._clock.sleep(_pause_seconds(problem, code, tries))
            else:
                self._rate.went_well()
                return page

    def _asked(self, request: ListAssetsRequest) -> Any:
        pager = self._access.client.list_assets(
            request, retry=None, timeout=self._call_seconds, metadata=self._access.metadata
        )
        page = ListAssetsResponse.pb(next(iter(pager.pages)))
        if not page.HasField("read_time"):  # the API dates every reply (ListAssetsResponse)
            raise _BrokenReply
        return page


class _BrokenReply(Exception):
    """A reply without what each has."""


def local_client(endpoint: str) -> AssetServiceClient:
    """Return a client for a server at `host:port`, in plain text and without credentials."""
    channel = grpc.insecure_channel(endpoint, options=_CHANNEL)
    return AssetServiceClient(transport=AssetServiceGrpcTransport(channel=channel))


def client(credentials: Any) -> AssetServiceClient:
    """Return a client for Google's own servers with credentials of the SDK's sign-in library."""

    def channel(host: str, **settings: Any) -> grpc.Channel:
        return AssetServiceGrpcTransport.create_channel(host, **{**settings, "options": _CHANNEL})

    return AssetServiceClient(transport=AssetServiceGrpcTransport(credentials=credentials, channel=channel))


def _code(problem: Exception) -> str:
    """Return the status name of a failure, else the exception's own name."""
    if isinstance(problem, google.api_core.exceptions.GoogleAPICallError) and problem.grpc_status_code is not None:
        return str(problem.grpc_status_code.name)
    return type(problem).__name__.lstrip("_")


def _most_tries(code: str) -> int:
    if code == _EXHAUSTED:
        return _EXHAUSTED_TRIES
    return _BROKEN_TRIES if code in _BREAKING or code == _BrokenReply.__name__.lstrip("_") else 1


def _pause_seconds(problem: Exception, code: str, tries: int) -> float:
    """Return how long to wait: as the service says (google.rpc.RetryInfo), else twice as long each time."""
    said = next((d for d in getattr(problem, "details", ()) if isinstance(d, RetryInfo)), None)
    seconds = said.retry_delay.ToTimedelta().total_seconds() if said else 0.0
    own = (0.5 if code == _EXHAUSTED else 0.25) * 2.0**tries
    return min(_LONGEST_PAUSE_SECONDS, max(seconds, 0.0) or own)
