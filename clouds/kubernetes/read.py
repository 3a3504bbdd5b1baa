"""The reading client of one Kubernetes cluster: lightkube's connection, and raw pages instead of its models.

Nothing but GET is ever sent (API Concepts, «Retrieving large results sets in chunks»).
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import httpx2
import msgspec
from lightkube.core.exceptions import ConfigError
from msgspec import Struct

from clouds.call_failed import CallFailed, NotThere
from clouds.rate import Rate
from model.clock import Clock

ROWS_A_PAGE = 500
_THROTTLED_TRIES, _BROKEN_TRIES = 8, 3
_LONGEST_PAUSE_SECONDS = 30.0
_MOST_PAGES = 10_000
_STARTS = 3  # a listing begins anew where its token has grown too old
_JSON = "application/json"
_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1"
# What a server says of a group or version that it does not serve (Go, net/http NotFound); of others it says a Status.
_NO_SUCH_PATH = b"404 page not found"
_GONE, _NOT_FOUND, _TOO_MANY_REQUESTS = 410, 404, 429

Row = dict[str, Any]


_PATH = re.compile(
    r"/(?:api/(?P<core>[^/]+)|apis/(?P<group>[^/]+/[^/]+))(?:/namespaces/[^/]+(?=/))?/(?P<plural>[^/]+)(?P<name>/[^/]+)?"
)


class ReplyForm(Struct, frozen=True):
    """What a reply says that it is: its API version and the lower-case names of kinds, of which it has one.

    Kinds are written in the singular, paths in the plural (API Conventions, «Types (Kinds)»).
    """

    version: str
    kinds: frozenset[str]

    def fits(self, row: Row) -> bool:
        """Return whether an object, or a list, is of this form."""
        return row.get("apiVersion") == self.version and str(row.get("kind", "")).lower() in self.kinds


class _Asked(Struct, frozen=True):
    """What is asked for: a path, the media type of its reply, and what the reply has to be."""

    path: str
    accept: str
    form: ReplyForm


_METADATA_LIST = ReplyForm("meta.k8s.io/v1", frozenset({"partialobjectmetadatalist"}))


def expected(path: str) -> ReplyForm:
    """Return what stands at a path of the API: an object where it ends in a name, else a list.

    Raises `CallFailed` for a path of another form.
    """
    found = _PATH.fullmatch(path)
    if found is None:
        raise CallFailed("MalformedPath")
    plural, ending = found["plural"], "" if found["name"] else "list"
    singulars = {plural, plural.removesuffix("s"), plural.removesuffix("es")}
    if plural.endswith("ies"):
        singulars.add(f"{plural.removesuffix('ies')}y")
    return ReplyForm(found["core"] or found["group"], frozenset(f"{one}{ending}" for one in singulars))


class Answers(Protocol):
    """Sends GET requests, and is who the kubeconfig says."""

    def get(self, url: str, *, params: Mapping[str, str], headers: Mapping[str, str]) -> httpx2.Response:
        """Return the reply to a GET of a URL with these params and headers."""
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


class KubernetesClient:
    """Reads one cluster; safe to share between threads.

    Every call waits for its turn, is repeated within a budget while the server objects or breaks, and ends in an answer
    or in `CallFailed`.
    """

    def __init__(self, client: Answers, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._rate = Rate(clock)

    def get(self, path: str) -> Row:
        """Return one object. Raises `NotThere` where there is none, and `CallFailed`."""
        return self._try(_Asked(path, _JSON, expected(path)), {})

    def pages(self, path: str, *, metadata_only: bool = False, labels: str = "") -> Iterator[list[Any]]:
        """Yield the list at a path page by page, or of it what has these labels; `metadata_only` is the server's.

        Its rows are as the server sends them: whoever reads them counts the odd ones too.

        Raises `NotThere` where the server does not know the path, `CallFailed` in mid-way too. Where a token has grown
        too old (410) the list begins anew: what was yielded comes again.
        """
        for start in range(1, _STARTS + 1):
            try:
                yield from self._from_start(path, {"labelSelector": labels} if labels else {}, metadata_only)
                return
            except _Expired as expired:
                if start == _STARTS:
                    raise CallFailed(expired.code) from None

    def close(self) -> None:
        """Close the connections; nothing can be asked afterwards."""
        self._client.close()

    def _from_start(self, path: str, selected: Row, metadata_only: bool) -> Iterator[list[Any]]:
        if metadata_only:
            ask = _Asked(path, _METADATA.format("List"), _METADATA_LIST)
        else:
            ask = _Asked(path, _JSON, expected(path))
        token, seen = "", set[str]()
        while True:
            asked = {"limit": str(ROWS_A_PAGE)} | selected | ({"continue": token} if token else {})
            page = self._try(ask, asked)
            yield _rows(page)
            token = str(page["metadata"].get("continue") or "")
            if not token:
                return
            if token in seen or len(seen) == _MOST_PAGES:
                raise CallFailed("PaginationError")
            seen.add(token)

    def _try(self, ask: "_Asked", params: Mapping[str, str]) -> Row:
        tries = 0
        while True:
            self._rate.wait()
            tries += 1
            try:
                row = _row(self._client.get(ask.path, params=params, headers={"Accept": ask.accept}), ask.form)
            except _Again as again:
                if again.throttled:
                    self._rate.objected()
                if tries >= (_THROTTLED_TRIES if again.throttled else _BROKEN_TRIES):
                    raise CallFailed(again.code, unreachable=again.unreachable) from None
                self._clock.sleep(min(again.seconds or 0.2 * 2**tries, _LONGEST_PAUSE_SECONDS))
            except httpx2.HTTPError as problem:
                if tries >= _BROKEN_TRIES:
                    raise CallFailed(type(problem).__name__, unreachable=True) from None
                self._clock.sleep(0.2 * 2**tries)
            except (ConfigError, OSError) as problem:  # the plug-in that makes tokens, or its file
                raise CallFailed(f"credentials ({type(problem).__name__})") from None
            else:
                self._rate.went_well()
                return row


class _Again(Exception):
    """An answer that may be another one next time; `seconds` is what the server asks us to wait."""

    def __init__(self, code: str, seconds: float = 0.0, *, throttled: bool = False) -> None:
        super().__init__(code)
        self.code, self.seconds, self.throttled = code, seconds, throttled
        self.unreachable = False


class _Expired(CallFailed):
    """The token of a list is too old for the server."""


def _row(reply: httpx2.Response, form: "ReplyForm") -> Row:
    """Return the object in a reply; raises `_Again`, `_Expired`, `NotThere` and `CallFailed`."""
    if reply.status_code == httpx2.codes.OK:
        return _decoded(reply, form)
    code = _reason(reply)
    if reply.status_code == _TOO_MANY_REQUESTS:
        raise _Again(code, _seconds(reply), throttled=True)
    if reply.status_code >= 500:
        raise _Again(code, _seconds(reply))
    if reply.status_code == _GONE:
        raise _Expired(code)
    if reply.status_code == _NOT_FOUND and (code == "NotFound" or reply.content.strip() == _NO_SUCH_PATH):
        raise NotThere(code)
    raise CallFailed(code)


def _decoded(reply: httpx2.Response, form: "ReplyForm") -> Row:
    try:
        row = msgspec.json.decode(reply.content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise _Again("TruncatedReply") from None
    if not isinstance(row, dict) or not isinstance(row.get("metadata"), dict):
        raise _Again("MalformedReply")
    if form is _METADATA_LIST and not form.fits(row):
        raise CallFailed("NotMetadataOnly")  # the server sent more than was asked for: none of it is used
    if not form.fits(row):
        raise _Again("ForeignReply")
    return row


def _rows(page: Row) -> list[Any]:
    """Return the rows of a page; an empty list may be null, as the API conventions allow. Raises `CallFailed`."""
    rows = page.get("items")
    if rows is None and "items" in page:
        return []
    if not isinstance(rows, list):
        raise CallFailed("MalformedReply")
    return rows


def _reason(reply: httpx2.Response) -> str:
    """Return the Status's reason, a word of the API's; its message names people and resources, and is left out."""
    try:
        status = msgspec.json.decode(reply.content)
    except msgspec.DecodeError:
        status = None
    reason = status.get("reason") if isinstance(status, dict) and status.get("kind") == "Status" else None
    return reason if isinstance(reason, str) and reason.isalpha() else f"HTTP {reply.status_code}"


def _seconds(reply: httpx2.Response) -> float:
    returned = reply.headers.get("Retry-After", "")
    return float(returned) if returned.isdecimal() and len(returned) < 6 else 0.0
