"""The way into a customer's clouds: nothing enters without the gate's word, which is asked for each time."""

from msgspec import Struct

from model.contract_action import Action
from model.log_feed import Delivered, LogFeed
from model.tenant import Tenant
from pipeline.providers.provider import DeliveryQuery, Feed, Opening, Scope, delivered_to, opened_feed, opening_of
from pipeline.tenants.gate import ask
from pipeline.tenants.scopes import Scopes, feeds_of, scopes_of
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

    def feeds(self) -> list[Feed]:
        """Return where the tenant's logs are fetched, as its file says; raises `NotEntitled`."""
        self.ask()
        return feeds_of(self.world, self.tenant)

    def enter(self, feed: Feed) -> LogFeed:
        """Return one of the tenant's feeds, opened.

        Raises `NotEntitled`, and `Refused` where it cannot be entered.
        """
        self.ask()
        return opened_feed(feed, self.world.providers, self.world.clock)

    def delivered(self, feed: Feed, query: DeliveryQuery) -> dict[str, Delivered]:
        """Return what a query finds to be delivered to one of the tenant's feeds, by place.

        Raises `NotEntitled`, `Refused` where it cannot be entered, and `CallFailed`.
        """
        self.ask()
        return delivered_to(feed, query, self.world.providers, self.world.clock)
