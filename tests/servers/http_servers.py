"""Real local servers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Received:
    """One request: its path, headers and body."""

    def __init__(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.path = path
        self.headers = headers
        self.body = body


@contextmanager
def receiver(statuses: list[int]) -> Iterator[tuple[str, list[Received]]]:
    """Run a server that answers by turns, the last status for ever; 0 hangs up. Yields URL and requests."""
    received: list[Received] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            status = statuses[min(len(received), len(statuses) - 1)]
            received.append(Received(self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if status == 0:
                self.connection.close()
                return
            self.send_response(status)
            self.send_header("content-length", "0")
            if 300 <= status < 400:
                self.send_header("location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/hook", received
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


# What a proxy does with a request: pass it on, refuse it, pass it on and lose the answer, or the last byte of it.
PASS, DENY, LOSE, CUT = "pass", "deny", "lose", "cut"


@contextmanager
def denying_proxy(target: str, denied: str) -> Iterator[str]:
    """Run a proxy before an AWS server that refuses requests whose `METHOD path?query action` contains a text."""
    with proxy(target, lambda request: DENY if denied in request else PASS) as (url, _):
        yield url


@contextmanager
def proxy(target: str, rule: Callable[[str], str]) -> Iterator[tuple[str, list[str]]]:
    """Run a proxy before an AWS server; yield its URL, and all requests as `METHOD path?query action`."""
    host, seen = target.removeprefix("http://"), list[str]()

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            action = self.headers.get("x-amz-target", "") or body.decode("utf-8", "replace")
            request = f"{self.command} {self.path} {action}"
            seen.append(request)
            said = rule(request)
            if said == DENY:
                status, headers, reply = 403, [("content-type", "text/xml")], _DENIED
            else:
                status, headers, reply = self.forward(body)
            if said == LOSE:
                self.close_connection = True
                return
            self.send_response(status)
            for name, value in headers:
                if name.lower() not in ("content-length", "transfer-encoding", "connection", "date", "server"):
                    self.send_header(name, value)
            self.send_header("content-length", str(len(reply)))
            self.end_headers()
            self.wfile.write(reply[:-1] if said == CUT else reply)

        def forward(self, body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
            connection = HTTPConnection(host, timeout=30)
            headers = {k: v for k, v in self.headers.items() if k.lower() != "connection"}
            connection.request(self.command, self.path, body, headers)
            response = connection.getresponse()
            reply = response.read()
            connection.close()
            return response.status, response.getheaders(), reply

        do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = answer

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


_DENIED = b"<ErrorResponse><Error><Code>AccessDenied</Code></Error><RequestId>1</RequestId></ErrorResponse>"
