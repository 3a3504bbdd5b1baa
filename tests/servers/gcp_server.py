"""A real Cloud Asset server over gRPC: assets of several parents, by pages, and faults where it is asked to."""

import select
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

import grpc  # type: ignore[import-untyped]
from google.cloud.asset_v1 import ListAssetsResponse
from google.protobuf import json_format  # type: ignore[import-untyped]
from google.protobuf.any_pb2 import Any as Packed  # type: ignore[import-untyped]
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]
from msgspec import Struct

from demo.stand_ins.gcp_assets import AssetStandIn, HeardCall, Row, heard, serving

_RESPONSE = ListAssetsResponse.pb()

__all__ = ["AssetServer", "HeardCall", "serving"]


# What befalls a call: it ends the call by the context, or returns the bytes to answer with.
Act = Callable[[HeardCall, grpc.ServicerContext, bytes], bytes]


class Fault(Struct):
    """What befalls calls for a content (empty: any) from a page on (from 0), so many `times`; None means all."""

    act: Act
    content: str = ""
    page: int = 0
    times: int | None = None
    types: str = ""

    def befalls(self, call: HeardCall, page: int) -> bool:
        asked = self.content in ("", call.content) and page >= self.page and self.types in " ".join(call.types)
        if asked and self.times is not None:
            self.times -= 1
        return asked and (self.times is None or self.times >= 0)


class AssetServer(AssetStandIn):
    """The stand-in with faults."""

    def __init__(self, assets: Mapping[str, list[Row]], page_size: int = 1000) -> None:
        super().__init__(assets, page_size)
        self.faults: list[Fault] = []
        self.known_types: set[str] | None = None  # others are an INVALID_ARGUMENT, as the API has it

    def answer(self, request: Any, context: grpc.ServicerContext) -> bytes:
        call = heard(request, context)
        self.calls.append(call)
        if self.known_types is not None and set(call.types) - self.known_types:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "an asset type is not supported")
        reply = self.reply(call)
        for fault in self.faults:
            if fault.befalls(call, call.page):
                return fault.act(call, context, reply)
        return reply


def error(code: grpc.StatusCode, retry_seconds: int = 0) -> Act:
    """Answer with a status; with `retry_seconds`, it says when to come back (google.rpc.RetryInfo)."""

    def act(call: HeardCall, context: grpc.ServicerContext, _reply: bytes) -> bytes:
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


def cut_off(_call: HeardCall, _context: grpc.ServicerContext, reported: bytes) -> bytes:
    """Send half of the message as if it were all."""
    return reported[: len(reported) // 2]


def empty(_call: HeardCall, _context: grpc.ServicerContext, _reply: bytes) -> bytes:
    return b""


def token(*names: str) -> Act:
    """Lead to these pages in turn, whatever page is asked for, and round again."""
    turn = iter(range(1_000_000))

    def act(_call: HeardCall, _context: grpc.ServicerContext, reported: bytes) -> bytes:
        page = _RESPONSE.FromString(reported)
        page.next_page_token = names[next(turn) % len(names)]
        return bytes(page.SerializeToString())

    return act


def odd(change: Callable[[Row], None]) -> Act:
    """Answer with the true page but for a change of its first asset, made in the JSON form of the whole page."""

    def act(_call: HeardCall, _context: grpc.ServicerContext, reported: bytes) -> bytes:
        page = json_format.MessageToDict(_RESPONSE.FromString(reported))
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
