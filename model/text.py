"""Texts that a person reads exist in Japanese and English."""

from typing import Literal

from msgspec import Struct

Language = Literal["en", "ja"]
LANGUAGES: tuple[Language, ...] = ("en", "ja")


def printable(text: str) -> str:
    """Return a customer's text without control characters: a terminal would obey them."""
    return "".join(character if character.isprintable() else "?" for character in text)


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    en: str
    ja: str

    def of(self, language: Language) -> str:
        """Return the text in the language asked for."""
        return self.ja if language == "ja" else self.en
