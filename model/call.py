"""Calls to a cloud as data: they can be shown, hashed and approved before any of them is sent."""

from typing import Any, Protocol

from msgspec import Struct


class Call(Struct, frozen=True):
    """One call to a cloud.

    AWS: `service` and `op` as botocore names them (`s3`, `put_public_access_block`), `args` its parameters, `region`.
    Azure, Google Cloud, Kubernetes: `service` is the host's role (`management`, `compute`, `cluster`), `op` the HTTP
    method, and `args` holds `path`, and where there are any `query` (texts), `body` (a document), `type` (of its media,
    else application/json) and `if_match` (an ETag that must still hold).
    """

    service: str
    op: str
    args: dict[str, Any]
    region: str = ""


class WriteCloud(Protocol):
    """A client that sends approved changes, and nothing else."""

    def ask(self, call: Call) -> Any:
        """Return the reply of a call that reads; raises `CallFailed` with the provider's code."""
        ...

    def send(self, call: Call) -> None:
        """Send a call that writes, and wait until whatever it began has ended.

        Raises `CallFailed` where it certainly changed nothing, and its kind `InDoubt` where nobody knows.
        """
        ...

    def close(self) -> None:
        """Close the connections; nothing can be asked or sent afterwards."""
        ...
