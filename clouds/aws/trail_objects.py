"""What CloudTrail delivered to a bucket in some time: by its digest files where they are, and by the listing.

A digest file names the log files that were delivered in an hour. CloudTrail writes one for each hour where validation
is on, also where there is nothing to name
(https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-digest-file-structure.html).
Their signatures are not verified here.
"""

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from msgspec import Struct

from clouds.aws.faults import is_denial
from clouds.aws.read import AwsClient
from clouds.aws.replies import BrokenReply, field
from clouds.call_failed import CallFailed, Forbidden, NotThere
from model.canonical import parse_instant
from model.log_feed import Delivered, DeliveredObject

BY_DIGESTS, BY_LISTING = "digest files and listing", "listing"
_ACCOUNT, _ORGANIZATION = re.compile(r"[0-9]{12}/"), re.compile(r"o-[a-z0-9]{10,32}/")
TRAIL_FOLDER = "AWSLogs/"
_NO_FOLDER = "no folder of CloudTrail"
_LOG, _DIGEST = "CloudTrail", "CloudTrail-Digest"
# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/get-and-view-cloudtrail-log-files.html
_LOG_AT = re.compile(r"_CloudTrail_[^_/]+_([0-9]{8}T[0-9]{4})Z_[^/]+$")
_DIGEST_END = re.compile(r"_([0-9]{8}T[0-9]{6})Z\.json\.gz$")
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_MOST_BYTES = 2**26  # of a digest, unpacked: it names an hour's files
_BROKEN = (OSError, EOFError, zlib.error, ValueError, msgspec.MsgspecError)


class TrailPlace(Struct, frozen=True):
    """A bucket in a region, and the prefixes that CloudTrail's folders may have there; each ends with `AWSLogs/`."""

    bucket: str
    region: str
    prefixes: Sequence[str] = (TRAIL_FOLDER,)


class _LogFile(Struct, frozen=True):
    s3Bucket: str  # noqa: N815 - as CloudTrail calls it
    s3Object: str  # noqa: N815


class _Digest(Struct, frozen=True):
    digestStartTime: str  # noqa: N815
    logFiles: list[_LogFile]  # noqa: N815


def delivered(client: AwsClient, place: TrailPlace, since: datetime, until: datetime) -> Delivered:
    """Return what CloudTrail delivered to a place between two moments (`since`, `until`), by the times in its keys.

    That is what digests name of this bucket, and whatever else is listed: a digest that was tampered with hides
    nothing. Raises `NotThere` where there is no account's folder, `Forbidden` where the client must not list, and
    `CallFailed`.
    """
    found, unread, has_digests = dict[str, DeliveredObject](), list[str](), False
    folders = [folder for prefix in place.prefixes for folder in _accounts(client, place, prefix)]
    if not folders:
        raise NotThere(_NO_FOLDER)
    for folder in folders:
        for region in _folders(client, place, f"{folder}{_LOG}/"):
            logs, digests = f"{folder}{_LOG}/{region}", f"{folder}{_DIGEST}/{region}"
            found |= {one.key: one for one in _listed(client, place, logs, since, until)}
            for key in _digest_keys(client, place, digests, since, until):
                digest = _digest(client, place, key)
                if digest is None:
                    unread.append(key)
                    continue
                has_digests = True
                for one in _named(digest, place.bucket, logs):
                    if since <= one.at < until:
                        found.setdefault(one.key, one)
    return Delivered(sorted(found.values(), key=lambda one: one.key), BY_DIGESTS if has_digests else BY_LISTING, unread)


def _accounts(client: AwsClient, place: TrailPlace, prefix: str) -> Iterator[str]:
    """Yield the folders of accounts, those of an organisation's trail too."""
    for name in _folders(client, place, prefix):
        if _ACCOUNT.fullmatch(name):
            yield f"{prefix}{name}"
        elif _ORGANIZATION.fullmatch(name):
            inner = f"{prefix}{name}"
            yield from (f"{inner}{one}" for one in _folders(client, place, inner) if _ACCOUNT.fullmatch(one))


def _folders(client: AwsClient, place: TrailPlace, prefix: str) -> list[str]:
    """Return the names of the folders below a prefix, each with the slash at its end."""
    args = {"Bucket": place.bucket, "Prefix": prefix, "Delimiter": "/"}
    pages = _pages(client, place, args)
    return [str(field(one, "Prefix"))[len(prefix) :] for page in pages for one in page.get("CommonPrefixes", [])]


def _listed(
    client: AwsClient, place: TrailPlace, folder: str, since: datetime, until: datetime
) -> Iterator[DeliveredObject]:
    for one in _of_days(client, place, folder, since, until):
        key, size = str(field(one, "Key")), one.get("Size")
        at = _moment(_LOG_AT, "%Y%m%dT%H%M", key) or field(one, "LastModified")
        if not isinstance(size, int) or not isinstance(at, datetime):
            raise CallFailed(BrokenReply.__name__)
        if since <= at < until:
            yield DeliveredObject(key, at.astimezone(UTC), size)


def _of_days(
    client: AwsClient, place: TrailPlace, folder: str, since: datetime, until: datetime
) -> Iterator[dict[str, Any]]:
    """Yield what lies in a folder's days, which are those of UTC: keys come in the order of their bytes."""
    after = f"{folder}{since.astimezone(UTC):%Y/%m/%d}/"
    last = f"{folder}{until.astimezone(UTC):%Y/%m/%d}/~"
    for page in _pages(client, place, {"Bucket": place.bucket, "Prefix": folder, "StartAfter": after}):
        for one in page.get("Contents", []):
            if str(field(one, "Key")) > last:
                return
            yield one


def _digest_keys(client: AwsClient, place: TrailPlace, folder: str, since: datetime, until: datetime) -> Iterator[str]:
    """Yield the digests that may name what was delivered then: each is called by the end of its hour."""
    for one in _of_days(client, place, folder, since, until + _DAY):
        key = str(field(one, "Key"))
        end = _moment(_DIGEST_END, "%Y%m%dT%H%M%S", key)
        if end and since < end < until + 2 * _HOUR:
            yield key


def _digest(client: AwsClient, place: TrailPlace, key: str) -> _Digest | None:
    """Return what a digest says, None where it must not or cannot be read, or is none."""
    try:
        reply = client.call("s3", place.region, "get_object", {"Bucket": place.bucket, "Key": key})
        with gzip.GzipFile(fileobj=field(reply, "Body")) as stream:
            body = stream.read(_MOST_BYTES + 1)
        if len(body) > _MOST_BYTES:
            return None
        found = msgspec.json.decode(body, type=_Digest)
        parse_instant(found.digestStartTime)
    except (CallFailed, *_BROKEN):
        return None
    return found


def _named(digest: _Digest, bucket: str, folder: str) -> Iterator[DeliveredObject]:
    """Yield what a digest names in a folder of a bucket: what it names elsewhere is not asked about."""
    for file in digest.logFiles:
        if file.s3Bucket == bucket and file.s3Object.startswith(folder):
            at = _moment(_LOG_AT, "%Y%m%dT%H%M", file.s3Object) or parse_instant(digest.digestStartTime)
            yield DeliveredObject(file.s3Object, at)


def _moment(pattern: re.Pattern[str], form: str, key: str) -> datetime | None:
    found = pattern.search(key)
    try:
        return datetime.strptime(found[1], form).replace(tzinfo=UTC) if found else None
    except ValueError:
        return None


def _pages(client: AwsClient, place: TrailPlace, args: dict[str, Any]) -> Iterator[dict[str, Any]]:
    try:
        yield from client.pages("s3", place.region, "list_objects_v2", args)
    except CallFailed as failure:
        raise Forbidden(failure.code) if is_denial(failure.code) else failure from None
