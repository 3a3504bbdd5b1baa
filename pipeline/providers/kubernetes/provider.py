"""What Kubernetes is to the program."""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from model.fault import Refused
from model.tenant import KubernetesCluster, KubernetesWrite, Tenant
from pipeline.bounds import Bounds
from pipeline.providers.provider import (
    Check,
    CheckOption,
    Destination,
    Named,
    Opening,
    Permissions,
    Provider,
    Role,
    ScopeOf,
    TenantFile,
    as_json,
)
from pipeline.secrets import TenantSecrets

if TYPE_CHECKING:
    from catalog.yaml_reader import Document, KeyPath
    from collectors.kubernetes.resource_types import ResourceType
    from model.fault import Fault

NAME = "kubernetes"
_ID = re.compile(r"kubernetes://(?P<cluster>[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})(/apis?(/[^/\s*?]+)+)?")


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


def _named(tenant: Tenant, id_: str) -> Named | None:
    if not id_.lower().startswith("kubernetes:"):
        return None
    found = _ID.fullmatch(id_)
    if found is None:
        return Named(fault="is no full id of one object: kubernetes://CLUSTER/api/v1/…, without patterns")
    if found["cluster"] not in {cluster.cluster for cluster in tenant.kubernetes}:
        return Named(doubt=f"the cluster {found['cluster']} is none of the tenant's")
    return Named()


def _destinations(tenant: Tenant, secrets: TenantSecrets, bounds: Bounds) -> Iterator[Destination]:
    """Yield the servers that the kubeconfigs of a tenant's file name, and what may not stand in those."""
    for number, cluster in enumerate(tenant.kubernetes):
        path, what = ("kubernetes", number), f"the cluster {cluster.name}"
        scope = ScopeOf(NAME, cluster.cluster, cluster, secrets, bounds)
        if cluster.kubeconfig:
            yield _destination((*path, "kubeconfig"), what, cluster, scope)
        if cluster.write and cluster.write.kubeconfig:
            yield _destination((*path, "write", "kubeconfig"), f"{what}, for changes,", cluster.write, scope)


def _destination(
    path: "KeyPath", what: str, who: KubernetesCluster | KubernetesWrite, scope: ScopeOf[KubernetesCluster]
) -> Destination:
    from clouds.kubernetes.login import server_of
    from pipeline.providers.kubernetes.opening import login_of

    try:
        login = login_of(who, scope)
    except Refused as refused:
        return Destination(path, what, doubt=str(refused))
    try:
        host, port = server_of(login)
    except Refused as refused:
        return Destination(path, what, fault=str(refused))
    return Destination(path, what, host, port)


def _change_role(needs: list[str]) -> Role:
    """Return a ClusterRole; needs are written as `patch serviceaccounts`, `patch deployments.apps`.

    It may also read the namespace whose uid is the cluster's id to us.
    """
    verbs: dict[tuple[str, str], list[str]] = defaultdict(list)
    for verb, _, resource in (need.partition(" ") for need in needs):
        plural, _, group = resource.partition(".")
        verbs[group, plural].append(verb)
    rules = [{"apiGroups": [""], "resources": ["namespaces"], "resourceNames": ["kube-system"], "verbs": ["get"]}]
    rules += [{"apiGroups": [group], "resources": [plural], "verbs": names} for (group, plural), names in verbs.items()]
    about = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "hinomi-change"}}
    return {**about, "rules": rules}


def _to_read(format: str, types: "Sequence[ResourceType]") -> str:
    from collectors.kubernetes import permissions

    roles = permissions.roles(types)
    if format == "json":
        return as_json(roles)
    import yaml

    return yaml.safe_dump_all(roles, sort_keys=False)


def _as_yaml(made: Role) -> str:
    import yaml

    return yaml.safe_dump(made, sort_keys=False)


PROVIDER = Provider(
    NAME,
    types=_types,
    file=TenantFile(("kubernetes",), _scopes, _faults, named=_named, destinations=_destinations),
    opening=_opening,
    permissions=Permissions(
        help="Print the read-only ClusterRole, made from the types; "
        "the one for Secrets stands apart, and may be left out.",
        formats=("yaml", "json"),
        format_help="manifests for `kubectl apply -f`, or the same as a JSON list",
        to_read=_to_read,
        to_change=_change_role,
        text=_as_yaml,
    ),
    check=Check(
        help="Judge one Kubernetes cluster; nothing is written into it. Exit codes as for AWS.",
        options=(
            CheckOption("kubeconfig", "kubeconfig file; else KUBECONFIG, the pod's own, ~/.kube/config"),
            CheckOption("context", "context of the kubeconfig; else its current one"),
            CheckOption(
                "plug_in_variable",
                "variable of this environment for the kubeconfig's plug-in (exec), such as AWS_PROFILE; "
                "without it PATH, HOME, LANG and what stands in the kubeconfig",
                many=True,
            ),
        ),
    ),
)
