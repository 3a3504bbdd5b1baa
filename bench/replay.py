"""A server before an AWS emulator that records its answers and plays them back, as late as it is asked to.

The emulator answers about 250 calls a second: measured directly, everybody is as slow as it. Run as a process of its
own, outside what is measured: `python -m bench.replay http://127.0.0.1:5000`; it prints its own address.
"""

import asyncio
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Iterable
from http.client import HTTPConnection
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from model.canonical import digest

CONTROL = "/_replay/"
_SCOPE = re.compile(r"Credential=[^/]+/\d{8}/([^/]+)/([^/]+)/")
_HOP_BY_HOP = frozenset({"connection", "content-length", "date", "keep-alive", "server", "transfer-encoding"})
_MISSING = 501  # what the emulator does not know is no denial and no «there is none»


class Request(Struct, frozen=True):
    """One request as it came; header names are in lower case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def region_and_service(self) -> tuple[str, str]:
        """Return where the request is signed for."""
        found = _SCOPE.search(self.headers.get("authorization", ""))
        return (found[1], found[2]) if found else ("", "")

    @property
    def action(self) -> str:
        """Return what is asked, as well as it can be known without the service's model."""
        if target := self.headers.get("x-amz-target"):
            return target.rpartition(".")[2]
        if self.method == "POST" and (named := parse_qs(self.body.decode("utf-8", "replace")).get("Action")):
            return named[0]
        return f"{self.method} {self.target}"

    @property
    def key(self) -> str:
        """Return what equal questions have in common; credentials, times and request ids are no part of it."""
        target = self.headers.get("x-amz-target", "")
        return digest(self.method, self.target, target, self.region_and_service, self.body.decode("utf-8", "replace"))


class Reply(Struct, frozen=True):
    """One reply: its status, the headers that matter, its body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def head(self, length: int | None = None) -> bytes:
        """Return the status line and headers; `length` announces another length than the body's."""
        lines = [f"HTTP/1.1 {self.status} -", *(f"{name}: {value}" for name, value in self.headers)]
        lines.append(f"content-length: {len(self.body) if length is None else length}")
        return "\r\n".join([*lines, "", ""]).encode("latin-1")


class Tape:
    """What the emulator has answered."""

    def __init__(self, upstream: str) -> None:
        self._host = upstream.removeprefix("http://")
        self._replies: dict[str, Reply] = {}

    def known(self, request: Request) -> Reply | None:
        """Return the recorded reply."""
        return self._replies.get(request.key)

    def record(self, request: Request) -> Reply:
        """Ask the emulator."""
        connection = HTTPConnection(self._host, timeout=120)
        headers = {k: v for k, v in request.headers.items() if k not in ("connection", "content-length")}
        try:
            connection.request(request.method, request.target, request.body, headers)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        kept = [(name, value) for name, value in response.getheaders() if name.lower() not in _HOP_BY_HOP]
        reply = Reply(_MISSING if _is_missing(response.status, body) else response.status, kept, body)
        self._replies[request.key] = reply
        return reply


def _is_missing(status: int, body: bytes) -> bool:
    """Return whether the emulator says that it has no such service or operation."""
    return status >= 500 or (status == 404 and (b"<title>404 Not Found</title>" in body or not body))


class Bucket:
    """A token bucket that holds one second's calls."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._tokens = per_second
        self._at = time.monotonic()

    def takes(self) -> bool:
        """Return whether a call fits."""
        now = time.monotonic()
        self._tokens = min(self._per_second, self._tokens + (now - self._at) * self._per_second)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True


def error_reply(request: Request, status: int, code: str) -> Reply:
    """Return an error in the form of the request's protocol."""
    if "x-amz-target" in request.headers or request.target.startswith("/20"):
        body = b'{"__type": "%s", "message": "arn:aws:iam::123456789012:user/taro"}' % code.encode()
        return Reply(status, [("x-amzn-errortype", code)], body)
    if request.headers.get("smithy-protocol") == "rpc-v2-cbor":
        named = b"\xa1\x66__type\x78" + bytes([len(code)]) + code.encode()  # a map of one text (RFC 8949)
        return Reply(status, [("smithy-protocol", "rpc-v2-cbor"), ("content-type", "application/cbor")], named)
    body = b"<ErrorResponse><Error><Code>%s</Code></Error><RequestId>1</RequestId></ErrorResponse>"
    return Reply(status, [("x-amzn-errortype", code)], body % code.encode())  # the header is for REST with JSON


class Player:
    """Speaks HTTP/1.1 with whoever connects; `delay` is added to each call.

    `bucket` is the limit that the whole account shares, all its services; what is beyond it is throttled.
    """

    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.delay = 0.0
        self.bucket: Bucket | None = None
        self.throttled = 0
        self.calls: Counter[str] = Counter()
        self.recorded = 0
        self.first_at = 0.0

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection's requests until it ends."""
        try:
            while (request := await read_request(reader)) is not None:
                if request.target.startswith(CONTROL):
                    self._control(request, writer)
                else:
                    await self.respond(request, writer)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass  # the connection ends, or the server does
        finally:
            writer.close()

    async def respond(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Write the reply to one request."""
        self.first_at = self.first_at or time.time()
        self.calls[f"{request.region_and_service[1]}:{request.action}"] += 1
        if self.delay:
            await asyncio.sleep(self.delay)
        reply = self.refusal(request) or await self.reply(request)
        writer.write(reply.head() + reply.body)

    def refusal(self, request: Request) -> Reply | None:
        """Return what is said beyond the limit."""
        if self.bucket is None or self.bucket.takes():
            return None
        self.throttled += 1
        return error_reply(request, 400, "Throttling")

    async def reply(self, request: Request) -> Reply:
        """Return the recorded reply, else the emulator's."""
        known = self.tape.known(request)
        if known is None:
            self.recorded += 1
            known = await asyncio.to_thread(self.tape.record, request)
        return known

    def _control(self, request: Request, writer: asyncio.StreamWriter) -> None:
        """Report what was counted since the last time, and set the delay and the limit for what comes."""
        reported: dict[str, object] = {
            "calls": self.calls.total(),
            "recorded": self.recorded,
            "throttled": self.throttled,
        }
        reported |= {"first_at": self.first_at, "by_action": dict(self.calls.most_common())}
        self.calls.clear()
        self.recorded, self.throttled, self.first_at = 0, 0, 0.0
        asked = {name: float(values[0]) for name, values in parse_qs(urlsplit(request.target).query).items()}
        if "delay" in asked:
            self.delay = asked["delay"]
            self.bucket = Bucket(asked["limit"]) if asked.get("limit") else None
        reply = Reply(200, [("content-type", "application/json")], json.dumps(reported).encode())
        writer.write(reply.head() + reply.body)


async def read_request(reader: asyncio.StreamReader) -> Request | None:
    """Return the next request of a connection, None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, target, _ = first.split(" ")
    headers = dict(_split(lines))
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(method, target, headers, body)


def _split(lines: Iterable[str]) -> Iterable[tuple[str, str]]:
    for line in lines:
        name, _, value = line.partition(":")
        yield name.strip().lower(), value.strip()


async def _main(upstream: str) -> None:
    player = Player(Tape(upstream))
    server = await asyncio.start_server(player.converse, "127.0.0.1", 0, limit=1 << 20)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1]))
