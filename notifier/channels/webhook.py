"""Webhooks, signed as in the Standard Webhooks specification 1.0 (HMAC-SHA256 over id, time and body)."""

import base64
import binascii
import hashlib
import hmac

import httpx2
import msgspec
from msgspec import Struct

from model.fault import Refused
from model.tenant import Reference, Url
from notifier.message import SENT, Message, Notice, Outcome, Ways, again, never, unreachable
from outgoing import web

_SHOWN = 200
_PASSING = frozenset({408, 425, 429})
_LEAST_BYTES = 24  # what the specification asks of a signing key


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to post; `secret` refers to the signing key (`env:NAME`, `file:PATH`), plain or as `whsec_…` in base64."""

    url: Url
    secret: Reference


def send(message: Message | Notice, settings: Settings, ways: Ways) -> Outcome:
    """Post the message as JSON: 2xx is sent; 408, 425, 429, 5xx and network faults are for later; the rest is never.

    The settings are the channel's; `ways` are what sending needs of the world. Raises `Refused`, and nothing is sent,
    where the signing key is none (anybody could sign with it), and where the address is not allowed.
    """
    key, body = _key(settings.secret, ways), body_of(message)
    stamp = str(int(ways.now().timestamp()))
    headers = {
        "content-type": "application/json",
        "webhook-id": message.key,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(key, message.key, stamp, body),
    }
    try:
        status = _posted(settings.url, ways, body, headers)
    except (httpx2.ConnectError, httpx2.TimeoutException) as problem:
        return unreachable(type(problem).__name__)
    except httpx2.HTTPError as problem:  # what breaks off at a message may do so because of it
        return again(type(problem).__name__)
    if 200 <= status < 300:
        return SENT if len(key) >= _LEAST_BYTES else Outcome("sent", _short(settings.secret, len(key)))
    return again(f"HTTP {status}") if status >= 500 or status in _PASSING else never(f"HTTP {status}")


def _posted(url: str, ways: Ways, body: bytes, headers: dict[str, str]) -> int:
    """Return the status of the answer, of which nothing else is read."""
    timeout = httpx2.Timeout(ways.web_patience)
    with (
        web.client(url, ways.border, timeout) as client,
        client.stream("POST", url, content=body, headers=headers) as answer,
    ):
        return answer.status_code


def signature(secret: bytes, key: str, stamp: str, body: bytes) -> str:
    """Return the header's value: `v1,` and the signature in base64, made with the secret.

    What is signed is the delivery's key, the stamp (seconds since 1970) and the body.
    """
    signed = b".".join((key.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _key(reference: str, ways: Ways) -> bytes:
    """Return the signing key that a reference leads to; raises `Refused` for an empty one and what is no base64."""
    prefix, secret = b"whsec_", ways.secret(reference).strip()
    try:
        key = base64.b64decode(secret.removeprefix(prefix), validate=True) if secret.startswith(prefix) else secret
    except binascii.Error:
        raise Refused(f"the signing key {reference} is no base64 after whsec_; nothing is sent without a key") from None
    if not key:
        raise Refused(f"the signing key {reference} is empty; nothing is sent without a key")
    return key


def _short(reference: str, length: int) -> str:
    return f"sent, but the signing key {reference} has only {length} bytes; take a random one of {_LEAST_BYTES} to 64"


def body_of(message: Message | Notice) -> bytes:
    """Return what is posted, as JSON: its type, the moment that it is of, and the data."""
    if isinstance(message, Notice):
        data = {"tenant": message.tenant, "name": message.name, "text": message.text, "clause": message.clause}
        if message.provider:
            data["provider"] = message.provider
        return msgspec.json.encode({"type": "contract.reminder", "timestamp": message.at, "data": data})
    alert = message.alert
    data = msgspec.to_builtins(alert)
    data["items"] = data["items"][:_SHOWN]
    data["resources"] = len(alert.items)
    if message.provider:
        data["provider"] = msgspec.to_builtins(message.provider)
    return msgspec.json.encode({"type": f"finding.{alert.became}", "timestamp": alert.at, "data": data})
