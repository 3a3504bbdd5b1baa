"""Clusters of the clouds that are offered as places."""

import shlex

import pytest
from msgspec.structs import replace

from model.tenant import KubernetesCluster
from pipeline.onboarding.clusters import offered
from store.rows import AssetRow, Selection
from tests.recorded_clouds import TENANT

UID = "8f1c7f0e-6e0f-4c7e-9f0a-3c1f6f1d2a11"


def _row(kind: str, name: str, scope: str, region: str, resource: str) -> AssetRow:
    return AssetRow(
        uid=name,
        kind=kind,
        resource=resource,
        name=name,
        scope=scope,
        region=region,
        unknown={},
        valid_from="",
        valid_to=None,
    )


EKS = _row(
    "aws.eks.cluster", "shop", "123456789012", "ap-northeast-1", "arn:aws:eks:ap-northeast-1:123456789012:cluster/shop"
)
AKS = _row(
    "azure.containerservice.managed-cluster",
    "kitchen",
    "11111111-2222-4333-8444-555555555555",
    "japaneast",
    "/subscriptions/11111111-2222-4333-8444-555555555555/resourceGroups/food/providers/Microsoft.ContainerService/managedClusters/kitchen",
)
GKE = _row(
    "gcp.container.cluster", "farm", "aozora-shop", "asia-northeast1", "//container.googleapis.com/x/clusters/farm"
)


def _assets(wanted: Selection) -> list[AssetRow]:
    return [row for row in (EKS, AKS, GKE) if row.kind == wanted.where["kind"]]


# As the commands' own manuals have them.
@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("shop", "aws eks update-kubeconfig --name shop --region ap-northeast-1 --kubeconfig shop"),
        (
            "kitchen",
            "az aks get-credentials --name kitchen --resource-group food "
            "--subscription 11111111-2222-4333-8444-555555555555 --file kitchen",
        ),
        (
            "farm",
            "env KUBECONFIG=farm gcloud container clusters get-credentials farm --location asia-northeast1 "
            "--project aozora-shop",
        ),
    ],
)
def test_each_clouds_clusters_are_offered_with_their_command(name: str, command: str) -> None:
    assert {offer.name: offer.command for offer in offered(_assets, TENANT)}[name] == command


def test_what_the_file_names_is_offered_no_more() -> None:
    tenant = replace(TENANT, kubernetes=[KubernetesCluster(cluster=UID, name="shop")])
    assert [offer.name for offer in offered(_assets, tenant)] == ["kitchen", "farm"]


def test_a_name_never_becomes_a_command() -> None:
    odd = replace(EKS, name="shop; rm -rf ~")
    (offer,) = offered(lambda wanted: [odd] if wanted.where["kind"] == EKS.kind else [], TENANT)
    assert shlex.split(offer.command)[4] == "shop; rm -rf ~"
