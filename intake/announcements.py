"""What a message of a queue announces: objects in S3 that hold monitoring logs. Pure; whatever it says, nothing raises.

The forms, and where they are documented:

- S3's own, with keys that are URL-encoded: https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
- EventBridge's, with keys as they are: https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
- CloudTrail's: https://docs.aws.amazon.com/awscloudtrail/latest/userguide/configure-sns-notifications-for-cloudtrail.html
- SNS's envelope around any of these: https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html
"""

import re
from typing import Literal, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from model.log_feed import LogObject

Aside: TypeAlias = Literal[
    "",
    "a wrong key",  # one that no object can have, or that is not UTF-8
    "a wrong type",  # in a form that is known
    "nested too deep",
    "no announcement",  # JSON of another form
    "not JSON",
    "too large",
]
MOST_CHARACTERS = 2**20  # https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_SendMessage.html
_MOST_KEY_BYTES = 1024  # https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html
_CREATED, _CREATED_BY_BUS = "ObjectCreated:", "Object Created"
_TEST = "s3:TestEvent"
# What CloudTrail sends when a topic is given to a trail, as AWS's own reader of these queues knows it:
# https://github.com/aws/aws-cloudtrail-processing-library (SourceType, «CloudTrailValidationMessage»).
_VALIDATION = "CloudTrail validation message"
# What CloudTrail writes beside its logs, into folders of their own: signed hashes of the logs
# (https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html)
# and unusual rates of calls (…/logging-insights-events-with-cloudtrail.html).
_NO_EVENTS = re.compile(r"(?:^|/)AWSLogs/(?:[^/]+/){1,2}CloudTrail-(?:Digest|Insight)/")
_ETAG = re.compile(r"[!#-~]{0,100}")
_NO_SEGMENTS = frozenset({".", ".."})
_Form = TypeVar("_Form")


class Announced(Struct, frozen=True):
    """What a message announces: objects to read, and keys in the same buckets that hold no events (`ignored`).

    `aside` says why the message is set aside whole; it is empty where all of it was understood.
    """

    objects: tuple[LogObject, ...] = ()
    ignored: tuple[LogObject, ...] = ()
    aside: Aside = ""


class _SetAsideError(Exception):
    """A message that is not understood, and why."""

    def __init__(self, why: Aside) -> None:
        super().__init__(why)
        self.why: Aside = why


class _Any(
    Struct,
    rename={"bus": "detail-type", "records": "Records", "event": "Event", "kind": "Type", "message": "Message"}
    | {"bucket": "s3Bucket", "keys": "s3ObjectKey"},
):
    """The keys by which the forms are known."""

    records: Raw | UnsetType = UNSET
    bus: Raw | UnsetType = UNSET
    source: Raw | UnsetType = UNSET
    detail: Raw | UnsetType = UNSET
    event: Raw | UnsetType = UNSET
    kind: Raw | UnsetType = UNSET
    message: Raw | UnsetType = UNSET
    bucket: Raw | UnsetType = UNSET
    keys: Raw | UnsetType = UNSET


class _Bucket(Struct):
    name: str


class _Object(Struct, rename={"etag_of_bus": "etag", "etag": "eTag"}):
    key: str
    size: int | None = None
    etag: str = ""
    etag_of_bus: str = ""


class _Place(Struct, rename={"of": "object"}):
    bucket: _Bucket
    of: _Object


class _Record(Struct, rename={"source": "eventSource", "name": "eventName"}):
    source: str
    name: str = ""
    s3: Raw | UnsetType = UNSET


def announced(body: str) -> Announced:
    """Return what the body of a message announces: all that it does, or none of it and why it is set aside."""
    try:
        objects = _of_message(body, enveloped=False)
    except _SetAsideError as problem:
        return Announced(aside=problem.why)
    read = tuple(one for one in objects if not _NO_EVENTS.search(one.key))
    return Announced(read, tuple(one for one in objects if _NO_EVENTS.search(one.key)))


def _of_message(body: str, *, enveloped: bool) -> list[LogObject]:
    if enveloped and body.startswith(_VALIDATION):
        return []
    found = _decoded(body, _Any, "no announcement")
    if found.records is not UNSET:
        return _of_records(found.records)
    if found.bus is not UNSET and found.detail is not UNSET:
        return _of_bus(found.bus, found.source, found.detail)
    if found.bucket is not UNSET and found.keys is not UNSET:
        bucket = _decoded(found.bucket, str)
        return [_object(bucket, key) for key in _decoded(found.keys, list[str])]
    if found.message is not UNSET and not enveloped and _is(found.kind, "Notification"):
        return _of_message(_decoded(found.message, str), enveloped=True)
    if _is(found.event, _TEST):
        return []
    raise _SetAsideError("no announcement")


def _of_records(records: Raw) -> list[LogObject]:
    found = _decoded(records, list[_Record])
    if not found or any(one.source != "aws:s3" for one in found):
        raise _SetAsideError("no announcement")
    created = [one.s3 for one in found if one.name.startswith(_CREATED)]
    return [_placed(one, encoded=True) for one in created]


def _of_bus(kind: Raw, source: Raw | UnsetType, detail: Raw) -> list[LogObject]:
    if not _is(source, "aws.s3"):
        raise _SetAsideError("no announcement")
    return [_placed(detail, encoded=False)] if _is(kind, _CREATED_BY_BUS) else []


def _placed(raw: Raw | UnsetType, *, encoded: bool) -> LogObject:
    if raw is UNSET:
        raise _SetAsideError("a wrong type")
    place = _decoded(raw, _Place)
    key = _unquoted(place.of.key) if encoded else place.of.key
    etag = (place.of.etag or place.of.etag_of_bus).strip('"')
    return _object(place.bucket.name, key, etag, place.of.size)


def _object(bucket: str, key: str, etag: str = "", size: int | None = None) -> LogObject:
    """Return an object, as it may be asked for: what leads elsewhere, or can stand in no request, is set aside."""
    if not key or len(_bytes(key)) > _MOST_KEY_BYTES or _NO_SEGMENTS.intersection(key.split("/")):
        raise _SetAsideError("a wrong key")
    if not bucket or not _ETAG.fullmatch(etag) or (size is not None and size < 0):
        raise _SetAsideError("a wrong type")
    return LogObject(bucket, key, etag, size)


def _unquoted(key: str) -> str:
    """Return a key of S3's own form as the object has it: blanks are written there as `+`."""
    try:
        return unquote_to_bytes(_bytes(key.replace("+", " "))).decode()
    except UnicodeDecodeError:
        raise _SetAsideError("a wrong key") from None


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:  # a lone surrogate
        raise _SetAsideError("a wrong key") from None


def _is(raw: Raw | UnsetType, text: str) -> bool:
    return raw is not UNSET and _decoded(raw, object) == text


def _decoded(text: str | Raw, form: type[_Form], otherwise: Aside = "a wrong type") -> _Form:
    """Return JSON as a form; what is JSON and not of the form is set aside as `otherwise`."""
    if isinstance(text, str) and len(text) > MOST_CHARACTERS:
        raise _SetAsideError("too large")
    try:
        return msgspec.json.decode(text, type=form)
    except RecursionError:
        raise _SetAsideError("nested too deep") from None
    except msgspec.ValidationError:
        raise _SetAsideError(otherwise) from None
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise _SetAsideError("not JSON") from None
