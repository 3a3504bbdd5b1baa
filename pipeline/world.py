"""What a process has of the world, and the task at hand: whatever is done for a tenant is done with these two."""

from collections.abc import Callable, Sequence
from pathlib import Path

from msgspec import Struct

from model.canonical import digest, instant
from model.clock import Clock
from model.installation import Installation
from model.service_provider import ServiceProviders
from model.tenant import Channel, Tenant
from model.worker import Worker
from notifier.message import Ways
from outgoing.addresses import network_of
from outgoing.border import Border
from pipeline.assembly import Catalog
from pipeline.bounds import Bounds
from pipeline.checkov_process import kept
from pipeline.installation import settings
from pipeline.log_segments import Segments, segments_in
from pipeline.providers.provider import Providers
from pipeline.providers.registry import PROVIDERS
from pipeline.secrets import UNBOUND, TenantSecrets
from store.home import Home
from store.rows import Fence
from store.tenant import TenantStore


class Staff(Struct, frozen=True):
    """Where the provider's own people are reached about contracts, and over which border."""

    channels: Sequence[Channel] = ()
    border: Border = Border()


class World(Struct, frozen=True):
    """What a process has of the world: the stores, the time, ways to notify people, the clouds, checkov's process.

    `secrets` gives what a tenant's references lead to; by default they lead nowhere. `bounds` gives how far its file
    leads outside; by default to the public internet, and nothing is started for it. `service_providers` gives the
    companies that contracts are with, and `staff` where people are reached about them; by default there are none.
    `segments` gives where a tenant's logs are kept; without a folder none are.
    """

    home: Home
    clock: Clock
    ways: Ways
    providers: Providers = PROVIDERS
    checkov: Callable[[], Worker] = kept
    secrets: Callable[[Tenant], TenantSecrets] = lambda _tenant: UNBOUND
    bounds: Callable[[Tenant], Bounds] = lambda _tenant: Bounds()
    service_providers: Callable[[], ServiceProviders] = ServiceProviders
    staff: Callable[[], Staff] = Staff
    segments: Callable[[str], Segments] | None = None

    @property
    def now(self) -> str:
        """Return the present moment."""
        return instant(self.clock.now())


def world_in(folder: Path, home: Home, clock: Clock, ways: Ways) -> World:
    """Return what a process has of the world: the home of a folder, whose file says the rest, a clock and ways out."""
    return World(
        home,
        clock,
        ways,
        secrets=secrets_in(folder),
        bounds=bounds_in(folder),
        service_providers=lambda: settings(folder).service_providers,
        staff=lambda: _staff(settings(folder)),
        segments=segments_in(folder),
    )


def _staff(installation: Installation) -> Staff:
    allowed = [network_of(text) for text in installation.outgoing.networks("*")]
    return Staff(installation.contract_channels, Border(allowed))


def secrets_in(folder: Path) -> Callable[[Tenant], TenantSecrets]:
    """Return what gives each tenant's secrets in the home of a folder, as its installation's file grants them then."""

    def secrets_of(tenant: Tenant) -> TenantSecrets:
        return TenantSecrets(tenant.tenant, folder, frozenset(settings(folder).grants.get(tenant.tenant, ())))

    return secrets_of


def bounds_in(folder: Path) -> Callable[[Tenant], Bounds]:
    """Return what gives each tenant's bounds, as the installation's file of a home's folder has them then."""

    def bounds_of(tenant: Tenant) -> Bounds:
        found = settings(folder)
        allowed = [network_of(text) for text in found.outgoing.networks(tenant.tenant)]
        return Bounds(Border(allowed), found.kubernetes.exec_allow, found.kubernetes.exec_environment)

    return bounds_of


class Task(Struct, frozen=True):
    """The task at hand: for which tenant, in which store, by which catalog; who asked, for which slot, which lease.

    `go_on` is called between two steps; it raises where the task is to end.
    """

    tenant: Tenant
    store: TenantStore
    catalog: Catalog
    person: str
    slot: str
    fence: Fence
    go_on: Callable[[], None] = lambda: None

    @property
    def run(self) -> str:
        """Return the run's id: the same for each task of the same job and slot."""
        return digest(self.fence.job, self.slot)


def take_task(world: World, kind: str, tenant: Tenant, catalog: Catalog, person: str) -> Task:
    """Return a task of a kind for a tenant, by the catalog, that nobody else has to agree to.

    Earlier ones of the kind and tenant are fenced off. What is done in it is the person's, its slot the world's
    present moment.
    """
    home, job, slot = world.home, f"{kind}:{tenant.tenant}", world.now
    return Task(tenant, home.tenant(tenant.tenant), catalog, person, slot, home.take(job, digest(job, slot)))
