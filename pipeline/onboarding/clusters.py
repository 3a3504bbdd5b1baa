"""Clusters that stand in a tenant's clouds and not yet in its file: each could be a place that is looked at."""

import shlex
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from model.tenant import Tenant
from pipeline.providers.provider import Providers
from pipeline.providers.registry import PROVIDERS
from store.rows import AssetRow, Selection


class Offer(Struct, frozen=True):
    """A cluster by the resource of its cloud; `enter` are the words of the command that writes its kubeconfig."""

    kind: str
    name: str
    scope: str
    resource: str
    enter: tuple[str, ...]

    @property
    def command(self) -> str:
        """Return the command as a shell takes it, whatever the cluster is called."""
        return shlex.join(self.enter)


def offered(
    assets: Callable[[Selection], Sequence[AssetRow]], tenant: Tenant, providers: Providers = PROVIDERS
) -> Iterable[Offer]:
    """Yield those of a tenant's assets that providers call clusters and its file does not name, by kind and name."""
    named = {cluster.name for cluster in tenant.kubernetes}
    for kind, enter in ((kind, enter) for provider in providers for kind, enter in provider.clusters.items()):
        for row in sorted(assets(Selection({"kind": kind}, limit=1_000_000)), key=lambda row: (row.name, row.resource)):
            if row.name not in named:
                yield Offer(kind, row.name, row.scope, row.resource, enter(row))
