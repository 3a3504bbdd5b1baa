"""What of a cloud's answer may be kept: nothing that may be a secret."""

import re
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

from collectors.secret_signs import NAMED, Shape, replaced, reveals
from model.json_walk import Walk

# Passwords are written as they are too, with `@` and `/` in them: all up to the last `@` is dropped, but for a port.
_USER_PART = re.compile(r"""(?<=://)(?:[^/@\s:?#]*(:)(?!\d{1,5}(?:[/?#]|$))(?:(?!://)[^\s"'<>])*@|[^/@\s:?#]*@)""")
_STATED_IN_QUERY = re.compile(
    r"(?i)([?&;](?:[\w.-]{0,64}(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|access[_-]?key|auth|credential|signature)|sig|key|code)=)"
    r"[^&;#\s\"'<>]+"
)


def kept(value: Any, omit: Collection[str], secrets: Mapping[str, Shape]) -> Any:
    """Return what is kept of a JSON value, at every depth.

    Nulls and fields under `omit` are dropped; of those under `secrets` only the signs of secrets stay; addresses lose
    their passwords. Raises `Unreadable` where a field under `secrets` is not of its shape.
    """
    return _without(frozenset(omit)).of(replaced(secrets, value) if secrets else value)


def kept_raw(value: Any) -> Any:
    """Return what is kept of a JSON value that no type file describes: texts under names that suggest a secret are not.

    In the place of each stands what it looks like. Nulls are dropped, addresses lose their passwords.
    """
    return _without(frozenset()).of(_unstated(value, ""))


def without_passwords(value: Any) -> Any:
    """Return a JSON value with what opens something in each URL made unreadable: `https://user:password@host/?token=x`."""
    return _without(frozenset()).of(value)


@lru_cache(maxsize=1024)  # one for each type of resources
def _without(omit: frozenset[str]) -> Walk:
    """Return what leaves out nulls, the keys named and what opens something in addresses, by one walk."""
    return Walk({str: _redacted}, without=omit, nulls=False)


def _redacted(text: str) -> str:
    return _STATED_IN_QUERY.sub(r"\1redacted", _USER_PART.sub(_unreadable, text)) if "://" in text else text


def _unstated(value: Any, name: str) -> Any:
    if isinstance(value, str):
        return {"looks_like": NAMED} if name and reveals(name, value) else value
    if isinstance(value, dict):
        own = value.get("name") or value.get("key")  # a pair: what `value` is, is stated beside it
        return {
            key: _unstated(inner, own if key == "value" and isinstance(own, str) else str(key))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_unstated(inner, name) for inner in value]
    return value


def _unreadable(user_part: re.Match[str]) -> str:
    return "redacted:redacted@" if user_part[1] else "redacted@"
