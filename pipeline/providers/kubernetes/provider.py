"""What Kubernetes is to the program."""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.tenant import KubernetesCluster, Tenant
from pipeline.providers.provider import Opening, Provider, ScopeOf, TenantFile

if TYPE_CHECKING:
    from catalog.yaml_reader import Document
    from collectors.kubernetes.resource_types import ResourceType
    from model.fault import Fault

NAME = "kubernetes"


def _types(folder: Path | None, kinds: Iterable[str] | None) -> "Sequence[ResourceType]":
    from collectors.kubernetes import resource_types

    return resource_types.load(folder or resource_types.TYPES, kinds)


def _opening() -> Opening:
    from pipeline.providers.kubernetes import opening

    return opening


def _scopes(tenant: Tenant, _external_id: str) -> Iterator[ScopeOf[KubernetesCluster]]:
    """Yield the clusters by the uids of their namespaces kube-system."""
    yield from (ScopeOf(NAME, cluster.cluster, cluster) for cluster in tenant.kubernetes)


def _faults(document: "Document", tenant: Tenant) -> "Iterator[Fault]":
    for number, cluster in enumerate(tenant.kubernetes):
        if cluster.cluster in (earlier.cluster for earlier in tenant.kubernetes[:number]):
            yield document.fault(("kubernetes", number, "cluster"), f"the cluster {cluster.cluster} stands twice")


PROVIDER = Provider(
    NAME,
    types=_types,
    file=TenantFile(("kubernetes",), _scopes, _faults),
    opening=_opening,
)
