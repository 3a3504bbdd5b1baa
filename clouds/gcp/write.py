"""The wire to Google Cloud's REST services for changes, with their operations."""

import os
from typing import Any
from urllib.parse import urlsplit

import google.auth.exceptions
import msgspec
import requests
from google.auth.transport.requests import AuthorizedSession

from clouds.call_failed import CallFailed, InDoubt
from clouds.requests_faults import was_not_sent
from clouds.rest_write import Lost, NotSent, Reply, document, headers
from model.call import Call

ENDPOINT = "HINOMI_GCP_REST_ENDPOINT"
_CONNECT_SECONDS, _READ_SECONDS = 10.0, 60.0


class GcpWire:
    """Sends with one set of credentials; an operation that is answered is followed to its end (`DONE`).

    Compute Engine API, «Handling API responses»: every change is answered by an Operation with its own link.
    """

    def __init__(self, session: requests.Session) -> None:
        self._session = session

    def transmit(self, call: Call) -> Reply:
        """Send one request once."""
        base = os.environ.get(ENDPOINT, "").rstrip("/") or f"https://{call.service}.googleapis.com"
        try:
            response = self._session.request(
                call.op,
                base + call.args["path"],
                params=call.args.get("query"),
                data=document(call),
                headers=headers(call),
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
            )
        except google.auth.exceptions.GoogleAuthError as problem:
            raise CallFailed(f"credentials ({type(problem).__name__})") from None
        except requests.RequestException as problem:
            raise (NotSent if was_not_sent(problem) else Lost)(type(problem).__name__) from None
        return Reply(response.status_code, {k.lower(): v for k, v in response.headers.items()}, response.content)

    def code(self, reply: Reply) -> str:
        """Return the error's first reason, else its status (Google's JSON error format)."""
        try:
            error = reply.body.get("error")
        except msgspec.DecodeError:
            return ""
        return _reason(error) if isinstance(error, dict) else ""

    def next_look(self, _asked: Call, reply: Reply) -> Call | None:
        """Return where to ask how far an operation is; raises `CallFailed` where it has failed.

        Raises `InDoubt` where one under way does not say where.
        """
        returned = reply.body
        if not str(returned.get("kind", "")).endswith("#operation"):
            return None
        if returned.get("status") == "DONE":
            if errors := returned.get("error", {}).get("errors"):
                raise CallFailed(_word(errors[0].get("code")) or "OperationFailed")
            return None
        if "selfLink" not in returned:
            raise InDoubt("MalformedOperation")
        parts = urlsplit(str(returned["selfLink"]))
        return Call(parts.hostname.split(".")[0] if parts.hostname else "", "GET", {"path": parts.path})

    def close(self) -> None:
        """Close the connections."""
        self._session.close()


def session_of(credentials: Any | None) -> requests.Session:
    """Return what sends with credentials; without any, for a local server."""
    return requests.Session() if credentials is None else AuthorizedSession(credentials)  # type: ignore[no-untyped-call]


def _reason(error: dict[str, Any]) -> str:
    errors = error.get("errors")
    first = errors[0].get("reason") if isinstance(errors, list) and errors and isinstance(errors[0], dict) else ""
    return _word(first) or _word(error.get("status"))


def _word(value: object) -> str:
    return value if isinstance(value, str) and value.replace("_", "").isalnum() else ""
