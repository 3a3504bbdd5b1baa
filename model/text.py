"""Texts that a person reads exist in Japanese and English."""

import re
import unicodedata
from typing import Literal

from msgspec import Struct

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")


_CLAUSE = re.compile(r"([0-9]+)(?:\(([0-9]+)\))?")
_JOINER = "\u200d"  # holds emoji together that are made of several


def printable(text: str) -> str:
    """Return a customer's text without control characters, of which a terminal or a mail program would obey some.

    Blanks of every width stay, as Japanese texts have them (U+3000).
    """
    if text.isprintable():  # nearly all are
        return text
    return "".join(character if _is_printable(character) else "?" for character in text)


def _is_printable(character: str) -> bool:
    return character.isprintable() or character == _JOINER or unicodedata.category(character) == "Zs"


def clause_ja(clause: str) -> str:
    """Return a clause as Japanese documents cite it: 第6条第1項."""
    return _CLAUSE.sub(lambda found: f"第{found[1]}条" + (f"第{found[2]}項" if found[2] else ""), clause)


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    en: str
    ja: str

    def of(self, language: Language) -> str:
        """Return the text in the language asked for."""
        return self.ja if language == "ja" else self.en
