"""Who acts: people with roles and tenants, the host's shell, the schedule."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from model.text import Language

PersonId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*([._-][a-z0-9]+)*$(?!\n)", max_length=60)]
Tenants = tuple[str, ...] | Literal["all"]


class Person(Struct, frozen=True):
    """Somebody who can sign in (OCSF user); an id never holds an `@`, so nobody can be called like the host's shell.

    `issuer` and `subject` name the account at an OpenID provider, both empty for a local account; a subject
    `email:ADDRESS` is bound to the provider's own subject at the first sign-in. Moments are RFC 3339, empty = never.
    """

    id: str
    name: str
    language: Language
    roles: tuple[str, ...]
    tenants: Tenants
    created_at: str
    issuer: str = ""
    subject: str = ""
    disabled_at: str = ""


class Token(Struct, frozen=True):
    """What is kept of a token: whose it is, for which of that person's tenants, and until when; never the token."""

    id: str
    hash: str
    person: str
    label: str
    tenants: Tenants
    issued_at: str
    expires_at: str
    revoked_at: str = ""


class Actor(Struct, frozen=True):
    """Whoever does something now; `name` stands in every record of it."""

    name: str
    roles: tuple[str, ...]
    tenants: Tenants
    token: str = ""

    def sees(self, tenant: str) -> bool:
        """Return whether a tenant exists for this actor."""
        return self.tenants == "all" or tenant in self.tenants


# Whoever only has the host's shell proves no more than that, whatever the environment says: never a second person.
HOST = Actor("operator@host", ("host",), "all")
# The schedule acts in nobody's name.
SCHEDULE = "schedule@service"


def actor_of(person: Person, token: Token) -> Actor:
    """Return the actor that a person is by a token: the person's roles as they are now, the tenants of both."""
    return Actor(person.id, person.roles, _both(person.tenants, token.tenants), token.id)


def _both(one: Tenants, other: Tenants) -> Tenants:
    if one == "all":
        return other
    return one if other == "all" else tuple(tenant for tenant in one if tenant in other)
