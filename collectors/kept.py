"""What of a cloud's answer may be kept: nothing that may be a secret."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from collectors.secret_signs import NAMED, Shape, replaced, tells

# Passwords are written as they are too, with `@` and `/` in them: all up to the last `@` is dropped, but for a port.
_USER_PART = re.compile(r"""(?<=://)(?:[^/@\s:?#]*(:)(?!\d{1,5}(?:[/?#]|$))(?:(?!://)[^\s"'<>])*@|[^/@\s:?#]*@)""")
_TOLD_IN_QUERY = re.compile(
    r"(?i)([?&;](?:[\w.-]{0,64}(?:token|secret|passw(?:or)?d|pwd|api[_-]?key|access[_-]?key|auth|credential|signature)|sig|key|code)=)"
    r"[^&;#\s\"'<>]+"
)


def kept(value: Any, omit: Sequence[str], secrets: Mapping[str, Shape]) -> Any:
    """Return what is kept of a JSON value, at every depth.

    Fields under `omit` are dropped; of those under `secrets` only the signs of secrets stay; addresses lose their
    passwords. Raises `Unreadable` where a field under `secrets` is not of its shape.
    """
    return without_passwords(replaced(secrets, _without(omit, value)))


def kept_raw(value: Any) -> Any:
    """Return what is kept of a JSON value that no type file describes: texts under names that tell of a secret are not.

    In the place of each stands what it looks like.
    """
    return without_passwords(_untold(value))


def without_passwords(value: Any) -> Any:
    """Return a JSON value with what opens something in each URL made unreadable: `https://user:password@host/?token=x`."""
    if isinstance(value, str):
        return _TOLD_IN_QUERY.sub(r"\1redacted", _USER_PART.sub(_unreadable, value)) if "://" in value else value
    if isinstance(value, dict):
        return {key: without_passwords(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [without_passwords(inner) for inner in value]
    return value


def _without(names: Sequence[str], value: Any) -> Any:
    """Return a JSON value without the keys named, at every depth."""
    if not names:
        return value
    if isinstance(value, dict):
        return {key: _without(names, inner) for key, inner in value.items() if key not in names}
    if isinstance(value, list):
        return [_without(names, inner) for inner in value]
    return value


def _untold(value: Any, name: str = "") -> Any:
    if isinstance(value, dict):
        own = value.get("name") or value.get("key")  # a pair: what `value` is, is told beside it
        return {
            key: _untold(inner, own if key == "value" and isinstance(own, str) else str(key))
            for key, inner in value.items()
        }
    if isinstance(value, list):
        return [_untold(inner, name) for inner in value]
    return {"looks_like": NAMED} if isinstance(value, str) and name and tells(name, value) else value


def _unreadable(user_part: re.Match[str]) -> str:
    return "redacted:redacted@" if user_part[1] else "redacted@"
