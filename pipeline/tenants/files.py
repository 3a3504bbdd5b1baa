"""Tenant files: read, checked against the catalog, applied by a plan."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, UnsetType

from catalog.form import convert
from catalog.policies import Policy
from catalog.yaml_reader import Document, read
from contract import schedule
from contract.menus import menu_on, options_in
from contract.taking_over import records_of, same, taken_over
from model.canonical import instant
from model.clock import Clock
from model.contract_record import ContractRecord, Evidence
from model.fault import Fault, Refused
from model.tenant import Contract, Tenant
from notifier import settings as channel_settings
from pipeline.policies.choice import check_settings
from pipeline.providers.provider import Named, Providers
from pipeline.providers.registry import PROVIDERS
from pipeline.secrets import TenantSecrets
from pipeline.tenants.applied import applied_tenants, contract_records
from pipeline.tenants.references import used_references
from pipeline.tenants.scopes import group_names, named
from pipeline.tenants.terms import terms
from store.home import Edition, Home

ABSENT = object()
_CONTRACT = Contract.__struct_fields__


class FieldChange(Struct, frozen=True):
    """One difference between what is applied and what a file says; `before` or `after` is ABSENT."""

    path: str
    before: Any
    after: Any


class TenantPlan(Struct, frozen=True):
    """What applying a file would do."""

    tenant: Tenant
    is_new: bool
    changes: list[FieldChange]


def load_tenant(
    file: Path,
    policies: Sequence[Policy],
    providers: Providers = PROVIDERS,
    secrets: Callable[[Tenant], TenantSecrets] | None = None,
) -> Tenant:
    """Return the tenant of a file, whose thresholds are these policies' and whose places are these providers'.

    Raises `Refused` with every fault; that a reference is not the tenant's by its `secrets` is one. Without them
    nothing is said of references, which lead nowhere all the same.
    """
    document = read(file)
    tenant = convert(document, Tenant)
    faults = list(_faults(document, tenant, policies, providers))
    if secrets and not faults:
        faults += _foreign_references(document, tenant, secrets(tenant))
    if faults:
        raise Refused(faults)
    return tenant


def _foreign_references(document: Document, tenant: Tenant, secrets: TenantSecrets) -> Iterator[Fault]:
    for used in used_references(tenant):
        if why := secrets.why_not(used.reference):
            yield document.fault(used.path, why)


def plan(home: Home, tenant: Tenant, providers: Providers = PROVIDERS) -> TenantPlan:
    """Return what applying the tenant to a home would change, with places of these providers; nothing is written."""
    others = _others(home, tenant)
    _refuse_foreign_external_ids(home, tenant, others, providers)
    _refuse_foreign_feeds(tenant, others, providers)
    edition = home.edition(tenant.tenant)
    _refuse_another_contract(home, tenant, is_new=edition is None)
    before = msgspec.json.decode(edition.document) if edition else {}
    after = msgspec.to_builtins(tenant)
    return TenantPlan(tenant, edition is None, list(_differences("", before, after)))


def carry_out(home: Home, wanted: TenantPlan, clock: Clock, person: str, evidence: Evidence) -> Edition:
    """Apply the plan that is `wanted` to the home; the tenant's audit chain records it, by the person and the clock.

    What a new tenant's file says of its contract becomes its first records, with the file as their evidence.
    """
    tenant, at, records = wanted.tenant, instant(clock.now()), list[ContractRecord]()
    if wanted.is_new and not isinstance(tenant.contract, UnsetType):
        records = records_of(tenant.contract, terms().menus, at, person, evidence)
    return home.apply(tenant.tenant, msgspec.to_builtins(tenant), at, person, records)


def _refuse_another_contract(home: Home, tenant: Tenant, *, is_new: bool) -> None:
    """Raise `Refused` where a file says another thing of the contract than the one that was taken over."""
    name, stated = tenant.tenant, tenant.contract
    if is_new:
        if isinstance(stated, UnsetType):
            raise Refused(f"{name} is a new tenant: say under 'contract' when its contract starts")
        return
    if isinstance(stated, UnsetType):
        return
    records = contract_records(home.tenant(name))
    if not records:
        raise Refused(f"no contract of {name} is on record; `hinomi upgrade` takes over what its file said before")
    before = taken_over(records)
    if before is None or not same(before, stated):
        keys = [key for key in _CONTRACT if before is None or _said(before, key) != _said(stated, key)]
        raise Refused(
            f"'contract' ({', '.join(keys)}) is not what was taken over from this file: its records say what holds. "
            f"Leave 'contract' out, and record what has changed: `hinomi contract record {name} FILE`"
        )


def _said(contract: Contract, key: str) -> Any:
    value = getattr(contract, key)
    return sorted(value) if key == "options" else value


def _others(home: Home, tenant: Tenant) -> list[Tenant]:
    """Return all other tenants of a home; raises `Refused` where one cannot be read: it may have what is asked for."""
    tenants, broken = applied_tenants(home)
    if unread := [name for name in broken if name != tenant.tenant]:
        raise Refused(f"the file of {unread[0]} is of another version of the program; apply that one anew first")
    return [other for other, _ in tenants if other.tenant != tenant.tenant]


def _refuse_foreign_feeds(tenant: Tenant, others: Sequence[Tenant], providers: Providers) -> None:
    """Raise `Refused` where logs would be fetched from what is another tenant's too: they would be read by both."""
    for feeds in (one.feeds for one in providers if one.feeds):
        taken = {one for other in others for one in feeds.alone(other)}
        if shared := [one for one in feeds.alone(tenant) if one in taken]:
            raise Refused(f"{shared[0]} is another tenant's too; logs of one tenant are never read for another")


def _refuse_foreign_external_ids(home: Home, tenant: Tenant, others: Sequence[Tenant], providers: Providers) -> None:
    """Raise `Refused` where an external id is another tenant's too: it would open that one's accounts."""
    foreign = {value for name, value in home.external_ids().items() if name != tenant.tenant}
    for other in others:
        foreign |= {id_ for one in providers for _, ids in one.file.external_ids(other) for id_ in ids}
    for provider in providers:
        for account, ids in provider.file.external_ids(tenant):
            if foreign.intersection(ids):
                raise Refused(
                    f"the external id of the account {account} is another tenant's; leave it out: "
                    f"the tenant's own is used, which `hinomi onboard {provider.name} {tenant.tenant}` writes"
                )


def _faults(document: Document, tenant: Tenant, policies: Sequence[Policy], providers: Providers) -> Iterator[Fault]:
    yield from _scope_faults(document, tenant, providers)
    names: set[str] = set()
    for number, channel in enumerate(tenant.channels):
        if channel.name in names:
            yield document.fault(("channels", number, "name"), f"the channel {channel.name!r} stands twice")
        names.add(channel.name)
        yield from channel_settings.faults(document, ("channels", number), channel)
    if not isinstance(tenant.contract, UnsetType):
        yield from _contract_faults(document, tenant.contract)
    yield from (fault for fault, _ in _protected(document, tenant, providers) if fault)
    if problem := schedule.fault(tenant.schedule):
        yield document.fault(("schedule", "cron"), problem)
    yield from check_settings(document, ("thresholds",), tenant.thresholds, policies)


def _contract_faults(document: Document, contract: Contract) -> Iterator[Fault]:
    menu = menu_on(terms().menus, contract.start)
    for number, option in enumerate(contract.options):
        if option not in (known := options_in(menu, menu.items)):
            problem = f"{option!r} is no option of the menu; known are {', '.join(known)}"
            yield document.fault(("contract", "options", number), problem)
    if contract.last_day is not None and contract.last_day < contract.start:
        yield document.fault(("contract", "last_day"), "lies before the start")
    for number, suspension in enumerate(contract.suspended):
        if suspension.last_day is not None and suspension.last_day < suspension.first_day:
            yield document.fault(("contract", "suspended", number, "last_day"), "lies before the first day")


def doubts(file: Path, home: Home, tenant: Tenant, providers: Providers = PROVIDERS) -> list[Fault]:
    """Return what a tenant's file, taken already, may not mean as it stands: `protected` ids that nothing is called by.

    They are compared with these providers' places of the tenant, and with what the home knows of its resources.
    """
    document = read(file)
    said = [doubt for _, doubt in _protected(document, tenant, providers) if doubt]
    return said or list(_unseen(document, home, tenant))


def _unseen(document: Document, home: Home, tenant: Tenant) -> Iterator[Fault]:
    """Yield a doubt for each protected id that no resource is called by, where the tenant has been scanned."""
    if tenant.tenant not in home.tenants():
        return
    with home.tenant(tenant.tenant).read() as reader:
        if reader.last_run() is None:
            return
        for number, id_ in enumerate(tenant.protected):
            if not reader.uids_of(id_):
                problem = f"no resource called {id_!r} has been seen; compare with `hinomi assets`, capitals count"
                yield document.fault(("protected", number), problem)


def _protected(document: Document, tenant: Tenant, providers: Providers) -> Iterator[tuple[Fault | None, Fault | None]]:
    """Yield of each protected id that something is wrong with the fault or the doubt."""
    for number, id_ in enumerate(tenant.protected):
        judged = _judged(tenant, id_, providers)
        place = ("protected", number)
        if judged.fault:
            yield document.fault(place, f"{id_!r} {judged.fault}"), None
        elif judged.doubt:
            yield None, document.fault(place, f"{id_!r} protects nothing: {judged.doubt}")


def _judged(tenant: Tenant, id_: str, providers: Providers) -> Named:
    if id_ != id_.strip() or not id_.isprintable():
        return Named(fault="has blanks or signs around or in it that cannot be seen; take them out")
    judged = (provider.file.named(tenant, id_) for provider in providers)
    unlike = Named(fault="is no resource's full id; `hinomi assets` shows them")
    return next((one for one in judged if one is not None), unlike)


def _scope_faults(document: Document, tenant: Tenant, providers: Providers) -> Iterator[Fault]:
    for provider in providers:
        yield from provider.file.faults(document, tenant)
    if not named(tenant, providers=providers).found and not group_names(tenant, providers):
        *keys, last = (f"'{key}'" for provider in providers for key in provider.file.keys)
        yield document.fault((), f"names nothing to look at: add {', '.join(keys)} or {last}")


def changed_keys(before: object, after: object) -> list[str]:
    """Return the keys, dotted, in which two documents of a tenant's file differ."""
    return [change.path for change in _differences("", before, after)]


def _differences(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(below, before.get(key, ABSENT), after.get(key, ABSENT))
    else:
        yield FieldChange(path, before, after)
