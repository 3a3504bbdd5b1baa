"""The one place where it is decided whether somebody may do something; every command and every route comes here."""

from contract.access import may
from model.access import Access
from model.clock import Clock
from model.fault import Refused
from model.person import Actor
from model.tenant import Tenant
from pipeline.tenants.applied import known_tenant
from store import contracts
from store.home import Home
from store.own_policies import RECORDED
from store.tenant import TenantStore

# The actions that decide nothing.
_READING = (".read", ".verify")
_ACCEPTING = "contract.accept"


class NoSuchTenant(Refused):
    """There is no such tenant, or not for whoever asks: the two look the same."""


class NotAllowed(Refused):
    """The actor's roles do not allow it."""


class Authorizer:
    """The stores, as one actor may use them."""

    def __init__(self, home: Home, access: Access, actor: Actor, clock: Clock) -> None:
        self._home = home
        self._clock = clock
        self._access = access
        self.actor = actor

    def allow(self, action: str, tenant: str | None = None) -> None:
        """Raise `NoSuchTenant` or `NotAllowed`, unless the actor may do it."""
        if tenant is not None and tenant not in self.visible():
            raise NoSuchTenant(self._no(tenant))
        if not may(self._access, self.actor, action, tenant):
            what = self._access.actions[action].en
            raise NotAllowed(f"{self.actor.name} may not {what} ({described(self.actor)})")
        if self.actor.reads_only and not action.endswith(_READING):
            raise NotAllowed("the service's records do not hold, so a token only reads; see `hinomi audit verify`")

    def applying(self, tenant: str) -> Home:
        """Return all stores, to add or change one tenant; whether a foreign one exists is not revealed.

        Raises `NotAllowed` for whoever may not apply tenants, or is bound to others.
        """
        self.allow("tenants.apply")
        if not self.actor.sees(tenant):
            raise NotAllowed(f"{self.actor.name} may not add or change the tenant {tenant!r}")
        return self._home

    def accept_new(self) -> None:
        """Make sure that the actor may accept a new tenant's contract, once anybody may.

        An installation begins with its shell alone. Raises `NotAllowed` for whoever may not.
        """
        with self._home.service.read() as session:
            people = list(session.people.all())
        roles = {role for person in people if not person.disabled_at for role in person.roles}
        accepting = roles & {name for name, role in self._access.roles.items() if _ACCEPTING in role.may}
        if accepting and not may(self._access, self.actor, _ACCEPTING):
            what = self._access.actions[_ACCEPTING].en
            raise NotAllowed(
                f"{self.actor.name} may not {what}: a new tenant is applied by a {' or '.join(sorted(accepting))}"
            )

    def whole(self, action: str) -> Home:
        """Return all stores, for what concerns every tenant at once; not for whoever is bound to some.

        Raises `NotAllowed` for them, and for whoever may not do the action.
        """
        self.allow(action)
        if self.actor.tenants != "all":
            raise NotAllowed(f"{self.actor.name} is bound to tenants; this concerns all of them")
        return self._home

    def service(self, action: str) -> Home:
        """Return all stores, for what concerns the service as a whole."""
        self.allow(action)
        return self._home

    @property
    def side(self) -> str:
        """Return on whose side the actor stands: staff, customer or host; nobody stands on two."""
        return next((self._access.roles[role].side for role in self.actor.roles if role in self._access.roles), "")

    def tenants(self, action: str = "tenants.read") -> list[str]:
        """Return the ids of the tenants that exist for the actor."""
        self.allow(action)
        return self.visible()

    def tenant(self, action: str, tenant: str) -> TenantStore:
        """Return the store of a tenant's data for one kind of action."""
        self.allow(action, tenant)
        return self._home.tenant(tenant)

    def file(self, action: str, tenant: str) -> Tenant:
        """Return a tenant as it was last applied, its contract as far as it is on record, for one kind of action."""
        self.allow(action, tenant)
        return known_tenant(self._home, tenant, self._clock.now())

    def edition_fault(self, tenant: str) -> str:
        """Return what is not as it was recorded, the empty text for nothing.

        An edition of a tenant's file or of its own policies, or a record of its contract.
        """
        with self.tenant("audit.verify", tenant).read() as reader:
            recorded = reader.recorded("tenant.applied")
            fault = reader.policies.fault(reader.recorded(RECORDED))
            fault = fault or reader.contract.fault(reader.recorded(contracts.RECORDED))
        return self._home.edition_fault(tenant, recorded) or fault

    def visible(self) -> list[str]:
        """Return the ids of the tenants that exist for the actor, whatever they may do there."""
        return [tenant for tenant in self._home.tenants() if self.actor.sees(tenant)]

    def _no(self, tenant: str) -> str:
        known = ", ".join(self.visible()) or "none yet"
        return f"there is no tenant {tenant!r}; known are {known}; `hinomi apply FILE` adds one"


def described(actor: Actor) -> str:
    """Return in words what an actor's rights come from: roles, or the one action of a machine's token."""
    if actor.kind == "machine":
        return f"a machine's token, for {actor.action} alone"
    return f"roles: {', '.join(actor.roles) or 'none'}"
