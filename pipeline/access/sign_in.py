"""Signing in: whoever proves who they are gets a token that expires; whoever holds one is that person."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from model.canonical import instant
from model.clock import Clock
from model.fault import Refused
from model.person import HOST, Actor, Person, Tenants, Token, TokenTerms, actor_of, machine_name
from people import local, tokens
from people.local import Passwords
from pipeline.access.authorization import NotAllowed
from store.people import Lock
from store.service import ServiceReader, ServiceStore, ServiceWriter

if TYPE_CHECKING:  # what the provider is asked with takes a sixth of a command's start: most commands need none of it
    from people.openid import Identity

SIGNED_IN_FOR = timedelta(hours=12)
INVITED_FOR = timedelta(days=3)
# What the record of a new token says of it, where it has it.
_RECORDED = ("kind", "label", "tenants", "expires_at", "parent", "source", "issued_by")


class NotSignedIn(Refused):
    """The token proves nothing (any more), or the sign-in failed."""


class Enrolment(Struct, frozen=True):
    """What a person's authenticator takes, and the same as a secret to type."""

    person: str
    uri: str
    secret: str


class Gate:
    """Where people come in."""

    def __init__(
        self, service: ServiceStore, key: Callable[[], bytes], clock: Clock, passwords: Passwords | None = None
    ) -> None:
        self._service = service
        self._key = key
        self._clock = clock
        self._passwords = passwords or Passwords()

    def actor(self, token: str) -> Actor:
        """Return who holds a token; raises `NotSignedIn` for one that does not hold (any more)."""
        with self._service.read() as session:
            actor = _actor(session, session.people.token(tokens.hash_of(token)), self._clock.now())
        if actor is None:
            raise NotSignedIn("the token is not valid (any more); sign in again with `hinomi login`")
        return actor

    def with_password(self, name: str, password: str, code: str) -> str:
        """Return a token for a local account, by name, password and code of the authenticator.

        Raises `NotSignedIn`: every failure looks alike. How often may be tried, `tries.py` decides: what
        asks for others than the host's shell goes through it.
        """
        with self._service.read() as session:
            person = session.people.one(name)
            lock = session.people.lock(name) if person else Lock()
        right = self._passwords.is_right(lock.password, password)  # slow on purpose: outside of the transaction
        if person is None:
            raise _failed()
        with self._observe(name) as session:
            person = session.people.one(name)
            right = right and _is_recorded(session, name)
            step = self._step(session.people.lock(name), name, code) if right else None
            if step is not None and person is not None and not person.disabled_at:
                session.people.put_lock(name, replace(session.people.lock(name), totp_step=step, failures=0))
                self._end_invitations(session, name)
                return self._signed_in(session, person)
            self._count_failure(session, name)
        raise _failed()

    def with_identity(self, identity: "Identity") -> str:
        """Return a token for whom an OpenID provider vouches; raises `NotSignedIn` for somebody nobody added."""
        with self._service.read() as session:
            person = session.people.with_subject(identity.issuer, identity.subject)
            bound = person is not None
            if person is None and identity.email:
                person = session.people.with_subject(identity.issuer, f"email:{identity.email}")
        if person is None or person.disabled_at:
            raise NotSignedIn(
                "nobody of this installation has that account; an operator adds people: `hinomi people add`"
            )
        with self._observe(person.id) if bound else self._write(person.id) as session:
            now = session.people.one(person.id)  # roles may have been taken away meanwhile
            good = now is not None and not now.disabled_at and _is_recorded(session, now.id)
            if now is None or not good or (now.issuer, now.subject) != (person.issuer, person.subject):
                raise NotSignedIn("the account has just been changed; begin again with `hinomi login`")
            if not bound:
                session.people.put(replace(now, subject=identity.subject))
                session.record("person.bound", person.id, issuer=identity.issuer)
            return self._signed_in(session, now)

    def invite(self, session: ServiceWriter, person: Person) -> str:
        """Return an invitation, with which a person sets up a local account; earlier ones end."""
        self._end_invitations(session, person.id)
        terms = TokenTerms(kind="invitation", label="invitation", tenants=person.tenants, person=person.id)
        return put_new(session, terms, INVITED_FOR, self._clock.now())

    def enrol(self, invitation: str, password: str) -> Enrolment:
        """Set the password of whoever was invited, and return what the authenticator takes.

        The invitation holds until the first sign-in: whoever lost the secret on the way enrols again.
        """
        invited = self._invited(invitation)
        hashed = self._passwords.hash(password)  # slow on purpose: only for whoever was invited
        secret = local.new_secret()
        with self._write(invited.id) as session:
            person = self._holder(session, invitation)  # it may have ended meanwhile
            # Whoever needs a new password may have lost more than that.
            end_sessions(session, person.id, self._now())
            session.people.put_lock(person.id, Lock(hashed, local.seal(self._key(), person.id, secret)))
            session.record("person.enrolled", person.id)
        return Enrolment(person.id, local.enrolment(secret, person.id), secret)

    def issue(self, actor: Actor, label: str, tenants: Tenants, lasts: timedelta) -> str:
        """Return a further token of the actor who asks, for no more tenants than they have; it `lasts` so long.

        The label says what it is for. Raises `NotSignedIn` where no person asks, `NotAllowed` for a token that no
        sign-in gave, `Refused` for no label, for tenants that they do not see and for a time that is too short or too
        long.
        """
        if tenants != "all" and "all" in tenants:
            raise Refused("'all' stands alone; or name the tenants")
        check_issuer(actor)
        label = tokens.label_of(label)
        if tenants == "all":
            tenants = actor.tenants
        elif strange := [tenant for tenant in tenants if not actor.sees(tenant)]:
            raise Refused(f"there is no tenant {strange[0]!r}")
        terms = TokenTerms(kind="personal", label=label, tenants=tenants, person=actor.name, parent=actor.token)
        with self._write(actor.name) as session:
            check_unchanged(session, actor, self._clock.now())
            return put_new(session, terms, lasts, self._clock.now())

    def tokens(self, actor: Actor) -> list[Token]:
        """Return what is kept of the actor's own tokens."""
        with self._service.read() as session:
            return session.people.tokens(actor.name)

    def revoke(self, actor: Actor, ids: Sequence[str]) -> int:
        """Revoke tokens of the actor's own, with those that came from them; return how many were not revoked before.

        Raises `NotAllowed` for a machine: its token ends by those who manage people.
        """
        if actor.kind == "machine":
            raise NotAllowed("a machine's token revokes none; whoever manages people does: `hinomi tokens machine`")
        with self._observe(actor.name) as session:
            mine = {token.id for token in session.people.tokens(actor.name)}
            revoked = session.people.revoke([id_ for id_ in ids if id_ in mine], self._now())
            if revoked:
                session.record("token.revoked", actor.name, tokens=revoked)
            return len(revoked)

    def _invited(self, invitation: str) -> Person:
        with self._service.read() as session:
            return self._holder(session, invitation)

    def _holder(self, session: ServiceReader, invitation: str) -> Person:
        kept = session.people.token(tokens.hash_of(invitation))
        person = session.people.one(kept.person) if kept else None
        if not kept or not person or kept.kind != "invitation" or not tokens.is_good(kept, person, self._clock.now()):
            raise NotSignedIn("the invitation is not valid (any more); ask for another one")
        return person

    def _end_invitations(self, session: ServiceWriter, person: str) -> None:
        invitations = [token.id for token in session.people.tokens(person) if token.kind == "invitation"]
        session.people.revoke(invitations, self._now())

    def _step(self, lock: Lock, person: str, code: str) -> int | None:
        """Return the step of a good one-time code, None for a wrong one."""
        if not lock.totp:
            return None
        secret = local.unseal(self._key(), person, lock.totp)
        return local.used_step(secret, code, self._clock.now().timestamp(), lock.totp_step)

    def _count_failure(self, session: ServiceWriter, person: str) -> None:
        """Count a failure; records are kept for good, so guessers get one each time their number has doubled."""
        lock = session.people.lock(person)
        failures = lock.failures + 1
        session.people.put_lock(person, replace(lock, failures=failures))
        if failures.bit_count() == 1:
            session.record("sign-in.failed", person, failures=failures)

    def _signed_in(self, session: ServiceWriter, person: Person) -> str:
        terms = TokenTerms(kind="sign-in", label="sign-in", tenants=person.tenants, person=person.id)
        return put_new(session, terms, SIGNED_IN_FOR, self._clock.now())

    def _now(self) -> str:
        return instant(self._clock.now())

    def _write(self, person: str) -> AbstractContextManager[ServiceWriter]:
        return self._service.write(instant(self._clock.now()), person)

    def _observe(self, person: str) -> AbstractContextManager[ServiceWriter]:
        return self._service.observe(instant(self._clock.now()), person)


def check_issuer(actor: Actor) -> None:
    """Refuse whoever cannot issue tokens: only a sign-in's token can.

    Raises `NotSignedIn` where no person asks, `NotAllowed` for every other kind of token.
    """
    if not actor.token:
        raise NotSignedIn("only a person who is signed in can have tokens; `hinomi login` first")
    if actor.kind != "sign-in":
        raise NotAllowed("this token issues no others; sign in to issue one: `hinomi login`")


def check_unchanged(session: ServiceReader, actor: Actor, now: datetime) -> None:
    """Raise `NotSignedIn` unless the actor is in this session what they were when the request began.

    Until `now` the token may have been revoked, its person disabled or changed.
    """
    if _actor(session, session.people.token_named(actor.token), now) != actor:
        raise NotSignedIn("the account or its token has just been changed; sign in again with `hinomi login`")


def put_new(session: ServiceWriter, terms: TokenTerms, lasts: timedelta, now: datetime) -> str:
    """Issue a token on these terms in a session, with a record; it `lasts` so long from `now` on."""
    token, kept = tokens.mint(terms, lasts, now)
    session.people.put_token(kept)
    details = {name: value for name in _RECORDED if (value := getattr(kept, name))}
    if kept.action:
        details["allowed"] = kept.action
    session.record("token.issued", kept.person or machine_name(kept), token=kept.id, **details)
    return token


def end_sessions(session: ServiceWriter, person: str, at: str) -> int:
    """Revoke, in a session `at` a moment, all that a person could act by; invitations are not. Return how many."""
    held = [token.id for token in session.people.tokens(person) if token.kind != "invitation"]
    return len(session.people.revoke(held, at))


def _actor(session: ServiceReader, kept: Token | None, now: datetime) -> Actor | None:
    """Return who acts by a token as it is kept, None where it does not hold `now`."""
    if kept is None:
        return None
    person = session.people.one(kept.person)
    actor = actor_of(person, kept) if tokens.is_good(kept, person, now) else None
    if actor is None or not _is_recorded(session, kept.person, kept.id):
        return None
    return replace(actor, reads_only=bool(session.records_fault))


def _is_recorded(session: ServiceReader, person: str, token: str = "") -> bool:
    """Return whether a person, and a token, are those that were recorded; also where the records do not hold.

    What that lets in only reads: whoever can break records can read the stores.
    """
    if session.records_fault:
        return True
    return not (person and session.person_fault(person)) and not (token and session.token_fault(token))


def _failed() -> NotSignedIn:
    return NotSignedIn("the name, the password or the code is wrong")


def actor_at_the_shell(gate: Gate, token: str) -> Actor:
    """Return who runs a command on the host: the person of a token, or the host's shell where there is none.

    A token that does not hold is refused: it never falls back to the shell, which may do more.
    """
    return gate.actor(token) if token else HOST
