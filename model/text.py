"""Texts that a person reads exist in Japanese and English."""

import unicodedata
from typing import Literal

from msgspec import Struct

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")


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


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    en: str
    ja: str

    def of(self, language: Language) -> str:
        """Return the text in the language asked for."""
        return self.ja if language == "ja" else self.en
