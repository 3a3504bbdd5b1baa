"""Somebody who has signed in, and a token of each kind, for tests of tokens."""

from datetime import timedelta

import pyotp

from catalog import access
from catalog.folder import config_folder
from model.person import HOST, Actor, Person
from people.tokens import hash_of
from pipeline.access.authorization import Authorizer
from pipeline.access.machines import Machines, MachineWanted
from pipeline.access.people import Register, Wish
from pipeline.access.sign_in import Gate, NotSignedIn
from store.home import Home
from tests.conftest import MovingClock
from tests.passwords import QUICK

ACCESS = access.load(config_folder())
AT = "2026-06-01T00:00:00.000000Z"
PASSWORD = "correct horse battery staple"


class Tokens:
    """Sato, an operator and analyst of two tenants, who has signed in."""

    def __init__(self, home: Home, clock: MovingClock) -> None:
        for tenant in ("aozora", "midori"):
            home.apply(tenant, {"tenant": tenant}, AT, "p")
        self.home, self.clock = home, clock
        self.gate = Gate(home.service, lambda: b"k" * 32, clock, QUICK)
        self.register = Register(Authorizer(home, ACCESS, HOST, clock), ACCESS, clock)
        sato = Person("sato", "佐藤", "ja", ("operator", "analyst"), ("aozora", "midori"), "")
        enrolment = self.gate.enrol(self.register.add(sato, self.gate), PASSWORD)
        self._authenticator = pyotp.TOTP(enrolment.secret)
        self.signed_in = self.sign_in()
        self.invitation = ""

    def sign_in(self) -> str:
        """Return a token of another sign-in."""
        self.clock.sleep(30)  # a code counts once
        return self.gate.with_password("sato", PASSWORD, self._authenticator.at(self.clock.now()))

    def personal(self, *, by: str = "", label: str = "ci", days: int = 366) -> str:
        """Return a further token, by the sign-in's where no other is given."""
        return self.gate.issue(self.gate.actor(by or self.signed_in), label, "all", timedelta(days=days))

    def machines(self, actor: Actor) -> Machines:
        """Return machines' tokens as somebody may manage them."""
        return Machines(Authorizer(self.home, ACCESS, actor, self.clock), ACCESS, self.clock)

    def machine(self) -> str:
        """Return a machine's token that sato issued."""
        wanted = MachineWanted("aozora", "runs.read", "aws.cloudtrail-main", "nightly", timedelta(days=366))
        return self.machines(self.gate.actor(self.signed_in)).issue(wanted)

    def of_each_kind(self) -> dict[str, str]:
        """Return a token of each kind."""
        self.invitation = self.register.invite("sato", self.gate)
        return {
            "sign-in": self.signed_in,
            "personal": self.personal(),
            "invitation": self.invitation,
            "machine": self.machine(),
        }

    def invitation_by(self, token: str) -> str:
        """Return an invitation for somebody whom the holder of a token adds."""
        return self.add(self.gate.actor(token))

    def add(self, actor: Actor) -> str:
        """Return an invitation for somebody whom an actor adds."""
        people = Register(Authorizer(self.home, ACCESS, actor, self.clock), ACCESS, self.clock)
        return people.add(Person("ito", "伊藤", "ja", ("viewer",), ("aozora",), ""), self.gate)

    def change(self, wish: Wish) -> None:
        """Change sato."""
        self.register.change("sato", wish)

    def holds(self, token: str) -> bool:
        """Return whether a token still proves something: an invitation, that somebody may set a password."""
        with self.home.service.read() as session:
            kept = session.people.token(hash_of(token))
        assert kept
        try:
            if kept.kind == "invitation":
                self.gate.enrol(token, PASSWORD)
            else:
                self.gate.actor(token)
        except NotSignedIn:
            return False
        return True
