"""Tenant files: read, checked against the catalog, applied by a plan."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from catalog.form import convert
from catalog.policies import Policy
from catalog.yaml_reader import Document, KeyPath, read
from contract import schedule
from model.canonical import instant
from model.clock import Clock
from model.fault import Fault, Refused
from model.tenant import AwsScope, AwsWrite, Channel, Tenant
from notifier import channels
from pipeline.policies.choice import check_settings
from pipeline.tenants.applied import applied_tenants
from pipeline.tenants.scopes import group_names, named
from store.home import Edition, Home

ABSENT = object()


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


def load_tenant(file: Path, policies: Sequence[Policy]) -> Tenant:
    """Return the tenant of a file; raises `Refused` with every fault."""
    document = read(file)
    tenant = convert(document, Tenant)
    faults = list(_faults(document, tenant, policies))
    if faults:
        raise Refused(faults)
    return tenant


def plan(home: Home, tenant: Tenant) -> TenantPlan:
    """Return what applying the tenant would change; nothing is written."""
    _refuse_foreign_external_ids(home, tenant)
    edition = home.edition(tenant.tenant)
    before = msgspec.json.decode(edition.document) if edition else {}
    after = msgspec.to_builtins(tenant)
    return TenantPlan(tenant, edition is None, list(_differences("", before, after)))


def carry_out(home: Home, wanted: TenantPlan, clock: Clock, person: str) -> Edition:
    """Apply the plan that is `wanted` to the home; the tenant's audit chain records it, by the person and the clock."""
    return home.apply(wanted.tenant.tenant, msgspec.to_builtins(wanted.tenant), instant(clock.now()), person)


def _refuse_foreign_external_ids(home: Home, tenant: Tenant) -> None:
    """Raise `Refused` where an external id is another tenant's too: it would open that one's accounts."""
    foreign = {value for name, value in home.external_ids().items() if name != tenant.tenant}
    tenants, broken = applied_tenants(home)
    if any(name != tenant.tenant for name in broken):
        raise Refused(f"the file of {broken[0]} is of another version of the program; apply that one anew first")
    for other, _ in tenants:
        if other.tenant != tenant.tenant:
            foreign |= {id_ for scope in other.scopes for id_ in _external_ids(scope)}
    for scope in tenant.scopes:
        if foreign.intersection(_external_ids(scope)):
            raise Refused(
                f"the external id of the account {scope.aws} is another tenant's; "
                f"leave it out: the tenant's own is used, which `hinomi onboard aws {tenant.tenant}` writes"
            )


def _external_ids(scope: AwsScope) -> list[str]:
    logins = (scope, scope.write) if scope.write else (scope,)
    return [login.external_id for login in logins if login.external_id]


def _faults(document: Document, tenant: Tenant, policies: Sequence[Policy]) -> Iterator[Fault]:
    yield from _scope_faults(document, tenant)
    names: set[str] = set()
    for number, channel in enumerate(tenant.channels):
        if channel.name in names:
            yield document.fault(("channels", number, "name"), f"the channel {channel.name!r} stands twice")
        names.add(channel.name)
        yield from _channel_faults(document, number, channel)
    contract = tenant.contract
    if contract.last_day is not None and contract.last_day < contract.start:
        yield document.fault(("contract", "last_day"), "lies before the start")
    for number, suspension in enumerate(contract.suspended):
        if suspension.last_day is not None and suspension.last_day < suspension.first_day:
            yield document.fault(("contract", "suspended", number, "last_day"), "lies before the first day")
    if problem := schedule.fault(tenant.schedule):
        yield document.fault(("schedule", "cron"), problem)
    yield from check_settings(document, ("thresholds",), tenant.thresholds, policies)


def _scope_faults(document: Document, tenant: Tenant) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, scope in enumerate(tenant.scopes):
        if scope.aws in seen:
            yield document.fault(("scopes", number, "aws"), f"the account {scope.aws} stands twice")
        seen.add(scope.aws)
        yield from _login_faults(document, ("scopes", number), scope, scope.aws)
        if scope.write:
            yield from _login_faults(document, ("scopes", number, "write"), scope.write, scope.aws)
    for number, organization in enumerate(tenant.organizations):
        if organization.management not in organization.role:
            place = ("organizations", number, "role")
            yield document.fault(place, f"is not a role of the account {organization.management}")
    yield from _azure_faults(document, tenant)
    yield from _gcp_faults(document, tenant)
    for number, cluster in enumerate(tenant.kubernetes):
        if cluster.cluster in (earlier.cluster for earlier in tenant.kubernetes[:number]):
            yield document.fault(("kubernetes", number, "cluster"), f"the cluster {cluster.cluster} stands twice")
    if not named(tenant).found and not group_names(tenant):
        yield document.fault(
            (), "names nothing to look at: add 'scopes', 'organizations', 'azure', 'google' or 'kubernetes'"
        )


def _login_faults(document: Document, place: KeyPath, login: AwsScope | AwsWrite, account: str) -> Iterator[Fault]:
    if login.external_id and not login.role:
        yield document.fault((*place, "external_id"), "goes with a role; add 'role'")
    if login.role and account not in login.role:
        yield document.fault((*place, "role"), f"is not a role of the account {account}")


def _azure_faults(document: Document, tenant: Tenant) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, directory in enumerate(tenant.azure):
        at = ("azure", number)
        for position, subscription in enumerate(directory.subscriptions):
            if subscription in seen:
                place = (*at, "subscriptions", position)
                yield document.fault(place, f"the subscription {subscription} stands twice")
            seen.add(subscription)
        if bool(directory.client) != bool(directory.secret or directory.certificate):
            yield document.fault(at, "'client' goes with its 'secret' or 'certificate'")
        if directory.secret and directory.certificate:
            yield document.fault((*at, "secret"), "goes without 'certificate'; keep one of them")
        if not (directory.subscriptions or directory.management_groups or directory.entra):
            yield document.fault(at, "names nothing to look at: add 'subscriptions', 'management_groups' or 'entra'")


def _gcp_faults(document: Document, tenant: Tenant) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, access in enumerate(tenant.google):
        for position, project in enumerate(access.projects):
            if project in seen:
                yield document.fault(("google", number, "projects", position), f"the project {project} stands twice")
            seen.add(project)
        if not (access.projects or access.folders or access.organizations):
            yield document.fault(
                ("google", number), "names nothing to look at: add 'projects', 'folders' or 'organizations'"
            )


def _channel_faults(document: Document, number: int, channel: Channel) -> Iterator[Fault]:
    path = ("channels", number)
    if channel.type not in channels.types():
        known = ", ".join(channels.types())
        yield document.fault((*path, "type"), f"{channel.type!r} is no type of channel; known are {known}")
        return
    at = (*path, "settings") if "settings" in document.value["channels"][number] else None
    try:
        if at:
            convert(document, channels.way(channel.type).settings, at)
        else:
            msgspec.convert({}, channels.way(channel.type).settings)
    except Refused as refused:
        yield from refused.faults
    except msgspec.ValidationError:
        yield document.fault(path, "lacks 'settings'")


def _differences(path: str, before: Any, after: Any) -> Iterator[FieldChange]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for key in sorted(before.keys() | after.keys()):
            below = f"{path}.{key}" if path else str(key)
            yield from _differences(below, before.get(key, ABSENT), after.get(key, ABSENT))
    else:
        yield FieldChange(path, before, after)
