"""The way into a customer's clouds: nothing enters without the gate's word, which is asked for each time."""

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from model.call import WriteCloud
from model.collector import Collector
from model.contract_action import Action
from model.tenant import Tenant
from pipeline.providers.provider import Scope, opening_of
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

    def read(self, scope: Scope, types: Sequence[Any]) -> Collector:
        """Return the collector of a scope for some types; raises `Refused` where it cannot be entered."""
        self.ask()
        return opening_of(scope, self.world.providers).connect(scope, types, self.world.clock)

    def write(self, scope: Scope, needs: Sequence[str]) -> WriteCloud:
        """Return the client for changes in a scope that needs these permissions; raises `Refused`."""
        self.ask()
        return opening_of(scope, self.world.providers).connect_write(scope, needs, self.world.clock)
