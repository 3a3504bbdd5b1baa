"""A small Compute Engine on this machine, over HTTP: firewalls that are read and patched, by operations.

What is changed shows in the Cloud Asset stand-in beside it. Unknown fields are refused; a patch replaces the fields
that it names (Compute Engine API reference, «Method: firewalls.patch»), and takes effect when its operation is DONE.
`HINOMI_GCP_REST_ENDPOINT` leads here.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from demo.stand_ins.gcp_assets import AssetStandIn, Row

_FIREWALL = re.compile(r"/compute/v1/(?P<name>projects/[^/]+/global/firewalls/[^/]+)")
_OPERATION = re.compile(r"/compute/v1/projects/[^/]+/global/operations/operation-(?P<number>\d+)")
_FIELDS = frozenset(
    {"allowed", "denied", "description", "destinationRanges", "direction", "disabled", "logConfig", "name", "network"}
    | {"priority", "sourceRanges", "sourceServiceAccounts", "sourceTags", "targetServiceAccounts", "targetTags"}
)
_STATES = ("PENDING", "RUNNING", "DONE")


class ComputeStandIn:
    """Answers requests; `log` holds writes as (method, path, status). The next `faults` answer first."""

    def __init__(self, assets: AssetStandIn) -> None:
        self.log: list[tuple[str, str, int]] = []
        self.faults: list[tuple[int, Row]] = []
        self._assets = assets
        self._operations: list[tuple[str, Row]] = []
        self._looks: list[int] = []

    def answer(self, method: str, path: str, body: bytes) -> tuple[int, Row]:
        """Return status and document for a request: its method, path and body."""
        if self.faults:
            returned = self.faults.pop(0)
        elif found := _OPERATION.fullmatch(path):
            returned = 200, self._progress(path, int(found["number"]))
        elif found := _FIREWALL.fullmatch(path):
            returned = self._firewall(method, path, found["name"], body)
        else:
            returned = _error(404, "notFound")
        if method != "GET":
            self.log.append((method, path, returned[0]))
        return returned

    def saved(self) -> None:
        """Do nothing: what was changed is in memory."""

    def _firewall(self, method: str, path: str, name: str, body: bytes) -> tuple[int, Row]:
        data = self._data(name)
        if data is None:
            return _error(404, "notFound")
        if method == "GET":
            return 200, data
        returned = json.loads(body)
        if method != "PATCH":
            return _error(405, "methodNotAllowed")
        if returned.keys() - _FIELDS:
            return _error(400, "invalid")
        self._operations.append((name, returned))
        self._looks.append(0)
        link = f"{path.rsplit('/firewalls/', 1)[0]}/operations/operation-{len(self._operations) - 1}"
        return 200, _operation(link, _STATES[0])

    def _data(self, name: str) -> Row | None:
        """Return a resource's data, to be changed in place."""
        rows = (row for rows in self._assets.assets.values() for row in rows if "resource" in row)
        return next(
            (row["resource"]["data"] for row in rows if row["name"] == f"//compute.googleapis.com/{name}"), None
        )

    def _progress(self, path: str, number: int) -> Row:
        self._looks[number] += 1
        state = _STATES[min(self._looks[number], len(_STATES) - 1)]
        if self._looks[number] == len(_STATES) - 1:
            name, returned = self._operations[number]
            if (data := self._data(name)) is not None:
                data |= returned
            self.saved()
        return _operation(path, state)


def _operation(path: str, state: str) -> Row:
    link = f"https://compute.googleapis.com{path}"
    return {"kind": "compute#operation", "name": path.rsplit("/", 1)[-1], "status": state, "selfLink": link}


def _error(status: int, reason: str) -> tuple[int, Row]:
    return status, {"error": {"code": status, "message": "stand-in", "errors": [{"reason": reason}]}}


@contextmanager
def serving(stand_in: ComputeStandIn) -> Iterator[str]:
    """Run a stand-in on a free port of loopback; yields its URL. An answer of status 0 is none: the line is cut."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def converse(self) -> None:
            """Answer one request."""
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            status, returned = stand_in.answer(self.command, self.path.partition("?")[0], body)
            if not status:
                self.close_connection = True
                return
            content = json.dumps(returned).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = converse

        def log_message(self, format: str, *args: object) -> None:
            """Write no log."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
