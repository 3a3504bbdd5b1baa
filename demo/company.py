"""The demonstration: a small company's account with planted faults, all in `demo/data/aws.yaml`."""

import io
import zipfile
from collections import defaultdict
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any

import jmespath
import msgspec
from msgspec import Struct
from msgspec.structs import replace

from catalog.form import convert
from catalog.yaml_reader import read
from collectors.templates import fill
from demo.stand_ins.aws_emulator import ACCOUNT, Emulator
from demo.stand_ins.azure import CLIENT
from demo.stand_ins.azure import Company as AzureCompany
from demo.stand_ins.kubernetes import UID
from demo.stand_ins.process import AZURE, GCP, KUBERNETES
from model.finding import Finding
from model.tenant import (
    AzureDirectory,
    AzureWrite,
    GcpAccess,
    GcpWrite,
    KubernetesCluster,
    KubernetesWrite,
    Tenant,
)

DATA = Path(__file__).parent / "data"


class SetupCall(Struct, frozen=True, forbid_unknown_fields=True):
    """One API call; `keep` names values of its reply (JMESPath) for later calls, as `$name`."""

    service: str
    op: str
    args: dict[str, Any] = {}
    region: str = "ap-northeast-1"
    keep: dict[str, str] = {}


class PlantedFault(Struct, frozen=True, forbid_unknown_fields=True):
    """One planted fault: the finding that it has to cause, how it is planted, how some are remediated."""

    policy: str
    resource: str
    region: str = "ap-northeast-1"
    plant: list[SetupCall] = []
    remediate: list[SetupCall] = []


class Company(Struct, frozen=True, forbid_unknown_fields=True):
    """What is in order, and what is not; `packages` are functions' files by their names, for calls as `$name`."""

    sound: list[SetupCall]
    faults: list[PlantedFault]
    packages: dict[str, dict[str, str]] = {}


class Elsewhere(Struct, frozen=True, forbid_unknown_fields=True):
    """A fault that is planted elsewhere than in AWS: its policy, the resource's name, and what remediates it.

    `remediate` is merged into the resource's properties, into its data, or into the object.
    """

    policy: str
    resource: str
    remediate: dict[str, Any] = {}


class AzureSample(Struct, frozen=True, forbid_unknown_fields=True):
    """The company's directory with its subscriptions, and the faults in them."""

    company: AzureCompany
    planted: list[Elsewhere]


class Projects(Struct, frozen=True, forbid_unknown_fields=True):
    """The company's projects: Cloud Asset's rows by project id."""

    projects: dict[str, list[dict[str, Any]]]


class GcpSample(Struct, frozen=True, forbid_unknown_fields=True):
    """The company's projects in Google Cloud, and the faults in them."""

    company: Projects
    planted: list[Elsewhere]


class ClusterSample(Struct, frozen=True, forbid_unknown_fields=True):
    """The objects of the company's cluster, and the faults in them."""

    objects: list[dict[str, Any]]
    planted: list[Elsewhere]


Planted = set[tuple[str, str, str]]


class Stage:
    """The company in an emulator: built once, some faults remediated later."""

    def __init__(self, emulator: Emulator, company: Company) -> None:
        self._emulator = emulator
        self._company = company
        self._names: dict[str, Any] = {"account": ACCOUNT, "partition": "aws"}
        self._names |= {name: _packed(files) for name, files in company.packages.items()}

    def build(self) -> None:
        """Make the company, faults and all."""
        self._perform(self._company.sound)
        self._perform(call for fault in self._company.faults for call in fault.plant)

    def remediate(self) -> Planted:
        """Remediate the faults that say how; return the findings that have to resolve."""
        remediated = [fault for fault in self._company.faults if fault.remediate]
        self._perform(call for fault in remediated for call in fault.remediate)
        return self._keys(remediated)

    def planted(self) -> Planted:
        """Return the findings that the planted faults have to cause."""
        return self._keys(self._company.faults)

    def _perform(self, calls: Iterable[SetupCall]) -> None:
        for call in calls:
            client = self._emulator.client(call.service, call.region)
            reply = getattr(client, call.op)(**fill(call.args, self._names))
            self._names |= {name: jmespath.search(path, reply) for name, path in call.keep.items()}

    def _keys(self, faults: Iterable[PlantedFault]) -> Planted:
        return {(fault.policy, fill(fault.resource, self._names), fault.region) for fault in faults}


def _packed(files: dict[str, str]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as package:
        for name, text in files.items():
            package.writestr(name, text)
    return data.getvalue()


class Neighbours:
    """The company elsewhere than in AWS, as files that stand-ins serve: written once, some faults remediated later."""

    def __init__(self, folder: Path) -> None:
        """Take the folder to write into."""
        self._folder = folder
        self._azure = convert(read(DATA / "azure.yaml"), AzureSample)
        self._gcp = convert(read(DATA / "gcp.yaml"), GcpSample)
        self._cluster = convert(read(DATA / "kubernetes.yaml"), ClusterSample)

    def build(self) -> None:
        """Write the files."""
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / AZURE).write_bytes(msgspec.json.encode(self._azure.company))
        rows = {f"projects/{project}": assets for project, assets in self._gcp.company.projects.items()}
        (self._folder / GCP).write_bytes(msgspec.json.encode(rows))
        (self._folder / KUBERNETES).write_bytes(msgspec.json.encode(self._cluster.objects))

    def of(self, tenant: Tenant) -> Tenant:
        """Return the tenant with what it has elsewhere."""
        company = self._azure.company
        subscriptions = [subscription.id for subscription in company.subscriptions]
        changes = AzureWrite(client=CLIENT, secret="env:AZURE_CLIENT_SECRET")  # noqa: S106 - a reference
        directory = AzureDirectory(company.directory, subscriptions, entra=True, write=changes)
        gcp = GcpAccess(projects=list(self._gcp.company.projects), write=GcpWrite())
        file = f"file:{self._folder.resolve() / 'kubeconfig'}"
        cluster = KubernetesCluster(UID, "aozora-kitchen", file, write=KubernetesWrite(file))
        return replace(tenant, azure=[directory], google=[gcp], kubernetes=[cluster])

    def remediate(self) -> Planted:
        """Remediate the faults that say how; return the findings that have to resolve."""
        remediated = [fault for fault in self._planted() if fault.remediate]
        changes: dict[str, dict[str, Any]] = defaultdict(dict)
        for fault in remediated:
            changes[fault.resource] |= fault.remediate
        for subscription in self._azure.company.subscriptions:
            for row in chain(*subscription.tables.values()):
                row["properties"] |= changes[row["name"]]
        for row in chain(*self._gcp.company.projects.values()):
            data = row.get("resource", {}).get("data", {})
            data |= changes[data.get("name", "")]
        for row in self._cluster.objects:
            row |= changes[row["metadata"]["name"]]
        self.build()
        return {(fault.policy, fault.resource, "") for fault in remediated}

    def planted(self) -> Planted:
        """Return the findings that the planted faults have to cause."""
        return {(fault.policy, fault.resource, "") for fault in self._planted()}

    def _planted(self) -> list[Elsewhere]:
        return [*self._azure.planted, *self._gcp.planted, *self._cluster.planted]


def load_company() -> Company:
    """Return the company of the demonstration."""
    return convert(read(DATA / "aws.yaml"), Company)


def keys(findings: Iterable[Finding]) -> Planted:
    """Return findings as (policy, resource, region), to compare with what was planted; beyond AWS by names alone."""
    return {
        (f.policy, f.resource, f.region) if f.policy.startswith("aws.") else (f.policy, f.name, "") for f in findings
    }
