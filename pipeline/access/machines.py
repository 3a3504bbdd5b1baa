"""Machines' tokens: each for one action, one tenant and one source; they are the installation's, nobody's own."""

from datetime import timedelta

import msgspec
from msgspec import Struct

from model.access import Access
from model.canonical import instant
from model.clock import Clock
from model.fault import Refused
from model.person import SourceId, Token, TokenTerms
from people.tokens import label_of
from pipeline.access.authorization import Authorizer
from pipeline.access.sign_in import check_issuer, check_unchanged, put_new


class NoSuchToken(Refused):
    """The tenant has no such machine's token."""


class MachineWanted(Struct, frozen=True):
    """What a machine's token is to be: for which action at which tenant, which source it stands for, how long."""

    tenant: str
    action: str
    source: str
    label: str
    lasts: timedelta


class Machines:
    """The machines' tokens of an installation, as one actor may manage them."""

    def __init__(self, authorizer: Authorizer, access: Access, clock: Clock) -> None:
        self._authorizer = authorizer
        self._access = access
        self._clock = clock

    def issue(self, wanted: MachineWanted) -> str:
        """Return a new machine's token; only a person who is signed in can issue one, for what they may do themselves.

        Raises `NotSignedIn`, `NoSuchTenant` or `NotAllowed` where that is not so, `Refused` for what does not fit.
        """
        self._authorizer.allow("people.manage", wanted.tenant)
        check_issuer(self._authorizer.actor)
        self._check_action(wanted.action)
        self._authorizer.allow(wanted.action, wanted.tenant)
        terms = TokenTerms(
            kind="machine",
            label=label_of(wanted.label),
            tenants=(wanted.tenant,),
            action=wanted.action,
            source=_source(wanted.source),
            issued_by=self._authorizer.actor.name,
        )
        now = self._clock.now()
        stores = self._authorizer.service("people.manage")
        with stores.service.write(instant(now), self._authorizer.actor.name) as session:
            check_unchanged(session, self._authorizer.actor, now)
            return put_new(session, terms, wanted.lasts, now)

    def of(self, tenant: str) -> list[Token]:
        """Return what is kept of a tenant's machine tokens, by id, also of those that ended."""
        self._authorizer.allow("people.manage", tenant)
        return self._kept([tenant])

    def all(self) -> list[Token]:
        """Return the same of all tenants that exist for the actor."""
        return self._kept(self._authorizer.tenants("people.manage"))

    def revoke(self, tenant: str, id_: str) -> bool:
        """End a machine's token; return whether it was not revoked before.

        Raises `NoSuchToken` where the tenant has none of that id.
        """
        if id_ not in {token.id for token in self.of(tenant)}:
            raise NoSuchToken(f"{tenant} has no machine's token {id_!r}; see `hinomi tokens machine list`")
        at, stores = instant(self._clock.now()), self._authorizer.service("people.manage")
        with stores.service.observe(at, self._authorizer.actor.name) as session:
            revoked = session.people.revoke([id_], at)
            if revoked:
                session.record("token.revoked", f"machine:{id_}", tokens=revoked)
            return bool(revoked)

    def _kept(self, tenants: list[str]) -> list[Token]:
        with self._authorizer.service("people.manage").service.read() as session:
            return [token for token in session.people.machine_tokens() if token.tenants[0] in tenants]

    def _check_action(self, action: str) -> None:
        possible = [name for name, known in self._access.actions.items() if known.machine]
        if action not in possible:
            raise Refused(f"no machine's token can be for {action!r}; it can be for {', '.join(possible)}")


def _source(text: str) -> str:
    try:
        return msgspec.convert(text, SourceId)
    except msgspec.ValidationError:
        raise Refused(f"{text!r} is no id of a source: small letters, digits, and . _ - between them") from None
