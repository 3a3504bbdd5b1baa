"""Who acts: people with roles and tenants, the host's shell, the schedule."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from model.text import Language

PersonId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*([._-][a-z0-9]+)*$(?!\n)", max_length=60)]
Tenants = tuple[str, ...] | Literal["all"]
# What a token is decides what it can do: a sign-in's issues further ones, an invitation is nobody's until it is used.
TokenKind = Literal["sign-in", "personal", "invitation", "machine"]
# What stands behind a machine's token, such as `aws.cloudtrail-main`.
SourceId = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9]*([._-][a-z0-9]+)*$(?!\n)", max_length=100)]


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


class TokenTerms(Struct, frozen=True, kw_only=True):
    """What a token is for: its kind, whose it is and what that person, or the machine, may use by it.

    A sign-in's token has a `person`, a personal one also the sign-in's token that it came from (`parent`). A machine's
    has neither: it is the installation's, and no event of a person's ends it. It has one `action`, one tenant, the
    `source` that it stands for, and who issued it.
    """

    kind: TokenKind
    label: str
    tenants: Tenants
    person: str = ""
    parent: str = ""
    action: str = ""
    source: str = ""
    issued_by: str = ""


class Token(TokenTerms, frozen=True, kw_only=True):
    """What is kept of a token: what it is for, and until when it holds; never the token."""

    id: str
    hash: str
    issued_at: str
    expires_at: str
    revoked_at: str = ""


class Actor(Struct, frozen=True):
    """Whoever does something now; `name` stands in every record of it.

    `kind` is the kind of the token, None without one. A machine has no roles; it may do the one `action` of its token,
    which stands for one `source`. Who `reads_only` decides nothing: whether the token is one that was issued cannot be
    known.
    """

    name: str
    roles: tuple[str, ...]
    tenants: Tenants
    token: str = ""
    kind: TokenKind | None = None
    action: str = ""
    source: str = ""
    reads_only: bool = False

    def sees(self, tenant: str) -> bool:
        """Return whether a tenant exists for this actor."""
        return self.tenants == "all" or tenant in self.tenants


# Whoever only has the host's shell proves no more than that, whatever the environment says: never a second person.
HOST = Actor("operator@host", ("host",), "all")
# The schedule acts in nobody's name.
SCHEDULE = "schedule@service"


def actor_of(person: Person | None, token: Token) -> Actor | None:
    """Return who acts by a token: its person with the roles of now and the tenants of both, or a machine.

    None for an invitation, which proves nothing but that somebody may set a password, and for a token whose person is
    not there.
    """
    match token.kind:
        case "machine":
            return Actor(machine_name(token), (), token.tenants, token.id, token.kind, token.action, token.source)
        case "sign-in" | "personal" if person is not None:
            return Actor(person.id, person.roles, _both(person.tenants, token.tenants), token.id, token.kind)
        case _:
            return None


def machine_name(token: Token) -> str:
    """Return what records call the machine of a token; no person's id holds a `:`, so none is called like one."""
    return f"machine:{token.id}"


def lost(before: Person, after: Person) -> bool:
    """Return whether a person has, by a change, any role or tenant less than `before`."""
    if set(before.roles) - set(after.roles):
        return True
    return after.tenants != "all" and (before.tenants == "all" or bool(set(before.tenants) - set(after.tenants)))


def _both(one: Tenants, other: Tenants) -> Tenants:
    if one == "all":
        return other
    return one if other == "all" else tuple(tenant for tenant in one if tenant in other)
