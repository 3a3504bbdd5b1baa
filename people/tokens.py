"""Tokens: 256 random bits, of which only the hash is kept."""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import get_args

from msgspec.structs import asdict

from model.canonical import instant, parse_instant
from model.fault import Refused
from model.person import Person, Token, TokenKind, TokenTerms
from model.text import printable

_PREFIX = "hinomi_"
LONGEST = timedelta(days=366)
_LONGEST_LABEL = 100


def mint(terms: TokenTerms, lasts: timedelta, now: datetime) -> tuple[str, Token]:
    """Return a new token on these terms, and what is kept of it; it `lasts` so long from `now` on.

    Raises `Refused` where that is no time at all or longer than any token may last.
    """
    if not timedelta(0) < lasts <= LONGEST:
        raise Refused(f"a token lasts from one day to {LONGEST.days} days")
    token = _PREFIX + secrets.token_urlsafe(32)
    kept = Token(
        **asdict(terms),
        id=secrets.token_hex(8),
        hash=hash_of(token),
        issued_at=instant(now),
        expires_at=instant(now + lasts),
    )
    return token, kept


def label_of(text: str) -> str:
    """Return a label that somebody chose, without blanks around it.

    Raises `Refused` for none, for one that is called like a kind of token, and for one that a terminal would obey.
    """
    label = text.strip()
    if not label or label.casefold() in get_args(TokenKind):
        raise Refused("the token needs a label that says what it is for")
    if len(label) > _LONGEST_LABEL or printable(label) != label:
        raise Refused(f"the label is one line of at most {_LONGEST_LABEL} characters")
    return label


def hash_of(token: str) -> str:
    """Return the hash by which a token is found; its 256 random bits need no salt."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def is_good(token: Token, person: Person | None, now: datetime) -> bool:
    """Return whether a token holds `now`: its own time, and for all but a machine's its person, who is not disabled."""
    if token.revoked_at or now >= parse_instant(token.expires_at):
        return False
    return token.kind == "machine" or (person is not None and not person.disabled_at)
