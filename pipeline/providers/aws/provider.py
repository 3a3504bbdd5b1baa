"""What AWS is to the program."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from model.tenant import AwsOrganization, AwsScope, AwsWrite, Tenant
from pipeline.providers.aws import feeds
from pipeline.providers.aws.logins import asking_for, login_faults
from pipeline.providers.provider import (
    Check,
    CheckOption,
    Feeds,
    GroupOf,
    Members,
    Named,
    Opening,
    Organisations,
    Permissions,
    Provider,
    Role,
    ScopeOf,
    TenantFile,
    as_json,
)

if TYPE_CHECKING:
    from catalog.yaml_reader import Document
    from collectors.aws.resource_types import ResourceType
    from model.clock import Clock
    from model.fault import Fault
    from store.rows import AssetRow

NAME = "aws"
_ARN = re.compile(r"arn:aws(-[a-z]+)*:[a-z0-9-]+:[a-z0-9-]*:(?P<account>[0-9]{12}|aws)?:[^*?\t\n]+(:\*)?")


def _types(folder: Path | None, kinds: Iterable[str] | None) -> "Sequence[ResourceType]":
    from collectors.aws import resource_types

    return resource_types.load(folder or resource_types.TYPES, kinds)


def _opening() -> Opening:
    from pipeline.providers.aws import opening

    return opening


def _scopes(tenant: Tenant, external_id: str) -> Iterator[ScopeOf[AwsScope]]:
    for scope in tenant.scopes:
        yield scope_of(scope, external_id)


def scope_of(access: AwsScope, external_id: str = "") -> ScopeOf[AwsScope]:
    """Return an account whose roles, to read and to write, are asked for with an external id."""
    write = access.write and asking_for(access.write, external_id)
    asking = replace(asking_for(access, external_id), write=write)
    return ScopeOf(NAME, access.aws, asking)


def _groups(tenant: Tenant) -> Iterator[GroupOf[AwsOrganization]]:
    for organization in tenant.organizations:
        yield GroupOf(NAME, organization.management, organization, organization.exclude)


def _members(group: GroupOf[AwsOrganization], external_id: str, clock: "Clock") -> Members:
    from pipeline.providers.aws import opening

    return opening.list_members(group.access, external_id, clock)


def _member(group: GroupOf[AwsOrganization], member: str, external_id: str) -> ScopeOf[AwsScope]:
    organization = group.access
    roles = f"arn:{organization.role.split(':')[1]}:iam::{member}:role"
    write = AwsWrite(role=f"{roles}/{organization.write_role}") if organization.write_role else None
    role = f"{roles}/{organization.member_role}"
    return scope_of(AwsScope(aws=member, role=role, regions=organization.regions, write=write), external_id)


def _faults(document: "Document", tenant: Tenant) -> "Iterator[Fault]":
    seen: set[str] = set()
    for number, scope in enumerate(tenant.scopes):
        if scope.aws in seen:
            yield document.fault(("scopes", number, "aws"), f"the account {scope.aws} stands twice")
        seen.add(scope.aws)
        yield from login_faults(document, ("scopes", number), scope, scope.aws)
        if scope.write:
            yield from login_faults(document, ("scopes", number, "write"), scope.write, scope.aws)
    for number, organization in enumerate(tenant.organizations):
        if organization.management not in organization.role:
            place = ("organizations", number, "role")
            yield document.fault(place, f"is not a role of the account {organization.management}")
    yield from feeds.faults(document, tenant)


def _external_ids(tenant: Tenant) -> Iterator[tuple[str, list[str]]]:
    for scope in tenant.scopes:
        logins = (scope, scope.write) if scope.write else (scope,)
        yield scope.aws, [login.external_id for login in logins if login.external_id]
    yield from ((feed.aws, [feed.external_id]) for feed in tenant.logs or () if feed.external_id)


def _named(tenant: Tenant, id_: str) -> Named | None:
    if not id_.lower().startswith("arn:"):
        return None
    found = _ARN.fullmatch(id_)
    if found is None:
        return Named(fault="is no full ARN of one resource: arn:aws:SERVICE:REGION:ACCOUNT:RESOURCE, without patterns")
    ours = {scope.aws for scope in tenant.scopes}
    if tenant.organizations or not (account := found["account"]) or account in ours:
        return Named(doubt="" if ours or tenant.organizations else "the tenant has no AWS account")
    return Named(doubt=f"the account {account} is none of the tenant's")


def _change_role(needs: list[str]) -> Role:
    """Return an IAM policy."""
    statement = {"Sid": "HinomiChange", "Effect": "Allow", "Action": needs, "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def _to_read(format: str, types: "Sequence[ResourceType]") -> str:
    from collectors.aws import permissions

    renders = {
        "json": permissions.policy_document,
        "cloudformation": permissions.cloudformation,
        "terraform": permissions.terraform,
    }
    return as_json(renders[format](types))


def _enter_cluster(row: "AssetRow") -> tuple[str, ...]:
    return ("aws", "eks", "update-kubeconfig", "--name", row.name, "--region", row.region, "--kubeconfig", row.name)


PROVIDER = Provider(
    NAME,
    types=_types,
    file=TenantFile(("scopes", "organizations"), _scopes, _faults, _external_ids, _named),
    opening=_opening,
    organisations=Organisations(_groups, _members, _member),
    permissions=Permissions(
        help="Print the read-only policy, made from the resource types.",
        formats=("json", "cloudformation", "terraform"),
        format_help="an IAM policy, a CloudFormation template, or Terraform in JSON (save it as NAME.tf.json)",
        to_read=_to_read,
        to_change=_change_role,
        text=as_json,
        by_option=True,
    ),
    check=Check(
        help="Judge one AWS account. Exit 0: all known; 3: some unknown; 2: could not run.",
        options=(
            CheckOption("region", "only this region; global services are always read", many=True),
            CheckOption("profile", "profile of the AWS configuration"),
            CheckOption("role", "ARN of a role to assume"),
            CheckOption("external_id", "external id for the role"),
        ),
    ),
    feeds=Feeds(feeds.feeds_of, feeds.enter, feeds.alone, feeds.role, feeds.delivered),
    clusters={"aws.eks.cluster": _enter_cluster},
)
