"""The way into a customer's clouds: nothing enters without the gate's word, which is asked for each time."""

from msgspec import Struct

from model.contract_action import Action
from model.tenant import Tenant
from pipeline.providers.provider import Opening, Scope, opening_of
from pipeline.tenants.gate import ask
from pipeline.tenants.scopes import Scopes, scopes_of
from pipeline.world import World


class Entrance(Struct, frozen=True):
    """The way into a tenant's clouds for an action; each of its methods asks first, and raises `NotEntitled`."""

    world: World
    tenant: Tenant
    action: Action

    def ask(self) -> None:
        """Make sure that the action is allowed now; raises `NotEntitled` where it is not."""
        name = self.tenant.tenant
        ask(self.world.home.tenant(name), name, self.action, self.world.clock.now())

    def scopes(self) -> Scopes:
        """Return the tenant's places as they are now: organisations are asked for theirs."""
        self.ask()
        return scopes_of(self.world, self.tenant)

    def opening(self, scope: Scope) -> Opening:
        """Return what opens clients of a scope, for one of them; raises `NotEntitled`."""
        self.ask()
        return opening_of(scope, self.world.providers)
