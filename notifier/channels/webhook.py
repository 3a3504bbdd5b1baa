"""Webhooks, signed as in the Standard Webhooks specification 1.0 (HMAC-SHA256 over id, time and body)."""

import base64
import hashlib
import hmac

import httpx
import msgspec
from msgspec import Struct

from model.tenant import Reference, Url
from notifier.message import SENT, Message, Outcome, Ways, again, never, unreachable

_SHOWN = 200
_PASSING = frozenset({408, 425, 429})


class Settings(Struct, frozen=True, forbid_unknown_fields=True):
    """Where to post; `secret` refers to the signing key (`env:NAME`, `file:/path`), plain or as `whsec_…` in base64."""

    url: Url
    secret: Reference


def send(message: Message, settings: Settings, ways: Ways) -> Outcome:
    """Post the message as JSON: 2xx is sent; 408, 425, 429, 5xx and network faults are for later; the rest is never.

    The settings are the channel's; `ways` are what sending needs of the world.
    """
    body = _body(message)
    stamp = str(int(ways.now().timestamp()))
    headers = {
        "content-type": "application/json",
        "webhook-id": message.key,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(_key(ways.secret(settings.secret)), message.key, stamp, body),
    }
    try:
        status = ways.http.post(settings.url, content=body, headers=headers).status_code
    except (httpx.ConnectError, httpx.TimeoutException) as problem:
        return unreachable(type(problem).__name__)
    except httpx.HTTPError as problem:  # what breaks off at a message may do so because of it
        return again(type(problem).__name__)
    if 200 <= status < 300:
        return SENT
    return again(f"HTTP {status}") if status >= 500 or status in _PASSING else never(f"HTTP {status}")


def signature(secret: bytes, key: str, stamp: str, body: bytes) -> str:
    """Return the header's value: `v1,` and the signature in base64, made with the secret.

    What is signed is the delivery's key, the stamp (seconds since 1970) and the body.
    """
    signed = b".".join((key.encode(), stamp.encode(), body))
    return "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()


def _key(secret: bytes) -> bytes:
    prefix = b"whsec_"
    return base64.b64decode(secret.removeprefix(prefix)) if secret.startswith(prefix) else secret


def _body(message: Message) -> bytes:
    alert = message.alert
    data = msgspec.to_builtins(alert)
    data["items"] = data["items"][:_SHOWN]
    data["resources"] = len(alert.items)
    return msgspec.json.encode({"type": f"finding.{alert.became}", "timestamp": alert.at, "data": data})
