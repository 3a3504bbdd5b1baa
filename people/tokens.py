"""Tokens: 256 random bits, of which only the hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta

from model.canonical import instant, parse_instant
from model.person import Person, Tenants, Token

_PREFIX = "hinomi_"


def mint(person: Person, label: str, tenants: Tenants, now: datetime, lasts: timedelta) -> tuple[str, Token]:
    """Return a new token for a person and these tenants, and what is kept of it.

    The label says what it is for; it `lasts` so long from `now` on.
    """
    token = _PREFIX + secrets.token_urlsafe(32)
    kept = Token(
        id=secrets.token_hex(8),
        hash=hash_of(token),
        person=person.id,
        label=label,
        tenants=tenants,
        issued_at=instant(now),
        expires_at=instant(now + lasts),
    )
    return token, kept


def hash_of(token: str) -> str:
    """Return the hash by which a token is found; its 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def is_good(token: Token, person: Person, now: datetime) -> bool:
    """Return whether a token still proves, `now`, that its holder is this person."""
    return not token.revoked_at and not person.disabled_at and now < parse_instant(token.expires_at)
