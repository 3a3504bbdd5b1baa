"""Where monitoring logs are fetched: messages announce objects, an object is a stream of what a source writes."""

from collections.abc import Sequence
from datetime import datetime
from typing import BinaryIO, Protocol

from msgspec import Struct


class LogObject(Struct, frozen=True):
    """An object of a bucket by its key, as it was announced; `etag` names its content, `size` is in bytes."""

    bucket: str
    key: str
    etag: str = ""
    size: int | None = None


class FeedMessage(Struct, frozen=True):
    """A message as it was received: `receipt` is what it is deleted by, `receives` how often it has been received."""

    id: str
    receipt: str
    body: str
    sent: datetime
    receives: int


class OpenObject(Struct, frozen=True):
    """An object that is read: the etag and the bytes that it has, and a stream of them, which has to be closed.

    Reading the stream raises `CallFailed` where it breaks off, and where it ends before all of them are there.
    """

    etag: str
    length: int
    stream: BinaryIO


class LogFeed(Protocol):
    """What announces logs, and where they lie; each of its methods raises `CallFailed`.

    It goes on after a failure: the next call is made as if nothing had been.
    """

    def receive(self, wait_seconds: int, hidden_seconds: int) -> Sequence[FeedMessage]:
        """Return up to ten messages; where there is none, one is waited for so many seconds (`wait_seconds`, 0 to 20).

        Nobody else receives them for `hidden_seconds`; then they come again, unless they were deleted.
        """
        ...

    def delete(self, message: FeedMessage) -> None:
        """Delete a message: what it announced is dealt with."""
        ...

    def hide(self, message: FeedMessage, seconds: int) -> None:
        """Let a message come again after so many seconds from now, 0 to 43,200."""
        ...

    def waiting(self) -> int:
        """Return about how many messages wait; none is received by that."""
        ...

    def open(self, wanted: LogObject) -> OpenObject:
        """Return an object that is `wanted`, opened.

        Raises `Foreign` where nothing of the tenant's lies, `NotThere` where it is gone, `Replaced` where another
        content lies there by now, `Forbidden` where it must not be read, and `CallFailed` for what may pass:
        throttling, a service or a network that is down.
        """
        ...

    def close(self) -> None:
        """Drop all connections."""
        ...


class DeliveredObject(Struct, frozen=True):
    """An object of logs by its key, and when it was delivered; without a size in bytes it is gone from its bucket."""

    key: str
    at: datetime
    size: int | None = None


class Delivered(Struct, frozen=True):
    """What was delivered to a bucket between two moments: `how` that is known, and what of it could not be read."""

    objects: list[DeliveredObject]
    how: str
    unread: list[str]
