"""The reading client of Azure: Resource Manager, Resource Graph and Microsoft Graph, as one identity."""

import math
import re
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import azure.core.exceptions
import msgspec
from azure.core.rest import HttpRequest, HttpResponse
from azure.mgmt.resourcegraph.models import QueryRequest, QueryRequestOptions
from msgspec import Struct

from clouds.azure.clients import Clients
from clouds.azure.query_scope import Subscriptions
from clouds.call_failed import CallFailed
from clouds.rate import Rate
from model.clock import Clock

_THROTTLED_TRIES, _BROKEN_TRIES, _SIGNED_OUT_TRIES = 8, 3, 2
_LONGEST_PAUSE_SECONDS = 60.0
_MOST_PAGES = 10_000
_ROWS_A_PAGE = 1_000  # Resource Graph's most
_TOO_MANY_REQUESTS, _UNAUTHORIZED, _TIMED_OUT = 429, 401, 408
_QUOTA_LEFT, _QUOTA_RESETS = "x-ms-user-quota-remaining", "x-ms-user-quota-resets-after"
_SUBSCRIPTION_LIMIT = "x-ms-tenant-subscription-limit-hit"

Row = dict[str, Any]


class BrokenReply(Exception):
    """A reply that is no answer: cut off, empty, another document's, or one whose parts contradict each other."""


class AzureClient:
    """Reads as one identity; safe to share between threads.

    Every call waits for its turn, is repeated within a budget while the service objects or breaks, and ends in an
    answer or in `CallFailed`.
    """

    def __init__(self, clients: Clients, clock: Clock) -> None:
        self._clients = clients
        self._clock = clock
        self._rates = {"arm": Rate(clock), "graph": Rate(clock)}
        self._quota = _Quota(clock)
        self._unreachable: dict[str, str] = {}

    def get(self, path: str, api_version: str) -> Row:
        """Return what stands at a path of Resource Manager, or of Microsoft Graph where no version is named."""
        reply = self._try("arm" if api_version else "graph", lambda: self._get(_versioned(path, api_version)))
        return reply.body

    def pages(self, path: str, api_version: str) -> Iterator[list[Any]]:
        """Yield a list page by page; raises `CallFailed` in mid-way too."""
        link, seen = _versioned(path, api_version), set[str]()
        while link:
            if link in seen or len(seen) == _MOST_PAGES:
                raise CallFailed("PaginationError")
            seen.add(link)
            reply = self._try("arm" if api_version else "graph", lambda link=link: _list(self._get(link)))  # type: ignore[misc]
            yield reply.body["value"]
            # Only the way is taken over, never the host: the token is for ours.
            link = _way(reply.body.get("nextLink") or reply.body.get("@odata.nextLink") or "")

    def query(self, within: Subscriptions, query: str) -> Iterator[list[Any]]:
        """Yield the rows of a Resource Graph query page by page, as they are returned; it has to be ordered by id.

        Raises `CallFailed`: also where the service says that it left out subscriptions or rows.
        """
        token, seen, rows = "", set[str](), 0
        while True:
            reply = self._try("query", lambda token=token: self._query(within, query, token))  # type: ignore[misc]
            found: list[Any] = reply.body["data"]
            rows += len(found)
            yield found
            if reply.headers.get(_SUBSCRIPTION_LIMIT, "").lower() == "true":
                raise CallFailed("SubscriptionLimitHit")
            token = reply.body["token"]
            if not token:
                break
            if token in seen or len(seen) == _MOST_PAGES:
                raise CallFailed("PaginationError")
            seen.add(token)
        if reply.body["truncated"] or rows < reply.body["total"]:
            raise CallFailed("TruncatedListing")

    def _query(self, within: Subscriptions, query: str, token: str) -> "_Reply":
        self._quota.wait()
        options = QueryRequestOptions(top=_ROWS_A_PAGE, skip_token=token or None, result_format="objectArray")
        asked = QueryRequest(
            query=query,
            subscriptions=[within.subscription] if within.subscription else None,
            management_groups=[within.management_group] if within.management_group else None,
            options=options,
        )
        returned = self._clients.resource_graph.resources
        try:
            reply: _Reply = returned(asked, cls=_graph_reply)  # type: ignore[assignment]  # returns what `cls` makes
        except azure.core.exceptions.HttpResponseError as problem:
            if problem.response is not None:
                self._quota.heard(_lowered(problem.response))
            raise
        except (ValueError, TypeError, AttributeError):  # the SDK could not read it: its errors are of these types
            raise BrokenReply from None
        self._quota.heard(reply.headers)
        return reply

    def _get(self, link: str) -> "_Reply":
        client, base = self._clients.for_link(link)
        response: HttpResponse = client.send_request(HttpRequest("GET", base + link))
        if response.status_code >= 300:
            raise azure.core.exceptions.HttpResponseError(response=response)
        try:
            body = msgspec.json.decode(response.content)
        except msgspec.DecodeError:
            raise BrokenReply from None
        if not isinstance(body, dict):
            raise BrokenReply
        return _Reply(body, _lowered(response))

    def _try(self, service: str, attempt: "Callable[[], _Reply]") -> "_Reply":
        tries = 0
        while True:
            if cause := self._unreachable.get(service):
                raise CallFailed(cause, unreachable=True)
            if rate := self._rates.get(service):
                rate.wait()
            tries += 1
            try:
                reply = attempt()
            except Exception as problem:  # noqa: BLE001 - every failure becomes a named cause
                failure = _classified(problem)
                if failure.most == _THROTTLED_TRIES and rate:
                    rate.objected()
                if tries >= failure.most or failure.pause > _LONGEST_PAUSE_SECONDS:
                    if failure.unreachable:
                        self._unreachable[service] = failure.code
                    raise CallFailed(failure.code, unreachable=failure.unreachable) from None
                self._clock.sleep(failure.pause or min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**tries))
            else:
                if rate:
                    rate.went_well()
                return reply


class _Reply(Struct, frozen=True):
    """A whole answer; headers under lower-case names."""

    body: Row
    headers: Mapping[str, str]


def _graph_reply(response: Any, parsed: Any, _headers: Any) -> _Reply:
    """Return a page of Resource Graph, its rows as objects.

    Raises `BrokenReply` where it contradicts itself, or lacks what each has (REST API, QueryResponse).
    """
    rows, truncated = _rows(parsed.data), str(parsed.result_truncated).lower()
    if parsed.count != len(rows) or not isinstance(parsed.total_records, int) or truncated not in ("true", "false"):
        raise BrokenReply
    if parsed.total_records < parsed.count:  # of all pages, of which this is one
        raise BrokenReply
    returned = {
        "data": rows,
        "token": parsed.skip_token or "",
        "truncated": truncated == "true",
        "total": parsed.total_records,
    }
    return _Reply(returned, _lowered(response.http_response))


def _lowered(response: Any) -> dict[str, str]:
    return {str(name).lower(): str(value) for name, value in response.headers.items()}


class _Quota:
    """Resource Graph's quota of queries, as its replies state: when none is left, the next waits until there are."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._free_at = 0.0

    def wait(self) -> None:
        with self._lock:
            free_at = self._free_at
        if (pause := free_at - self._clock.now().timestamp()) > 0:
            self._clock.sleep(min(pause, _LONGEST_PAUSE_SECONDS))

    def heard(self, headers: Mapping[str, str]) -> None:
        if headers.get(_QUOTA_LEFT, "") == "0":
            with self._lock:
                self._free_at = self._clock.now().timestamp() + _seconds(headers.get(_QUOTA_RESETS, ""))


class _Failure(Struct, frozen=True):
    """What a failure is called, how many tries it is worth, and the seconds that the service asks to wait."""

    code: str
    most: int
    pause: float = 0.0
    unreachable: bool = False


def _classified(problem: Exception) -> _Failure:
    name = type(problem).__name__
    if isinstance(problem, azure.core.exceptions.ClientAuthenticationError) and problem.response is None:
        return _Failure(f"sign-in {name}", 1)
    if isinstance(problem, azure.core.exceptions.HttpResponseError) and problem.response is not None:
        return _refused(problem.response)
    if isinstance(problem, azure.core.exceptions.ServiceRequestError):
        return _Failure(name, _BROKEN_TRIES, unreachable=True)
    broken = (azure.core.exceptions.AzureError, BrokenReply, OSError)
    return _Failure(name, _BROKEN_TRIES if isinstance(problem, broken) else 1)


def _refused(response: Any) -> _Failure:
    status = int(response.status_code)
    code = code_of(response) or f"HTTP {status}"
    if 200 <= status < 300:  # the SDK could not read it
        return _Failure("BrokenReply", _BROKEN_TRIES)
    pause = _retry_after(response.headers.get("Retry-After", ""))
    if status == _TOO_MANY_REQUESTS:
        return _Failure(code, _THROTTLED_TRIES, pause)
    if status == _UNAUTHORIZED:
        return _Failure(code, _SIGNED_OUT_TRIES)  # the token is dropped: the next try signs in anew
    return _Failure(code, _BROKEN_TRIES if status >= 500 or status == _TIMED_OUT else 1, pause)


def code_of(response: Any) -> str:
    """Return the error's code (Azure REST guidelines, `error.code`), empty where the body has none."""
    try:
        error = msgspec.json.decode(response.content)["error"]
        code = error["code"] if isinstance(error, dict) else error
        return code if isinstance(code, str) and _IS_CODE.fullmatch(code) else ""
    except (
        msgspec.DecodeError,
        KeyError,
        TypeError,
        UnicodeDecodeError,
        AttributeError,
        azure.core.exceptions.AzureError,
    ):
        return ""


_IS_CODE = re.compile(r"[A-Za-z0-9_.-]{1,100}")  # a code is a word: a sentence might name people


def _retry_after(text: str) -> float:
    """Return the seconds of a Retry-After header (RFC 9110 10.2.3), nought where it has none."""
    try:
        seconds = float(text)
    except ValueError:
        return 0.0
    return seconds if math.isfinite(seconds) and seconds > 0 else 0.0


def _seconds(span: str) -> float:
    """Return the seconds of `hh:mm:ss`; 5, the length of the quota's window, where it is none."""
    parts = span.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts[:2]):
        return 5.0
    try:
        return int(parts[0]) * 3600 + int(parts[1]) * 60 + float(parts[2])
    except ValueError:
        return 5.0


def _versioned(path: str, api_version: str) -> str:
    if not api_version:
        return path
    return f"{path}{'&' if '?' in path else '?'}api-version={api_version}"


def _way(link: Any) -> str:
    """Return a link's path and query."""
    if not isinstance(link, str):
        raise CallFailed("PaginationError")
    parts = urlsplit(link)
    return parts.path + (f"?{parts.query}" if parts.query else "")


def _list(reply: _Reply) -> _Reply:
    if not isinstance(reply.body.get("value"), list):
        raise BrokenReply
    return reply


def _rows(data: Any) -> list[Any]:
    """Return the rows of either form: objects, or a table of columns and rows. An odd row stays: it was counted."""
    if isinstance(data, list):
        return list(data)
    try:
        names = [column["name"] for column in data["columns"]]
        return [_named(names, row) for row in data["rows"]]
    except (KeyError, TypeError):
        raise BrokenReply from None


def _named(names: list[Any], row: Any) -> Any:
    """Return the object of a table's row; one of another length as it is."""
    return dict(zip(names, row, strict=True)) if isinstance(row, list) and len(row) == len(names) else row
