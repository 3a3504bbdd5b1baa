"""Pieces of what AWS hands out by an address of its own: a Lambda function's package, in Amazon S3."""

import os
import re
from functools import lru_cache
from typing import Any

import botocore.awsrequest
import botocore.exceptions
import botocore.httpsession
import botocore.session
from botocore.utils import get_environ_proxies
from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import parse_url

from clouds.aws.faults import classify, pause_seconds
from clouds.aws.service_models import shared_loader
from clouds.call_failed import CallFailed
from model.clock import Clock

# What the SDK's client raises, what urllib3 raises while the body is read, and what either takes for no address.
_NOT_ASKED = (botocore.exceptions.BotoCoreError, HTTPError, OSError, ValueError)
_PARTIAL = 206
_HTTPS = 443
_HOST = re.compile(r"[a-z0-9][a-z0-9.-]{0,252}")


class Packages:
    """Reads pieces by HTTP ranges; safe to share between threads.

    The address is signed already (GetFunction, «Code.Location»): no credentials of ours go there. Proxies and
    certificates are those of the SDK's other calls, and so is how often is tried.
    """

    def __init__(self, session: botocore.session.Session, clock: Clock, read_seconds: float) -> None:
        self._verify = session.get_config_variable("ca_bundle") or True
        self._clock = clock
        self._seconds = read_seconds

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """Return up to `length` bytes of what lies at a URL, from `start` on, and how many there are in all.

        Raises `CallFailed` for an address that is not AWS's, and where the bytes cannot be had.
        """
        if not is_of_aws(url):
            raise CallFailed("package at a strange address")
        tries = 0
        while True:
            tries += 1
            try:
                return self._asked(url, start, length)
            except _NOT_ASKED as problem:
                failure, most = classify(problem)
                if tries >= most:
                    raise failure from None
                self._clock.sleep(pause_seconds(tries))

    def _asked(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        wanted = {"Range": f"bytes={start}-{start + length - 1}", "User-Agent": "hinomi"}
        request = botocore.awsrequest.AWSRequest("GET", url, wanted, stream_output=True)
        reply = self._to(_of(url)).send(request.prepare())
        try:
            return _piece(reply, length)
        finally:
            reply.raw.close()  # also where more was sent than was asked for

    @lru_cache(maxsize=8)  # noqa: B019 - a client has one of these, and few hosts
    def _to(self, host: str) -> Any:
        proxies = get_environ_proxies(host)
        return botocore.httpsession.URLLib3Session(self._verify, proxies, timeout=(5, self._seconds))


def _of(url: str) -> str:
    parts = parse_url(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _piece(reply: Any, length: int) -> tuple[bytes, int]:
    if reply.status_code != _PARTIAL:
        raise CallFailed(f"package HTTP {reply.status_code}")
    _, _, whole = str(reply.headers.get("Content-Range", "")).partition("/")
    if not whole.isdecimal():
        raise CallFailed("package without a size")
    return reply.raw.read(length), int(whole)


def is_of_aws(url: str) -> bool:
    """Return whether an address is AWS's own, or a local server's that stands in for AWS.

    It is taken apart as the client does it that asks there.
    """
    try:
        parts = parse_url(url)
    except LocationParseError:
        return False
    host = parts.host or ""
    if parts.auth is not None or not _HOST.fullmatch(host):
        return False
    if local := os.environ.get("AWS_ENDPOINT_URL"):
        return host == parse_url(local).host
    return parts.scheme == "https" and parts.port in (None, _HTTPS) and host.endswith(_suffixes())


@lru_cache(maxsize=1)
def _suffixes() -> tuple[str, ...]:
    """Return what the names of AWS's servers end in, in all partitions."""
    partitions = shared_loader().load_data("endpoints")["partitions"]
    return tuple(f".{partition['dnsSuffix']}" for partition in partitions)
