"""JSON as a writer may spell it: any character escaped, blanks anywhere, texts inside of texts (RFC 8259)."""

from random import Random
from typing import Any

from msgspec import Struct

_SHORT = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


class Habits(Struct, frozen=True):
    """How a writer spells: which share of characters, quotes, slashes and what is not ASCII is escaped; and blanks."""

    chars: float = 0.0
    quotes: float = 0.0
    slashes: float = 0.0
    others: float = 0.0
    blank: str = ""


def spelled(value: Any, habits: Habits, random: Random) -> str:
    """Return a value as JSON; what is bytes is JSON already."""
    blank = habits.blank
    match value:
        case bytes():
            return value.decode()
        case dict():
            fields = [
                f"{spelled(key, habits, random)}{blank}:{blank}{spelled(one, habits, random)}"
                for key, one in value.items()
            ]
            return "{" + blank + f",{blank}".join(fields) + blank + "}"
        case list():
            return "[" + blank + f",{blank}".join(spelled(one, habits, random) for one in value) + blank + "]"
        case str():
            return '"' + "".join(_char(char, habits, random) for char in value) + '"'
        case None:
            return "null"
        case _:
            return str(value)


def _char(char: str, habits: Habits, random: Random) -> str:
    if random.random() < habits.chars:
        return escaped(char, random)
    if char == '"' and random.random() < habits.quotes:
        return escaped(char, random)
    if char == "/" and random.random() < habits.slashes:
        return "\\/"
    if not char.isascii() and random.random() < habits.others:
        return escaped(char, random)
    return _SHORT.get(char, char)


def escaped(char: str, random: Random) -> str:
    """Return a character as one escape, or two (a pair of surrogates), in digits of any case."""
    code = char.encode("utf-16-be").hex()
    units = [code[at : at + 4] for at in range(0, len(code), 4)]
    return "".join("\\u" + random.choice([unit, unit.upper()]) for unit in units)
