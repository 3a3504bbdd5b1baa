"""Around every request: its size, its log line, its metrics, its headers."""

import time
import uuid
from typing import Any

from api.answers import Json, Problem
from api.metrics import Metrics
from pipeline.logs import logger

_LOG = logger()
_LARGEST_BODY_BYTES = 64 * 1024
# What logs are pushed to reads its body itself, once it is known who pushes.
_PUSHED, _LARGEST_PUSH_BYTES = "/v1/logs/", 4 * 2**20
_GONE = 408  # for the log: the server has closed, or the peer has
_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class Guard:
    """ASGI middleware. The log has the route's pattern, not the path as it came: that may hold what is not for logs."""

    def __init__(self, app: Any, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass a request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status, number = time.monotonic(), 500, uuid.uuid4().hex[:16]

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_HEADERS, (b"x-request-id", number.encode())]
            await send(message)

        try:
            if b"%00" in scope["query_string"] or "\0" in scope["path"]:
                await _no_text(scope, receive, noted)
                return
            is_pushed = scope["path"].startswith(_PUSHED)
            if _length(scope) > (_LARGEST_PUSH_BYTES if is_pushed else _LARGEST_BODY_BYTES):
                await _too_large(scope, receive, noted)
                return
            if is_pushed:
                await self._app(scope, receive, noted)
                return
            body = await _body(receive)
            if body is None:
                status = _GONE
            else:
                await self._app(scope, _replayed(body, receive), noted)
        except Exception:  # noqa: BLE001 - what it says stays inside
            _LOG.exception("a defect of the program", request=number)
            await _defect(scope, receive, noted)
        finally:
            seconds = time.monotonic() - began
            route = getattr(scope.get("route"), "path", "none")
            actor = scope.get("state", {}).get("actor", "")
            self._metrics.answered(scope["method"], route, status, seconds)
            facts = {"request": number, "method": scope["method"], "route": route, "status": status, "person": actor}
            _LOG.info("answered", seconds=round(seconds, 4), **facts)


async def _body(receive: Any) -> bytes | None:
    """Return a whole body, None where the peer has gone before its end."""
    parts = []
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


def _replayed(body: bytes, receive: Any) -> Any:
    """Return what gives the body at once, and then whatever else comes."""
    whole: list[dict[str, Any]] = [{"type": "http.request", "body": body, "more_body": False}]

    async def replay() -> Any:
        return whole.pop() if whole else await receive()

    return replay


def _length(scope: Any) -> int:
    """Return how many bytes a request says it has; more than any for one that does not say (chunked)."""
    headers = dict(scope["headers"])
    if b"transfer-encoding" in headers:
        return _LARGEST_PUSH_BYTES + 1
    reported = headers.get(b"content-length", b"0")
    return int(reported) if reported.isdigit() else _LARGEST_PUSH_BYTES + 1


_defect = Json(Problem("a defect of the program; the log has more"), status_code=500)
_no_text = Json(Problem("NUL is in no text that this service holds"), status_code=422)
_too_large = Json(Problem("the request is too large, or does not say how large it is"), status_code=413)
