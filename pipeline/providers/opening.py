"""Opens clients of the places of a tenant's file, whichever cloud they are in.

Each cloud's SDK is imported when a place of that cloud is entered: together they take more than a second.
"""

import uuid
from collections.abc import Sequence

from model.call import WriteCloud
from model.clock import Clock
from model.collector import Collector
from model.tenant import AwsOrganization, AwsScope
from pipeline.assembly import Catalog
from pipeline.tenants.scopes import (
    AzureScope,
    GcpParent,
    GcpScope,
    Group,
    KubernetesScope,
    ManagementGroupOf,
    Members,
    Scope,
)


def connect(scope: Scope, catalog: Catalog, clock: Clock) -> Collector:
    """Return the collector of a scope, for the catalog's types, and waits between tries by the clock.

    Raises `Refused` where it cannot be entered.
    """
    match scope:
        case AwsScope():
            from pipeline.providers import aws

            return aws.connect(scope, catalog, clock)
        case AzureScope():
            from pipeline.providers import azure

            return azure.connect(scope, catalog, clock)
        case GcpScope():
            from pipeline.providers import gcp

            return gcp.connect(scope, catalog, clock)
        case KubernetesScope():
            from pipeline.providers import kubernetes

            return kubernetes.connect(scope, catalog, clock)


def connect_write(scope: Scope, needs: Sequence[str], clock: Clock) -> WriteCloud:
    """Return the client for changes in a scope, for the permissions that it `needs`; the clock waits between tries.

    Raises `Refused` where none is given.
    """
    match scope:
        case AwsScope():
            from pipeline.providers import aws

            return aws.connect_write(scope, needs, clock)
        case AzureScope():
            from pipeline.providers import azure

            return azure.connect_write(scope, clock)
        case GcpScope():
            from pipeline.providers import gcp

            return gcp.connect_write(scope, clock)
        case KubernetesScope():
            from pipeline.providers import kubernetes

            return kubernetes.connect_write(scope, clock)


def list_members(group: Group, external_id: str, clock: Clock) -> Members:
    """Return what stands in a group of scopes, an organisation; raises `Refused` where it cannot be listed.

    Its role asks for the external id; the clock waits between tries.
    """
    match group:
        case AwsOrganization():
            from pipeline.providers import aws

            return aws.list_members(group, external_id, clock)
        case ManagementGroupOf():
            from pipeline.providers import azure

            return azure.list_members(group, clock)
        case GcpParent():
            from pipeline.providers import gcp

            return gcp.list_members(group, clock)


def new_external_id() -> str:
    """Return an external id that nobody can guess."""
    return str(uuid.uuid4())
