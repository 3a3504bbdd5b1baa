"""The read door to one AWS account."""

import os
import re
import threading
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import botocore.config
import botocore.credentials
import botocore.exceptions
import botocore.session
from botocore.paginate import Paginator

from clouds.aws_models import paging
from clouds.rate import Rate
from model.clock import Clock

_THROTTLED = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
_REFUSING = re.compile(
    r"denied|forbidden|unauthori[sz]ed|notauthorized|authfailure|optin|token|expired|credential|signature|accesskey|disabled"
    r"|thrott|slowdown|toomany|limitexceeded|unavailable|internal|timeout",
    re.IGNORECASE,
)


def is_refusal(code: str) -> bool:
    """Return whether an error code says nothing about what is there: a denial, a throttle, a broken service."""
    return code in _THROTTLED or bool(_REFUSING.search(code))


_THROTTLED_TRIES, _BROKEN_TRIES = 8, 3
_LONGEST_PAUSE_SECONDS = 10.0


class CallFailed(Exception):
    """A call that gave no answer; `code` is AWS's error code or the SDK's exception name, without any message.

    Messages are left out: they name principals and resources.
    """

    def __init__(self, code: str, *, unreachable: bool = False) -> None:
        super().__init__(code)
        self.code = code
        self.unreachable = unreachable


class AwsDoor:
    """Reads one account; safe to share between threads.

    Every call waits for its turn (one rate per service and region), is repeated within a budget while the service
    objects or breaks, and ends in an answer or in `CallFailed`.
    """

    def __init__(self, session: botocore.session.Session, clock: Clock) -> None:
        self._session = boto3.Session(botocore_session=session)
        self._clock = clock
        self._lock = threading.Lock()
        self._clients: dict[tuple[str, str], Any] = {}
        self._rates: dict[tuple[str, str], Rate] = {}
        self._silent: dict[tuple[str, str], str] = {}

    def call(self, service: str, region: str, op: str, args: dict[str, Any]) -> dict[str, Any]:
        """Return one operation's reply; paginated operations are read to their end. Raises `CallFailed`."""
        client = self._client(service, region)
        if client.can_paginate(op):
            whole: dict[str, Any] = {}
            for page in self.pages(service, region, op, args):
                _append(whole, page)
            return whole
        reply: dict[str, Any] = self._try(service, region, lambda: getattr(client, op)(**args))
        return reply

    def pages(self, service: str, region: str, op: str, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
        """Yield the pages of an operation, one where it has no pages; raises `CallFailed` in mid-way too."""
        client = self._client(service, region)
        if not client.can_paginate(op):
            yield self.call(service, region, op, args)
            return

        def call(**page_args: Any) -> Any:
            return self._try(service, region, lambda: getattr(client, op)(**page_args))

        # Each page is repeated by itself: the SDK's own paginator, once broken, would end as if it were whole.
        model = client.meta.service_model.operation_model(client.meta.method_to_api_mapping[op])
        try:
            yield from Paginator(call, paging(service, model.name), model).paginate(**args)
        except botocore.exceptions.PaginationError:
            raise CallFailed("PaginationError") from None

    @property
    def own_region(self) -> str:
        """Return the region of the environment or the profile, else us-east-1."""
        return os.environ.get("AWS_REGION") or self._session.region_name or "us-east-1"

    def pause(self, seconds: float) -> None:
        """Wait, for operations that are asked again until they are ready."""
        self._clock.sleep(seconds)

    def forget(self, region: str) -> None:
        """Drop the clients of a region whose last job is done (222 kept clients hold 152 MB)."""
        with self._lock:
            for key in [key for key in self._clients if key[1] == region]:
                self._clients.pop(key).close()

    def _client(self, service: str, region: str) -> Any:
        with self._lock:
            if (service, region) not in self._clients:
                try:
                    client = self._session.client(service, region_name=region, config=_config())
                except (botocore.exceptions.BotoCoreError, ValueError) as problem:
                    raise CallFailed(type(problem).__name__) from None
                self._clients[service, region] = client
                self._rates.setdefault((service, region), Rate(self._clock))
            return self._clients[service, region]

    def _try(self, service: str, region: str, attempt: Callable[[], Any]) -> Any:
        rate, tries = self._rates[service, region], 0
        while True:
            if (service, region) in self._silent:
                raise CallFailed(self._silent[service, region], unreachable=True)
            rate.wait()
            tries += 1
            try:
                reply = attempt()
            except Exception as problem:  # noqa: BLE001 - every failure becomes a named cause
                failure, most = _classify(problem)
                if failure.code in _THROTTLED:
                    rate.objected()
                if tries >= most:
                    if failure.unreachable:
                        self._silent[service, region] = failure.code
                    raise failure from None
                self._clock.sleep(min(_LONGEST_PAUSE_SECONDS, 0.1 * 2**tries))
            else:
                rate.went_well()
                return reply


def _classify(problem: Exception) -> tuple[CallFailed, int]:
    """Return what a failure is called, and how many tries it is worth."""
    if isinstance(problem, botocore.exceptions.ClientError):
        code = str(problem.response.get("Error", {}).get("Code") or "Unknown")
        status = int(problem.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
        if code in _THROTTLED:
            return CallFailed(code), _THROTTLED_TRIES
        return CallFailed(code), _BROKEN_TRIES if status >= 500 else 1
    name = type(problem).__name__
    if isinstance(problem, botocore.exceptions.EndpointConnectionError | botocore.exceptions.ConnectTimeoutError):
        return CallFailed(name, unreachable=True), _BROKEN_TRIES
    if isinstance(problem, botocore.exceptions.HTTPClientError | botocore.exceptions.IncompleteReadError):
        return CallFailed(name), _BROKEN_TRIES
    return CallFailed(name), 1


def _append(whole: dict[str, Any], page: dict[str, Any]) -> None:
    for key, value in page.items():
        if key in whole and isinstance(value, list):
            whole[key] = [*whole[key], *value]
        else:
            whole.setdefault(key, value)


def _config() -> botocore.config.Config:
    local = "AWS_ENDPOINT_URL" in os.environ
    return botocore.config.Config(
        connect_timeout=5,
        read_timeout=30,
        retries={"total_max_attempts": 1, "mode": "standard"},  # repeating is the door's own work
        max_pool_connections=32,
        user_agent_extra="hinomi",
        inject_host_prefix=not local,
    )
