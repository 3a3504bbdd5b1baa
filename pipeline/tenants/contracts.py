"""What is recorded of a tenant's contract: a person's records, and what its file said before there were any."""

import hashlib
from collections.abc import Collection
from datetime import datetime
from operator import attrgetter
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, UnsetType
from msgspec.structs import replace

from catalog.form import convert
from catalog.terms import SettingsForm
from catalog.yaml_reader import Document, content, read
from contract import schedule
from contract.days import begins
from contract.differences import Difference, differences
from contract.provider import why_unknown
from contract.recording import effective_of, is_late, why_not
from contract.records import Book
from contract.taking_over import records_of
from model.canonical import instant, parse_instant
from model.clock import Clock
from model.contract_record import (
    AcceptanceRecord,
    ContractRecord,
    Effective,
    Evidence,
    ItemRecord,
    JudgementRecord,
    LicenceRecord,
    NoticeRecord,
    OrderRecord,
    SettingRecord,
    SuspensionRecord,
    What,
    why_no_effect,
)
from model.fault import Refused
from model.service_provider import ServiceProviders
from model.tenant import Schedule, Tenant
from pipeline.tenants.applied import filed_tenant
from pipeline.tenants.terms import terms
from store.home import Home
from store.tenant import TenantStore
from store.writer import Writer

_MOST_EVIDENCE_BYTES = 50 * 2**20


class RecordForm(Struct, frozen=True, forbid_unknown_fields=True):
    """A record's file as it is written: one record by its kind; `effective` where it does not say itself."""

    order: OrderRecord | None = None
    acceptance: AcceptanceRecord | None = None
    item: ItemRecord | None = None
    licence: LicenceRecord | None = None
    notice: NoticeRecord | None = None
    suspension: SuspensionRecord | None = None
    judgement: JudgementRecord | None = None
    setting: SettingRecord | None = None
    effective: Effective | None = None


# A suspension that is recorded from here on is of the taking in of logs, unless it says more (Article 11).
_DEFAULTS: dict[str, dict[str, str]] = {"suspension": {"scope": "logs"}}
_KINDS = tuple(name for name in RecordForm.__struct_fields__ if name != "effective")


class RecordFile(Struct, frozen=True):
    """One record as a file says it: what, and from when it is effective; without that, from when it is recorded."""

    document: Document
    what: What
    effective: Effective | None = None


def evidence_of(file: Path) -> Evidence:
    """Return what a record rests on: a file's name, and its SHA-256; raises `Refused` for one that cannot be read."""
    return Evidence(file.name, hashlib.sha256(content(file, most=_MOST_EVIDENCE_BYTES)).hexdigest())


def filed_value(tenant: Tenant, key: str) -> bool | int | str:
    """Return what a tenant's file says under a dotted key."""
    value: bool | int | str = attrgetter(key)(tenant)
    return value


def load_record(file: Path, ways: Collection[str], settings: SettingsForm, among: ServiceProviders) -> RecordFile:
    """Return the record of a file.

    `ways` are those in which notice is given as prescribed; a condition of the contract has to be one of the settings,
    and its provider `among` those of the installation.

    Raises `Refused` for a file that does not fit its form, or has another number of records than one.
    """
    document = read(file)
    form = convert(_tagged(document), RecordForm)
    said: list[What] = [one for name in _KINDS if (one := getattr(form, name)) is not None]
    if len(said) != 1:
        raise Refused([document.fault((), f"holds {len(said)} records; one file has one: {', '.join(_KINDS)}")])
    what = said[0]
    if isinstance(what, NoticeRecord):
        if "prescribed" in document.value["notice"]:
            raise Refused([document.fault(("notice", "prescribed"), "follows from the way; leave it out")])
        what = replace(what, prescribed=what.way in ways)
    if isinstance(what, SettingRecord):
        _refuse_unfit(document, what, settings, among)
    return RecordFile(document, what, form.effective)


def _refuse_unfit(document: Document, what: SettingRecord, settings: SettingsForm, among: ServiceProviders) -> None:
    """Raise `Refused` where a condition is no setting of an individual contract, or the setting cannot be so."""
    if problem := settings.why_not("individual", what.key, what.value):
        may = what.key in settings.settings and "individual" in settings.settings[what.key].layers
        raise Refused([document.fault(("setting", "value" if may else "key"), problem)])
    if settings.settings[what.key].unit == "cron" and (problem := schedule.fault(Schedule(cron=str(what.value)))):
        raise Refused([document.fault(("setting", "value"), problem)])
    if settings.settings[what.key].unit == "provider" and (problem := why_unknown(str(what.value), among)):
        raise Refused([document.fault(("setting", "value"), problem)])


def _tagged(document: Document) -> Document:
    """Return a document with each record named by its kind, as its form has it; moments of YAML are texts there."""
    if not isinstance(document.value, dict):
        return document
    value: dict[str, Any] = msgspec.to_builtins(document.value)
    for name in _KINDS:
        if isinstance(value.get(name), dict):
            value[name] = {**_DEFAULTS.get(name, {}), **value[name], "record": name}
    return replace(document, value=value)


def recorded(writer: Writer, what: What, at: str, person: str, evidence: Evidence | None = None) -> ContractRecord:
    """Record by a writer what there is to say of a contract from a moment (`at`) on, by a person, on evidence or none.

    Raises `Refused` where it does not fit what is there.
    """
    records = writer.contract.all()
    made = ContractRecord(len(records) + 1, what, at, at, person, evidence)
    if problem := why_not(records, terms(), made):
        raise Refused(f"it cannot be recorded: {problem}")
    writer.add_contract([made])
    return made


class Recorder(Struct, frozen=True):
    """Who records at a tenant's store by which clock, and the document that it rests on, if any."""

    store: TenantStore
    clock: Clock
    person: str
    evidence: Evidence | None = None

    def add(self, found: RecordFile) -> ContractRecord:
        """Add a record, as it was `found` in a file; what is effective before now waits for somebody else's word.

        Raises `Refused` where it does not fit what is there, or somebody else was faster.
        """
        now = self.clock.now()
        with self.store.write(instant(now), self.person) as writer:
            records = writer.contract.all()
            made = self._made(found, len(records) + 1, now)
            if problem := why_not(records, terms(), made):
                raise Refused([found.document.fault((), problem)])
            writer.add_contract([made])
        return made

    def _made(self, found: RecordFile, number: int, now: datetime) -> ContractRecord:
        at = instant(now)
        effective = effective_of(found.what, found.effective or at)
        late = not why_no_effect(effective) and is_late(effective, now)
        return ContractRecord(number, found.what, effective, at, self.person, self.evidence, late=late)


def otherwise(book: Book, number: int) -> list[Difference]:
    """Return what would have been decided otherwise up to the record of a number, had it been there from its effect on.

    Decisions that were taken stay.
    """
    one = next(one for one in book.every if one.number == number)
    earlier = Book(book.every[: number - 1], book.terms)
    return differences(earlier, earlier.with_more(one), begins(one.effective), parse_instant(one.recorded_at))


def take_over(home: Home, clock: Clock, person: str) -> tuple[list[str], dict[str, str]]:
    """Record what the applied files of a home's tenants say of contracts of which nothing is on record.

    It is recorded at the clock's time, by a person, with the file as the evidence. Return the names of those tenants,
    and why it could not be done of others.
    """
    taken, lost = list[str](), dict[str, str]()
    for tenant in home.tenants():
        try:
            if _take_over(home, tenant, instant(clock.now()), person):
                taken.append(tenant)
        except Refused as refused:
            lost[tenant] = str(refused)
    return taken, lost


def _take_over(home: Home, tenant: str, at: str, person: str) -> bool:
    store, edition = home.tenant(tenant), home.edition(tenant)
    with store.read() as reader:
        if edition is None or reader.contract.all():
            return False
    stated = filed_tenant(home, tenant).contract
    if isinstance(stated, UnsetType):
        return False
    evidence = Evidence(f"edition {edition.number} of {tenant}", hashlib.sha256(edition.document).hexdigest())
    with store.write(at, person) as writer:
        writer.add_contract(records_of(stated, terms().menus, at, person, evidence))
    return True
