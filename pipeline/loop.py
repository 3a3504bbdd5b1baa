"""The main job for one tenant, ready to run: scan, tell, report."""

from msgspec import Struct

from model.canonical import instant
from model.clock import Clock
from model.tenant import Tenant
from notifier.message import Ways
from pipeline.assembly import House
from pipeline.doors import connect, list_members, new_external_id
from pipeline.own_policies import house_of
from pipeline.reporting import make_report
from pipeline.scan import Ports, Summary, scan
from pipeline.scopes import Scopes, discovered
from pipeline.tell import Teller, Told, tell
from pipeline.turn import Turn, take_turn
from reports.report import Report
from store.home import Home
from store.tenant import TenantStore


class Loop(Struct, frozen=True):
    """A tenant with everything that its main job needs."""

    home: Home
    tenant: Tenant
    house: House
    clock: Clock
    ways: Ways
    person: str

    @property
    def store(self) -> TenantStore:
        """Return the door to the tenant's data."""
        return self.home.tenant(self.tenant.tenant)

    def turn(self) -> Turn:
        """Return a turn of its own, for whoever is alone with the home."""
        return take_turn(self.home, f"scan:{self.tenant.tenant}", instant(self.clock.now()), self.person)

    def scan(self, turn: Turn) -> Summary:
        """Gate, collect, detect, record."""
        ports = Ports(self.clock, lambda scope, house: connect(scope, house, self.clock), self.scopes)
        with house_of(self.house, self.tenant, self.store, turn.go_on) as house:
            return scan(self.home, self.tenant, house, ports, turn)

    def scopes(self, tenant: Tenant) -> Scopes:
        """Return the accounts that a tenant has now."""
        return scopes_of(self.home, tenant, self.clock)

    def tell(self) -> Told:
        """Turn facts into alerts and send what is due."""
        fence = self.home.take(f"tell:{self.tenant.tenant}", "")
        return tell(self.store, self.tenant, self.house.judging, Teller(self.ways, self.clock, fence, self.person))

    def report(self) -> Report:
        """Return the report as of the last scan."""
        return make_report(self.store, self.tenant, self.house.judging, self.clock)


def scopes_of(home: Home, tenant: Tenant, clock: Clock) -> Scopes:
    """Return the accounts that a tenant has now; roles ask for the tenant's own external id."""
    own = home.external_id(tenant.tenant, new_external_id())
    return discovered(tenant, own, lambda organization, id_: list_members(organization, id_, clock))
