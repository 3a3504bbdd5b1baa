"""A small API server of Kubernetes on this machine, from data: for the demonstration and the tests.

It answers lists in pages, single objects and what kubectl asks before. Of the types in `_WRITABLE` it takes JSON merge
patches, as strictly as the real one: unknown fields and old resource versions are refused.
"""

import json
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from msgspec import Struct

from clouds.kubernetes.served_apis import PATH, RESOURCES, Resource, discovery

Row = dict[str, Any]
UID = "8f1c7f0e-6e0f-4c7e-9f0a-3c1f6f1d2a11"
KUBE_SYSTEM = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system", "uid": UID}}

# The fields that an object of a type can have (API reference, v1), for the types that may be changed here.
_WRITABLE = {"ServiceAccount": {"automountServiceAccountToken", "imagePullSecrets", "secrets"}}
_ENVELOPE = {"apiVersion", "kind", "metadata"}
_MERGE_PATCH = "application/merge-patch+json"


class Asked(Struct, frozen=True):
    """One request that was made."""

    method: str
    path: str
    query: dict[str, str]
    accept: str
    type: str = ""
    body: bytes = b""


class StandInReply(Struct, frozen=True):
    """What is answered."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = {}


Fault = Callable[[Asked, int], StandInReply | None]


def status(code: int, reason: str, **headers: str) -> StandInReply:
    """Return a Status as the API server writes it: the HTTP code, its reason, and headers of the reply."""
    returned = {
        "kind": "Status",
        "apiVersion": "v1",
        "status": "Failure",
        "reason": reason,
        "code": code,
        "metadata": {},
    }
    returned["message"] = "pods is forbidden: User alice@example.com cannot list"
    return StandInReply(code, json.dumps(returned).encode(), headers)


class ClusterStandIn:
    """A server on loopback with these objects; `fault` may answer instead, by the request and how often it was made."""

    def __init__(self, objects: list[Row], fault: Fault = lambda _asked, _times: None) -> None:
        self.objects = [KUBE_SYSTEM, *objects]
        self.asked: list[Asked] = []
        self._fault = fault
        self._times: dict[str, int] = {}
        self._lock = threading.Lock()
        self._versions: dict[tuple[str, str, str], int] = {}
        cluster = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                """Answer, whatever the method."""
                cluster._answer(self, str(self.command))

            do_POST = do_PUT = do_PATCH = do_DELETE = do_GET

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Return where it is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def served(self) -> list[Row]:
        """Return the objects as they are now."""
        return self.objects

    def keep(self, row: Row) -> None:
        """Put an object in the place of the one of its name."""
        self.objects = [row if is_same(one, row) else one for one in self.objects]

    def touch(self, row: Row) -> None:
        """Let an object have a newer version, as if somebody had changed it."""
        self._versions[_key(row)] = self._versions.get(_key(row), 1) + 1

    def kubeconfig(self, folder: Path, user: Row | None = None) -> Path:
        """Write a kubeconfig that leads here, and return its file."""
        file = folder / "kubeconfig"
        context = {"name": "test", "context": {"cluster": "test", "user": "test"}}
        file.write_text(
            json.dumps(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "current-context": "test",
                    "clusters": [{"name": "test", "cluster": {"server": self.url}}],
                    "contexts": [context],
                    "users": [{"name": "test", "user": user or {"token": "t"}}],
                }
            )
        )
        return file

    def _answer(self, handler: BaseHTTPRequestHandler, method: str) -> None:
        split = urlsplit(handler.path)
        query = {name: values[0] for name, values in parse_qs(split.query).items()}
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        accept, type_ = handler.headers.get("Accept", ""), handler.headers.get("Content-Type", "")
        asked = Asked(method, split.path, query, accept, type_, body)
        with self._lock:
            self.asked.append(asked)
            self._times[split.path] = times = self._times.get(split.path, 0) + 1
        reply = self._fault(asked, times) or self._reply(asked)
        if reply.status == CUT:
            handler.close_connection = True
            return
        handler.send_response(reply.status)
        returned = {"Content-Type": "application/json", "Content-Length": str(len(reply.body))} | reply.headers
        for name, value in returned.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(reply.body)

    def _reply(self, asked: Asked) -> StandInReply:
        if asked.method not in ("GET", "PATCH"):
            return status(405, "MethodNotAllowed")
        if discovered := discovery(asked.path):
            return _json(discovered)
        found = PATH.fullmatch(asked.path)
        resource = RESOURCES.get((found["api"], found["plural"])) if found else None
        if found is None or resource is None:
            return status(404, "NotFound")
        rows = [row for row in self.served() if _is_of(row, resource, found["namespace"])]
        if found["name"]:
            row = next((row for row in rows if row["metadata"]["name"] == found["name"]), None)
            if row is None:
                return status(404, "NotFound")
            return self._patched(row, asked) if asked.method == "PATCH" else _json(self._versioned(row))
        if asked.method != "GET":
            return status(405, "MethodNotAllowed")
        selector = asked.query.get("labelSelector", "")
        return _json(_list(resource, [row for row in rows if _selected(row, selector)], asked))

    def _versioned(self, row: Row) -> Row:
        version = str(self._versions.get(_key(row), 1))
        return row | {"metadata": row["metadata"] | {"resourceVersion": version}}

    def _patched(self, row: Row, asked: Asked) -> StandInReply:
        """Apply a patch as the API server does; a dry run changes nothing."""
        fields = _WRITABLE.get(row["kind"])
        if fields is None:
            return status(405, "MethodNotAllowed")
        if asked.type != _MERGE_PATCH:
            return status(415, "UnsupportedMediaType")
        now = self._versioned(row)
        patched = merged(now, json.loads(asked.body))
        if asked.query.get("fieldValidation") == "Strict" and patched.keys() - fields - _ENVELOPE:
            return status(400, "BadRequest")
        if patched["metadata"].get("resourceVersion") != now["metadata"]["resourceVersion"]:
            return status(409, "Conflict")
        if asked.query.get("dryRun") != "All":
            self.touch(row)
            self.keep(patched | {"metadata": _without(patched["metadata"], "resourceVersion")})
        return _json(self._versioned(patched))


CUT = 0  # a reply of this status is none: the connection is closed instead


def merged(target: Any, patch: Any) -> Any:
    """Return a document with a JSON merge patch applied (RFC 7386, section 2)."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        else:
            result[name] = merged(result.get(name), value)
    return result


def _without(row: Row, name: str) -> Row:
    return {key: value for key, value in row.items() if key != name}


def _key(row: Row) -> tuple[str, str, str]:
    return row["kind"], row["metadata"].get("namespace", ""), row["metadata"]["name"]


def is_same(one: Row, other: Row) -> bool:
    """Return whether two rows are one object at different times."""
    return _key(one) == _key(other)


def _is_of(row: Row, resource: Resource, namespace: str | None) -> bool:
    same = (row["apiVersion"], row["kind"]) == (resource.version, resource.kind)
    return same and namespace in (None, row["metadata"].get("namespace"))


def _selected(row: Row, selector: str) -> bool:
    labels = row["metadata"].get("labels") or {}
    return all(labels.get(name) == value for name, _, value in (s.partition("=") for s in selector.split(",") if s))


def _list(resource: Resource, rows: list[Row], asked: Asked) -> Row:
    start, limit = int(asked.query.get("continue", "0")), int(asked.query.get("limit", "0")) or len(rows) or 1
    left = len(rows) - start - limit
    metadata = {"resourceVersion": "4711"} | (
        {"continue": str(start + limit), "remainingItemCount": left} if left > 0 else {}
    )
    page = rows[start : start + limit]
    if "as=PartialObjectMetadataList" in asked.accept:
        items = [{"metadata": row["metadata"]} for row in page]
        return {
            "kind": "PartialObjectMetadataList",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": metadata,
            "items": items,
        }
    items = [{name: value for name, value in row.items() if name not in ("apiVersion", "kind")} for row in page]
    return {"kind": f"{resource.kind}List", "apiVersion": resource.version, "metadata": metadata, "items": items}


def _json(value: Row) -> StandInReply:
    return StandInReply(200, json.dumps(value).encode())
