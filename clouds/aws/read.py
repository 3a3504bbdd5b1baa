"""The reading client of one AWS account."""

import os
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session
import jmespath
from botocore.paginate import Paginator
from msgspec import Struct

from clouds.aws.credentials import AssumedRole
from clouds.aws.faults import THROTTLED_TRIES, TIMEOUT, classify, pause_seconds
from clouds.aws.function_package import Packages
from clouds.aws.replies import check_reply
from clouds.aws.service_models import paging
from clouds.call_failed import CallFailed
from clouds.rate import Rate
from model.canonical import digest
from model.clock import Clock

_READ_SECONDS = 30.0
_SILENT_AFTER_TIMEOUTS = 6  # in a row, of one operation: its other resources need not wait for the same
_MOST_PAGES = 10_000
_ENDED_CREDENTIALS = frozenset({"ExpiredToken", "ExpiredTokenException", "RequestExpired"})


class AwsClient:
    """Reads one account; safe to share between threads.

    Every call waits for its turn (one rate per service and region), is repeated within a budget while the service
    objects or breaks, and ends in an answer or in `CallFailed`.
    """

    def __init__(self, session: botocore.session.Session, clock: Clock, read_seconds: float = _READ_SECONDS) -> None:
        session.register("before-parse", check_reply)
        self._session = session
        self._clock = clock
        self._read_seconds = read_seconds
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._rates: dict[tuple[str, str], Rate] = {}
        self._silence = _Silence()
        self._packages = Packages(session, clock, read_seconds)

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return the whole reply of a service's operation `op` in a region; paginated ones are read to their end.

        `args` are the operation's, by name. Raises `CallFailed`.
        """
        if self._client(service, region).can_paginate(op):
            whole: dict[str, Any] = {}
            for page in self.pages(service, region, op, args):
                _append(whole, page)
            return whole
        return self._try(CallTarget(service, region, op), args)

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the pages of a service's operation `op` in a region, one where it has no pages.

        `args` are the operation's, by name. Raises `CallFailed`, in mid-way too, and where a listing does not say where
        it goes on.
        """
        client, target = self._client(service, region), CallTarget(service, region, op)
        if not client.can_paginate(op):
            yield self._try(target, args)
            return
        # Each page is repeated by itself: the SDK's own paginator, once broken, would end as if it were whole.
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[op])
        form, page = paging(service, model.name), dict[str, Any]()
        try:
            for page in Paginator(self._page_by_page(target), form, model).paginate(**args):
                yield page
        except botocore.exceptions.PaginationError:
            raise CallFailed("PaginationError") from None
        if "more_results" in form and jmespath.search(form["more_results"], page):
            raise CallFailed("TruncatedListing")  # more is there, but no token leads to it

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """Return up to `length` bytes of what lies at a URL, from `start` on, and how many there are in all.

        Raises `CallFailed`.
        """
        return self._packages.piece(url, start, length)

    def _page_by_page(self, target: "CallTarget") -> Callable[..., dict[str, Any]]:
        """Return what asks for one page; the SDK's paginator notices the same token twice in a row, not A → B → A."""
        asked: set[str] = set()

        def call(**page_args: Any) -> dict[str, Any]:
            page = digest(page_args)
            if page in asked or len(asked) == _MOST_PAGES:
                raise CallFailed("PaginationError")
            asked.add(page)
            return self._try(target, page_args)

        return call

    @property
    def own_region(self) -> str:
        """Return the region of the environment or the profile, else us-east-1."""
        return os.environ.get("AWS_REGION") or self._session.get_config_variable("region") or "us-east-1"

    def ask_anew(self) -> None:
        """Forget what did not answer: whoever asks for days asks again what was silent for a while."""
        self._silence = _Silence()

    def pause(self, seconds: float) -> None:
        """Wait, for operations that are asked again until they are ready."""
        self._clock.sleep(seconds)

    def forget(self, region: str) -> None:
        """Drop the clients of a region whose last job is done (222 kept clients hold 152 MB)."""
        with self._lock:
            for key in [key for key in self._clients if key[1] == region]:
                self._clients.pop(key).close()

    def regions(self) -> set[str]:
        """Return the regions of which clients are kept."""
        with self._lock:
            return {region for _, region in self._clients}

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                try:
                    client = self._session.create_client(
                        service, region_name=region, config=_config(self._read_seconds)
                    )
                except (botocore.exceptions.BotoCoreError, ValueError) as problem:
                    raise CallFailed(type(problem).__name__) from None
                self._clients[service, region] = client
                self._rates.setdefault((service, region), Rate(self._clock))
            return self._clients[service, region]

    def _try(self, target: "CallTarget", args: dict[str, Any]) -> dict[str, Any]:
        attempt, rate, tries = self.attempt(target), self.rate(target), 0
        while True:
            self._silence.check(target)
            rate.wait()
            tries += 1
            try:
                reply: dict[str, Any] = attempt(**args)
            except Exception as problem:  # noqa: BLE001 - every failure becomes a named cause
                failure, most = classify(problem)
                if most == THROTTLED_TRIES:
                    rate.objected()
                self._silence.heard(target, failure, last=tries >= most)
                if tries == 1 and failure.code in _ENDED_CREDENTIALS and self._renews():
                    continue
                if tries >= most:
                    raise failure from None
                self._clock.sleep(pause_seconds(tries))
            else:
                rate.went_well()
                self._silence.heard(target)
                return reply

    def attempt(self, target: "CallTarget") -> Callable[..., dict[str, Any]]:
        """Return what sends one operation once; raises `CallFailed` where there is no client for it."""
        found: Callable[..., dict[str, Any]] = getattr(self._client(target.service, target.region), target.op)
        return found

    def rate(self, target: "CallTarget") -> Rate:
        """Return the rate that all calls of a service in a region share; there is a client for it already."""
        return self._rates[target.service, target.region]

    def _renews(self) -> bool:
        """Return whether the credentials could be new at the next try."""
        credentials = self._session.get_credentials()
        if isinstance(credentials, AssumedRole):
            credentials.renew()
            return True
        return False


class CallTarget(Struct, frozen=True):
    """One operation of one service in one region."""

    service: str
    region: str
    op: str


class _Silence:
    """Remembers what does not answer, so that it is not waited for again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._unreachable: dict[tuple[str, str], str] = {}
        self._timeouts: Counter[CallTarget] = Counter()

    def check(self, target: CallTarget) -> None:
        """Raise `CallFailed` where asking is in vain."""
        if cause := self._unreachable.get((target.service, target.region)):
            raise CallFailed(cause, unreachable=True)
        if self._timeouts[target] >= _SILENT_AFTER_TIMEOUTS:
            raise CallFailed(TIMEOUT)

    def heard(self, target: CallTarget, failure: CallFailed | None = None, *, last: bool = False) -> None:
        """Note how a try ended; `last` says that there will be no other."""
        with self._lock:
            self._timeouts[target] = self._timeouts[target] + 1 if failure and failure.code == TIMEOUT else 0
            if failure and failure.unreachable and last:
                self._unreachable[target.service, target.region] = failure.code


def _append(whole: dict[str, Any], page: dict[str, Any]) -> None:
    for key, value in page.items():
        if key in whole and isinstance(value, list):
            whole[key] = [*whole[key], *value]
        else:
            whole.setdefault(key, value)


def _config(read_seconds: float) -> botocore.config.Config:
    local = "AWS_ENDPOINT_URL" in os.environ
    return botocore.config.Config(
        connect_timeout=5,
        read_timeout=read_seconds,
        retries={"total_max_attempts": 1, "mode": "standard"},  # repeating is the client's own work
        max_pool_connections=32,
        user_agent="hinomi",  # names us in the customer's audit log; the SDK would spell out its own at every call
        inject_host_prefix=not local,
    )
