"""A queue of SQS that announces objects of S3, and these objects as streams."""

import io
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import botocore.exceptions
from msgspec import Struct
from urllib3.exceptions import HTTPError

from clouds.aws.faults import classify, is_denial, says_none
from clouds.aws.read import AwsClient
from clouds.aws.replies import BrokenReply, field
from clouds.call_failed import CallFailed, Forbidden, Foreign, NotThere, Replaced
from model.log_feed import FeedMessage, LogObject, OpenObject

_MOST_MESSAGES = 10
_ASKED_OF_EACH = ["SentTimestamp", "ApproximateReceiveCount"]
_WAITING = "ApproximateNumberOfMessages"
_CHUNK = 2**20
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html; an archived object is not read by asking again.
_REPLACED = frozenset({"PreconditionFailed", "412"})
_ARCHIVED = "InvalidObjectState"
_FOREIGN_BUCKET = "bucket of nobody here"


class QueuePlace(Struct, frozen=True):
    """Which queue by its URL, in which region, and the only buckets that anything is fetched from."""

    url: str
    region: str
    buckets: Collection[str]


class Queue:
    """Receives and deletes announcements, and opens what they announce; a `model.log_feed.LogFeed`.

    Safe to share between threads; each stream is for one.
    """

    def __init__(self, client: AwsClient, place: QueuePlace) -> None:
        self._client = client
        self._place = place

    def receive(self, wait_seconds: int, hidden_seconds: int) -> list[FeedMessage]:
        """Return up to ten messages.

        One is waited for `wait_seconds`, and nobody else receives them for `hidden_seconds`
        (https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html). Raises
        `CallFailed`.
        """
        asked = {"MaxNumberOfMessages": _MOST_MESSAGES, "MessageSystemAttributeNames": _ASKED_OF_EACH}
        reply = self._ask("receive_message", WaitTimeSeconds=wait_seconds, VisibilityTimeout=hidden_seconds, **asked)
        return [_message(one) for one in reply.get("Messages", [])]

    def delete(self, message: FeedMessage) -> None:
        """Delete a message. Raises `CallFailed`."""
        self._ask("delete_message", ReceiptHandle=message.receipt)

    def hide(self, message: FeedMessage, seconds: int) -> None:
        """Let a message come again after so many seconds from now. Raises `CallFailed`."""
        self._ask("change_message_visibility", ReceiptHandle=message.receipt, VisibilityTimeout=seconds)

    def waiting(self) -> int:
        """Return about how many messages can be received now. Raises `CallFailed`, for a broken reply too.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html
        """
        reply = self._ask("get_queue_attributes", AttributeNames=[_WAITING])
        try:
            return int(field(field(reply, "Attributes"), _WAITING))
        except ValueError:
            raise CallFailed(BrokenReply.__name__) from None

    def open(self, wanted: LogObject) -> OpenObject:
        """Return an object that is `wanted`, opened: with the content that its etag names, where it has one.

        Raises `Foreign` for a bucket that is not named, without asking for it, `NotThere`, `Replaced` and `Forbidden`
        where it is so, and `CallFailed` for what may pass.
        """
        if wanted.bucket not in self._place.buckets:
            raise Foreign(_FOREIGN_BUCKET)
        args = {"Bucket": wanted.bucket, "Key": wanted.key}
        if wanted.etag:
            args["IfMatch"] = f'"{wanted.etag}"'
        with self._failing():
            reply = self._client.call("s3", self._place.region, "get_object", args)
            etag, length = str(field(reply, "ETag")).strip('"'), reply.get("ContentLength")
            if not isinstance(length, int):
                raise CallFailed(BrokenReply.__name__)
        return OpenObject(etag, length, io.BufferedReader(_Stream(reply["Body"]), _CHUNK))

    def close(self) -> None:
        """Drop all connections."""
        for region in self._client.regions():
            self._client.forget(region)

    def _ask(self, op: str, **args: Any) -> dict[str, Any]:
        with self._failing():
            return self._client.call("sqs", self._place.region, op, {"QueueUrl": self._place.url, **args})

    @contextmanager
    def _failing(self) -> Iterator[None]:
        """Raise what a failure means to whoever asks for days; what was silent now is asked again the next time."""
        try:
            yield
        except CallFailed as failure:
            self._client.ask_anew()
            raise _meant(failure) from None


def _meant(failure: CallFailed) -> CallFailed:
    code = failure.code
    if code in _REPLACED:
        return Replaced(code)
    if is_denial(code) or code == _ARCHIVED:
        return Forbidden(code)
    return NotThere(code) if says_none("s3", code) else failure


def _message(one: Any) -> FeedMessage:
    """Return a message of a reply; raises `CallFailed` for one that lacks what each has."""
    known = field(one, "Attributes")
    try:
        sent = datetime.fromtimestamp(int(field(known, "SentTimestamp")) / 1000, UTC)
        receives = int(field(known, "ApproximateReceiveCount"))
    except (ValueError, OverflowError, OSError):
        raise CallFailed(BrokenReply.__name__) from None
    return FeedMessage(
        str(field(one, "MessageId")), str(field(one, "ReceiptHandle")), one.get("Body", ""), sent, receives
    )


class _Stream(io.RawIOBase):
    """The bytes of an object as they come.

    At every end the SDK compares their number with what was announced, and their checksum where the object has one.
    """

    def __init__(self, body: Any) -> None:
        super().__init__()
        self._body = body

    def readable(self) -> bool:
        """Return that it can be read."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Read into a buffer; return how many bytes, 0 at the end. Raises `CallFailed` where it breaks off."""
        try:
            part = self._body.read(len(buffer))
        except (botocore.exceptions.BotoCoreError, HTTPError, OSError, ValueError) as problem:
            raise CallFailed(classify(problem)[0].code) from None
        buffer[: len(part)] = part
        return len(part)

    def close(self) -> None:
        """Close the connection: what was not read is not waited for."""
        if not self.closed:
            self._body.close()
        super().close()
