"""Structured logs on standard error, without secrets: JSON for machines, one plain line for people.

Nothing else of ours loads the library: what it does where nobody has set it up shows the values of all variables.
"""

import logging
import sys
from collections.abc import Callable
from typing import Any

import structlog

from model.fault import Refused
from model.text import printable

_SECRET = ("token", "password", "secret", "authorization", "code", "cookie", "key")


def logger() -> Any:
    """Return what writes logs."""
    return structlog.get_logger()


def tried(do: Callable[[], object], what: str, **about: str) -> bool:
    """Call what is called again and again (`do`); return whether it was done.

    What kept it from being done is logged under a sentence (`what`), with what else there is to say of it (`about`).
    """
    try:
        do()
    except Refused as refused:  # a database that is away comes back
        logger().warning(what, problem=str(refused), **about)
    except Exception:  # noqa: BLE001 - a service that ends over one of them leaves everybody unwatched
        logger().exception("a defect of the program", **about)
    else:
        return True
    return False


def set_up() -> None:
    """Write logs as JSON lines; libraries' own logs are left out: their tracebacks hold what is not for logs."""
    logging.getLogger().addHandler(logging.NullHandler())
    _configure(structlog.processors.JSONRenderer(ensure_ascii=False), logging.INFO)


def quiet() -> None:
    """Write warnings and errors alone, each as one line that people read."""
    _configure(_line, logging.WARNING)


def _configure(renderer: Any, least: int) -> None:
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _without_secrets,
            structlog.processors.ExceptionRenderer(_where),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _line(_logger: Any, _method: str, event: structlog.types.EventDict) -> str:
    """Return an event as one line: what it is, then what is known of it."""
    said = {name: value for name, value in event.items() if name not in ("event", "level", "timestamp", "exception")}
    for one in event.get("exception", ()):
        said["in"] = f"{one['type']} at {one['frames'][-1] if one['frames'] else '?'}"
    more = ", ".join(f"{name} {value}" for name, value in said.items())
    return printable(f"hinomi: {event['event']}" + (f" ({more})" if more else ""))


def _without_secrets(_logger: Any, _method: str, event: structlog.types.EventDict) -> structlog.types.EventDict:
    """Leave out values whose name says that they are secret: a second line, should anybody ever log one."""
    return {name: "…" if any(word in name.lower() for word in _SECRET) else value for name, value in event.items()}


def _where(exc_info: Any) -> list[dict[str, Any]]:
    """Return where an exception came from, by types, functions and lines: its message may hold what is not for logs."""
    import traceback

    frames = traceback.extract_tb(exc_info[2])
    places = [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno} {frame.name}" for frame in frames]
    return [{"type": exc_info[0].__name__, "frames": places}]


quiet()
