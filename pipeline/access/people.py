"""Adding people, changing what they may, ending their access; each leaves a record in the service's chain."""

from msgspec import Struct
from msgspec.structs import replace

from contract.access import misfit
from model.access import Access
from model.canonical import instant
from model.clock import Clock
from model.fault import Refused
from model.person import Person, Tenants, lost
from pipeline.access.authorization import Authorizer
from pipeline.access.sign_in import Gate, check_issuer, check_unchanged, end_sessions
from store.people import Lock
from store.service import ServiceReader, ServiceWriter


class Wish(Struct, frozen=True):
    """What a person is to have; None leaves it as it is."""

    roles: tuple[str, ...] | None = None
    tenants: Tenants | None = None
    language: str | None = None
    name: str | None = None


class Changed(Struct, frozen=True):
    """A person as they are after a change, and how many tokens it ended."""

    person: Person
    revoked: int


class Register:
    """The people of an installation, as one actor may manage them."""

    def __init__(self, authorizer: Authorizer, access: Access, clock: Clock) -> None:
        self._home = authorizer.service("people.manage")
        self._known_tenants = authorizer.tenants()
        self._actor = authorizer.actor
        self._access = access
        self._clock = clock

    def all(self) -> list[Person]:
        """Return everybody whose tenants the actor sees all of."""
        with self._home.service.read() as session:
            return [person for person in session.people.all() if self._oversees(person.tenants)]

    def add(self, person: Person, gate: Gate) -> str:
        """Add somebody; return an invitation for a local account, the empty text for one at an OpenID provider.

        Raises `Refused` where that id or that account at the provider is there already, or roles and tenants do not
        fit, `NotAllowed` for whoever asks by a further token.
        """
        self._check(person)
        with self._home.service.write(self._now(), self._actor.name) as session:
            self._check_inviter(session)
            if session.people.one(person.id):
                raise Refused(f"there is a person {person.id!r} already; `hinomi people change` changes one")
            if person.issuer and session.people.with_subject(person.issuer, person.subject):
                raise Refused("that account at the provider is somebody else's already")
            session.people.put(replace(person, created_at=self._now()))
            session.record("person.added", person.id, roles=person.roles, tenants=person.tenants, issuer=person.issuer)
            return "" if person.issuer else gate.invite(session, person)

    def invite(self, id_: str, gate: Gate) -> str:
        """Return a new invitation for somebody whose password or authenticator is lost; the old ones end.

        Raises `Refused` for nobody of that id, and for whoever signs in at an OpenID provider, `NotAllowed` for whoever
        asks by a further token.
        """
        with self._home.service.write(self._now(), self._actor.name) as session:
            self._check_inviter(session)
            person = self._found(session, id_)
            if person.issuer:
                raise Refused(f"{id_} signs in at {person.issuer}; the account is recovered there")
            session.record("person.invited", id_)
            return gate.invite(session, person)

    def change(self, id_: str, wish: Wish) -> Changed:
        """Change somebody's roles, tenants, language or name; nobody changes their own roles or tenants.

        Whoever loses a role or a tenant loses every token that they had: each was given to somebody who may do more.
        Raises `Refused` for that, for nobody of that id, and where roles and tenants do not fit.
        """
        with self._home.service.write(self._now(), self._actor.name) as session:
            before = self._found(session, id_)
            wanted = {k: v for k in Wish.__struct_fields__ if (v := getattr(wish, k)) is not None}
            after = replace(before, **wanted)
            if id_ == self._actor.name and (after.roles, after.tenants) != (before.roles, before.tenants):
                raise Refused("nobody changes their own roles or tenants; ask another operator")
            self._check(after)
            session.people.put(after)
            revoked = end_sessions(session, id_, self._now()) if lost(before, after) else 0
            session.record("person.changed", id_, **wanted, **({"tokens": revoked} if revoked else {}))
            return Changed(after, revoked)

    def disable(self, id_: str) -> int:
        """End somebody's access and revoke their tokens; return how many those were.

        That holds for whom somebody has added, changed or removed behind the records too: nothing else puts that right.
        """
        at = self._now()
        with self._home.service.observe(at, self._actor.name) as session:
            if session.people.one(id_) is None and session.person_fault(id_) and self._actor.tenants == "all":
                session.people.note_removed(id_)
                session.record("person.removed", id_)
                return 0
            person = self._found(session, id_)
            session.people.put(replace(person, disabled_at=person.disabled_at or at))
            session.people.put_lock(id_, Lock())
            revoked = _revoke_all(session, id_, self._now())
            session.record("person.disabled", id_, tokens=revoked)
            return revoked

    def _check_inviter(self, session: ServiceReader) -> None:
        """Refuse further tokens: who comes in by an invitation stays when the token has long ended."""
        if self._actor.token:  # the host's shell has none, and adds the first people
            check_issuer(self._actor)
            check_unchanged(session, self._actor, self._clock.now())

    def _check(self, person: Person) -> None:
        if problem := misfit(self._access, person.roles, person.tenants):
            raise Refused(f"{person.id}: {problem}")
        if person.tenants != "all" and (strange := [t for t in person.tenants if t not in self._known_tenants]):
            raise Refused(f"{person.id}: there is no tenant {strange[0]!r}; `hinomi apply FILE` adds one")
        if not self._oversees(person.tenants):
            raise Refused(f"{person.id}: {self._actor.name} cannot give more tenants than their own")

    def _found(self, session: ServiceReader, id_: str) -> Person:
        person = session.people.one(id_)
        if person is None or not self._oversees(person.tenants):
            raise Refused(f"there is no person {id_!r}; see `hinomi people list`")
        return person

    def _oversees(self, tenants: Tenants) -> bool:
        if self._actor.tenants == "all":
            return True
        return tenants != "all" and all(self._actor.sees(tenant) for tenant in tenants)

    def _now(self) -> str:
        return instant(self._clock.now())


def _revoke_all(session: ServiceWriter, id_: str, at: str) -> int:
    return len(session.people.revoke([token.id for token in session.people.tokens(id_)], at))
