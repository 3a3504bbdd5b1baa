"""What a reply of an operation looks like: the SDK takes any other document for «there is nothing».

It does not compare a body with its announced length, reads JSON that does not parse as an empty object, an empty XML
body as an empty element, and finds no rows in a web page or in another service's reply. Each of these would end assets
that exist. So a reply is believed only where it has the form that the operation's replies have.
"""

from contextlib import suppress
from typing import Any
from xml.parsers import expat

import msgspec

from clouds.call_failed import CallFailed

_FAILED_FROM = 300  # the SDK reads errors itself
# The root elements that no service model names, as the response syntax of the operations has them (Amazon S3 API
# Reference).
_ROOTS = {
    ("s3", "GetBucketAcl"): "AccessControlPolicy",
    ("s3", "GetBucketLocation"): "LocationConstraint",
    ("s3", "GetBucketLogging"): "BucketLoggingStatus",
    ("s3", "GetBucketTagging"): "Tagging",
    ("s3", "GetBucketVersioning"): "VersioningConfiguration",
    ("s3", "ListObjectsV2"): "ListBucketResult",
    ("s3", "ListBuckets"): "ListAllMyBucketsResult",
    ("s3control", "GetAccessPoint"): "GetAccessPointResult",
    ("s3control", "ListAccessPoints"): "ListAccessPointsResult",
}
# Listings of which the service leaves out the rows where there are none, so that the reply is an empty object.
_OMITTED_WHEN_EMPTY = frozenset({("sqs", "ListQueues")})


class BrokenReply(Exception):
    """A reply that says nothing of what was asked: cut off, empty, or not of the operation."""


def check_reply(operation_model: Any, response_dict: Any, **_: object) -> None:
    """Raise `BrokenReply` for a reply that is not the operation's (the SDK's `before-parse` event)."""
    body = response_dict["body"]
    if not isinstance(body, bytes):  # a stream; nothing that is collected is one
        return
    announced = response_dict["headers"].get("content-length")
    if announced is not None and int(announced) != len(body):
        raise BrokenReply
    if response_dict["status_code"] < _FAILED_FROM and operation_model.output_shape is not None:
        _check_body(operation_model, body)


def has_rows(service: str, op: str, page: dict[str, Any], rows: str) -> bool:
    """Return whether a page of a listing (`op`, as the model calls it) has the field in which its `rows` are.

    A service that leaves it out for none still signs its reply with the request's id, which another document has not.
    """
    if rows.split(".")[0].removesuffix("[]") in page:
        return True
    metadata = page.get("ResponseMetadata", {})
    return (service, op) in _OMITTED_WHEN_EMPTY and len(page) == 1 and bool(metadata.get("RequestId"))


def field(reply: Any, name: str) -> Any:
    """Return what a reply has in a field that each has; raises `CallFailed` where it has none."""
    if not isinstance(reply, dict) or not reply.get(name):
        raise CallFailed(BrokenReply.__name__)
    return reply[name]


def root_of(model: Any) -> str | None:
    """Return the root element of an operation's replies in XML, None for other replies; empty where nobody says."""
    protocol, shape = model.service_model.resolved_protocol, model.output_shape
    if protocol in ("query", "ec2"):
        return f"{model.name}Response"
    if protocol != "rest-xml" or shape is None:
        return None
    payload = shape.members[shape.serialization["payload"]] if "payload" in shape.serialization else None
    if payload is None:
        return _ROOTS.get((model.service_model.service_name, model.name), "")
    if payload.type_name != "structure":  # the body is the value itself
        return None
    return str(payload.serialization.get("name", payload.name))


def _check_body(model: Any, body: bytes) -> None:
    root = root_of(model)
    # Emulators name it after the operation, in services where nobody reads the name.
    if not body or (root is not None and _root(body) not in (root, f"{model.name}Response")):
        raise BrokenReply
    if "json" in model.service_model.resolved_protocol and "payload" not in model.output_shape.serialization:
        _check_json(body)


def _check_json(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BrokenReply from None


def _root(body: bytes) -> str:
    """Return the name of an XML document's root element without its prefix, the empty text where there is none.

    What follows it is read by the SDK, which finds what is cut off.
    """
    found: list[str] = []
    parser = expat.ParserCreate()

    def begins(name: str, _attributes: dict[str, str]) -> None:
        found.append(name)
        raise StopIteration

    parser.StartElementHandler = begins
    with suppress(StopIteration, expat.ExpatError):
        parser.Parse(body, True)
    return found[0].rpartition(":")[2] if found else ""
