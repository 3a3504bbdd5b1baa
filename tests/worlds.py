"""What a process has of the world, in tests: clouds that are entered as a test says, nobody to notify."""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from collectors.aws.collector import AwsCollector
from collectors.aws.reader import ReadCloud
from model.asset import Place
from model.call import WriteCloud
from model.clock import Clock
from model.collector import Collector
from model.tenant import Tenant
from notifier.message import Ways
from outgoing.addresses import network_of
from outgoing.border import Border
from pipeline.assembly import Catalog
from pipeline.bounds import Bounds
from pipeline.providers.provider import Opening, Providers, Scope
from pipeline.providers.registry import PROVIDERS
from pipeline.scanning.scan import Summary, scan
from pipeline.secrets import TenantSecrets
from pipeline.tenants.references import used_references
from pipeline.world import Task, World, take_task
from store.home import Home

Connect = Callable[[Scope, Sequence[Any], Clock], Collector]


# The servers of tests are on this machine, which no tenant's file leads to unless it is allowed.
THIS_MACHINE = Border((network_of("127.0.0.0/8"), network_of("::1")))


def world_of(home: Home, clock: Clock, providers: Providers = PROVIDERS, **more: Any) -> World:
    """Return a world without anybody to notify, in which each tenant is granted what its file refers to.

    Tenants' files lead to the servers of tests, and start nothing.
    `more` are other ways to people, other secrets, or another process of checkov's.
    """
    ways = Ways(io.StringIO(), clock.now)
    world = World(home, clock, ways, providers, secrets=granting(), bounds=lambda _tenant: Bounds(THIS_MACHINE))
    return replace(world, **more)


def granting(variables: Mapping[str, str] | None = None) -> Callable[[Tenant], TenantSecrets]:
    """Return what grants each tenant all that its file refers to; these are its variables, else the environment's."""

    def secrets_of(tenant: Tenant) -> TenantSecrets:
        granted = frozenset(used.reference for used in used_references(tenant))
        return TenantSecrets(tenant.tenant, Path("/nowhere"), granted, variables)

    return secrets_of


def scan_of(world: World, tenant: Tenant, catalog: Catalog) -> Task:
    """Return a task that scans a tenant at this moment."""
    return take_task(world, "scan", tenant, catalog, "p")


def scanned_in(world: World, tenant: Tenant, catalog: Catalog) -> Summary:
    """Scan a tenant at this moment, and return what came of it."""
    return scan(world, scan_of(world, tenant, catalog))


@dataclass(frozen=True)
class _Entered:
    """Opens places as a provider does, but for what a test does in its place."""

    provider: Opening
    connect: Connect
    connect_write: Callable[[Scope, Sequence[str], Clock], WriteCloud]

    def looks(self, *asked: Any) -> Any:
        return self.provider.looks(*asked)


def entered(
    connect: Connect | None = None,
    watch: Callable[[WriteCloud], WriteCloud] | None = None,
    changes: WriteCloud | None = None,
) -> Providers:
    """Return the providers, whose places are entered by `connect`, and whose clients for changes `watch` replaces.

    With `changes` that is the client, whatever is entered.
    """

    def opening(provider: Any) -> Callable[[], Opening]:
        def opened() -> Opening:
            inner = provider.opening()

            def connect_write(scope: Scope, needs: Sequence[str], clock: Clock) -> WriteCloud:
                client = changes or inner.connect_write(scope, needs, clock)
                return watch(client) if watch else client

            return _Entered(inner, connect or inner.connect, connect_write)

        return opened

    return tuple(replaced(one, opening=opening(one)) for one in PROVIDERS)


def seeing(cloud: ReadCloud, place: Place) -> Providers:
    """Return the providers, where the one AWS account that there is answers as a client of a test does."""
    return entered(lambda _scope, types, _clock: AwsCollector(cloud, place, types))
