"""A small Cloud Asset on this machine, over gRPC in plain text, from data: for the demonstration and the tests.

It answers in the real service's messages; `HINOMI_GCP_ENDPOINT` leads the SDK to it.
"""

import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud.asset_v1 import ContentType, ListAssetsRequest, ListAssetsResponse
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]
from msgspec import Struct

Row = dict[str, Any]
_RESPONSE, _REQUEST = ListAssetsResponse.pb(), ListAssetsRequest.pb()
_HELD = {"RESOURCE": "resource", "IAM_POLICY": "iamPolicy", "ORG_POLICY": "orgPolicy"}
_METHOD = "ListAssets"
_SERVICE = "google.cloud.asset.v1.AssetService"


class HeardCall(Struct, frozen=True):
    """One call as it was heard."""

    parent: str
    content: str
    types: tuple[str, ...]
    token: str
    page_size: int
    metadata: dict[str, str]

    @property
    def page(self) -> int:
        """Return the number of the page that is asked for, from 0."""
        return int("".join(filter(str.isdigit, self.token)) or 0)


class AssetStandIn:
    """Serves the assets of each parent in the API's JSON form, `page_size` to a page at most."""

    def __init__(self, assets: Mapping[str, list[Row]], page_size: int = 1000) -> None:
        self.assets = dict(assets)
        self.page_size = page_size
        self.calls: list[HeardCall] = []

    def answer(self, request: Any, context: grpc.ServicerContext) -> bytes:
        """Return a page in the protocol's own bytes; only assets that have what is asked for."""
        call = heard(request, context)
        self.calls.append(call)
        return self.reply(call)

    def reply(self, call: HeardCall) -> bytes:
        """Return the page that a call asks for."""
        held = _HELD[call.content]
        rows = [
            {key: value for key, value in row.items() if key in ("name", "assetType", "ancestors", held)}
            for row in self.assets.get(call.parent, [])
            if held in row and (not call.types or row["assetType"] in call.types)
        ]
        size = min(self.page_size, call.page_size)
        shown = rows[call.page * size : (call.page + 1) * size]
        return page_of(shown, f"page-{call.page + 1}" if (call.page + 1) * size < len(rows) else "")


def heard(request: Any, context: grpc.ServicerContext) -> HeardCall:
    """Return a request as a call."""
    return HeardCall(
        parent=request.parent,
        content=ContentType(request.content_type).name,
        types=tuple(request.asset_types),
        token=request.page_token,
        page_size=request.page_size,
        metadata={key: str(value) for key, value in context.invocation_metadata()},
    )


def page_of(rows: list[Row], token: str = "") -> bytes:
    """Return a page in the protocol's own bytes."""
    returned = _RESPONSE(read_time=Timestamp(seconds=1_780_000_000), next_page_token=token)
    for row in rows:
        json_format.ParseDict(row, returned.assets.add())
    return bytes(returned.SerializeToString())


@contextmanager
def serving(stand_in: AssetStandIn) -> Iterator[str]:
    """Run a stand-in on a free port of loopback; yields `host:port`."""
    handler = grpc.unary_unary_rpc_method_handler(stand_in.answer, request_deserializer=_REQUEST.FromString)
    running = grpc.server(
        ThreadPoolExecutor(8),
        handlers=[grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler})],
        options=[("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)],
    )
    sys.audit("socket.bind", None, ("127.0.0.1", 0))  # gRPC listens in C, where Python sees nothing of it
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        running.stop(0).wait()
