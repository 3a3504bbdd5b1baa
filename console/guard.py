"""Around every request: its size, its log line, its metrics, its headers."""

import time
import uuid
from typing import Any

import structlog

from console.metrics import Metrics

_LOG = structlog.get_logger()
_LARGEST_BODY_BYTES = 64 * 1024
_HEADERS = [(b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]


class TooLarge(Exception):
    """The request's body is larger than any that we take."""


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
        received = 0

        async def limited() -> Any:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > _LARGEST_BODY_BYTES:
                raise TooLarge
            return message

        async def noted(message: Any) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *_HEADERS, (b"x-request-id", number.encode())]
            await send(message)

        try:
            await self._app(scope, limited, noted)
        finally:
            seconds = time.monotonic() - began
            route = getattr(scope.get("route"), "path", "none")
            actor = scope.get("state", {}).get("actor", "")
            self._metrics.answered(scope["method"], route, status, seconds)
            facts = {"request": number, "method": scope["method"], "route": route, "status": status, "person": actor}
            _LOG.info("answered", seconds=round(seconds, 4), **facts)
