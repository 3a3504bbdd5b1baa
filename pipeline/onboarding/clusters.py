"""Clusters that stand in a tenant's clouds and not yet in its file: each could be a place that is looked at."""

import itertools
import shlex
from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from model.tenant import Tenant
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


def _eks(row: AssetRow) -> tuple[str, ...]:
    return ("aws", "eks", "update-kubeconfig", "--name", row.name, "--region", row.region, "--kubeconfig", row.name)


def _aks(row: AssetRow) -> tuple[str, ...]:
    parts = row.resource.split("/")
    group = next((after for part, after in itertools.pairwise(parts) if part.lower() == "resourcegroups"), "")
    where = ("--resource-group", group, "--subscription", row.scope)
    return ("az", "aks", "get-credentials", "--name", row.name, *where, "--file", row.name)


def _gke(row: AssetRow) -> tuple[str, ...]:
    where = ("--location", row.region, "--project", row.scope)
    return ("env", f"KUBECONFIG={row.name}", "gcloud", "container", "clusters", "get-credentials", row.name, *where)


_ENTER: dict[str, Callable[[AssetRow], tuple[str, ...]]] = {
    "aws.eks.cluster": _eks,
    "azure.containerservice.managed-cluster": _aks,
    "gcp.container.cluster": _gke,
}


def offered(assets: Callable[[Selection], Sequence[AssetRow]], tenant: Tenant) -> Iterable[Offer]:
    """Yield the clusters of an inventory that the tenant's file does not name, by kind and name."""
    named = {cluster.name for cluster in tenant.kubernetes}
    for kind, enter in _ENTER.items():
        for row in sorted(assets(Selection({"kind": kind}, limit=1_000_000)), key=lambda row: (row.name, row.resource)):
            if row.name not in named:
                yield Offer(kind, row.name, row.scope, row.resource, enter(row))
