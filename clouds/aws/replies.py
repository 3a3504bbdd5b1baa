"""What a whole reply looks like: the SDK takes cut-off JSON, empty bodies and foreign pages for «there is nothing».

It does not compare a body with its announced length, reads JSON that does not parse as an empty object, an empty XML
body as an empty element, and finds no rows in a well-formed web page. Each of these would end assets that exist.
"""

import re
from typing import Any

import msgspec

_FAILED_FROM = 300  # the SDK reads errors itself
_FIRST_ELEMENT = re.compile(rb"<(?:\w+:)?(\w+)[\s/>]")


class BrokenReply(Exception):
    """A reply that says nothing of what was asked: cut off, empty, or not of the service."""


def check_reply(operation_model: Any, response_dict: Any, **_: object) -> None:
    """Raise `BrokenReply` for a reply that is not whole (the SDK's `before-parse` event)."""
    body = response_dict["body"]
    if not isinstance(body, bytes):  # a stream; nothing that is collected is one
        return
    announced = response_dict["headers"].get("content-length")
    if announced is not None and int(announced) != len(body):
        raise BrokenReply
    if response_dict["status_code"] < _FAILED_FROM and operation_model.output_shape is not None:
        _check_body(operation_model, body)


def _check_body(model: Any, body: bytes) -> None:
    protocol = model.service_model.resolved_protocol
    if not body or _is_foreign(model, protocol, body):
        raise BrokenReply
    if "json" in protocol and "payload" not in model.output_shape.serialization:
        _check_json(body)


def _is_foreign(model: Any, protocol: str, body: bytes) -> bool:
    """Return whether a body is another document than the operation's; what is cut off, the SDK's XML parser finds."""
    if protocol in ("query", "ec2"):
        return _root(body) != f"{model.name}Response"
    return protocol == "rest-xml" and body[:200].lstrip().lower().startswith((b"<!doctype", b"<html"))


def _check_json(body: bytes) -> None:
    try:
        msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise BrokenReply from None


def _root(body: bytes) -> str:
    """Return the name of an XML document's first element, the empty text where there is none."""
    found = _FIRST_ELEMENT.search(body)
    return found[1].decode() if found else ""
