"""The demonstration: a small company's account with planted faults, all in `config/example/demo.yaml`."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import jmespath
from msgspec import Struct

from catalog.form import convert
from catalog.yaml_reader import read
from clouds.emulator import ACCOUNT, Emulator
from collectors.templates import fill
from model.finding import Finding


class Call(Struct, frozen=True, forbid_unknown_fields=True):
    """One API call; `keep` names values of its reply (JMESPath) for later calls, as `$name`."""

    service: str
    op: str
    args: dict[str, Any] = {}
    region: str = "ap-northeast-1"
    keep: dict[str, str] = {}


class Fault(Struct, frozen=True, forbid_unknown_fields=True):
    """One planted fault: the finding that it has to cause, how it is planted, how some are mended."""

    policy: str
    resource: str
    region: str = "ap-northeast-1"
    plant: list[Call] = []
    mend: list[Call] = []


class Company(Struct, frozen=True, forbid_unknown_fields=True):
    """What is in order, and what is not."""

    sound: list[Call]
    faults: list[Fault]


Planted = set[tuple[str, str, str]]


class Stage:
    """The company in an emulator: built once, some faults mended later."""

    def __init__(self, emulator: Emulator, company: Company) -> None:
        self._emulator = emulator
        self._company = company
        self._names: dict[str, Any] = {"account": ACCOUNT, "partition": "aws"}

    def build(self) -> None:
        """Make the company, faults and all."""
        self._perform(self._company.sound)
        self._perform(call for fault in self._company.faults for call in fault.plant)

    def mend(self) -> Planted:
        """Mend the faults that say how; return the findings that have to resolve."""
        mended = [fault for fault in self._company.faults if fault.mend]
        self._perform(call for fault in mended for call in fault.mend)
        return self._keys(mended)

    def planted(self) -> Planted:
        """Return the findings that the planted faults have to cause."""
        return self._keys(self._company.faults)

    def _perform(self, calls: Iterable[Call]) -> None:
        for call in calls:
            client = self._emulator.client(call.service, call.region)
            reply = getattr(client, call.op)(**fill(call.args, self._names))
            self._names |= {name: jmespath.search(path, reply) for name, path in call.keep.items()}

    def _keys(self, faults: Iterable[Fault]) -> Planted:
        return {(fault.policy, fill(fault.resource, self._names), fault.region) for fault in faults}


def load_company(config: Path) -> Company:
    """Return the company of the demonstration."""
    return convert(read(config / "example" / "demo.yaml"), Company)


def keys(findings: Iterable[Finding]) -> Planted:
    """Return findings as (policy, resource, region), to compare with what was planted."""
    return {(finding.policy, finding.resource, finding.region) for finding in findings}
