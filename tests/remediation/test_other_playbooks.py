"""The playbooks of Azure, Google Cloud and Kubernetes on local servers that are as strict as the real ones."""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from demo.stand_ins import azure as azure_stand_in
from demo.stand_ins import gcp_assets, gcp_compute
from demo.stand_ins.azure import CLIENT, Company, StandIn, Subscription
from demo.stand_ins.azure_writes import LOOKS
from demo.stand_ins.gcp_assets import AssetStandIn
from demo.stand_ins.gcp_compute import ComputeStandIn
from demo.stand_ins.kubernetes import UID, Asked, ClusterStandIn, StandInReply
from model.call import Call
from model.fault import Refused
from model.tenant import (
    AzureDirectory,
    AzureWrite,
    GcpAccess,
    GcpWrite,
    KubernetesCluster,
    KubernetesWrite,
    Tenant,
)
from tests.changing import AWS, ChangeDriver, Watched
from tests.conftest import MovingClock
from tests.homes import home_at
from tests.other_clouds import (
    DIRECTORY,
    PROJECT,
    SUBSCRIPTION,
    Row,
    account,
    azure_row,
    firewall,
    rule,
    security_group,
)

pytestmark = pytest.mark.process


def driver_of(folder: Path, playbook: str, tenant: Tenant) -> ChangeDriver:
    home = home_at(str(folder / "home"))
    home.create()
    return ChangeDriver(home, MovingClock(), playbook, tenant)


# --- Azure


@pytest.fixture
def azure(monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    vault = azure_row("Microsoft.KeyVault/vaults", "keys", enableSoftDelete=True, enableRbacAuthorization=True)
    rows = [security_group(), vault]
    stand_in = StandIn(Company(DIRECTORY, [Subscription(SUBSCRIPTION, tables={"resources": rows})]))
    with azure_stand_in.running(stand_in) as environment:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        yield stand_in


def azure_tenant() -> Tenant:
    enters: dict[str, Any] = {"client": CLIENT, "secret": "env:AZURE_CLIENT_SECRET"}
    directory = AzureDirectory(DIRECTORY, [SUBSCRIPTION], **enters, write=AzureWrite(**enters))
    return replace(AWS, scopes=[], azure=[directory])


def test_a_security_group_is_narrowed_rule_by_rule_and_rolled_back(azure: StandIn, tmp_path: Path) -> None:
    driver = driver_of(tmp_path, "azure.network.restrict-inbound", azure_tenant())
    driver.scan()
    before = copy.deepcopy([*azure.rows()])
    failing = {f.policy for f in driver.findings().values() if f.state == "open"}
    assert failing == {"azure.network.ssh-open-to-internet", "azure.network.rdp-open-to-internet"}
    plan = driver.approve(driver.plan())
    assert driver.run(plan) == {"web": "verified"}
    after = {one["name"]: one["properties"] for one in next(azure.rows())["properties"]["securityRules"]}
    assert after == {
        "https": rule("https", 100, "443", sourceAddressPrefix="Internet")["properties"],
        "rdp": rule("rdp", 120, "3389", sourceAddressPrefixes=["198.51.100.0/24"])["properties"],
    }
    assert [(method, status_) for method, _, status_ in azure.writes.log] == [("PUT", 200), ("DELETE", 202)]
    assert {f.state for f in driver.findings().values()} == {"resolved"}
    assert driver.run(driver.approve(driver.rollback(plan))) == {"web": "verified"}
    (group, vault), (old, old_vault) = azure.rows(), before
    assert by_name(group) == by_name(old)
    assert (group | {"properties": {}}, vault) == (old | {"properties": {}}, old_vault), "nothing else differs"
    assert {f.state for f in driver.findings().values()} == {"reopened"}


def by_name(group: Row) -> dict[str, Row]:
    return {one["name"]: one["properties"] for one in group["properties"]["securityRules"]}


def test_a_rule_that_somebody_has_changed_meanwhile_is_left_as_it_is(azure: StandIn, tmp_path: Path) -> None:
    driver = driver_of(tmp_path, "azure.network.restrict-inbound", azure_tenant())
    driver.scan()
    plan = driver.approve(driver.plan())
    next(azure.rows())["properties"]["securityRules"][1]["properties"]["description"] = "needed until Friday"
    assert driver.run(plan) == {"web": "stale"}
    assert azure.writes.log == []


def test_a_rule_that_somebody_changes_between_reading_and_writing_keeps_what_they_wrote(
    azure: StandIn, tmp_path: Path
) -> None:
    driver = driver_of(tmp_path, "azure.network.restrict-inbound", azure_tenant())
    driver.scan()
    plan = driver.approve(driver.plan())
    rdp = next(azure.rows())["properties"]["securityRules"][2]

    def somebody_else(_: Call) -> None:
        driver.watch = lambda client: client
        changed = {"properties": rdp["properties"] | {"description": "theirs"}}
        azure.writes.answer("PUT", f"{next(azure.rows())['id']}/securityRules/rdp", {}, json.dumps(changed).encode())
        for _look in range(LOOKS + 1):
            azure.writes.answer_to("/operations/0")

    driver.watch = lambda client: Watched(client, sends=somebody_else)
    assert driver.run(plan) == {"web": "failed"}
    assert by_name(next(azure.rows()))["rdp"]["description"] == "theirs"


def test_purge_protection_is_turned_on_by_two_and_cannot_be_rolled_back(azure: StandIn, tmp_path: Path) -> None:
    driver = driver_of(tmp_path, "azure.keyvault.purge-protection", azure_tenant())
    driver.scan()
    plan = driver.plan()
    assert plan.approvals == 2
    assert plan.steps[0].inverse == ()
    assert plan.stays
    assert driver.run(driver.approve(plan)) == {"keys": "verified"}
    vault = [*azure.rows()][1]["properties"]
    assert vault == {"enableSoftDelete": True, "enableRbacAuthorization": True, "enablePurgeProtection": True}
    with pytest.raises(Refused, match="Azure does not let anybody turn purge protection off again"):
        driver.rollback(plan)


# --- Google Cloud


@pytest.fixture
def gcp(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[AssetStandIn, ComputeStandIn]]:
    rows = [
        firewall("any", sourceRanges=["0.0.0.0/0"]),
        firewall("office", sourceRanges=["0.0.0.0/0", "198.51.100.0/24", "35.235.240.0/20"]),
        firewall("sound", sourceRanges=["35.235.240.0/20"]),
    ]
    assets = AssetStandIn({f"projects/{PROJECT}": rows})
    compute = ComputeStandIn(assets)
    with gcp_assets.serving(assets) as endpoint, gcp_compute.serving(compute) as url:
        monkeypatch.setenv("HINOMI_GCP_ENDPOINT", endpoint)
        monkeypatch.setenv("HINOMI_GCP_REST_ENDPOINT", url)
        yield assets, compute


def gcp_tenant() -> Tenant:
    return replace(AWS, scopes=[], google=[GcpAccess([PROJECT], write=GcpWrite())])


def data_of(assets: AssetStandIn) -> dict[str, Row]:
    return {row["resource"]["data"]["name"]: row["resource"]["data"] for row in assets.assets[f"projects/{PROJECT}"]}


def test_firewall_rules_are_narrowed_or_disabled_and_rolled_back(
    gcp: tuple[AssetStandIn, ComputeStandIn], tmp_path: Path
) -> None:
    assets, compute = gcp
    driver = driver_of(tmp_path, "gcp.compute.restrict-ingress", gcp_tenant())
    driver.scan()
    before = copy.deepcopy(data_of(assets))
    plan = driver.approve(driver.plan())
    assert driver.run(plan) == {"any": "verified", "office": "verified"}
    during = data_of(assets)
    assert during["any"] == before["any"] | {"disabled": True}
    assert during["office"] == before["office"] | {"sourceRanges": ["198.51.100.0/24", "35.235.240.0/20"]}
    assert during["sound"] == before["sound"]
    assert [(method, status_) for method, _, status_ in compute.log] == [("PATCH", 200), ("PATCH", 200)]
    assert {f.state for f in driver.findings().values()} == {"resolved"}
    assert driver.run(driver.approve(driver.rollback(plan))) == {"any": "verified", "office": "verified"}
    assert data_of(assets)["office"] == before["office"]
    assert data_of(assets)["any"] == before["any"] | {"disabled": False}, "not disabled, as it was"
    assert {f.state for f in driver.findings().values()} == {"reopened"}


# --- Kubernetes

AUTOMOUNT = "kubernetes.core.no-automount"


def cluster_of(folder: Path, cluster: ClusterStandIn) -> Tenant:
    file = f"file:{cluster.kubeconfig(folder)}"
    write = KubernetesWrite(file)
    return replace(AWS, scopes=[], kubernetes=[KubernetesCluster(UID, "production", file, write=write)])


@pytest.fixture
def cluster() -> Any:
    objects = [
        account("shop"),
        account("plant", automountServiceAccountToken=True),
        account("sound", automountServiceAccountToken=False),
    ]
    with ClusterStandIn(objects) as served:
        yield served


def writes(cluster: ClusterStandIn) -> list[str]:
    return [asked.path for asked in cluster.asked if asked.method != "GET"]


def test_a_cluster_is_remediated_and_rolled_back(cluster: ClusterStandIn, tmp_path: Path) -> None:
    driver = driver_of(tmp_path, AUTOMOUNT, cluster_of(tmp_path, cluster))
    driver.scan()
    before = copy.deepcopy(cluster.objects)
    failing = {f.resource for f in driver.findings().values() if f.state == "open"}
    assert len(failing) == 2
    plan = driver.approve(driver.plan())
    assert set(driver.run(plan).values()) == {"verified"}
    for row, old in zip(cluster.objects, before, strict=True):
        changed = row["kind"] == "ServiceAccount" and row["metadata"]["namespace"] != "sound"
        assert row == (old | {"automountServiceAccountToken": False} if changed else old)
    assert {f.state for f in driver.findings().values()} == {"resolved"}
    assert len(writes(cluster)) == 2
    assert set(driver.run(driver.approve(driver.rollback(plan))).values()) == {"verified"}
    assert cluster.objects == before, "absent is absent again, true is true"
    assert {f.state for f in driver.findings().values()} == {"reopened"}


class ElseFirst:
    """Somebody else changes an object just before a patch of ours comes."""

    def __init__(self) -> None:
        self.cluster: ClusterStandIn | None = None

    def __call__(self, asked: Asked, times: int) -> StandInReply | None:
        assert self.cluster
        if asked.method == "PATCH" and times == 2 and not asked.query.get("theirs"):
            for row in self.cluster.objects:
                if row["kind"] == "ServiceAccount":
                    self.cluster.touch(row)
        return None


def test_whoever_was_faster_keeps_what_they_wrote(tmp_path: Path) -> None:
    fault = ElseFirst()
    with ClusterStandIn([account("shop")], fault) as cluster:
        fault.cluster = cluster
        driver = driver_of(tmp_path, AUTOMOUNT, cluster_of(tmp_path, cluster))
        driver.scan()
        assert driver.run(driver.approve(driver.plan())) == {"default": "failed"}
        assert cluster.objects[1:] == [account("shop")]
        with driver.home.tenant("aozora").read() as reader:
            (progress,) = reader.plans.progress(reader.plans.newest(1)[0].id).values()
        assert progress.reason == "PATCH: Conflict"


def test_without_write_access_nothing_is_changed(cluster: ClusterStandIn, tmp_path: Path) -> None:
    tenant = cluster_of(tmp_path, cluster)
    tenant = replace(tenant, kubernetes=[replace(tenant.kubernetes[0], write=None)])
    driver = driver_of(tmp_path, AUTOMOUNT, tenant)
    driver.scan()
    assert set(driver.run(driver.approve(driver.plan())).values()) == {"failed"}
    assert writes(cluster) == []
