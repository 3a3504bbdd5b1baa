"""The main job for one tenant, ready to run: scan, notify, report."""

from collections.abc import Sequence

from msgspec import Struct

from model.call import WriteCloud
from model.canonical import instant
from model.clock import Clock
from model.fault import Refused
from model.tenant import Tenant
from notifier.message import Ways
from pipeline.assembly import Catalog
from pipeline.changing.environment import Hands
from pipeline.notifying.notify import Notified, Notifier, notify
from pipeline.notifying.reporting import make_report
from pipeline.policies.own_policies import catalog_of
from pipeline.providers.opening import connect, connect_write, list_members, new_external_id
from pipeline.providers.provider import Providers, Scope
from pipeline.providers.registry import PROVIDERS
from pipeline.scanning.scan import Ports, Summary, scan
from pipeline.tenants.scopes import Scopes, discovered
from pipeline.turn import Turn, take_turn
from reports.report import Report
from store.home import Home
from store.tenant import TenantStore


class Loop(Struct, frozen=True):
    """A tenant with everything that its main job needs."""

    home: Home
    tenant: Tenant
    catalog: Catalog
    clock: Clock
    ways: Ways
    person: str
    providers: Providers = PROVIDERS

    @property
    def store(self) -> TenantStore:
        """Return the store of the tenant's data."""
        return self.home.tenant(self.tenant.tenant)

    def turn(self) -> Turn:
        """Return a turn of its own, for whoever is alone with the home."""
        return take_turn(self.home, f"scan:{self.tenant.tenant}", instant(self.clock.now()), self.person)

    def scan(self, turn: Turn) -> Summary:
        """Gate, collect, detect, record."""
        ports = Ports(
            self.clock,
            lambda scope, catalog: connect(scope, catalog.types, self.clock, self.providers),
            self.scopes,
        )
        with catalog_of(self.catalog, self.tenant, self.store, turn.go_on) as catalog:
            return scan(self.home, self.tenant, catalog, ports, turn)

    def scopes(self, tenant: Tenant) -> Scopes:
        """Return the accounts that a tenant has now."""
        return scopes_of(self.home, tenant, self.clock, self.providers)

    @property
    def hands(self) -> Hands:
        """Return what carrying out plans needs; scopes are found once, clients opened as they are needed."""
        return hands_of(self.home, self.tenant, self.catalog, self.clock, self.providers)

    def notify(self) -> Notified:
        """Turn facts into alerts and send what is due."""
        fence = self.home.take(f"tell:{self.tenant.tenant}", "")
        return notify(
            self.store, self.tenant, self.catalog.judging, Notifier(self.ways, self.clock, fence, self.person)
        )

    def report(self) -> Report:
        """Return the report as of the last scan."""
        return make_report(self.store, self.tenant, self.catalog.judging, self.clock)


def hands_of(home: Home, tenant: Tenant, catalog: Catalog, clock: Clock, providers: Providers = PROVIDERS) -> Hands:
    """Return what carrying out a tenant's plans needs: home, catalog, clock, and clients of the providers' places."""
    found: dict[str, Scope] = {}

    def enter(scope: str, needs: Sequence[str]) -> WriteCloud:
        if not found:
            found.update({one.id: one for one in scopes_of(home, tenant, clock, providers).found})
        if scope not in found:
            raise Refused(f"{scope} is none of the places of {tenant.tenant} any more")
        return connect_write(found[scope], needs, clock, providers)

    return Hands(home, home.tenant(tenant.tenant), tenant, catalog, clock, enter)


def scopes_of(home: Home, tenant: Tenant, clock: Clock, providers: Providers = PROVIDERS) -> Scopes:
    """Return the places that a tenant of a home has now, by the providers; roles ask for its own external id.

    The clock waits between tries.
    """
    own = home.external_id(tenant.tenant, new_external_id())
    return discovered(tenant, own, lambda group, id_: list_members(group, id_, clock, providers), providers)
