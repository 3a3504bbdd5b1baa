"""Structured logs: one JSON object a line on standard error, without secrets."""

import logging
import sys
from typing import Any

import structlog

_SECRET = ("token", "password", "secret", "authorization", "code", "cookie", "key")


def set_up() -> None:
    """Write logs as JSON lines; libraries' own logs are left out: their tracebacks hold what is not for logs."""
    logging.getLogger().addHandler(logging.NullHandler())
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            structlog.processors.ExceptionRenderer(_where),
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def quiet() -> None:
    """Write no logs below warnings, for commands whose output people read."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))


def _without_secrets(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Leave out values whose name says that they are secret: a second line, should anybody ever log one."""
    return {name: "…" if any(word in name.lower() for word in _SECRET) else value for name, value in event.items()}


def _where(exc_info: Any) -> list[dict[str, Any]]:
    """Return where an exception came from, by types, functions and lines: its message may hold what is not for logs."""
    import traceback

    frames = traceback.extract_tb(exc_info[2])
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return [{"type": exc_info[0].__name__, "frames": places}]
