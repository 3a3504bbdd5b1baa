"""A real Cloud Asset server over gRPC: assets of several parents, by pages, and faults where it is told to."""

import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud.asset_v1 import ContentType, ListAssetsRequest, ListAssetsResponse
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.any_pb2 import Any as Packed  # type: ignore[import-untyped]
from google.protobuf.timestamp_pb2 import Timestamp  # type: ignore[import-untyped]
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]
from msgspec import Struct

Row = dict[str, Any]
_RESPONSE, _REQUEST = ListAssetsResponse.pb(), ListAssetsRequest.pb()
_HELD = {"RESOURCE": "resource", "IAM_POLICY": "iamPolicy", "ORG_POLICY": "orgPolicy"}
_METHOD = "ListAssets"
_SERVICE = "google.cloud.asset.v1.AssetService"


class Call(Struct, frozen=True):
    """One call as it was heard."""

    parent: str
    content: str
    types: tuple[str, ...]
    token: str
    page_size: int
    metadata: dict[str, str]


# What befalls a call: it ends the call by the context, or returns the bytes to answer with.
Act = Callable[[Call, grpc.ServicerContext, bytes], bytes]


class Fault(Struct):
    """What befalls calls for a content (empty: any) from a page on (from 0), so many `times`; None means all."""

    act: Act
    content: str = ""
    page: int = 0
    times: int | None = None
    types: str = ""

    def befalls(self, call: Call, page: int) -> bool:
        asked = self.content in ("", call.content) and page >= self.page and self.types in " ".join(call.types)
        if asked and self.times is not None:
            self.times -= 1
        return asked and (self.times is None or self.times >= 0)


class AssetServer:
    """Serves assets in the API's JSON form, `page_size` to a page at most; only those with what is asked for."""

    def __init__(self, assets: Mapping[str, list[Row]], page_size: int = 1000) -> None:
        self.assets = dict(assets)
        self.page_size = page_size
        self.faults: list[Fault] = []
        self.calls: list[Call] = []
        self.known_types: set[str] | None = None  # others are an INVALID_ARGUMENT, as the API has it

    def answer(self, request: Any, context: grpc.ServicerContext) -> bytes:
        call = Call(
            parent=request.parent,
            content=ContentType(request.content_type).name,
            types=tuple(request.asset_types),
            token=request.page_token,
            page_size=request.page_size,
            metadata={key: str(value) for key, value in context.invocation_metadata()},
        )
        self.calls.append(call)
        page = int("".join(filter(str.isdigit, call.token)) or 0)
        if self.known_types is not None and set(call.types) - self.known_types:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "an asset type is not supported")
        reply = self._reply(call, page)
        for fault in self.faults:
            if fault.befalls(call, page):
                return fault.act(call, context, reply)
        return reply

    def _reply(self, call: Call, page: int) -> bytes:
        held = _HELD[call.content]
        rows = [
            {key: value for key, value in row.items() if key in ("name", "assetType", "ancestors", held)}
            for row in self.assets.get(call.parent, [])
            if held in row and (not call.types or row["assetType"] in call.types)
        ]
        size = min(self.page_size, call.page_size)
        shown = rows[page * size : (page + 1) * size]
        more = f"page-{page + 1}" if (page + 1) * size < len(rows) else ""
        return reply(shown, more)


def reply(rows: list[Row], token: str = "") -> bytes:
    """Return a page in the protocol's own bytes."""
    told = _RESPONSE(read_time=Timestamp(seconds=1_780_000_000), next_page_token=token)
    for row in rows:
        json_format.ParseDict(row, told.assets.add())
    return bytes(told.SerializeToString())


@contextmanager
def serving(server: AssetServer) -> Iterator[str]:
    """Run a server on a free port; yields `host:port`."""
    handler = grpc.unary_unary_rpc_method_handler(server.answer, request_deserializer=_REQUEST.FromString)
    running = grpc.server(
        ThreadPoolExecutor(8),
        handlers=[grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler})],
        options=[("grpc.max_send_message_length", -1), ("grpc.so_reuseport", 0)],
    )
    port = running.add_insecure_port("127.0.0.1:0")
    running.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        running.stop(0).wait()


def error(code: grpc.StatusCode, retry_seconds: int = 0) -> Act:
    """Answer with a status; with `retry_seconds`, it says when to come back (google.rpc.RetryInfo)."""

    def act(call: Call, context: grpc.ServicerContext, _reply: bytes) -> bytes:
        message = "user-1a2b@example.com is not welcome"  # what no cause may show
        if not retry_seconds:
            context.abort(code, message)
        said = RetryInfo()
        said.retry_delay.FromSeconds(retry_seconds)
        packed = Packed()
        packed.Pack(said)
        context.abort_with_status(rpc_status.to_status(Status(code=code.value[0], message=message, details=[packed])))
        raise AssertionError("the call has ended")

    return act


def cut_off(_call: Call, _context: grpc.ServicerContext, told: bytes) -> bytes:
    """Send half of the message as if it were all."""
    return told[: len(told) // 2]


def empty(_call: Call, _context: grpc.ServicerContext, _reply: bytes) -> bytes:
    return b""


def token(*names: str) -> Act:
    """Lead to these pages in turn, whatever page is asked for, and round again."""
    turn = iter(range(1_000_000))

    def act(_call: Call, _context: grpc.ServicerContext, told: bytes) -> bytes:
        page = _RESPONSE.FromString(told)
        page.next_page_token = names[next(turn) % len(names)]
        return bytes(page.SerializeToString())

    return act


def odd(change: Callable[[Row], None]) -> Act:
    """Answer with the true page but for a change of its first asset, made in the JSON form of the whole page."""

    def act(_call: Call, _context: grpc.ServicerContext, told: bytes) -> bytes:
        page = json_format.MessageToDict(_RESPONSE.FromString(told))
        change(page["assets"][0])
        return bytes(json_format.ParseDict(page, _RESPONSE()).SerializeToString())

    return act


class Proxy:
    """Stands before a server and cuts connections: after so many bytes of the answer, each time or so many times."""

    def __init__(self, endpoint: str, after_bytes: int, times: int | None = None) -> None:
        self._endpoint = endpoint
        self._after = after_bytes
        self._left = times
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.cuts = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            host, port = self._endpoint.split(":")
            far = socket.create_connection((host, int(port)))
            threading.Thread(target=self._pass, args=(near, far), daemon=True).start()

    def _pass(self, near: socket.socket, far: socket.socket) -> None:
        """Pass on both ways in one thread: a socket that another one waits for would not be reset."""
        answered = 0
        with suppress(OSError), near, far:
            while True:
                for source in select.select([near, far], [], [])[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    if source is near:
                        far.sendall(data)
                        continue
                    answered += len(data)
                    if answered > self._after and self._left != 0:
                        near.sendall(data[: self._after - answered])
                        self._left = None if self._left is None else self._left - 1
                        self.cuts += 1
                        return _reset(near)
                    near.sendall(data)


def _reset(own: socket.socket) -> None:
    own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close sends a reset
    own.close()
