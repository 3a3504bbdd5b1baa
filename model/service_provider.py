"""The provider of the service: the company, or one of its group, that a contract is with (Article 1(1))."""

from collections.abc import Mapping
from typing import Annotated, Literal

from msgspec import Meta, Struct

from model.text import Language, Text, printable

ProviderId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$(?!\n)", max_length=60)]
# Of an issuer of qualified invoices. Only a corporation's digits are its corporate number, which begins with a check
# digit; those of others (sole proprietors, associations) are no corporate numbers, so the form alone is checked.
RegistrationNumber = Annotated[str, Meta(pattern=r"^T[0-9]{13}$(?!\n)")]
LONGEST_NAME = 100


class ServiceProvider(Struct, frozen=True, forbid_unknown_fields=True):
    """A company that provides the service: its name, and what its invoices need.

    `rounding` is that of the consumption tax.
    """

    name: Text
    registration_number: RegistrationNumber | None = None
    bank: Annotated[str, Meta(min_length=1, max_length=400)] | None = None
    rounding: Literal["down", "half-up", "up"] = "down"


class ServiceProviders(Struct, frozen=True):
    """The providers of an installation by their ids, and which a contract has that names none."""

    known: Mapping[str, ServiceProvider] = {}
    default: str = ""


def why_no_name(text: str) -> str:
    """Return why a text cannot be a company's name, the empty text where it can.

    What stands in the frame of mails and pages is one line, of which everything can be seen.
    """
    if text != text.strip() or not text or printable(text) != text or len(text) > LONGEST_NAME:
        return f"has to be one line of at most {LONGEST_NAME} visible characters, without blanks before and after it"
    return ""


def provided_by(name: Text | None, language: Language) -> str:
    """Return the line that says who provides the service, by the provider's name; empty where there is none."""
    if name is None:
        return ""
    return Text(en=f"Provided by {name.en}", ja=f"サービス提供：{name.ja}").of(language)
