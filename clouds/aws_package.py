"""Pieces of what AWS hands out by an address of its own: a Lambda function's package, in Amazon S3."""

import os
from functools import lru_cache
from urllib.parse import urlsplit

import botocore.awsrequest
import botocore.httpsession

from clouds.aws_models import shared_loader
from clouds.call_failed import CallFailed

_PARTIAL = 206


class Packages:
    """Reads pieces by HTTP ranges; safe to share between threads.

    The address is signed already (GetFunction, «Code.Location»): no credentials of ours go there.
    """

    def __init__(self, read_seconds: float) -> None:
        self._http = botocore.httpsession.URLLib3Session(timeout=(5, read_seconds))

    def piece(self, url: str, start: int, length: int) -> tuple[bytes, int]:
        """Return up to so many bytes from a place on, and how many there are in all.

        Raises `CallFailed` for an answer that is no such piece, and whatever the SDK raises for a broken connection.
        """
        if not _is_of_aws(url):
            raise CallFailed("package at a strange address")
        wanted = {"Range": f"bytes={start}-{start + length - 1}", "User-Agent": "hinomi"}
        reply = self._http.send(botocore.awsrequest.AWSRequest("GET", url, wanted).prepare())
        if reply.status_code != _PARTIAL:
            raise CallFailed(f"package HTTP {reply.status_code}")
        _, _, whole = str(reply.headers.get("Content-Range", "")).partition("/")
        if not whole.isdecimal():
            raise CallFailed("package without a size")
        return bytes(reply.content), int(whole)


def _is_of_aws(url: str) -> bool:
    """Return whether an address is AWS's own, or a local server's that stands in for AWS."""
    parts = urlsplit(url)
    local = os.environ.get("AWS_ENDPOINT_URL")
    if local and parts.hostname == urlsplit(local).hostname:
        return True
    return parts.scheme == "https" and (parts.hostname or "").endswith(_suffixes())


@lru_cache(maxsize=1)
def _suffixes() -> tuple[str, ...]:
    """Return what the names of AWS's servers end in, in all partitions."""
    partitions = shared_loader().load_data("endpoints")["partitions"]
    return tuple(f".{partition['dnsSuffix']}" for partition in partitions)
